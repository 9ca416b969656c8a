package policy_test

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/phrledger/phr/crypto/policy"
)

// wide joins n operands.
func wide(n int, word string, operand func(i int) string) string {
	parts := make([]string, n)
	for i := range parts {
		parts[i] = operand(i)
	}
	return strings.Join(parts, word)
}

func attribute(i int) string { return fmt.Sprintf("a%d@authority-%d", i, i%5) }

// refused wants the error of a limit and next to no memory spent on finding it.
func refused(t *testing.T, text string) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := policy.Parse(text)
	runtime.ReadMemStats(&after)
	if !errors.Is(err, policy.ErrMalformed) || !errors.Is(err, policy.ErrTooComplex) {
		t.Errorf("%.60q… (%d bytes): %v, want ErrMalformed and ErrTooComplex", text, len(text), err)
	}
	if spent := after.TotalAlloc - before.TotalAlloc; spent > 256<<10 {
		t.Errorf("%.60q… (%d bytes): %d bytes allocated before it was refused", text, len(text), spent)
	}
}

func TestAttack10_MillionLeaves(t *testing.T) {
	for _, word := range []string{" or ", " and ", ","} {
		million := strings.Repeat("a@xx"+word, 1_000_000) + "a@xx"
		refused(t, million)
		refused(t, "2 of ("+million+")")
	}
	for _, word := range []string{" or ", " and "} {
		refused(t, wide(policy.MaxLeaves+1, word, attribute))
		refused(t, strings.Repeat("a@xx"+word, policy.MaxLeaves)+"a@xx") // one attribute, repeated
		refused(t, strings.Repeat("(a@xx)"+word, 300)+"a@xx")
	}
	refused(t, "2 of ("+wide(policy.MaxLeaves+1, ",", attribute)+")")
	mustParse(t, wide(policy.MaxLeaves, " or ", attribute))

	one := mustParse(t, "a@xx")
	many := make([]*policy.Policy, 1_000_000)
	for i := range many {
		many[i] = one
	}
	if _, err := policy.Or(many...); !errors.Is(err, policy.ErrTooComplex) {
		t.Errorf("Or of a million: %v, want ErrTooComplex", err)
	}
	half := mustParse(t, wide(40, " or ", attribute))
	rest := mustParse(t, wide(40, " and ", attribute))
	if _, err := policy.Threshold(2, half, rest, one); !errors.Is(err, policy.ErrTooComplex) {
		t.Errorf("Threshold over 81 leaves: %v, want ErrTooComplex", err)
	}
}

func TestAttack10_NestedThresholds(t *testing.T) {
	nested := func(levels int) string {
		return strings.Repeat("2 of (a@xx, b@yy, ", levels) + "c@zz" + strings.Repeat(")", levels)
	}
	mustParse(t, nested(policy.MaxDepth))
	refused(t, nested(policy.MaxDepth+1))
	refused(t, nested(100_000))

	// Without parentheses too, a level can't be smuggled in: each ( ) here holds an or over an and.
	flat := strings.Repeat("a@xx or b@yy and (", 5) + "c@zz" + strings.Repeat(")", 5)
	refused(t, flat)

	p := mustParse(t, nested(policy.MaxDepth))
	if _, err := policy.Threshold(2, p, mustParse(t, "a@xx"), mustParse(t, "b@yy")); !errors.Is(err, policy.ErrTooComplex) {
		t.Errorf("one level more by Threshold: %v, want ErrTooComplex", err)
	}
}

func TestAttack10_CanonicalTextTooLong(t *testing.T) {
	// Just within the limit as typed, beyond it with the canonical parentheses.
	long := strings.Repeat("x", 53)
	text := wide(32, " or ", func(i int) string {
		return fmt.Sprintf("a%02d%s@xx and b%02d%s@xx", i, long, i, long)
	})
	text += strings.Repeat(" ", policy.MaxText-len(text))
	_, err := policy.Parse(text)
	if !errors.Is(err, policy.ErrTooComplex) || !strings.Contains(err.Error(), "in canonical form") {
		t.Errorf("Parse: %v, want ErrTooComplex for the canonical form", err)
	}
}

