package abe_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/cloudflare/circl/ecc/bls12381"

	"github.com/phrledger/phr/crypto/abe"
	"github.com/phrledger/phr/crypto/policy"
)

// A decoder is a way in for bytes from outside, with one valid input.
type decoder struct {
	name  string
	valid []byte
	parse func([]byte) error
}

func decoders(t testing.TB) []decoder {
	e := expression(t, "doctor@hospital")
	_, ct := encapsulate(t, e, abe.Wrap, "")
	return []decoder{
		{"master key", master("hospital").Bytes(), func(b []byte) error { _, err := abe.ParseMasterKey(b); return err }},
		{"authority key", master("hospital").PublicKey().Bytes(), func(b []byte) error { _, err := abe.ParsePublicKey(b); return err }},
		{"attribute key", issue(t, alice, "doctor@hospital")[0].Bytes(), func(b []byte) error { _, err := abe.ParseAttributeKey(b); return err }},
		{"header", ct, func(b []byte) error { _, err := abe.ParseHeader(b); return err }},
		{"ciphertext", ct, func(b []byte) error { return e.Check(abe.Wrap, b) }},
	}
}

func TestAttack05_TruncatedOrTrailing(t *testing.T) {
	for _, d := range decoders(t) {
		if err := d.parse(d.valid); err != nil {
			t.Fatalf("%s: %v", d.name, err)
		}
		for n := range d.valid {
			if err := d.parse(d.valid[:n]); !errors.Is(err, abe.ErrMalformed) {
				t.Errorf("%s cut to %d of %d bytes: %v, want ErrMalformed", d.name, n, len(d.valid), err)
			}
		}
		for _, tail := range [][]byte{{0}, {0xf6}, {0xff}, d.valid, make([]byte, 1<<20)} {
			if err := d.parse(slices.Concat(d.valid, tail)); !errors.Is(err, abe.ErrMalformed) {
				t.Errorf("%s with %d trailing bytes: %v, want ErrMalformed", d.name, len(tail), err)
			}
		}
	}
}

func TestAttack05_TruncatedCiphertext(t *testing.T) {
	e := expression(t, "doctor@hospital")
	_, ct := encapsulate(t, e, abe.Wrap, "")
	keys := issue(t, alice, "doctor@hospital")
	for n := range ct {
		refuses(t, e, keys, abe.Wrap, "", ct[:n], abe.ErrDecapsulation)
	}
	refuses(t, e, keys, abe.Wrap, "", append(bytes.Clone(ct), 0), abe.ErrDecapsulation)
	refuses(t, e, keys, abe.Wrap, "", nil, abe.ErrDecapsulation)
}

func TestAttack07_FlippedByte(t *testing.T) {
	e := expression(t, "doctor@hospital")
	_, ct := encapsulate(t, e, abe.Wrap, "")
	keys := issue(t, alice, "doctor@hospital")
	for i := 0; i < len(ct); i += flipStep {
		bad := bytes.Clone(ct)
		bad[i] ^= 1 << (i % 8)
		refuses(t, e, keys, abe.Wrap, "", bad, abe.ErrDecapsulation)
	}
}

func TestAttack09_TwoOpenings(t *testing.T) {
	e := expression(t, "doctor@hospital or trainer@club")
	key, ct := encapsulate(t, e, abe.Wrap, "patient 1")
	doctor, trainer := issue(t, alice, "doctor@hospital"), issue(t, bob, "trainer@club")
	for _, keys := range [][]*abe.AttributeKey{doctor, trainer} {
		got, err := e.Decapsulate(keys, abe.Wrap, []byte("patient 1"), ct)
		if err != nil || got != key {
			t.Fatalf("honest decapsulation: %v", err)
		}
	}
	refuses(t, e, doctor, abe.Wrap, "patient 2", ct, abe.ErrDecapsulation)
	refuses(t, e, doctor, abe.Wrap, "", ct, abe.ErrDecapsulation)

	second := func(policy.Attribute) (uint32, bool) { return 2, true }
	later, err := master("hospital").Issue(stream("later"), alice, "doctor", 2)
	if err != nil {
		t.Fatal(err)
	}
	refuses(t, resolve(t, e.Policy().String(), second), []*abe.AttributeKey{later}, abe.Wrap, "patient 1", ct, abe.ErrDecapsulation)
	refuses(t, expression(t, "doctor@hospital"), doctor, abe.Wrap, "patient 1", ct, abe.ErrDecapsulation)

	// The same rows under another header, or another row or mask under the same.
	_, other, err := e.Encapsulate(stream("other"), abe.Wrap, []byte("patient 1"))
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(a, b *wireCiphertext){
		"mask":       func(a, b *wireCiphertext) { a.Masked = b.Masked },
		"rows":       func(a, b *wireCiphertext) { a.Rows = b.Rows },
		"first row":  func(a, b *wireCiphertext) { copy(a.Rows, b.Rows[:768]) },
		"second row": func(a, b *wireCiphertext) { copy(a.Rows[768:], b.Rows[768:]) },
	} {
		mixed := edit(t, ct, func(a *wireCiphertext) {
			edit(t, other, func(b *wireCiphertext) { change(a, b) })
		})
		for _, keys := range [][]*abe.AttributeKey{doctor, trainer} {
			t.Run(name, func(t *testing.T) {
				refuses(t, e, keys, abe.Wrap, "patient 1", mixed, abe.ErrDecapsulation)
			})
		}
	}
}

