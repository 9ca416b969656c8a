package abe_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/phrledger/phr/crypto/abe"
	"github.com/phrledger/phr/crypto/policy"
)

func TestDecapsulate(t *testing.T) {
	for _, test := range []struct {
		policy string
		opens  [][]string
		shut   [][]string
	}{
		{"doctor@hospital", [][]string{{"doctor@hospital"}, {"nurse@hospital", "doctor@hospital"}}, [][]string{{"nurse@hospital"}, {}}},
		{
			"doctor@hospital or trainer@club",
			[][]string{{"doctor@hospital"}, {"trainer@club"}, {"doctor@hospital", "trainer@club"}},
			[][]string{{"doctor@club", "trainer@hospital"}},
		},
		{
			"doctor@hospital and trainer@club",
			[][]string{{"trainer@club", "doctor@hospital"}},
			[][]string{{"doctor@hospital"}, {"trainer@club"}},
		},
		{
			"3 of (a@hospital, b@club, c@insurer, d@hospital, e@club)",
			[][]string{{"a@hospital", "c@insurer", "e@club"}, {"b@club", "c@insurer", "d@hospital", "e@club"}},
			[][]string{{"a@hospital", "e@club"}},
		},
		{
			"patient@" + alice + " or 2 of (a@hospital and b@club, c@insurer, c@insurer)",
			[][]string{{"patient@" + alice}, {"c@insurer"}, {"a@hospital", "b@club", "c@insurer"}},
			[][]string{{"a@hospital", "b@club"}, {"a@hospital"}},
		},
	} {
		t.Run(test.policy, func(t *testing.T) {
			e := expression(t, test.policy)
			key, ct := encapsulate(t, e, abe.Challenge, "context")
			if err := e.Check(abe.Challenge, ct); err != nil {
				t.Error(err)
			}
			for _, held := range test.opens {
				got, err := e.Decapsulate(issue(t, bob, held...), abe.Challenge, []byte("context"), ct)
				if err != nil || got != key {
					t.Errorf("%v: %v, or another key", held, err)
				}
			}
			for _, held := range test.shut {
				refuses(t, e, issue(t, bob, held...), abe.Challenge, "context", ct, abe.ErrNotSatisfied)
			}
		})
	}
}

func TestLargestPolicy(t *testing.T) {
	var leaves, held []string
	for i := range policy.MaxLeaves {
		a := fmt.Sprintf("attribute-with-a-name-as-long-as-fits-%02d@hospital", i)
		if leaves = append(leaves, a); i >= policy.MaxLeaves-2 {
			held = append(held, a)
		}
	}
	e := expression(t, "2 of ("+strings.Join(leaves, ", ")+")")
	key, ct := encapsulate(t, e, abe.Wrap, "")
	if got, err := e.Decapsulate(issue(t, alice, held...), abe.Wrap, nil, ct); err != nil || got != key {
		t.Error(err)
	}
	if _, err := abe.ParseHeader(ct); err != nil {
		t.Error(err)
	}
}

func TestExpression(t *testing.T) {
	versions := map[string]uint32{"doctor@hospital": 3, "trainer@club": 4294967295, "agent@insurer": 0}
	version := func(a policy.Attribute) (uint32, bool) { v, ok := versions[a.String()]; return v, ok }
	e := resolve(t, "2 of (trainer@club, doctor@hospital, agent@insurer)", version)
	if got, want := e.Versions(), []uint32{0, 3, 4294967295}; !slices.Equal(got, want) {
		t.Errorf("versions %v, want %v", got, want)
	}
	var hashes [][32]byte
	for _, a := range []policy.Authority{"club", "hospital", "insurer"} {
		hashes = append(hashes, master(a).PublicKey().Hash())
	}
	if !slices.Equal(e.KeyHashes(), hashes) {
		t.Error("key hashes are not in order of the authorities")
	}

	_, ct := encapsulate(t, e, abe.Wrap, "")
	h, err := abe.ParseHeader(ct)
	if err != nil {
		t.Fatal(err)
	}
	if h.Suite != abe.RW15BLS12381 || h.Label != abe.Wrap || h.Policy.String() != e.Policy().String() ||
		!slices.Equal(h.Versions, e.Versions()) || !slices.Equal(h.KeyHashes, hashes) {
		t.Errorf("header %+v", h)
	}

	p := e.Policy()
	pk := func(a policy.Authority) *abe.PublicKey { return master(a).PublicKey() }
	delete(versions, "agent@insurer")
	if _, err := abe.NewExpression(p, version, pk("club"), pk("hospital"), pk("insurer")); err == nil {
		t.Error("an attribute without a version")
	}
	if _, err := abe.NewExpression(p, version1, pk("club"), pk("hospital")); err == nil {
		t.Error("an authority without a key")
	}
	if _, err := abe.NewExpression(p, version1, pk("club"), pk("hospital"), pk("insurer"), pk("employer")); err != nil {
		t.Errorf("a key too many: %v", err)
	}
}

