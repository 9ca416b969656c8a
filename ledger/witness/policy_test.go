package witness_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	cosignature "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"

	"github.com/phrledger/phr/ledger/witness"
)

// cosigner is a key of somebody who cosigns.
type cosigner struct {
	signer  note.Signer
	key     string
	private ed25519.PrivateKey
}

func newCosigner(t testing.TB, name string) cosigner {
	t.Helper()
	secret, public, err := note.GenerateKey(rand.Reader, name)
	if err != nil {
		t.Fatal(err)
	}
	seed := must(base64.StdEncoding.DecodeString(strings.SplitN(secret, "+", 5)[4]))[1:]
	return cosigner{must(cosignature.NewSignerForCosignatureV1(secret)), must(cosignature.VKeyToCosignatureV1(public)), ed25519.NewKeyFromSeed(seed)}
}

// cosignAt returns the line by which a cosigner signs a text as of some second.
func cosignAt(c cosigner, text string, second uint64) []byte {
	sig := binary.BigEndian.AppendUint32(nil, c.signer.KeyHash())
	sig = binary.BigEndian.AppendUint64(sig, second)
	sig = append(sig, ed25519.Sign(c.private, fmt.Appendf(nil, "cosignature/v1\ntime %d\n%s", second, text))...)
	return fmt.Appendf(nil, "— %s %s\n", c.signer.Name(), base64.StdEncoding.EncodeToString(sig))
}

// policies are texts that a policy may have, as their authors wrote them.
func policies(t testing.TB) map[string]string {
	t.Helper()
	l := newLog(t, origin, 0, "").key.String()
	var x, y [3]string
	for i := range x {
		x[i], y[i] = newCosigner(t, fmt.Sprintf("x.example/%d", i)).key, newCosigner(t, fmt.Sprintf("y.example/%d", i)).key
	}
	_, dsa, err := cosignature.GenerateMLDSAKey("z.example")
	if err != nil {
		t.Fatal(err)
	}
	return map[string]string{
		"nobody": "quorum none\n",
		"one":    "witness w " + x[0] + "\nquorum w\n",
		"the page's example": "log " + l + "\n\n" +
			"witness X1 " + x[0] + "\nwitness X2 " + x[1] + "\nwitness X3 " + x[2] + "\ngroup X-witnesses 2 X1 X2 X3\n\n" +
			"witness Y1 " + y[0] + "\nwitness Y2 " + y[1] + "\nwitness Y3 " + y[2] + "\ngroup Y-witnesses any Y1 Y2 Y3\n\n" +
			"group X-and-Y all X-witnesses Y-witnesses\nquorum X-and-Y\n",
		"in any order, with addresses and comments": " # who\n\twitness  \u212a\xff " + x[0] + "\thttps://x.example/0 \nquorum \u212a\xff\n" +
			"witness K " + x[1] + "\n\nlog " + l + " https://log.example/#1\n#\n \t\nwitness z " + dsa + "\n",
	}
}

