package abe

import (
	"crypto/sha3"
	"fmt"

	"github.com/cloudflare/circl/ecc/bls12381"
)

// proof shows knowledge of (α, y): Schnorr's proof in both groups at once, with one challenge,
// c = H(suite, authority, e^α ‖ g1^y, e^a ‖ g1^b), z1 = a + c·α, z2 = b + c·y. H reads 48 bytes of cSHAKE256 with
// S = "phr/abe/proof".
type proof struct{ c, z1, z2 *scalar }

const proofSize = 3 * scalarSize

// prove draws its nonces from the secret itself, so that a master key has one public key, hash included.
func prove(pk *PublicKey, alpha, y *scalar) proof {
	nonces := sha3.NewCSHAKE256(nil, []byte("phr/abe/proof-nonce"))
	nonces.Write(appendScalar(appendScalar(nil, alpha), y))
	nonces.Write([]byte(pk.authority))
	a, b := nextScalar(nonces), nextScalar(nonces)

	var r1 gt
	var r2 g1
	r1.Exp(generator(), a)
	r2.ScalarMult(b, bls12381.G1Generator())
	p := proof{c: proofChallenge(pk, &r1, &r2), z1: new(scalar), z2: new(scalar)}
	p.z1.Mul(p.c, alpha)
	p.z1.Add(p.z1, a)
	p.z2.Mul(p.c, y)
	p.z2.Add(p.z2, b)
	return p
}

func (p proof) verify(pk *PublicKey) bool {
	minus := *p.c
	minus.Neg()
	var r1, t1 gt
	r1.Exp(generator(), p.z1)
	t1.Exp(pk.alpha, &minus)
	r1.Mul(&r1, &t1)
	var r2, t2 g1
	r2.ScalarMult(p.z2, bls12381.G1Generator())
	t2.ScalarMult(&minus, pk.y)
	r2.Add(&r2, &t2)
	return proofChallenge(pk, &r1, &r2).IsEqual(p.c) == 1
}

// proofChallenge hashes the key's own encoding with the commitments in the place of the proof.
func proofChallenge(pk *PublicKey, r1 *gt, r2 *g1) *scalar {
	statement := encode(publicKeyEncoding{
		Suite:     RW15BLS12381,
		Authority: string(pk.authority),
		Key:       pk.elements(),
		Proof:     append(appendGT(nil, r1), r2.BytesCompressed()...),
	})
	h := sha3.NewCSHAKE256(nil, []byte("phr/abe/proof"))
	h.Write(statement)
	return nextScalar(h)
}

func parseProof(b []byte) (proof, error) {
	if len(b) != proofSize {
		return proof{}, fmt.Errorf("%w: proof of %d bytes", ErrMalformed, len(b))
	}
	var s [3]*scalar
	for i := range s {
		var err error
		if s[i], err = parseScalar(b[i*scalarSize : (i+1)*scalarSize]); err != nil {
			return proof{}, err
		}
	}
	return proof{s[0], s[1], s[2]}, nil
}

func (p proof) bytes() []byte { return appendScalar(appendScalar(appendScalar(nil, p.c), p.z1), p.z2) }

// nextScalar reads a scalar from an extendable-output function, which never fails.
func nextScalar(xof *sha3.SHAKE) *scalar {
	var b [drawSize]byte
	xof.Read(b[:])
	k := new(scalar)
	k.SetBytes(b[:])
	return k
}