func TestAttack16_PooledKeys(t *testing.T) {
	e := expression(t, "doctor@hospital and trainer@club")
	key, ct := encapsulate(t, e, abe.Wrap, "")
	half, otherHalf := issue(t, alice, "doctor@hospital"), issue(t, bob, "trainer@club")
	refuses(t, e, half, abe.Wrap, "", ct, abe.ErrNotSatisfied)
	refuses(t, e, otherHalf, abe.Wrap, "", ct, abe.ErrNotSatisfied)
	refuses(t, e, slices.Concat(half, otherHalf), abe.Wrap, "", ct, abe.ErrNotSatisfied)

	// Bob's key with Alice's name on it.
	refuses(t, e, slices.Concat(half, retarget(t, otherHalf, alice)), abe.Wrap, "", ct, abe.ErrDecapsulation)
	refuses(t, e, slices.Concat(retarget(t, half, bob), otherHalf), abe.Wrap, "", ct, abe.ErrDecapsulation)

	whole := issue(t, alice, "doctor@hospital", "trainer@club")
	if got, err := e.Decapsulate(whole, abe.Wrap, nil, ct); err != nil || got != key {
		t.Errorf("one person with both keys: %v", err)
	}
}

// retarget writes another GID into keys.
func retarget(t *testing.T, keys []*abe.AttributeKey, gid string) []*abe.AttributeKey {
	t.Helper()
	var out []*abe.AttributeKey
	for _, k := range keys {
		forged, err := abe.ParseAttributeKey(edit(t, k.Bytes(), func(w *wireAttributeKey) { w.GID = gid }))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, forged)
	}
	return out
}

func TestAttack17_RogueAuthorityKey(t *testing.T) {
	victim := master("hospital").PublicKey().Bytes()
	// e^(α+1) and g1^(y+1): the rogue knows the difference to the victim's secrets, but not the secrets.
	derived := func(w *wirePublicKey) {
		var x bls12381.Gt
		if err := x.UnmarshalBinary(w.Key[:576]); err != nil {
			t.Fatal(err)
		}
		x.Mul(&x, bls12381.Pair(bls12381.G1Generator(), bls12381.G2Generator()))
		var p bls12381.G1
		if err := p.SetBytes(w.Key[576:]); err != nil {
			t.Fatal(err)
		}
		p.Add(&p, bls12381.G1Generator())
		w.Key = append(encodeGT(t, &x), p.BytesCompressed()...)
	}
	own := func(w *wirePublicKey) {
		edit(t, master("rogue").PublicKey().Bytes(), func(r *wirePublicKey) { w.Proof = r.Proof })
	}
	for name, change := range map[string]func(*wirePublicKey){
		"under another name":         func(w *wirePublicKey) { w.Authority = "rogue" },
		"under a GID":                func(w *wirePublicKey) { w.Authority = alice },
		"with the rogue's proof":     func(w *wirePublicKey) { own(w); w.Authority = "rogue" },
		"derived, victim's proof":    func(w *wirePublicKey) { derived(w); w.Authority = "rogue" },
		"derived, rogue's proof":     func(w *wirePublicKey) { derived(w); own(w); w.Authority = "rogue" },
		"derived, the victim's name": derived,
		"half of it the rogue's": func(w *wirePublicKey) {
			edit(t, master("rogue").PublicKey().Bytes(), func(r *wirePublicKey) { copy(w.Key[576:], r.Key[576:]) })
		},
		"challenge and answers zeroed": func(w *wirePublicKey) { clear(w.Proof) },
	} {
		if _, err := abe.ParsePublicKey(edit(t, victim, change)); !errors.Is(err, abe.ErrMalformed) {
			t.Errorf("%s: %v, want ErrMalformed", name, err)
		}
	}
}

