package abe

import (
	"fmt"
	"io"
	"sync"

	"github.com/cloudflare/circl/ecc/bls12381"
	"github.com/cloudflare/circl/ecc/bls12381/ff"
)

// Names of the field for circl's types. Their zero values are not group elements, their equality is not Go's, and other
// encodings than those below accept more than one byte string for a value: they never stand in an exported field.
type (
	scalar = bls12381.Scalar
	g1     = bls12381.G1
	g2     = bls12381.G2
	gt     = bls12381.Gt
)

// Sizes of the encodings in bytes: big-endian integers, points compressed.
const (
	scalarSize = bls12381.ScalarSize
	g1Size     = bls12381.G1SizeCompressed
	g2Size     = bls12381.G2SizeCompressed
	gtSize     = bls12381.GtSize
)

// drawSize is how many random bytes make a scalar: 128 bits more than the order, so that the reduction shows no bias.
const drawSize = 48

// generator is e(g1, g2), the generator of GT.
var generator = sync.OnceValue(func() *gt { return bls12381.Pair(bls12381.G1Generator(), bls12381.G2Generator()) })

// readScalar draws a scalar other than zero from r. It can be reproduced by others from the same bytes, which circl's
// Scalar.Random can not.
func readScalar(r io.Reader) (*scalar, error) {
	var b [drawSize]byte
	if _, err := io.ReadFull(r, b[:]); err != nil {
		return nil, fmt.Errorf("drawing a scalar: %w", err)
	}
	k := new(scalar)
	k.SetBytes(b[:])
	if k.IsZero() == 1 {
		return nil, fmt.Errorf("drawing a scalar: the random source gave zero")
	}
	return k, nil
}

// parseScalar accepts the 32 bytes of a scalar in [1, r).
func parseScalar(b []byte) (*scalar, error) {
	if len(b) != scalarSize {
		return nil, fmt.Errorf("%w: scalar of %d bytes", ErrMalformed, len(b))
	}
	k := new(scalar)
	if err := k.UnmarshalBinary(b); err != nil {
		return nil, fmt.Errorf("%w: scalar not below the group order", ErrMalformed)
	}
	if k.IsZero() == 1 {
		return nil, fmt.Errorf("%w: scalar is zero", ErrMalformed)
	}
	return k, nil
}

// parseG1 accepts the compressed form of a point of G1 other than the identity. The length goes first: SetBytes alone
// takes the uncompressed form as well.
func parseG1(b []byte) (*g1, error) {
	if len(b) != g1Size {
		return nil, fmt.Errorf("%w: G1 point of %d bytes", ErrMalformed, len(b))
	}
	p := new(g1)
	if err := p.SetBytes(b); err != nil {
		return nil, fmt.Errorf("%w: not a point of G1", ErrMalformed)
	}
	if p.IsIdentity() {
		return nil, fmt.Errorf("%w: identity of G1", ErrMalformed)
	}
	return p, nil
}

// parseG2 is parseG1 for G2.
func parseG2(b []byte) (*g2, error) {
	if len(b) != g2Size {
		return nil, fmt.Errorf("%w: G2 point of %d bytes", ErrMalformed, len(b))
	}
	p := new(g2)
	if err := p.SetBytes(b); err != nil {
		return nil, fmt.Errorf("%w: not a point of G2", ErrMalformed)
	}
	if p.IsIdentity() {
		return nil, fmt.Errorf("%w: identity of G2", ErrMalformed)
	}
	return p, nil
}

// parseGT accepts an element of GT other than 1.
func parseGT(b []byte) (*gt, error) {
	x, err := parseField(b)
	if err != nil {
		return nil, err
	}
	if !inGT(b) {
		return nil, fmt.Errorf("%w: not an element of GT", ErrMalformed)
	}
	if x.IsIdentity() {
		return nil, fmt.Errorf("%w: identity of GT", ErrMalformed)
	}
	return x, nil
}

// parseField accepts the 576 bytes of any element of the field around GT, zero included. It is enough only where the
// bytes are compared afterwards with those of an element that was computed.
func parseField(b []byte) (*gt, error) {
	if len(b) != gtSize {
		return nil, fmt.Errorf("%w: GT element of %d bytes", ErrMalformed, len(b))
	}
	x := new(gt)
	if err := x.UnmarshalBinary(b); err != nil {
		return nil, fmt.Errorf("%w: GT coefficient not below the field's characteristic", ErrMalformed)
	}
	return x, nil
}

// inGT reports whether b, which parseField accepted, has order dividing r. First x^(p^4-p^2+1) = 1, which puts x into
// the cyclotomic subgroup; there x^p = x^u, u the curve's parameter, exactly for the elements of order r, because
// gcd(p-u, p^4-p^2+1) = r.
func inGT(b []byte) bool {
	var x, p2, p4, left, right ff.Cyclo6
	if err := (*ff.Fp12)(&x).UnmarshalBinary(b); err != nil || ff.Fp12(x).IsZero() == 1 {
		return false
	}
	p2.Frob(&x)
	p2.Frob(&p2)
	p4.Frob(&p2)
	p4.Frob(&p4)
	left.Mul(&p4, &x)
	if left.IsEqual(&p2) != 1 {
		return false
	}
	left.Frob(&x)
	right.PowToX(&x)
	return left.IsEqual(&right) == 1
}

// appendScalar appends the encoding of k to b.
func appendScalar(b []byte, k *scalar) []byte {
	enc, err := k.MarshalBinary()
	if err != nil {
		panic(err) // circl's signature only: it returns no error
	}
	return append(b, enc...)
}

// appendGT appends the encoding of x to b.
func appendGT(b []byte, x *gt) []byte {
	enc, err := x.MarshalBinary()
	if err != nil {
		panic(err) // as above
	}
	return append(b, enc...)
}
