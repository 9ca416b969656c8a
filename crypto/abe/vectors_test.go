package abe_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"slices"
	"testing"

	"github.com/cloudflare/circl/ecc/bls12381"

	"github.com/phrledger/phr/crypto/abe"
	"github.com/phrledger/phr/crypto/policy"
)

var update = flag.Bool("update", false, "write testdata/vectors.json anew, which breaks with every key and ciphertext there is")

const vectorFile = "testdata/vectors.json"

// vectors is what testdata/vectors.json holds. Every seed stands for the random source cSHAKE256(seed, S = "phr/abe/test").
type vectors struct {
	Authorities    []authorityVector     `json:"authorities"`
	AttributeKeys  []attributeVector     `json:"attribute_keys"`
	Encapsulations []encapsulationVector `json:"encapsulations"`
	Refusals       []refusalVector       `json:"refusals"`
}

type authorityVector struct {
	Authority policy.Authority `json:"authority"`
	Seed      string           `json:"seed"`
	MasterKey hexBytes         `json:"master_key"`
	PublicKey hexBytes         `json:"public_key"`
	Hash      hexBytes         `json:"hash"`
}

type attributeVector struct {
	Attribute string   `json:"attribute"`
	Version   uint32   `json:"version"`
	GID       string   `json:"gid"`
	Seed      string   `json:"seed"`
	Key       hexBytes `json:"key"`
}

type encapsulationVector struct {
	Policy     string            `json:"policy"`
	Versions   map[string]uint32 `json:"versions"`
	Label      abe.Label         `json:"label"`
	Context    hexBytes          `json:"context"`
	Seed       string            `json:"seed"`
	Ciphertext hexBytes          `json:"ciphertext"`
	Key        hexBytes          `json:"key"`
	OpensWith  [][]int           `json:"opens_with"` // each a list of attribute_keys
	ShutTo     [][]int           `json:"shut_to"`    // not satisfied
}

// refusalVector is an input that must be refused. An attribute key is parsed and verified, a ciphertext is decapsulated
// as the first encapsulation, with its first list of keys.
type refusalVector struct {
	Name   string   `json:"name"`
	What   string   `json:"what"`
	Input  hexBytes `json:"input"`
	Expect string   `json:"expect"` // "malformed", "mismatch" or "decapsulation"
}

// failures are the errors that Expect names.
var failures = map[string]error{
	"malformed": abe.ErrMalformed, "mismatch": abe.ErrKeyMismatch, "decapsulation": abe.ErrDecapsulation,
}

type hexBytes []byte

func (h hexBytes) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, h), nil }

func (h *hexBytes) UnmarshalText(text []byte) (err error) {
	*h, err = hex.AppendDecode(nil, text)
	return err
}