func TestCheck(t *testing.T) {
	e := expression(t, "doctor@hospital and trainer@club")
	_, ct := encapsulate(t, e, abe.Wrap, "")
	second := resolve(t, e.Policy().String(), func(policy.Attribute) (uint32, bool) { return 2, true })
	for name, other := range map[string]*abe.Expression{
		"another policy": expression(t, "doctor@hospital or trainer@club"), "another version": second,
	} {
		if err := other.Check(abe.Wrap, ct); !errors.Is(err, abe.ErrMalformed) {
			t.Errorf("%s: %v, want ErrMalformed", name, err)
		}
	}
	for name, change := range map[string]func(*wireCiphertext){
		"another suite":     func(w *wireCiphertext) { w.Suite = 2 },
		"another key":       func(w *wireCiphertext) { w.Keys[1][0] ^= 1 },
		"keys swapped":      func(w *wireCiphertext) { slices.Reverse(w.Keys) },
		"a key too few":     func(w *wireCiphertext) { w.Keys = w.Keys[:1] },
		"a key too many":    func(w *wireCiphertext) { w.Keys = append(w.Keys, w.Keys[0]) },
		"a short key hash":  func(w *wireCiphertext) { w.Keys[0] = w.Keys[0][:31] },
		"a row too few":     func(w *wireCiphertext) { w.Rows = w.Rows[:768] },
		"a row too many":    func(w *wireCiphertext) { w.Rows = append(w.Rows, w.Rows[:768]...) },
		"rows shifted":      func(w *wireCiphertext) { w.Rows = append(w.Rows[1:], w.Rows[0]) },
		"a short mask":      func(w *wireCiphertext) { w.Masked = w.Masked[:31] },
		"a long mask":       func(w *wireCiphertext) { w.Masked = append(w.Masked, 0) },
		"a second row junk": func(w *wireCiphertext) { clear(w.Rows[768+576:]) },
	} {
		if err := e.Check(abe.Wrap, edit(t, ct, change)); !errors.Is(err, abe.ErrMalformed) {
			t.Errorf("%s: %v, want ErrMalformed", name, err)
		}
	}
}

func TestKeysSurviveEncoding(t *testing.T) {
	m := master("hospital")
	again, err := abe.ParseMasterKey(m.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(again.Bytes(), m.Bytes()) || !bytes.Equal(again.PublicKey().Bytes(), m.PublicKey().Bytes()) {
		t.Error("master key changed")
	}
	pk, err := abe.ParsePublicKey(m.PublicKey().Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if pk.Hash() != m.PublicKey().Hash() || pk.Authority() != "hospital" || !bytes.Equal(pk.Bytes(), m.PublicKey().Bytes()) {
		t.Error("authority key changed")
	}
	pk.Bytes()[0] ^= 1
	if !bytes.Equal(pk.Bytes(), m.PublicKey().Bytes()) {
		t.Error("Bytes gives the key's own slice away")
	}
	k := issue(t, alice, "doctor@hospital")[0]
	parsed, err := abe.ParseAttributeKey(k.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if parsed.GID() != alice || parsed.Attribute().String() != "doctor@hospital" || parsed.Version() != 1 || !bytes.Equal(parsed.Bytes(), k.Bytes()) {
		t.Error("attribute key changed")
	}
	if err := parsed.Verify(pk); err != nil {
		t.Error(err)
	}
}

func TestWrongNames(t *testing.T) {
	for _, a := range []policy.Authority{"", "a", "Hospital", "hos pital", "hospital#1", "x@hospital", "krankenhäuser"} {
		if _, err := abe.GenerateMasterKey(stream("x"), a); err == nil {
			t.Errorf("generated a key for %q", a)
		}
	}
	for _, gid := range []string{"", "alice", strings.ToUpper(alice), alice[1:], alice + "a", strings.Repeat("1", 32)} {
		if _, err := master("hospital").Issue(stream("x"), gid, "doctor", 1); err == nil {
			t.Errorf("issued a key to %q", gid)
		}
	}
}

func TestRandomSourceFails(t *testing.T) {
	e := expression(t, "doctor@hospital")
	for _, source := range [][]byte{nil, make([]byte, 31)} {
		if _, err := abe.GenerateMasterKey(bytes.NewReader(source), "hospital"); err == nil {
			t.Error("generated a master key from too little")
		}
		if _, err := master("hospital").Issue(bytes.NewReader(source), alice, "doctor", 1); err == nil {
			t.Error("issued a key from too little")
		}
		if key, ct, err := e.Encapsulate(bytes.NewReader(source), abe.Wrap, nil); err == nil || ct != nil || key != [32]byte{} {
			t.Error("encapsulated from too little")
		}
	}
	if _, err := abe.GenerateMasterKey(bytes.NewReader(make([]byte, 96)), "hospital"); err == nil {
		t.Error("generated a master key of zeros")
	}
}

func TestSecretsAreRedacted(t *testing.T) {
	m, k := master("hospital"), issue(t, alice, "doctor@hospital")[0]
	for _, v := range []any{m, *m, k, *k, struct{ Key any }{m}, []any{k}} {
		var log bytes.Buffer
		slog.New(slog.NewTextHandler(&log, nil)).Info("x", "key", v)
		asJSON, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{
			fmt.Sprint(v), fmt.Sprintf("%+v", v), fmt.Sprintf("%#v", v), fmt.Sprintf("%x", v), fmt.Sprintf("%d", v), string(asJSON), log.String(),
		} {
			if !strings.Contains(text, "redacted") || strings.Contains(text, "0x") {
				t.Errorf("%T prints as %s", v, text)
			}
		}
	}
	if m.String() != "redacted" || k.GoString() != "redacted" {
		t.Error("String or GoString says more than redacted")
	}
}

func TestExpressionIsSharedByGoroutines(t *testing.T) {
	e := expression(t, "doctor@hospital and trainer@club")
	keys := issue(t, alice, "doctor@hospital", "trainer@club")
	var wg sync.WaitGroup
	for i := range 3 {
		wg.Go(func() {
			context := []byte{byte(i)}
			key, ct, err := e.Encapsulate(stream(fmt.Sprint(i)), abe.Wrap, context)
			if err != nil {
				t.Error(err)
			}
			if got, err := e.Decapsulate(keys, abe.Wrap, context, ct); err != nil || got != key {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}
