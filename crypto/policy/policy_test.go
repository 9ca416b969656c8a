package policy_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/phrledger/phr/crypto/policy"
)

const gid = "kx3fabcdefghijklmnopqrstuvwxyz27"

func mustParse(t testing.TB, text string) *policy.Policy {
	t.Helper()
	p, err := policy.Parse(text)
	if err != nil {
		t.Fatalf("Parse(%q): %v", text, err)
	}
	return p
}

// list writes sets of attributes or authorities as one string: "a b | c".
func list[T interface{ ~string } | policy.Attribute](sets [][]T) string {
	var out []string
	for _, set := range sets {
		var names []string
		for _, x := range set {
			names = append(names, name(x))
		}
		out = append(out, strings.Join(names, " "))
	}
	return strings.Join(out, " | ")
}

func name(x any) string {
	if a, ok := x.(policy.Attribute); ok {
		return a.String()
	}
	return string(x.(policy.Authority))
}

// holding returns what Satisfied asks, for a list of attributes separated by spaces.
func holding(t testing.TB, attributes string) func(policy.Attribute) bool {
	t.Helper()
	held := map[policy.Attribute]bool{}
	for _, s := range strings.Fields(attributes) {
		a, err := policy.ParseAttribute(s)
		if err != nil {
			t.Fatal(err)
		}
		held[a] = true
	}
	return func(a policy.Attribute) bool { return held[a] }
}

func TestParseAttribute(t *testing.T) {
	long := strings.Repeat("a", 63)
	for _, tt := range []struct{ in, want string }{
		{"doctor@city-hospital", "doctor@city-hospital"},
		{"DOCTOR@Hospital", "doctor@hospital"},
		{"a@bb", "a@bb"},
		{"g-01jd.x-9@" + strings.ToUpper(gid), "g-01jd.x-9@" + gid},
		{"a@" + strings.Repeat("2", 32), "a@" + strings.Repeat("2", 32)},
		{long + "@" + long[:31], long + "@" + long[:31]},
		{"and@or", "and@or"},

		{"", ""},
		{"@", ""},
		{"a", ""},
		{"a@", ""},
		{"@bb", ""},
		{"a@b", ""},
		{"a@@bb", ""},
		{"a@bb@cc", ""},
		{"1a@bb", ""},
		{"-a@bb", ""},
		{".a@bb", ""},
		{"a.@bb", ""},
		{"a..b@cc", ""},
		{"a_b@cc", ""},
		{"a/b@cc", ""},
		{"a@1b", ""},
		{"a@-b", ""},
		{"a@b.c", ""},
		{"a@b_c", ""},
		{" a@bb", ""},
		{"a@bb ", ""},
		{"a @bb", ""},
		{long + "a@bb", ""},
		{"a@" + long[:33], ""},
		{"a@" + gid[:31] + "1", ""},
		{"a@" + gid[:31] + "-", ""},
		{"doctor@hospital#3", ""},
		{"(a@bb)", ""},
		{"a@bb,", ""},
	} {
		got, err := policy.ParseAttribute(tt.in)
		if tt.want == "" {
			if !errors.Is(err, policy.ErrMalformed) || got != (policy.Attribute{}) {
				t.Errorf("ParseAttribute(%q) = %q, %v, want ErrMalformed", tt.in, got, err)
			}
			continue
		}
		if err != nil || got.String() != tt.want {
			t.Errorf("ParseAttribute(%q) = %q, %v, want %q", tt.in, got, err, tt.want)
		}
	}
}

func TestAuthorityIsGID(t *testing.T) {
	for in, want := range map[string]bool{
		gid: true, strings.ToUpper(gid): true, strings.Repeat("7", 32): true,
		"city-hospital": false, "phr": false, strings.Repeat("a", 31): false,
	} {
		a, err := policy.ParseAuthority(in)
		if err != nil || a.IsGID() != want {
			t.Errorf("ParseAuthority(%q) = %q, %v; IsGID %v, want %v", in, a, err, a.IsGID(), want)
		}
	}
	for _, in := range []string{"", "a", gid + "a", gid[:31] + "0", "a@bb", "hospital ", "ho.spital", "höspital", "*", ">"} {
		if a, err := policy.ParseAuthority(in); !errors.Is(err, policy.ErrMalformed) || a != "" {
			t.Errorf("ParseAuthority(%q) = %q, %v, want ErrMalformed", in, a, err)
		}
	}
	for _, a := range []policy.Authority{"", "phr", policy.Authority(gid[:31] + "0"), policy.Authority(gid + "a"), policy.Authority(strings.ToUpper(gid))} {
		if a.IsGID() {
			t.Errorf("IsGID of %q", a)
		}
	}
}