// The text of a policy is read in any form, and written in one.
func TestPolicyText(t *testing.T) {
	for name, text := range policies(t) {
		p, err := witness.ParsePolicy([]byte(text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if again := must(witness.ParsePolicy([]byte(p.String()))); again.String() != p.String() {
			t.Errorf("%s: %q is read as %q", name, p, again)
		}
	}
	l, w, v := newLog(t, origin, 0, "").key.String(), newCosigner(t, "w").key, newCosigner(t, "v").key
	text := "witness v " + v + " https://v.example\ngroup all any v\n  witness w " + w + "\nlog " + l + "\tphr://x\ngroup g all w all\nquorum g # \n"
	if _, err := witness.ParsePolicy([]byte(text)); err == nil {
		t.Error("a comment at the end of a line is none")
	}
	want := "log " + l + " phr://x\nwitness v " + v + " https://v.example\nwitness w " + w + "\ngroup all 1 v\ngroup g 2 w all\nquorum g\n"
	p := must(witness.ParsePolicy([]byte(strings.Replace(text, " # ", "", 1))))
	if got := p.String(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if p.Logs[0].URL != "phr://x" || p.Cosigners[0].URL != "https://v.example" || p.Cosigners[1].URL != "" || p.Cosigners[0].Key.Name() != "v" {
		t.Errorf("read as %+v", p)
	}
}

// What the page of C2SP on tlog-policy rules out is refused, by the line.
func TestPolicyRefused(t *testing.T) {
	l := newLog(t, origin, 0, "").key.String()
	a, b := newCosigner(t, "a").key, newCosigner(t, "b").key
	for !strings.ContainsAny(a[2:10], "abcdef") {
		a = newCosigner(t, "a").key
	}
	_, encoded, _ := strings.Cut(strings.SplitN(a, "+", 2)[1], "+")
	other := renamed(a, "c")
	for _, test := range []struct{ name, text, want string }{
		{"empty", "", "no quorum line"},
		{"no quorum", "witness a " + a + "\n", "no quorum line"},
		{"two quorums", "quorum none\nquorum none\n", "line 2 of the policy: there is a quorum line already"},
		{"a quorum of two", "witness a " + a + "\nwitness b " + b + "\nquorum a b\n", "line 3"},
		{"a quorum of nobody", "quorum\n", "line 1"},
		{"a quorum that is defined later", "quorum a\nwitness a " + a + "\n", "line 1 of the policy: \"a\" is not defined"},
		{"a quorum that is not defined", "\n\nquorum a\n", "line 3"},
		{"a word that is none", "quorun none\n", "\"quorun\" is none of"},
		{"in capitals", "Quorum none\n", "is none of"},
		{"no newline", "quorum none", "line 1 of the policy: it does not end in a newline"},
		{"carriage return", "quorum none\r\n", "control character 0x0d"},
		{"NUL in a comment", "#\x00\nquorum none\n", "control character 0x00"},
		{"DEL", "quorum none\x7f\n", "control character 0x7f"},
		{"no-break space is no space", "quorum\u00a0none\n", "is none of"},
		{"a log without a key", "log\nquorum none\n", "it is not: log"},
		{"a log with too much", "log " + l + " u v\nquorum none\n", "it is not: log"},
		{"a log twice", "log " + l + "\nlog " + l + " u\nquorum none\n", "line 2 of the policy: another line has the key"},
		{"a witness without a key", "witness a\nquorum none\n", "it is not: witness"},
		{"a witness with too much", "witness a " + a + " u v\nquorum none\n", "it is not: witness"},
		{"a witness twice", "witness a " + a + "\nwitness b " + a + "\nquorum none\n", "line 2 of the policy: another line has the key"},
		{"a witness twice, under two names of its key", "witness a " + a + "\nwitness b " + other + "\nquorum none\n", "line 2 of the policy: another line has the key"},
		{"a log's key for a witness", "witness a " + l + "\nquorum none\n", "without a time"},
		{"one key for a log and a witness", "log " + a + "\nwitness a " + a + "\nquorum none\n", "another line has the key"},
		{"a name twice", "witness a " + a + "\nwitness a " + b + "\nquorum none\n", "the name \"a\" is taken"},
		{"a group with a witness's name", "witness a " + a + "\ngroup a any a\nquorum none\n", "the name \"a\" is taken"},
		{"a witness that is called none", "witness none " + a + "\nquorum none\n", "the name \"none\" is taken"},
		{"a group that is called none", "witness a " + a + "\ngroup none any a\nquorum none\n", "the name \"none\" is taken"},
		{"none in a group", "group g any none\nquorum g\n", "\"none\" is not defined"},
		{"a group of nobody", "group g any\nquorum g\n", "it is not: group"},
		{"a group of itself", "group g any g\nquorum g\n", "\"g\" is not defined"},
		{"a group of who comes later", "group g any a\nwitness a " + a + "\nquorum g\n", "line 1 of the policy: the member \"a\""},
		{"one in a group twice", "witness a " + a + "\ngroup g any a a\nquorum g\n", "is a member already"},
		{"one in two groups", "witness a " + a + "\nwitness b " + b + "\ngroup g any a\ngroup h any a b\nquorum h\n", "line 4 of the policy: \"a\" is a member already"},
		{"none of one", "witness a " + a + "\ngroup g 0 a\nquorum g\n", "\"0\" is neither"},
		{"two of one", "witness a " + a + "\ngroup g 2 a\nquorum g\n", "a number from 1 to 1"},
		{"fewer than none", "witness a " + a + "\ngroup g -1 a\nquorum g\n", "is neither"},
		{"a sign", "witness a " + a + "\ngroup g +1 a\nquorum g\n", "is neither"},
		{"a zero before", "witness a " + a + "\ngroup g 01 a\nquorum g\n", "is neither"},
		{"a number beyond any", "witness a " + a + "\ngroup g 99999999999999999999 a\nquorum g\n", "is neither"},
		{"a key that is none", "witness a b\nquorum none\n", "is not a verifier key"},
		{"another id", "witness a a+00000000+" + encoded + "\nquorum none\n", "its id"},
		{"an id in capitals", "witness a " + strings.Replace(a, a[2:10], strings.ToUpper(a[2:10]), 1) + "\nquorum none\n", "its id"},
		{"a key cut short", "witness a " + a[:len(a)-8] + "\nquorum none\n", "the verifier key"},
		{"a key of another type", "witness a a+00000000+CQ==\nquorum none\n", "type 9"},
		{"too long", strings.Repeat("#\n", 300<<10), "at most"},
	} {
		if _, err := witness.ParsePolicy([]byte(test.text)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.name, err, test.want)
		}
	}
}

// renamed returns the text of a key under another name.
func renamed(key, name string) string {
	parts := strings.SplitN(key, "+", 3)
	v := must(cosignature.NewVerifierForCosignatureV1(name + "+" + parts[1] + "+" + parts[2])) // takes any id
	return fmt.Sprintf("%s+%08x+%s", name, v.KeyHash(), parts[2])
}

// At least 32 of each are to be supported. More than there can be signatures are not.
func TestPolicySize(t *testing.T) {
	text := func(logs, witnesses, groups int) string {
		var b strings.Builder
		for i := range logs {
			fmt.Fprintf(&b, "log %s\n", newLog(t, fmt.Sprint("l", i), 0, "").key)
		}
		for i := range witnesses {
			fmt.Fprintf(&b, "witness w%d %s\n", i, newCosigner(t, fmt.Sprint("w", i)).key)
		}
		member := "w0"
		for i := range groups {
			fmt.Fprintf(&b, "group g%d any %s\n", i, member)
			member = fmt.Sprint("g", i)
		}
		return b.String() + "quorum " + member + "\n"
	}
	if p, err := witness.ParsePolicy([]byte(text(32, 32, 32))); err != nil || len(p.Logs) != 32 || len(p.Cosigners) != 32 || len(p.Groups) != 32 {
		t.Errorf("32 of each: %v", err)
	}
	for _, n := range [][3]int{{65, 1, 1}, {1, 65, 1}, {1, 1, 65}} {
		if _, err := witness.ParsePolicy([]byte(text(n[0], n[1], n[2]))); err == nil || !strings.Contains(err.Error(), "more than 64") {
			t.Errorf("%v: %v", n, err)
		}
	}
}

// FuzzParsePolicy writes what it could read, and reads it again.
func FuzzParsePolicy(f *testing.F) {
	for _, text := range policies(f) {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := witness.ParsePolicy(data)
		if err != nil {
			return
		}
		text := p.String()
		again, err := witness.ParsePolicy([]byte(text))
		if err != nil || again.String() != text {
			t.Fatalf("parsed %q, which is %q, and that is %v, %v", data, text, again, err)
		}
	})
}

// world is a log with five cosigners, and a policy that names them: two of a, b, c, and one of d and e.
type world struct {
	log       *aLog
	cosigners map[string]cosigner
	policy    *witness.Policy
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{log: newLog(t, origin, 9, "a"), cosigners: make(map[string]cosigner)}
	text := "log " + w.log.key.String() + "\n"
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		w.cosigners[name] = newCosigner(t, name+".example")
		text += "witness " + name + " " + w.cosigners[name].key + "\n"
	}
	text += "group abc 2 a b c\ngroup de any d e\ngroup both all abc de\nquorum both\n"
	w.policy = must(witness.ParsePolicy([]byte(text)))
	return w
}