func TestAttack10_ExponentialQuestions(t *testing.T) {
	pairs := mustParse(t, wide(32, " and ", func(i int) string {
		return fmt.Sprintf("(a%d@xx or b%d@yy)", i, i)
	}))
	half := mustParse(t, "32 of ("+wide(64, ", ", attribute)+")")
	mesh := mustParse(t, wide(16, " and ", func(i int) string {
		return fmt.Sprintf("2 of (%s, %s, %s, %s)", attribute(i), attribute(5*i%17), attribute(7*i%23), attribute(20+11*i%13))
	}))
	for name, p := range map[string]*policy.Policy{"pairs": pairs, "half": half, "mesh": mesh} {
		if _, err := p.MinimalSets(); !errors.Is(err, policy.ErrTooComplex) {
			t.Errorf("MinimalSets of %s: %v, want ErrTooComplex", name, err)
		}
		if _, err := policy.Widens(nil, p); !errors.Is(err, policy.ErrTooComplex) {
			t.Errorf("Widens to %s: %v, want ErrTooComplex", name, err)
		}
		if _, err := p.Coalitions(); err != nil {
			t.Errorf("Coalitions of %s, which has few authorities: %v", name, err)
		}
		ok, missing := p.Satisfied(func(policy.Attribute) bool { return false })
		if ok || len(missing) == 0 || len(missing) > 16 {
			t.Errorf("Satisfied of %s = %v with %d proposals, want 1 to 16", name, ok, len(missing))
		}
		for _, set := range missing {
			if ok, _ := p.Satisfied(func(a policy.Attribute) bool { return contains(set, a) }); !ok {
				t.Errorf("%s: adding %v does not satisfy it", name, set)
			}
		}
	}
	// Only 832 sets, but found by way of so many that it would stall whoever has to judge the policy.
	tangle := mustParse(t, wide(8, " and ", func(i int) string {
		return "6 of (" + wide(8, ", ", func(j int) string { return fmt.Sprintf("a%d@xx", (3*i+j*j)%22) }) + ")"
	}))
	if sets, err := tangle.MinimalSets(); !errors.Is(err, policy.ErrTooComplex) {
		t.Errorf("MinimalSets of tangle: %d sets, %v, want ErrTooComplex", len(sets), err)
	}
	if _, missing := half.Satisfied(func(policy.Attribute) bool { return false }); len(missing[0]) != 32 {
		t.Errorf("half: %d attributes proposed, want 32", len(missing[0]))
	}
}

func TestAttack11_Parentheses(t *testing.T) {
	for _, n := range []int{policy.MaxDepth + 1, 4000, 100_000} {
		refused(t, strings.Repeat("(", n))
		refused(t, strings.Repeat("(", n)+"a@xx"+strings.Repeat(")", n))
		refused(t, strings.Repeat("1 of (", n)+"a@xx"+strings.Repeat(")", n))
	}
	n := policy.MaxDepth
	if p := mustParse(t, strings.Repeat("(", n)+"a@xx"+strings.Repeat(")", n)); p.String() != "a@xx" {
		t.Errorf("redundant parentheses became %q", p)
	}
	for _, text := range []string{"(", ")", "()", "(a@xx", "a@xx)", "((a@xx)", "(a@xx))", ")a@xx(", "a@xx()", "1 of ()", "1 of (a@xx", "1 of (a@xx,)"} {
		if _, err := policy.Parse(text); !errors.Is(err, policy.ErrMalformed) {
			t.Errorf("Parse(%q): %v, want ErrMalformed", text, err)
		}
	}
}

func TestAttack12_HostileNames(t *testing.T) {
	for _, evil := range []string{
		"", "@", "#", ".", " ", "*", ">", "..", "\x00", "\n", "\r", "\t", "\x1b[31m", "\x7f", "\\", "/", "../", "'", `"`, "$JS", "%00", ":", "=", "+", "_",
		"\u202e", "\u200b", "\u00a0", "\ufeff", "\u0430", "\u0435", "ſ", "\u212a", "ａ", "\xff", "\xc3", "é", "𝐚",
	} {
		for _, text := range []string{
			evil + "doctor@hospital", "doc" + evil + "tor@hospital", "doctor@" + evil + "hospital", "doctor@hos" + evil + "pital",
			"doctor@hospital" + evil, evil, evil + "@hospital", "doctor@" + evil,
		} {
			if text == "doctor@hospital" || text == "doc.tor@hospital" {
				continue // nothing added, or a dot where it may stand
			}
			a, err := policy.ParseAttribute(text)
			if !errors.Is(err, policy.ErrMalformed) || a != (policy.Attribute{}) {
				t.Errorf("ParseAttribute(%+q) = %+q, %v, want ErrMalformed", text, a, err)
				continue
			}
			if strings.IndexFunc(err.Error(), func(r rune) bool { return r < ' ' || r > '~' }) >= 0 {
				t.Errorf("ParseAttribute(%+q) prints hostile text: %+q", text, err)
			}
			if p, err := policy.Parse(text); err == nil && strings.Trim(text, " \t\r\n") != "doctor@hospital" {
				t.Errorf("Parse(%+q) = %q, want ErrMalformed", text, p)
			}
		}
	}
}

