package abe

import (
	"crypto/sha3"
	"crypto/subtle"
	"fmt"
	"io"
	"math/big"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/phrledger/phr/crypto/policy"
)

// The tests of this file take the place of a reader who does not stop at "policy not satisfied" and computes on.

func stream(seed string) io.Reader {
	xof := sha3.NewCSHAKE256(nil, []byte("phr/abe/test"))
	xof.Write([]byte(seed))
	return xof
}

var (
	alice = strings.Repeat("a", 32)
	bob   = strings.Repeat("b", 32)

	hospital = sync.OnceValue(func() *MasterKey { return mustGenerate("hospital") })
	club     = sync.OnceValue(func() *MasterKey { return mustGenerate("club") })
)

func mustGenerate(authority policy.Authority) *MasterKey {
	m, err := GenerateMasterKey(stream("master "+string(authority)), authority)
	if err != nil {
		panic(err)
	}
	return m
}

func expressionOf(t *testing.T, text string) *Expression {
	t.Helper()
	e, err := NewExpression(parsePolicy(t, text), func(policy.Attribute) (uint32, bool) { return 1, true },
		hospital().PublicKey(), club().PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func issueTo(t *testing.T, m *MasterKey, gid, name string) *AttributeKey {
	t.Helper()
	k, err := m.Issue(stream(gid+name), gid, name, 1)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// keysFor are one person's keys for every row of e.
func keysFor(t *testing.T, e *Expression, gid string) []*AttributeKey {
	t.Helper()
	var keys []*AttributeKey
	for _, r := range e.rows {
		m := hospital()
		if r.attribute.Authority == "club" {
			m = club()
		}
		keys = append(keys, issueTo(t, m, gid, r.attribute.Name))
	}
	return keys
}

// sealed is what an encapsulation to e hides, and the rows that hide it.
func sealed(e *Expression) (*gt, []byte) {
	return e.encrypt(e.coins([]byte("algebra"), []byte(e.text)))
}

// TestUnsatisfyingRowsFailInTheAlgebra: for every shape and set of rows, the set opens exactly if it satisfies the policy,
// whatever the reader does about what is missing.
func TestUnsatisfyingRowsFailInTheAlgebra(t *testing.T) {
	for _, text := range shapes {
		t.Run(text, func(t *testing.T) {
			e := expressionOf(t, text)
			z, rows := sealed(e)
			keys := keysFor(t, e, alice)
			for set := range 1 << len(e.rows) {
				held := func(i int) bool { return set>>i&1 == 1 }
				if ws := combine(e.policy.Root(), held); ws != nil {
					if got := openWith(t, ws, keys, rows); !got.IsEqual(z) {
						t.Errorf("rows %b satisfy the policy and do not open it", set)
					}
					continue
				}
				for name, o := range attempts(e, keys, held) {
					if got, err := o.decrypt(rows); err == nil && got.IsEqual(z) {
						t.Errorf("rows %b open the policy: %s", set, name)
					}
				}
			}
		})
	}
}

func openWith(t *testing.T, ws []weight, keys []*AttributeKey, rows []byte) *gt {
	t.Helper()
	o := opener{gid: alice, weights: ws}
	for _, w := range ws {
		o.keys = append(o.keys, keys[w.row])
	}
	z, err := o.decrypt(rows)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// attempts are what a reader of too few rows may try: leave the others out, weigh theirs by one, or open the others with
// a key of another attribute.
func attempts(e *Expression, keys []*AttributeKey, held func(int) bool) map[string]opener {
	var mine *AttributeKey
	var left, ones, other opener
	for i, k := range keys {
		if held(i) {
			mine = k
			ones.weights, ones.keys = append(ones.weights, weight{i, big.NewRat(1, 1)}), append(ones.keys, k)
		}
	}
	if mine == nil {
		return nil
	}
	for _, w := range combine(e.policy.Root(), func(int) bool { return true }) {
		if held(w.row) {
			left.weights, left.keys = append(left.weights, w), append(left.keys, keys[w.row])
			other.weights, other.keys = append(other.weights, w), append(other.keys, keys[w.row])
		} else if e.rows[w.row].attribute != mine.attribute {
			other.weights, other.keys = append(other.weights, w), append(other.keys, mine)
		}
	}
	tried := map[string]opener{"the others left out": left, "all weighed by one": ones, "another key for the others": other}
	for name, o := range tried {
		o.gid = alice
		tried[name] = o
	}
	return tried
}

// TestAttack16_PooledKeysInTheAlgebra: two readers, each with half of an and, under either name.
func TestAttack16_PooledKeysInTheAlgebra(t *testing.T) {
	e := expressionOf(t, "a@hospital and b@club")
	z, rows := sealed(e)
	ofAlice, ofBob := keysFor(t, e, alice), keysFor(t, e, bob)
	ws := combine(e.policy.Root(), func(int) bool { return true })
	for mine := range 4 {
		pooled := []*AttributeKey{ofAlice[0], ofAlice[1]}
		for i := range pooled {
			if mine>>i&1 == 1 {
				pooled[i] = ofBob[i]
			}
		}
		for _, gid := range []string{alice, bob} {
			o := opener{gid: gid, weights: ws, keys: pooled}
			got, err := o.decrypt(rows)
			if err != nil {
				t.Fatal(err)
			}
			onePerson := mine == 0 && gid == alice || mine == 3 && gid == bob
			if got.IsEqual(z) != onePerson {
				t.Errorf("keys %b as %.1s…: opened %t", mine, gid, !onePerson)
			}
		}
	}

	// Row by row, each under its own holder's name: C1 · e(C2, K) · e(K', C4) · e(C3, H(gid)) is e^λ · e(H, g1)^ω.
	var product gt
	product.SetIdentity()
	for i, o := range []opener{
		{gid: alice, weights: ws[:1], keys: ofAlice[:1]},
		{gid: bob, weights: ws[1:], keys: ofBob[1:]},
	} {
		part, err := o.decrypt(rows)
		if err != nil {
			t.Fatal(err)
		}
		if part.IsEqual(z) {
			t.Errorf("row %d opens alone", i)
		}
		product.Mul(&product, part)
	}
	if product.IsEqual(z) {
		t.Error("two persons' rows multiply to Z")
	}
}

// TestCorruptedAuthority: who has the master key of one authority opens nothing that needs another one.
func TestCorruptedAuthority(t *testing.T) {
	e := expressionOf(t, "a@hospital and b@club")
	z, rows := sealed(e)
	ws := combine(e.policy.Root(), func(int) bool { return true })
	second, err := GenerateMasterKey(stream("second"), "hospital")
	if err != nil {
		t.Fatal(err)
	}
	for name, k := range map[string]*AttributeKey{
		"another attribute of the honest one": issueTo(t, hospital(), alice, "b"),
		"the corrupted one's own":             issueTo(t, club(), alice, "a"),
		"one of a made-up master key":         issueTo(t, second, alice, "a"),
		"another person's":                    issueTo(t, hospital(), bob, "a"),
	} {
		o := opener{gid: alice, weights: ws, keys: []*AttributeKey{k, issueTo(t, club(), alice, "b")}}
		got, err := o.decrypt(rows)
		if err != nil {
			t.Fatal(err)
		}
		if got.IsEqual(z) {
			t.Errorf("opened with %s", name)
		}
	}
}

// TestAttack08_BranchesDisagree: a writer prepares an or so that its branches would open to different keys.
func TestAttack08_BranchesDisagree(t *testing.T) {
	e := expressionOf(t, "a@hospital or b@club")
	context := []byte("context")
	hdr := e.header(Wrap, context)
	mu1, mu2 := []byte(strings.Repeat("1", muSize)), []byte(strings.Repeat("2", muSize))
	z1, rows1 := e.encrypt(e.coins(mu1, hdr))
	z2, rows2 := e.encrypt(e.coins(mu2, hdr))

	// The first branch opens to μ1, and the second to whatever its mask leaves.
	enc := ciphertextEncoding{
		Suite: RW15BLS12381, Policy: e.text, Keys: e.hashes, Label: Wrap,
		Rows: slices.Concat(rows1[:rowSize], rows2[rowSize:]), Masked: make([]byte, muSize),
	}
	subtle.XORBytes(enc.Masked, mu1, mask(z1, hdr))
	keys := keysFor(t, e, alice)
	for i, z := range []*gt{z1, z2} {
		o, err := e.opener(keys[i : i+1])
		if err != nil {
			t.Fatal(err)
		}
		if got, err := o.decrypt(enc.Rows); err != nil || !got.IsEqual(z) {
			t.Fatalf("the attack is not mounted: branch %d does not decrypt to its own Z", i)
		}
		key, err := e.Decapsulate(keys[i:i+1], Wrap, context, encode(enc))
		if err != ErrDecapsulation || key != [32]byte{} {
			t.Errorf("branch %d: %v, want ErrDecapsulation", i, err)
		}
	}
	if err := e.Check(Wrap, encode(enc)); err != nil {
		t.Errorf("Check, which can't see it: %v", err)
	}
}

// TestLabelsSeparateCoins: one μ under two labels, contexts, versions or policies shares no coin.
func TestLabelsSeparateCoins(t *testing.T) {
	e := expressionOf(t, "a@hospital and b@club")
	mu := []byte(strings.Repeat("1", muSize))
	seen := make(map[string]string)
	for name, hdr := range map[string][]byte{
		"wrap": e.header(Wrap, nil), "challenge": e.header(Challenge, nil), "context": e.header(Wrap, []byte("c")),
		"policy": expressionOf(t, "a@hospital and c@club").header(Wrap, nil),
	} {
		c := e.coins(mu, hdr)
		for i, k := range slices.Concat(c.secret, c.blind[1:], c.perRow) {
			text := fmt.Sprintf("%x", appendScalar(nil, &k))
			if before := seen[text]; before != "" {
				t.Errorf("coin %d of %s is one of %s", i, name, before)
			}
			seen[text] = name
		}
		if c.blind[0].IsZero() != 1 {
			t.Errorf("%s: the blinding secret is not zero", name)
		}
	}
}

func TestHashCache(t *testing.T) {
	h := newHashToG2("QUUX-V01-CS02-with-BLS12381G2_XMD:SHA-256_SSWU_RO_", 2)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for _, name := range []string{"a", "b", "a", "c", "a", "d"} {
				var want g2
				want.Hash([]byte(name), h.tag)
				if !h.point(name).IsEqual(&want) {
					t.Errorf("wrong point for %q", name)
				}
			}
		})
	}
	wg.Wait()
	h.point("a")
	h.point("b")
	h.point("a")
	h.point("c")
	if h.recent.Len() != 2 || len(h.byName) != 2 || h.byName["a"] == nil || h.byName["c"] == nil {
		t.Errorf("kept %d points of at most 2, or not the most recent", h.recent.Len())
	}
}
