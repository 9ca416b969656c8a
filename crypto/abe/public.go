package abe

import (
	"bytes"
	"crypto/sha256"
	"fmt"

	"github.com/phrledger/phr/crypto/policy"
)

// PublicKey is the public key of an authority. That the authority knows the master key to it, and did not derive it from
// another's, was proved when it was parsed. It is immutable and has no useful zero value.
type PublicKey struct {
	authority policy.Authority
	alpha     *gt // e^α
	y         *g1 // g1^y
	proof     proof

	encoded []byte
	hash    [sha256.Size]byte
}

const publicSize = gtSize + g1Size

type publicKeyEncoding struct {
	_         struct{} `cbor:",toarray"`
	Suite     Suite
	Authority string
	Key       []byte // e^α ‖ g1^y
	Proof     []byte
}

// ParsePublicKey is the inverse of [PublicKey.Bytes]. It fails with [ErrMalformed] for an encoding that is not the
// canonical one, an element outside its group, an identity, and a proof of knowledge that does not verify.
func ParsePublicKey(b []byte) (*PublicKey, error) {
	var enc publicKeyEncoding
	if err := decode(b, &enc); err != nil {
		return nil, fmt.Errorf("parsing authority key: %w", err)
	}
	pk, err := enc.key()
	if err != nil {
		return nil, fmt.Errorf("parsing authority key: %w", err)
	}
	if !pk.proof.verify(pk) {
		return nil, fmt.Errorf("parsing authority key: %w: proof of knowledge does not verify", ErrMalformed)
	}
	pk.finish()
	return pk, nil
}

func (enc *publicKeyEncoding) key() (*PublicKey, error) {
	authority := policy.Authority(enc.Authority)
	if err := checkIssuer(enc.Suite, authority); err != nil {
		return nil, err
	}
	if len(enc.Key) != publicSize {
		return nil, fmt.Errorf("%w: key of %d bytes", ErrMalformed, len(enc.Key))
	}
	proof, err := parseProof(enc.Proof)
	if err != nil {
		return nil, err
	}
	y, err := parseG1(enc.Key[gtSize:])
	if err != nil {
		return nil, err
	}
	alpha, err := parseGT(enc.Key[:gtSize])
	if err != nil {
		return nil, err
	}
	return &PublicKey{authority: authority, alpha: alpha, y: y, proof: proof}, nil
}

// finish computes what Bytes and Hash return.
func (pk *PublicKey) finish() {
	pk.encoded = encode(publicKeyEncoding{
		Suite:     RW15BLS12381,
		Authority: string(pk.authority),
		Key:       pk.elements(),
		Proof:     pk.proof.bytes(),
	})
	pk.hash = sha256.Sum256(append([]byte("phr/abe/authority-key\x00"), pk.encoded...))
}

// elements is e^α ‖ g1^y.
func (pk *PublicKey) elements() []byte {
	return append(appendGT(nil, pk.alpha), pk.y.BytesCompressed()...)
}

// Bytes returns the encoding of pk, proof included.
func (pk *PublicKey) Bytes() []byte { return bytes.Clone(pk.encoded) }

// Authority returns whose key it is.
func (pk *PublicKey) Authority() policy.Authority { return pk.authority }

// Hash names the key in ciphertexts and in directories: SHA-256("phr/abe/authority-key" ‖ 0 ‖ Bytes()).
func (pk *PublicKey) Hash() [32]byte { return pk.hash }
