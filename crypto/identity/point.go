package identity

import (
	"crypto/ed25519"
	"errors"
	"math/big"
	"slices"
)

// The field and the constant of the Edwards curve of RFC 8032, section 5.1: -x² + y² = 1 + d x² y² over 2^255 - 19.
var (
	one        = big.NewInt(1)
	fieldPrime = new(big.Int).Sub(new(big.Int).Lsh(one, 255), big.NewInt(19))
	curveD     = quotient(-121665, 121666)
)

func quotient(a, b int64) *big.Int {
	q := new(big.Int).ModInverse(big.NewInt(b), fieldPrime)
	q.Mul(q, big.NewInt(a))
	return q.Mod(q, fieldPrime)
}

// checkSigningKey refuses what crypto/ed25519 would take as a public key and a signer cannot have made. The standard
// library has no public test for it. Everything here is public, so that its variable time tells nobody anything.
func checkSigningKey(key []byte) error {
	if len(key) != ed25519.PublicKeySize {
		return errors.New("wrong length")
	}
	encoded := slices.Clone(key)
	encoded[31] &= 0x7f // the sign of x
	y, ok := coordinate(encoded)
	if !ok {
		return errors.New("not the canonical encoding of a point")
	}
	y2 := new(big.Int).Mul(y, y)
	dy2 := new(big.Int).Mul(curveD, y2)
	u := new(big.Int).Sub(y2, one)  // x² = u/v
	v := new(big.Int).Add(dy2, one) // never zero: -1/d is no square

	// The points whose order divides 8 are those with y = 0 (order 4), y² = 1 (orders 1 and 2) and d y⁴ + 2 y² = 1
	// (order 8: the double has y = 0).
	w := new(big.Int).Mul(new(big.Int).Add(dy2, big.NewInt(2)), y2)
	w.Sub(w, one)
	w.Mul(w, u).Mul(w, y)
	if w.Mod(w, fieldPrime).Sign() == 0 {
		return errors.New("point of small order")
	}
	if big.Jacobi(u.Mod(u.Mul(u, v), fieldPrime), fieldPrime) != 1 {
		return errors.New("not a point on the curve")
	}
	return nil
}

// coordinate decodes 32 little-endian bytes, and reports whether they are the one encoding of a field element.
func coordinate(b []byte) (*big.Int, bool) {
	reversed := slices.Clone(b)
	slices.Reverse(reversed)
	c := new(big.Int).SetBytes(reversed)
	return c, c.Cmp(fieldPrime) < 0
}