func TestAttack18_TwoKeysOfOneAuthority(t *testing.T) {
	second, err := abe.GenerateMasterKey(stream("second"), "hospital")
	if err != nil {
		t.Fatal(err)
	}
	p, err := policy.Parse("doctor@hospital")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := abe.NewExpression(p, version1, master("hospital").PublicKey(), second.PublicKey()); err == nil {
		t.Error("an expression with two keys of one authority")
	}

	// A key issued under one of them is of no use under the other, and says so.
	key := issue(t, alice, "doctor@hospital")
	if err := key[0].Verify(second.PublicKey()); !errors.Is(err, abe.ErrKeyMismatch) {
		t.Errorf("Verify against the other key: %v, want ErrKeyMismatch", err)
	}
	e, err := abe.NewExpression(p, version1, second.PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	_, ct := encapsulate(t, e, abe.Wrap, "")
	refuses(t, e, key, abe.Wrap, "", ct, abe.ErrNotSatisfied)
}

func TestAttack19_IssuedForAnotherAuthority(t *testing.T) {
	hospital := master("hospital").PublicKey()
	e := expression(t, "doctor@hospital")
	_, ct := encapsulate(t, e, abe.Wrap, "")
	own, err := master("club").Issue(stream("own"), alice, "doctor", 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := own.Verify(hospital); !errors.Is(err, abe.ErrKeyMismatch) {
		t.Errorf("Verify: %v, want ErrKeyMismatch", err)
	}
	refuses(t, e, []*abe.AttributeKey{own}, abe.Wrap, "", ct, abe.ErrNotSatisfied)

	forged, err := abe.ParseAttributeKey(edit(t, own.Bytes(), func(w *wireAttributeKey) {
		hash := hospital.Hash()
		w.Authority, w.AuthorityKey = "hospital", hash[:]
	}))
	if err != nil {
		t.Fatal(err)
	}
	if err := forged.Verify(hospital); !errors.Is(err, abe.ErrKeyMismatch) {
		t.Errorf("Verify of a forged key: %v, want ErrKeyMismatch", err)
	}
	refuses(t, e, []*abe.AttributeKey{forged}, abe.Wrap, "", ct, abe.ErrDecapsulation)
	for _, name := range []string{"doctor@hospital", "doctor@hospital#1", "doctor#2", "", "Doctor", "a or b"} {
		if _, err := master("club").Issue(stream("x"), alice, name, 1); err == nil {
			t.Errorf("issued an attribute named %q", name)
		}
	}
}

func TestAttack20_RetargetedKey(t *testing.T) {
	hospital := master("hospital").PublicKey()
	key := issue(t, alice, "doctor@hospital")[0]
	for name, change := range map[string]func(*wireAttributeKey){
		"another person":        func(w *wireAttributeKey) { w.GID = bob },
		"another attribute":     func(w *wireAttributeKey) { w.Name = "nurse" },
		"another version":       func(w *wireAttributeKey) { w.Version = 2 },
		"another authority":     func(w *wireAttributeKey) { w.Authority = "club" },
		"another authority key": func(w *wireAttributeKey) { w.AuthorityKey[0] ^= 1 },
		"another K":             func(w *wireAttributeKey) { copy(w.Key, bls12381.G2Generator().BytesCompressed()) },
		"another K'":            func(w *wireAttributeKey) { copy(w.Key[96:], bls12381.G1Generator().BytesCompressed()) },
	} {
		forged, err := abe.ParseAttributeKey(edit(t, key.Bytes(), change))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := forged.Verify(hospital); !errors.Is(err, abe.ErrKeyMismatch) {
			t.Errorf("%s: %v, want ErrKeyMismatch", name, err)
		}
	}
	e := expression(t, "doctor@hospital")
	_, ct := encapsulate(t, e, abe.Wrap, "")
	refuses(t, e, retarget(t, []*abe.AttributeKey{key}, bob), abe.Wrap, "", ct, abe.ErrDecapsulation)
}

func TestAttack29_WrapAsChallenge(t *testing.T) {
	e := expression(t, "doctor@hospital")
	keys := issue(t, alice, "doctor@hospital")
	for label, other := range map[abe.Label]abe.Label{abe.Wrap: abe.Challenge, abe.Challenge: abe.Approval, abe.Approval: abe.Wrap} {
		key, ct := encapsulate(t, e, label, "same")
		relabelled := edit(t, ct, func(w *wireCiphertext) { w.Label = string(other) })
		refuses(t, e, keys, other, "same", ct, abe.ErrDecapsulation)
		refuses(t, e, keys, other, "same", relabelled, abe.ErrDecapsulation)
		refuses(t, e, keys, label, "same", relabelled, abe.ErrDecapsulation)
		if err := e.Check(other, ct); !errors.Is(err, abe.ErrMalformed) {
			t.Errorf("Check: %v, want ErrMalformed", err)
		}
		// The same coins under the other label give another key and share no row.
		otherKey, otherCt := encapsulate(t, e, other, "same")
		if key == otherKey {
			t.Error("one key under both labels")
		}
		edit(t, otherCt, func(w *wireCiphertext) {
			if bytes.Contains(ct, w.Rows[:48]) {
				t.Error("one row under both labels")
			}
		})
	}
	for _, label := range []abe.Label{"", "WRAP", "wrap ", "none"} {
		if _, _, err := e.Encapsulate(stream("x"), label, nil); err == nil {
			t.Errorf("encapsulated under the label %q", label)
		}
		_, ct := encapsulate(t, e, abe.Wrap, "")
		if _, err := abe.ParseHeader(edit(t, ct, func(w *wireCiphertext) { w.Label = string(label) })); !errors.Is(err, abe.ErrMalformed) {
			t.Errorf("header with the label %q: %v, want ErrMalformed", label, err)
		}
	}
}

// TestVersionedText tries texts that are not what an encapsulation writes.
func TestVersionedText(t *testing.T) {
	_, ct := encapsulate(t, expression(t, "2 of (a@hospital, a@hospital, b@club) and c@club"), abe.Wrap, "")
	h, err := abe.ParseHeader(ct)
	if err != nil {
		t.Fatal(err)
	}
	if want := "c@club and 2 of (a@hospital, a@hospital, b@club)"; h.Policy.String() != want || !slices.Equal(h.Versions, []uint32{1, 1, 1}) {
		t.Fatalf("header says %q, versions %v", h.Policy, h.Versions)
	}
	const a, b, c = "a@hospital#1", "b@club#1", "c@club#1"
	for name, text := range map[string]string{
		"no versions":        "c@club and 2 of (a@hospital, a@hospital, b@club)",
		"one is missing":     "c@club and 2 of (" + a + ", " + a + ", " + b + ")",
		"two versions":       c + " and 2 of (" + a + ", a@hospital#2, " + b + ")",
		"leading zero":       "c@club#01 and 2 of (" + a + ", " + a + ", " + b + ")",
		"sign":               "c@club#+1 and 2 of (" + a + ", " + a + ", " + b + ")",
		"overflow":           "c@club#4294967296 and 2 of (" + a + ", " + a + ", " + b + ")",
		"version in a name":  "c#1@club and 2 of (" + a + ", " + a + ", " + b + ")",
		"version of the k":   c + " and 2#1 of (" + a + ", " + a + ", b@club)",
		"other order":        "2 of (" + a + ", " + a + ", " + b + ") and " + c,
		"upper case":         "C@club#1 and 2 of (" + a + ", " + a + ", " + b + ")",
		"two spaces":         c + " and  2 of (" + a + ", " + a + ", " + b + ")",
		"nothing":            "",
		"only a version":     "#1",
		"versions only":      strings.Repeat("#1", 4),
		"very many versions": strings.Repeat("a@hospital#1 or ", 2000) + a,
	} {
		bad := edit(t, ct, func(w *wireCiphertext) { w.Policy = text })
		if _, err := abe.ParseHeader(bad); !errors.Is(err, abe.ErrMalformed) {
			t.Errorf("%s: %v, want ErrMalformed", name, err)
		}
	}
}