func TestAttack13_VersionsAndThresholds(t *testing.T) {
	for _, text := range []string{
		"doctor@hospital#3", "doctor#3@hospital", "a@xx or doctor@hospital#3", "#", "#3", "3#",
		"0 of (a@xx)", "00 of (a@xx)", "2 of (a@xx)", "3 of (a@xx, b@yy)", "65 of (a@xx)", "-1 of (a@xx)", "+1 of (a@xx)", "1.5 of (a@xx, b@yy)",
		"18446744073709551617 of (a@xx)", "9223372036854775808 of (a@xx)", "1e0 of (a@xx)", "0x1 of (a@xx)", "k of (a@xx)", "of (a@xx)", "1 (a@xx)", "1 of a@xx",
		"1 of", "1", "1 of 2", "1 of 2 (a@xx, b@yy)", "1 of (a@xx b@yy)", "1 of (a@xx; b@yy)", "1 of (, a@xx)", "1 of (a@xx,, b@yy)",
		"and", "or", "and a@xx", "a@xx and", "a@xx and and b@yy", "a@xx or or b@yy", "a@xx and or b@yy", "() and ()", "and and and", "or@", "not a@xx", "a@xx and !b@yy",
		"a@xx, b@yy", ",", "a@xx or (b@yy, c@zz)",
	} {
		if p, err := policy.Parse(text); !errors.Is(err, policy.ErrMalformed) {
			t.Errorf("Parse(%q) = %v, %v, want ErrMalformed", text, p, err)
		}
	}
}

func TestAttack14_SameMeaningSameHash(t *testing.T) {
	for _, texts := range [][]string{
		{"a@xx", " A@XX\n", "((a@xx))", "a@xx or a@xx", "a@xx and a@xx", "1 of (a@xx)", "1 of (a@xx, A@xx)", "2 of (a@xx, a@xx)", "a@xx or (a@xx and b@yy)", "a@xx and (b@yy or a@xx)"},
		{"a@xx or b@yy", "b@yy OR a@xx", "(b@yy)or(a@xx)", "1 of (b@yy, a@xx)", "1 OF(a@xx,b@yy)", "01 of (a@xx, b@yy)", "a@xx or (b@yy or a@xx)", "1 of (a@xx or b@yy, a@xx)"},
		{"a@xx and b@yy", "b@yy And\ta@xx", "2 of (b@yy, a@xx)", "a@xx and (b@yy and a@xx)", "(a@xx or c@zz) and a@xx and b@yy", "a@xx and b@yy or b@yy and a@xx and c@zz"},
		{"a@xx or (b@yy and c@zz)", "a@xx or b@yy and c@zz", "c@zz and b@yy or a@xx", "1 of (a@xx, 2 of (c@zz, b@yy))", "a@xx or b@yy and (c@zz and b@yy) or b@yy and a@xx"},
		{"2 of (a@xx, b@yy, c@zz)", "2 of (c@zz, a@xx, b@yy)", "2 of ((c@zz), a@xx or a@xx, 1 of (b@yy))"},
		{"(a@xx or b@yy) and (a@xx or c@zz)", "(c@zz or a@xx) and (b@yy or a@xx) and (a@xx or b@yy or c@zz)"},
	} {
		want := mustParse(t, texts[0])
		if want.String() != texts[0] {
			t.Errorf("%q is not canonical: %q", texts[0], want)
		}
		for _, text := range texts[1:] {
			if p := mustParse(t, text); p.Hash() != want.Hash() || p.String() != want.String() {
				t.Errorf("%q is %q, want %q", text, p, want)
			}
		}
	}
	different := []string{
		"a@xx", "b@xx", "a@yy", "a@xx or b@yy", "a@xx and b@yy", "a@xx or b@yy and c@zz", "(a@xx or b@yy) and c@zz",
		"2 of (a@xx, b@yy, c@zz)", "a@xx or b@yy or c@zz", "a@xx and b@yy and c@zz", "2 of (a@xx, a@xx, b@yy)",
	}
	seen := map[[32]byte]string{}
	for _, text := range different {
		h := mustParse(t, text).Hash()
		if other, found := seen[h]; found {
			t.Errorf("%q and %q have one hash", text, other)
		}
		seen[h] = text
	}
}

func TestAttack15_WideningIsShown(t *testing.T) {
	const before = "doctor@hospital and nurse@hospital"
	for _, tt := range []struct{ from, to, want string }{
		{before, before + " or mallory@evil", "mallory@evil"},
		{before, "doctor@hospital and (nurse@hospital or mallory@evil)", "doctor@hospital mallory@evil"},
		{before, "1 of (nurse@hospital, doctor@hospital)", "doctor@hospital | nurse@hospital"},
		{before, "2 of (doctor@hospital, nurse@hospital, mallory@evil)", "doctor@hospital mallory@evil | mallory@evil nurse@hospital"},
		{before, "2 of (doctor@hospital, doctor@hospital, nurse@hospital)", "doctor@hospital"},
		{before, "nurse@hospital AND doctor@hospital", ""},
		{before, before + " and chief@hospital", ""},
		{"a@xx or b@yy", "a@xx", ""},
		{"a@xx", "b@yy", "b@yy"},
		{"", "a@xx or b@yy and c@zz", "a@xx | b@yy c@zz"},
	} {
		var from *policy.Policy
		if tt.from != "" {
			from = mustParse(t, tt.from)
		}
		got, err := policy.Widens(from, mustParse(t, tt.to))
		if err != nil || list(got) != tt.want {
			t.Errorf("Widens(%q, %q) = %q, %v, want %q", tt.from, tt.to, list(got), err, tt.want)
		}
	}
}