func TestErrorsSayWhatWhereAndWhatToDo(t *testing.T) {
	for _, tt := range []struct{ in, where, what string }{
		{"", "byte 0", "the text ends; write an attribute"},
		{"a@xx or ", "byte 8", "the text ends; write an attribute"},
		{"a@xx b@yy", "byte 5", `"b@yy" can't stand here; write "and", "or" or the end`},
		{"a@xx or doctor", "byte 8", `"doctor" names no authority; write name@authority`},
		{"a@xx and (b@yy or c@zz", "byte 9", `never closed; add a ")"`},
		{"a@xx)", "byte 4", `")" can't stand here`},
		{"a@xx and not b@yy", "byte 9", "no negation"},
		{"!b@yy", "byte 0", "no negation"},
		{"a@xx && b@yy", "byte 5", `"&&" can't stand here; write "and", "or" or the end`},
		{"a@xx#3", "byte 4", `a version "#3" is never typed; leave it out`},
		{"3 of (a@xx, b@yy)", "byte 0", "threshold 3 of only 2"},
		{"2 a@xx", "byte 2", `write "of", as in 2 of (`},
		{"2 of 3 (a@xx)", "byte 5", `write "(", as in 2 of (`},
		{"a@xx or dоctor@hospital", "byte 9", "type a-z anew"},
		{strings.Repeat("a", 5000), "byte 4096", "the limit is 4096"},
	} {
		_, err := policy.Parse(tt.in)
		if !errors.Is(err, policy.ErrMalformed) {
			t.Errorf("Parse(%q): %v, want ErrMalformed", tt.in, err)
			continue
		}
		for _, want := range []string{tt.where + ": ", tt.what} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("Parse(%q): %v, want it to say %q", tt.in, err, want)
			}
		}
	}
}

func TestConstructors(t *testing.T) {
	a, b, c := mustParse(t, "a@xx"), mustParse(t, "b@yy"), mustParse(t, "c@zz")
	and := func(ps ...*policy.Policy) *policy.Policy {
		p, err := policy.And(ps...)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	for _, tt := range []struct {
		want string
		make func() (*policy.Policy, error)
	}{
		{"a@xx", func() (*policy.Policy, error) { return policy.And(a) }},
		{"a@xx", func() (*policy.Policy, error) { return policy.Or(a, a) }},
		{"a@xx and b@yy and c@zz", func() (*policy.Policy, error) { return policy.And(c, and(b, a)) }},
		{"c@zz or (a@xx and b@yy)", func() (*policy.Policy, error) { return policy.Or(and(b, a), c) }},
		{"2 of (a@xx, b@yy, c@zz)", func() (*policy.Policy, error) { return policy.Threshold(2, c, b, a) }},

		{"", func() (*policy.Policy, error) { return policy.And() }},
		{"", func() (*policy.Policy, error) { return policy.Or() }},
		{"", func() (*policy.Policy, error) { return policy.Threshold(0, a) }},
		{"", func() (*policy.Policy, error) { return policy.Threshold(-1, a, b) }},
		{"", func() (*policy.Policy, error) { return policy.Threshold(3, a, b) }},
	} {
		p, err := tt.make()
		switch {
		case tt.want == "" && !errors.Is(err, policy.ErrMalformed):
			t.Errorf("got %v, %v, want ErrMalformed", p, err)
		case tt.want != "" && err != nil:
			t.Errorf("got %v, want %q", err, tt.want)
		case tt.want != "" && (p.String() != tt.want || p.Hash() != mustParse(t, tt.want).Hash()):
			t.Errorf("got %q, want %q", p, tt.want)
		}
	}
}

func TestLeafPanicsOnInvalidAttribute(t *testing.T) {
	for _, a := range []policy.Attribute{{}, {Name: "a"}, {Name: "A", Authority: "xx"}, {Name: "a@xx or b", Authority: "yy"}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("Leaf(%q) did not panic", a)
				}
			}()
			policy.Leaf(a)
		}()
	}
}

func TestTree(t *testing.T) {
	p := mustParse(t, "(A@xx or 2 of (c@zz, b@yy, a@xx)) and d@xx")
	root := p.Root()
	if root.K != 2 || len(root.Children) != 2 {
		t.Fatalf("root is %d of %d, want 2 of 2", root.K, len(root.Children))
	}
	first, second := root.Children[0], root.Children[1]
	if len(first.Children) != 0 || first.K != 0 || first.Attribute.String() != "d@xx" {
		t.Errorf("first child is %+v, want the leaf d@xx", first)
	}
	if second.K != 1 || second.Children[1].K != 2 || len(second.Children[1].Children) != 3 {
		t.Errorf("second child is %+v, want an or over a 2 of 3", second)
	}
	if got := list([][]policy.Attribute{p.Leaves(), p.Attributes()}); got != "d@xx a@xx a@xx b@yy c@zz | a@xx b@yy c@zz d@xx" {
		t.Errorf("leaves and attributes are %s", got)
	}
	if got := list([][]policy.Authority{p.Authorities()}); got != "xx yy zz" {
		t.Errorf("authorities are %s", got)
	}
}

func BenchmarkParse64Leaves(b *testing.B) {
	text := wide(8, " or ", func(i int) string {
		return "(" + wide(8, " and ", func(j int) string { return attribute(8*i + j) }) + ")"
	})
	if n := len(mustParse(b, text).Leaves()); n != policy.MaxLeaves {
		b.Fatalf("%d leaves", n)
	}
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := policy.Parse(text); err != nil {
			b.Fatal(err)
		}
	}
}