// sign returns the checkpoint of size 9 with signatures of cosigners as of now.
func (w *world) sign(names string) []byte {
	signed := w.log.signed(9)
	for _, name := range strings.Split(names, "") {
		signed = must(note.Sign(must(note.Open(signed, note.VerifierList(w.log.key))), w.cosigners[name].signer))
	}
	return signed
}

// The quorum is met by those who make it, and by nobody else.
func TestQuorum(t *testing.T) {
	w := newWorld(t)
	for mask := range 32 {
		var names string
		for i := range 5 {
			if mask>>i&1 == 1 {
				names += string(rune('a' + i))
			}
		}
		abc := strings.Count(names, "a") + strings.Count(names, "b") + strings.Count(names, "c")
		want := abc >= 2 && strings.ContainsAny(names, "de")
		signed := w.log.signed(9)
		if names != "" {
			signed = w.sign(names)
		}
		c, err := w.policy.Check(signed, nil, time.Now())
		if (err == nil) != want {
			t.Errorf("cosigned by %q: %v", names, err)
			continue
		}
		var short *witness.QuorumError
		if !want && (!errors.As(err, &short) || len(short.Checked.Cosignatures) != len(names) || short.Checked.Size != 9 || !short.Checked.AsOf.IsZero()) {
			t.Errorf("cosigned by %q: %v, which is not what there is", names, err)
		}
		if want && (len(c.Cosignatures) != len(names) || c.Origin != origin || c.Size != 9 || c.Text != w.log.text(9) || c.AsOf.IsZero()) {
			t.Errorf("cosigned by %q: %+v", names, c)
		}
	}
}

