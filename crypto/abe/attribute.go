package abe

import (
	"fmt"

	"github.com/cloudflare/circl/ecc/bls12381"

	"github.com/phrledger/phr/crypto/policy"
)

// AttributeKey is the secret key that one authority issued to one person for one version of an attribute. It works
// together with keys of the same person only. It is immutable, prints as "redacted" and has no useful zero value.
type AttributeKey struct {
	redacted
	gid          string
	attribute    policy.Attribute
	version      uint32
	authorityKey [32]byte // PublicKey.Hash of the key it was issued under
	k            *g2      // K  = g2^α · H(gid)^y · F(x)^t
	kt           *g1      // K' = g1^t
}

const attributeSize = g2Size + g1Size

type attributeKeyEncoding struct {
	_            struct{} `cbor:",toarray"`
	Suite        Suite
	GID          string
	Name         string
	Authority    string
	Version      uint32
	AuthorityKey []byte
	Key          []byte // K ‖ K'
}

// ParseAttributeKey is the inverse of [AttributeKey.Bytes]. It fails with [ErrMalformed]. Whether the key works only
// [AttributeKey.Verify] tells.
func ParseAttributeKey(b []byte) (*AttributeKey, error) {
	var enc attributeKeyEncoding
	if err := decode(b, &enc); err != nil {
		return nil, fmt.Errorf("parsing attribute key: %w", err)
	}
	k, err := enc.key()
	if err != nil {
		return nil, fmt.Errorf("parsing attribute key: %w", err)
	}
	return k, nil
}

func (enc *attributeKeyEncoding) key() (*AttributeKey, error) {
	if err := checkSuite(enc.Suite); err != nil {
		return nil, err
	}
	attribute := policy.Attribute{Name: enc.Name, Authority: policy.Authority(enc.Authority)}
	if !validGID(enc.GID) || !validAttribute(attribute) {
		return nil, fmt.Errorf("%w: not an attribute for a GID", ErrMalformed)
	}
	if len(enc.AuthorityKey) != 32 || len(enc.Key) != attributeSize {
		return nil, fmt.Errorf("%w: hash of %d bytes, key of %d bytes", ErrMalformed, len(enc.AuthorityKey), len(enc.Key))
	}
	k, err := parseG2(enc.Key[:g2Size])
	if err != nil {
		return nil, err
	}
	kt, err := parseG1(enc.Key[g2Size:])
	if err != nil {
		return nil, err
	}
	return &AttributeKey{
		gid: enc.GID, attribute: attribute, version: enc.Version, authorityKey: [32]byte(enc.AuthorityKey),
		k: k, kt: kt,
	}, nil
}

// Bytes returns the encoding of k, which is secret.
func (k *AttributeKey) Bytes() []byte {
	return encode(attributeKeyEncoding{
		Suite:        RW15BLS12381,
		GID:          k.gid,
		Name:         k.attribute.Name,
		Authority:    string(k.attribute.Authority),
		Version:      k.version,
		AuthorityKey: k.authorityKey[:],
		Key:          append(k.k.BytesCompressed(), k.kt.BytesCompressed()...),
	})
}

// GID returns the person the key was issued to.
func (k *AttributeKey) GID() string { return k.gid }

// Attribute returns the attribute it is the key of.
func (k *AttributeKey) Attribute() policy.Attribute { return k.attribute }

// Version returns the attribute's version.
func (k *AttributeKey) Version() uint32 { return k.version }

// AuthorityKey returns the hash of the public key that it was issued under.
func (k *AttributeKey) AuthorityKey() [32]byte { return k.authorityKey }

// Verify checks that k is what the authority with the key pk issues for k's person, attribute and version:
// e(g1, K) = e^α · e(g1^y, H(gid)) · e(K', F(x)). It must pass before a received key is stored or used, and fails with
// [ErrKeyMismatch].
func (k *AttributeKey) Verify(pk *PublicKey) error {
	if k.attribute.Authority != pk.authority || k.authorityKey != pk.hash {
		return fmt.Errorf("%w: issued under another key or by another authority", ErrKeyMismatch)
	}
	left := bls12381.ProdPairFrac(
		[]*g1{bls12381.G1Generator(), pk.y, k.kt},
		[]*g2{k.k, hashGID.point(k.gid), hashAttribute.point(versionedName(k.attribute, k.version))},
		[]int{1, -1, -1},
	)
	if !left.IsEqual(pk.alpha) {
		return fmt.Errorf("%w: pairing check failed", ErrKeyMismatch)
	}
	return nil
}
