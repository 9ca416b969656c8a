package abe

import (
	"fmt"
	"slices"

	"github.com/phrledger/phr/crypto/policy"
)

// ciphertextEncoding is a ciphertext: the header without the context, which the reader knows, the rows and the masked μ.
type ciphertextEncoding struct {
	_      struct{} `cbor:",toarray"`
	Suite  Suite
	Policy string   // versioned
	Keys   [][]byte // hashes of authority keys, in order of the policy's authorities
	Label  Label
	Rows   []byte
	Masked []byte // c
}

// headerEncoding is hdr: what a ciphertext is bound to.
type headerEncoding struct {
	_       struct{} `cbor:",toarray"`
	Suite   Suite
	Policy  string
	Keys    [][]byte
	Label   Label
	Context []byte
}

// Header is what a ciphertext says about itself. It is a claim until [Expression.Check] has compared it and
// [Expression.Decapsulate] has opened it.
type Header struct {
	Suite     Suite
	Policy    *policy.Policy
	Versions  []uint32   // in order of Policy.Attributes()
	KeyHashes [][32]byte // in order of Policy.Authorities()
	Label     Label
}

// ParseHeader reads the header of a ciphertext. It fails with [ErrMalformed] unless the ciphertext has the canonical
// form, with a known suite and label and rows of the right number; what is in the rows it does not look at, and it does
// no curve work.
func ParseHeader(ciphertext []byte) (*Header, error) {
	enc, err := parseCiphertext(ciphertext)
	if err != nil {
		return nil, fmt.Errorf("parsing ciphertext: %w", err)
	}
	p, versions, err := parseVersionedText(enc.Policy)
	if err != nil {
		return nil, fmt.Errorf("parsing ciphertext: %w", err)
	}
	if len(enc.Rows) != len(p.Leaves())*rowSize || len(enc.Keys) != len(p.Authorities()) {
		return nil, fmt.Errorf("parsing ciphertext: %w: %d bytes of rows and %d keys do not fit the policy",
			ErrMalformed, len(enc.Rows), len(enc.Keys))
	}
	h := &Header{Suite: enc.Suite, Policy: p, Versions: inOrder(p, versions), Label: enc.Label}
	for _, hash := range enc.Keys {
		h.KeyHashes = append(h.KeyHashes, [32]byte(hash))
	}
	return h, nil
}

func parseCiphertext(b []byte) (*ciphertextEncoding, error) {
	enc := new(ciphertextEncoding)
	if err := decode(b, enc); err != nil {
		return nil, err
	}
	if err := checkSuite(enc.Suite); err != nil {
		return nil, err
	}
	if !enc.Label.valid() {
		return nil, fmt.Errorf("%w: unknown label", ErrMalformed)
	}
	if len(enc.Masked) != muSize {
		return nil, fmt.Errorf("%w: masked key of %d bytes", ErrMalformed, len(enc.Masked))
	}
	for _, hash := range enc.Keys {
		if len(hash) != 32 {
			return nil, fmt.Errorf("%w: authority key hash of %d bytes", ErrMalformed, len(hash))
		}
	}
	return enc, nil
}

// Check is for those who keep ciphertexts and have no key. It fails with [ErrMalformed] unless the header is exactly that
// of e and label and every row consists of elements of the right groups, other than the identity. Whether the ciphertext
// opens only a reader can tell.
func (e *Expression) Check(label Label, ciphertext []byte) error {
	enc, err := parseCiphertext(ciphertext)
	if err != nil {
		return fmt.Errorf("checking ciphertext: %w", err)
	}
	if !e.matches(label, enc) {
		return fmt.Errorf("checking ciphertext: %w: made for another expression or label", ErrMalformed)
	}
	errs := make([]error, len(e.rows))
	parallel(len(e.rows), func(i int) {
		_, errs[i] = parseRow(enc.Rows[i*rowSize:(i+1)*rowSize], parseGT)
	})
	for i, err := range errs {
		if err != nil {
			return fmt.Errorf("checking row %d of ciphertext: %w", i, err)
		}
	}
	return nil
}

// matches reports whether enc has the header of e and label, and as many rows.
func (e *Expression) matches(label Label, enc *ciphertextEncoding) bool {
	return enc.Label == label && enc.Policy == e.text && len(enc.Rows) == len(e.rows)*rowSize &&
		slices.EqualFunc(enc.Keys, e.hashes, slices.Equal[[]byte])
}
