package abe

import (
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"io"
	"slices"
)

// muSize is the size in bytes of μ, from which a ciphertext and its key follow.
const muSize = 32

// Encapsulate draws a fresh key from rand and encapsulates it to e, bound to label and context. The context is not in the
// ciphertext: a reader must know it. A row takes about three scalar multiplications and two exponentiations in GT.
func (e *Expression) Encapsulate(rand io.Reader, label Label, context []byte) (key [32]byte, ciphertext []byte, err error) {
	if !label.valid() {
		return key, nil, fmt.Errorf("encapsulating: unknown label %q", label)
	}
	mu := make([]byte, muSize)
	if _, err := io.ReadFull(rand, mu); err != nil {
		return key, nil, fmt.Errorf("encapsulating: %w", err)
	}
	key, ciphertext = e.encapsulate(mu, label, context)
	return key, ciphertext, nil
}

// Decapsulate returns the key that [Expression.Encapsulate] returned with ciphertext, for a reader with attribute keys of
// one person, each of them verified. It fails with [ErrNotSatisfied] when the keys don't satisfy the policy in the
// versions and under the authority keys of e, which it finds out without the ciphertext, and with the bare
// [ErrDecapsulation] for everything that is wrong with the ciphertext, label and context.
func (e *Expression) Decapsulate(keys []*AttributeKey, label Label, context, ciphertext []byte) (key [32]byte, err error) {
	o, err := e.opener(keys)
	if err != nil {
		return key, fmt.Errorf("decapsulating: %w", err)
	}
	return e.open(o, label, context, ciphertext)
}

func (e *Expression) open(o *opener, label Label, context, ciphertext []byte) (key [32]byte, err error) {
	enc, err := parseCiphertext(ciphertext)
	if err != nil || !e.matches(label, enc) {
		return key, ErrDecapsulation
	}
	z, err := o.decrypt(enc.Rows)
	if err != nil {
		return key, ErrDecapsulation
	}
	mu := make([]byte, muSize)
	subtle.XORBytes(mu, enc.Masked, mask(z, e.header(label, context)))
	found, again := e.encapsulate(mu, label, context)
	if subtle.ConstantTimeCompare(again, ciphertext) != 1 {
		return key, ErrDecapsulation
	}
	return found, nil
}

func (e *Expression) header(label Label, context []byte) []byte {
	return encode(headerEncoding{Suite: RW15BLS12381, Policy: e.text, Keys: e.hashes, Label: label, Context: context})
}

// encapsulate is the one function from μ, label and context to a key and a ciphertext.
func (e *Expression) encapsulate(mu []byte, label Label, context []byte) (key [32]byte, ciphertext []byte) {
	hdr := e.header(label, context)
	z, rows := e.encrypt(e.coins(mu, hdr))
	enc := ciphertextEncoding{
		Suite: RW15BLS12381, Policy: e.text, Keys: e.hashes, Label: label, Rows: rows,
		Masked: make([]byte, muSize),
	}
	subtle.XORBytes(enc.Masked, mu, mask(z, hdr))
	transcript := sha256.Sum256(slices.Concat(hdr, rows, enc.Masked))
	return [32]byte(derive(mu, "phr/abe/key", transcript[:])), encode(enc)
}

func mask(z *gt, hdr []byte) []byte { return derive(appendGT(nil, z), "phr/abe/mask", hdr) }

// derive is HKDF-SHA256 to 32 bytes.
func derive(secret []byte, name string, context []byte) []byte {
	key, err := hkdf.Key(sha256.New, secret, nil, name+"\x00"+string(context), 32)
	if err != nil {
		panic(err) // only for lengths beyond HKDF's
	}
	return key
}
