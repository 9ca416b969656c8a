package abe

import (
	"fmt"
	"io"

	"github.com/cloudflare/circl/ecc/bls12381"

	"github.com/phrledger/phr/crypto/policy"
)

// MasterKey is the secret key of one authority, in one key version: it issues attribute keys. It is safe for concurrent
// use, prints as "redacted" and has no useful zero value.
type MasterKey struct {
	redacted
	alpha, y *scalar
	public   *PublicKey
}

type masterKeyEncoding struct {
	_         struct{} `cbor:",toarray"`
	Suite     Suite
	Authority string
	Secret    []byte // α ‖ y
}

// GenerateMasterKey draws a master key for an authority from rand.
func GenerateMasterKey(rand io.Reader, authority policy.Authority) (*MasterKey, error) {
	if !validAuthority(authority) {
		return nil, fmt.Errorf("generating master key: %q is not an authority", authority)
	}
	alpha, err := readScalar(rand)
	if err != nil {
		return nil, fmt.Errorf("generating master key: %w", err)
	}
	y, err := readScalar(rand)
	if err != nil {
		return nil, fmt.Errorf("generating master key: %w", err)
	}
	return newMasterKey(authority, alpha, y), nil
}

func newMasterKey(authority policy.Authority, alpha, y *scalar) *MasterKey {
	pk := &PublicKey{authority: authority, alpha: new(gt), y: new(g1)}
	pk.alpha.Exp(generator(), alpha)
	pk.y.ScalarMult(y, bls12381.G1Generator())
	pk.proof = prove(pk, alpha, y)
	pk.finish()
	return &MasterKey{alpha: alpha, y: y, public: pk}
}

// ParseMasterKey is the inverse of [MasterKey.Bytes]. It fails with [ErrMalformed].
func ParseMasterKey(b []byte) (*MasterKey, error) {
	var enc masterKeyEncoding
	if err := decode(b, &enc); err != nil {
		return nil, fmt.Errorf("parsing master key: %w", err)
	}
	m, err := enc.key()
	if err != nil {
		return nil, fmt.Errorf("parsing master key: %w", err)
	}
	return m, nil
}

func (enc *masterKeyEncoding) key() (*MasterKey, error) {
	authority := policy.Authority(enc.Authority)
	if err := checkIssuer(enc.Suite, authority); err != nil {
		return nil, err
	}
	if len(enc.Secret) != 2*scalarSize {
		return nil, fmt.Errorf("%w: secret of %d bytes", ErrMalformed, len(enc.Secret))
	}
	alpha, err := parseScalar(enc.Secret[:scalarSize])
	if err != nil {
		return nil, err
	}
	y, err := parseScalar(enc.Secret[scalarSize:])
	if err != nil {
		return nil, err
	}
	return newMasterKey(authority, alpha, y), nil
}

// Bytes returns the encoding of m, which is secret.
func (m *MasterKey) Bytes() []byte {
	return encode(masterKeyEncoding{
		Suite:     RW15BLS12381,
		Authority: string(m.public.authority),
		Secret:    appendScalar(appendScalar(nil, m.alpha), m.y),
	})
}

// PublicKey returns the public half, always the same for the same master key.
func (m *MasterKey) PublicKey() *PublicKey { return m.public }

// Issue makes the key of an attribute of this authority, in one version, for the person gid, with randomness from rand.
func (m *MasterKey) Issue(rand io.Reader, gid, name string, version uint32) (*AttributeKey, error) {
	attribute := policy.Attribute{Name: name, Authority: m.public.authority}
	if !validGID(gid) || !validAttribute(attribute) {
		return nil, fmt.Errorf("issuing attribute key: %q for %q is not an attribute for a GID", attribute, gid)
	}
	t, err := readScalar(rand)
	if err != nil {
		return nil, fmt.Errorf("issuing attribute key: %w", err)
	}
	k := &AttributeKey{
		gid: gid, attribute: attribute, version: version, authorityKey: m.public.hash,
		k: new(g2), kt: new(g1),
	}
	var term g2
	k.k.ScalarMult(m.alpha, bls12381.G2Generator())
	term.ScalarMult(m.y, hashGID.point(gid))
	k.k.Add(k.k, &term)
	term.ScalarMult(t, hashAttribute.point(versionedName(attribute, version)))
	k.k.Add(k.k, &term)
	k.kt.ScalarMult(t, bls12381.G1Generator())
	return k, nil
}