// What the quorum vouches for is as old as the oldest signature that it can't do without.
func TestAsOf(t *testing.T) {
	w := newWorld(t)
	at := time.Unix(1_800_000_000, 0)
	for _, test := range []struct {
		at   map[string]int // minutes
		want int
	}{
		{map[string]int{"a": 1, "b": 2, "d": 3}, 1},
		{map[string]int{"a": 1, "b": 2, "c": 3, "d": 4}, 2},
		{map[string]int{"a": 5, "b": 4, "c": 3, "d": 1, "e": 2}, 2},
		{map[string]int{"a": 9, "b": 9, "d": 9}, 9},
	} {
		signed := w.log.signed(9)
		for name, minutes := range test.at {
			signed = appended(signed, cosignAt(w.cosigners[name], w.log.text(9), uint64(at.Unix())+uint64(60*minutes)))
		}
		c, err := w.policy.Check(signed, nil, at.Add(10*time.Minute))
		if err != nil {
			t.Errorf("%v: %v", test.at, err)
			continue
		}
		if want := at.Add(time.Duration(test.want) * time.Minute); !c.AsOf.Equal(want) {
			t.Errorf("%v: as of %v, want %v", test.at, c.AsOf, want)
		}
		for i, s := range c.Cosignatures {
			if want := at.Add(time.Duration(test.at[s.Cosigner]) * time.Minute); !s.Time.Equal(want) || i > 0 && s.Time.After(c.Cosignatures[i-1].Time) {
				t.Errorf("%v: the cosignatures are %v", test.at, c.Cosignatures)
			}
		}
	}
	if c, err := must(witness.ParsePolicy([]byte("quorum none\n"))).Check(w.sign("a"), w.log.key, time.Now()); err != nil || !c.AsOf.IsZero() || len(c.Cosignatures) != 0 {
		t.Errorf("where nobody is needed: %+v, %v", c, err)
	}
}
