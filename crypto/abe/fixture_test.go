package abe_test

import (
	"crypto/sha3"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/phrledger/phr/crypto/abe"
	"github.com/phrledger/phr/crypto/canonical"
	"github.com/phrledger/phr/crypto/policy"
)

var (
	alice = strings.Repeat("a", 32)
	bob   = strings.Repeat("b", 32)
)

// stream is an endless random source that anyone can reproduce: cSHAKE256 of the seed.
func stream(seed string) io.Reader {
	xof := sha3.NewCSHAKE256(nil, []byte("phr/abe/test"))
	xof.Write([]byte(seed))
	return xof
}

var masters sync.Map // of *abe.MasterKey by authority

// master returns the same master key for the same authority.
func master(authority policy.Authority) *abe.MasterKey {
	if m, ok := masters.Load(authority); ok {
		return m.(*abe.MasterKey)
	}
	m, err := abe.GenerateMasterKey(stream("master "+string(authority)), authority)
	if err != nil {
		panic(err)
	}
	masters.Store(authority, m)
	return m
}

// version1 knows every attribute in version 1.
func version1(policy.Attribute) (uint32, bool) { return 1, true }

// expression resolves text with all attributes in version 1.
func expression(t testing.TB, text string) *abe.Expression {
	t.Helper()
	return resolve(t, text, version1)
}

func resolve(t testing.TB, text string, version func(policy.Attribute) (uint32, bool)) *abe.Expression {
	t.Helper()
	p, err := policy.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	var keys []*abe.PublicKey
	for _, a := range p.Authorities() {
		keys = append(keys, master(a).PublicKey())
	}
	e, err := abe.NewExpression(p, version, keys...)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// issue makes the keys of attributes, written name@authority, in version 1.
func issue(t testing.TB, gid string, attributes ...string) []*abe.AttributeKey {
	t.Helper()
	var keys []*abe.AttributeKey
	for _, text := range attributes {
		a, err := policy.ParseAttribute(text)
		if err != nil {
			t.Fatal(err)
		}
		k, err := master(a.Authority).Issue(stream(gid+" "+text), gid, a.Name, 1)
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, k)
	}
	return keys
}

func encapsulate(t testing.TB, e *abe.Expression, label abe.Label, context string) ([32]byte, []byte) {
	t.Helper()
	key, ciphertext, err := e.Encapsulate(stream("encapsulate "+e.Policy().String()), label, []byte(context))
	if err != nil {
		t.Fatal(err)
	}
	return key, ciphertext
}

// refuses wants Decapsulate to fail with want and to give no key.
func refuses(t *testing.T, e *abe.Expression, keys []*abe.AttributeKey, label abe.Label, context string, ciphertext []byte, want error) {
	t.Helper()
	key, err := e.Decapsulate(keys, label, []byte(context), ciphertext)
	if !errors.Is(err, want) {
		t.Errorf("got %v, want %v", err, want)
	}
	if want == abe.ErrDecapsulation && err != want {
		t.Errorf("error %q says more than %q", err, want)
	}
	if key != [32]byte{} {
		t.Error("a key was returned with the error")
	}
}

// The encodings, written down a second time: attacks change one field and encode again.
type (
	wireMasterKey struct {
		_         struct{} `cbor:",toarray"`
		Suite     uint16
		Authority string
		Secret    []byte // α 32 ‖ y 32
	}
	wirePublicKey struct {
		_         struct{} `cbor:",toarray"`
		Suite     uint16
		Authority string
		Key       []byte // e^α 576 ‖ g1^y 48
		Proof     []byte // c 32 ‖ z1 32 ‖ z2 32
	}
	wireAttributeKey struct {
		_            struct{} `cbor:",toarray"`
		Suite        uint16
		GID          string
		Name         string
		Authority    string
		Version      uint32
		AuthorityKey []byte
		Key          []byte // K 96 ‖ K' 48
	}
	wireCiphertext struct {
		_      struct{} `cbor:",toarray"`
		Suite  uint16
		Policy string
		Keys   [][]byte
		Label  string
		Rows   []byte // C1 576 ‖ C2 48 ‖ C3 48 ‖ C4 96 each
		Masked []byte // 32
	}
)

// edit decodes b as a W, changes it and encodes it again.
func edit[W any](t testing.TB, b []byte, change func(*W)) []byte {
	t.Helper()
	var w W
	if err := canonical.Unmarshal(b, &w); err != nil {
		t.Fatal(err)
	}
	change(&w)
	out, err := canonical.Marshal(w)
	if err != nil {
		t.Fatal(err)
	}
	return out
}