func TestVectors(t *testing.T) {
	if *update {
		b, err := json.MarshalIndent(makeVectors(t), "", "\t")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(vectorFile, append(b, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(vectorFile)
	if err != nil {
		t.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	t.Run("authorities", func(t *testing.T) { v.checkAuthorities(t) })
	t.Run("attribute keys", func(t *testing.T) { v.checkAttributeKeys(t) })
	t.Run("encapsulations", func(t *testing.T) { v.checkEncapsulations(t) })
	t.Run("refusals", func(t *testing.T) { v.checkRefusals(t) })
}

func (v *vectors) checkAuthorities(t *testing.T) {
	for _, a := range v.Authorities {
		m, err := abe.GenerateMasterKey(stream(a.Seed), a.Authority)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(m.Bytes(), a.MasterKey) || !bytes.Equal(m.PublicKey().Bytes(), a.PublicKey) {
			t.Errorf("%s: other keys are generated", a.Authority)
		}
		pk, err := abe.ParsePublicKey(a.PublicKey)
		if err != nil {
			t.Fatal(err)
		}
		if hash := pk.Hash(); !bytes.Equal(hash[:], a.Hash) {
			t.Errorf("%s: hash %x", a.Authority, hash)
		}
	}
}

func (v *vectors) checkAttributeKeys(t *testing.T) {
	for i, k := range v.AttributeKeys {
		a, err := policy.ParseAttribute(k.Attribute)
		if err != nil {
			t.Fatal(err)
		}
		issued, err := v.master(t, a.Authority).Issue(stream(k.Seed), k.GID, a.Name, k.Version)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(issued.Bytes(), k.Key) {
			t.Errorf("%d %s: another key is issued", i, a)
		}
		if err := v.keys(t, i)[0].Verify(v.master(t, a.Authority).PublicKey()); err != nil {
			t.Errorf("%d %s: %v", i, a, err)
		}
	}
}

func (v *vectors) checkEncapsulations(t *testing.T) {
	for _, c := range v.Encapsulations {
		e := v.expression(t, c)
		key, ct, err := e.Encapsulate(stream(c.Seed), c.Label, c.Context)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(ct, c.Ciphertext) || !bytes.Equal(key[:], c.Key) {
			t.Errorf("%s: another ciphertext or key is made", c.Policy)
		}
		if err := e.Check(c.Label, c.Ciphertext); err != nil {
			t.Errorf("%s: %v", c.Policy, err)
		}
		for _, held := range c.OpensWith {
			got, err := e.Decapsulate(v.keys(t, held...), c.Label, c.Context, c.Ciphertext)
			if err != nil || !bytes.Equal(got[:], c.Key) {
				t.Errorf("%s with keys %v: %v", c.Policy, held, err)
			}
		}
		for _, held := range c.ShutTo {
			refuses(t, e, v.keys(t, held...), c.Label, string(c.Context), c.Ciphertext, abe.ErrNotSatisfied)
		}
	}
}

func (v *vectors) checkRefusals(t *testing.T) {
	first := v.Encapsulations[0]
	e, keys := v.expression(t, first), v.keys(t, first.OpensWith[0]...)
	parse := map[string]func([]byte) error{
		"master key":    func(b []byte) error { _, err := abe.ParseMasterKey(b); return err },
		"authority key": func(b []byte) error { _, err := abe.ParsePublicKey(b); return err },
		"attribute key": func(b []byte) error {
			k, err := abe.ParseAttributeKey(b)
			if err != nil {
				return err
			}
			return k.Verify(v.master(t, k.Attribute().Authority).PublicKey())
		},
		"header": func(b []byte) error { _, err := abe.ParseHeader(b); return err },
		"ciphertext": func(b []byte) error {
			_, err := e.Decapsulate(keys, first.Label, first.Context, b)
			return err
		},
	}
	for _, r := range v.Refusals {
		if err := parse[r.What](r.Input); failures[r.Expect] == nil || !errors.Is(err, failures[r.Expect]) {
			t.Errorf("%s, %s: got %v, want %s", r.What, r.Name, err, r.Expect)
		}
	}
}

func (v *vectors) master(t *testing.T, authority policy.Authority) *abe.MasterKey {
	t.Helper()
	i := slices.IndexFunc(v.Authorities, func(a authorityVector) bool { return a.Authority == authority })
	m, err := abe.ParseMasterKey(v.Authorities[i].MasterKey)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func (v *vectors) keys(t *testing.T, indices ...int) []*abe.AttributeKey {
	t.Helper()
	var keys []*abe.AttributeKey
	for _, i := range indices {
		k, err := abe.ParseAttributeKey(v.AttributeKeys[i].Key)
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, k)
	}
	return keys
}

func (v *vectors) expression(t *testing.T, c encapsulationVector) *abe.Expression {
	t.Helper()
	p, err := policy.Parse(c.Policy)
	if err != nil {
		t.Fatal(err)
	}
	var keys []*abe.PublicKey
	for _, a := range p.Authorities() {
		keys = append(keys, v.master(t, a).PublicKey())
	}
	e, err := abe.NewExpression(p, func(a policy.Attribute) (uint32, bool) { n, ok := c.Versions[a.String()]; return n, ok }, keys...)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// makeVectors is what -update writes.
func makeVectors(t *testing.T) *vectors {
	v := new(vectors)
	for _, a := range []policy.Authority{"hospital", "club", policy.Authority(alice)} {
		m, err := abe.GenerateMasterKey(stream("authority "+string(a)), a)
		if err != nil {
			t.Fatal(err)
		}
		hash := m.PublicKey().Hash()
		v.Authorities = append(v.Authorities, authorityVector{a, "authority " + string(a), m.Bytes(), m.PublicKey().Bytes(), hash[:]})
	}
	for i, k := range []attributeVector{
		{Attribute: "doctor@hospital", Version: 1, GID: alice},
		{Attribute: "trainer@club", Version: 1, GID: alice},
		{Attribute: "nurse@hospital", Version: 4294967295, GID: alice},
		{Attribute: "doctor@hospital", Version: 2, GID: bob},
		{Attribute: "g-1@" + alice, Version: 0, GID: bob},
	} {
		a, err := policy.ParseAttribute(k.Attribute)
		if err != nil {
			t.Fatal(err)
		}
		k.Seed = "attribute key " + string(rune('0'+i))
		issued, err := v.master(t, a.Authority).Issue(stream(k.Seed), k.GID, a.Name, k.Version)
		if err != nil {
			t.Fatal(err)
		}
		k.Key = issued.Bytes()
		v.AttributeKeys = append(v.AttributeKeys, k)
	}
	versions := map[string]uint32{"doctor@hospital": 1, "trainer@club": 1, "nurse@hospital": 4294967295, "g-1@" + alice: 0}
	for i, c := range []encapsulationVector{
		{Policy: "doctor@hospital", Label: abe.Wrap, OpensWith: [][]int{{0}}, ShutTo: [][]int{{}, {1, 2}, {3}, {0, 3}}},
		{Policy: "doctor@hospital and trainer@club", Label: abe.Challenge, Context: []byte("context"), OpensWith: [][]int{{0, 1}}, ShutTo: [][]int{{0}}},
		{Policy: "doctor@hospital or g-1@" + alice, Label: abe.Wrap, OpensWith: [][]int{{0}, {4}}, ShutTo: [][]int{{3}}},
		{Policy: "2 of (doctor@hospital, trainer@club, nurse@hospital)", Label: abe.Wrap, OpensWith: [][]int{{0, 1}, {0, 2}, {1, 2}}, ShutTo: [][]int{{2}}},
		{Policy: "trainer@club and 2 of (doctor@hospital and nurse@hospital, g-1@" + alice + ", nurse@hospital)", Label: abe.Challenge, Context: bytes.Repeat([]byte{0xc}, 300), OpensWith: [][]int{{0, 1, 2}}, ShutTo: [][]int{{1, 2}}},
	} {
		c.Seed = "encapsulation " + string(rune('0'+i))
		c.Versions = make(map[string]uint32)
		p, err := policy.Parse(c.Policy)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range p.Attributes() {
			c.Versions[a.String()] = versions[a.String()]
		}
		key, ct, err := v.expression(t, c).Encapsulate(stream(c.Seed), c.Label, c.Context)
		if err != nil {
			t.Fatal(err)
		}
		c.Key, c.Ciphertext = key[:], ct
		v.Encapsulations = append(v.Encapsulations, c)
	}
	v.refuseKeys(t)
	v.refuseCiphertexts(t)
	return v
}

func (v *vectors) refuseKeys(t *testing.T) {
	refuse := func(what, name string, input []byte, expect string) {
		v.Refusals = append(v.Refusals, refusalVector{name, what, input, expect})
	}
	mk, pk, ak := v.Authorities[0].MasterKey, v.Authorities[0].PublicKey, v.AttributeKeys[0].Key
	order := bls12381.Order()
	g1, g2 := bls12381.G1Generator(), bls12381.G2Generator()
	outside := outsideGT(t)
	var one bls12381.Gt
	one.SetIdentity()

	refuse("master key", "α is zero", edit(t, mk, func(w *wireMasterKey) { clear(w.Secret[:32]) }), "malformed")
	refuse("master key", "y is r", edit(t, mk, func(w *wireMasterKey) { copy(w.Secret[32:], order) }), "malformed")
	refuse("master key", "trailing byte", append(bytes.Clone(mk), 0), "malformed")
	for name, change := range map[string]func(*wirePublicKey){
		"suite 2":                      func(w *wirePublicKey) { w.Suite = 2 },
		"another authority":            func(w *wirePublicKey) { w.Authority = "rogue" },
		"an authority in upper case":   func(w *wirePublicKey) { w.Authority = "Hospital" },
		"e^α is 1":                     func(w *wirePublicKey) { copy(w.Key, encodeGT(t, &one)) },
		"e^α is zero":                  func(w *wirePublicKey) { clear(w.Key[:576]) },
		"e^α is -1":                    func(w *wirePublicKey) { copy(w.Key, outside["minus one"]) },
		"e^α is of another order":      func(w *wirePublicKey) { copy(w.Key, outside["cyclotomic"]) },
		"g1^y is the identity":         func(w *wirePublicKey) { copy(w.Key[576:], identity(48)) },
		"g1^y is outside G1":           func(w *wirePublicKey) { copy(w.Key[576:], outsideG1(t)) },
		"g1^y is uncompressed":         func(w *wirePublicKey) { w.Key = slices.Concat(w.Key[:576], g1.Bytes()) },
		"g1^y is not the proved one":   func(w *wirePublicKey) { copy(w.Key[576:], g1.BytesCompressed()) },
		"the proof's z1 is another":    func(w *wirePublicKey) { w.Proof[63] ^= 1 },
		"the proof's c is not reduced": func(w *wirePublicKey) { copy(w.Proof, addOne(order)) },
	} {
		refuse("authority key", name, edit(t, pk, change), "malformed")
	}
	for name, change := range map[string]func(*wireAttributeKey){
		"K is the identity":       func(w *wireAttributeKey) { copy(w.Key, identity(96)) },
		"K is outside G2":         func(w *wireAttributeKey) { copy(w.Key, outsideG2(t)) },
		"K is off the curve":      func(w *wireAttributeKey) { copy(w.Key, offG2(t)) },
		"K is uncompressed":       func(w *wireAttributeKey) { w.Key = slices.Concat(g2.Bytes(), w.Key[96:]) },
		"K' is the identity":      func(w *wireAttributeKey) { copy(w.Key[96:], identity(48)) },
		"a GID that is a name":    func(w *wireAttributeKey) { w.GID = "alice" },
		"a name with a version":   func(w *wireAttributeKey) { w.Name = "doctor#1" },
		"an authority key's half": func(w *wireAttributeKey) { w.AuthorityKey = w.AuthorityKey[:16] },
	} {
		refuse("attribute key", name, edit(t, ak, change), "malformed")
	}
	for name, change := range map[string]func(*wireAttributeKey){
		"another GID":     func(w *wireAttributeKey) { w.GID = bob },
		"another name":    func(w *wireAttributeKey) { w.Name = "nurse" },
		"another version": func(w *wireAttributeKey) { w.Version = 2 },
		"K is g2":         func(w *wireAttributeKey) { copy(w.Key, g2.BytesCompressed()) },
	} {
		refuse("attribute key", name, edit(t, ak, change), "mismatch")
	}
}

func (v *vectors) refuseCiphertexts(t *testing.T) {
	ct := v.Encapsulations[0].Ciphertext
	for name, change := range map[string]func(*wireCiphertext){
		"C1 is zero":               func(w *wireCiphertext) { clear(w.Rows[:576]) },
		"C2 is the identity":       func(w *wireCiphertext) { copy(w.Rows[576:], identity(48)) },
		"C3 is the identity":       func(w *wireCiphertext) { copy(w.Rows[624:], identity(48)) },
		"C4 is outside G2":         func(w *wireCiphertext) { copy(w.Rows[672:], outsideG2(t)) },
		"C3 has the other sign":    func(w *wireCiphertext) { w.Rows[624] ^= 0x20 },
		"a bit of the mask":        func(w *wireCiphertext) { w.Masked[31] ^= 1 },
		"another authority's hash": func(w *wireCiphertext) { w.Keys[0] = v.Authorities[1].Hash },
		"another label":            func(w *wireCiphertext) { w.Label = "chal" },
		"another version":          func(w *wireCiphertext) { w.Policy = "doctor@hospital#2" },
	} {
		v.Refusals = append(v.Refusals, refusalVector{name, "ciphertext", edit(t, ct, change), "decapsulation"})
	}
	for name, change := range map[string]func(*wireCiphertext){
		"suite 2":               func(w *wireCiphertext) { w.Suite = 2 },
		"an unknown label":      func(w *wireCiphertext) { w.Label = "seal" },
		"no version":            func(w *wireCiphertext) { w.Policy = "doctor@hospital" },
		"a version with a zero": func(w *wireCiphertext) { w.Policy = "doctor@hospital#01" },
		"not canonical":         func(w *wireCiphertext) { w.Policy = "(doctor@hospital#1)" },
		"a row too many":        func(w *wireCiphertext) { w.Rows = slices.Concat(w.Rows, w.Rows) },
		"no key hash":           func(w *wireCiphertext) { w.Keys = nil },
		"a short mask":          func(w *wireCiphertext) { w.Masked = w.Masked[:31] },
	} {
		v.Refusals = append(v.Refusals, refusalVector{name, "header", edit(t, ct, change), "malformed"})
	}
	slices.SortStableFunc(v.Refusals, func(a, b refusalVector) int {
		return bytes.Compare([]byte(a.What+a.Name), []byte(b.What+b.Name))
	})
}
