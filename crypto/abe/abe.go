// Package abe encapsulates keys to policies: multi-authority ciphertext-policy attribute-based encryption as a key
// encapsulation mechanism (KEM).
//
// A policy such as "doctor@city-hospital and g-01jd@kx3f…" names attributes of several authorities. Each authority has a
// [MasterKey] of its own, made without the others, and issues an [AttributeKey] per person and attribute. Whoever holds
// attribute keys of one person that satisfy the policy decapsulates; nobody else does, and no central key exists.
//
// # Construction
//
// Suite 1 is the scheme of Rouselakis and Waters, "Efficient Statically-Secure Large-Universe Multi-Authority
// Attribute-Based Encryption" (ePrint 2015/016), in the Type-3 pairing of BLS12-381. g1, g2 are the standard
// generators, e = e(g1, g2), and H, F: {0,1}* → G2 hash as RFC 9380 says, each with its own domain separation tag.
//
//	AuthSetup        α, y ← Zr     public e^α, g1^y, and a Schnorr proof of knowledge of (α, y)
//	KeyGen(gid, x)   t ← Zr        K = g2^α · H(gid)^y · F(x)^t     K' = g1^t     x = "name@authority#version"
//	Encrypt          λ = M·(s, v…)   ω = M·(0, w…)     per row j with attribute x, t ← Zr:
//	                 C1 = e^λ · (e^α)^t   C2 = g1^-t   C3 = g1^(y·t) · g1^ω   C4 = F(x)^t      Z = e^s
//	Decrypt          Z^d = Π C1^c · e(C2^c, K) · e(K'^c, C4) · e(Π C3^c, H(gid))     Σ c_j M_j = (d, 0, …, 0)
//
// M is the share matrix of the policy; lsss.go says how its rows come from the tree.
//
// RW15 is secure against chosen plaintexts only, and a service that answers challenges is a decryption oracle. The
// transformation of Fujisaki and Okamoto (Journal of Cryptology 26, 2013), with the header as label, makes it withstand
// chosen ciphertexts. With hdr the canonical CBOR array [suite, versioned policy, authority key hashes, label, context]:
//
//	μ ← 32 random bytes     s, v…, w…, t… = cSHAKE256(μ ‖ hdr, S = "phr/abe/coins"), 48 bytes a scalar
//	c = μ ⊕ HKDF-SHA256(Z, info = "phr/abe/mask" ‖ 0 ‖ hdr)
//	key = HKDF-SHA256(μ, info = "phr/abe/key" ‖ 0 ‖ SHA-256(hdr ‖ rows ‖ c))
//
// Decapsulation recovers μ, encapsulates again and compares every byte. Therefore every reader of a ciphertext gets the
// same key, or none: a writer can't show two readers two things.
//
// # Encodings
//
// Everything is one canonical CBOR array that begins with the suite. Group elements stand in it as byte strings of fixed
// width: points compressed (48 and 96 bytes), GT as its twelve coefficients (576), scalars big-endian (32).
//
//	master key       [suite, authority, α ‖ y]
//	authority key    [suite, authority, e^α ‖ g1^y, c ‖ z1 ‖ z2]
//	attribute key    [suite, gid, name, authority, version, hash of the authority key, K ‖ K']
//	ciphertext       [suite, versioned policy, authority key hashes, label, rows of C1 ‖ C2 ‖ C3 ‖ C4, c]
//
// A row is 768 bytes. The versioned policy is the canonical text with "#" and a decimal version behind each attribute; the
// hashes are in order of the authorities.
//
// # What it does not protect
//
// An authority can issue its attributes to anyone, itself included; only a policy that needs two authorities needs both
// to cheat. A ciphertext shows its policy. Revocation is by versions: a key opens for ever what was encapsulated to its
// version. The pairing does not withstand a quantum computer. circl computes on secrets without branches or table
// look-ups by them, but promises no constant time, and reducing random bytes to a scalar uses math/big.
package abe

import "errors"

// Suite says which scheme, curve, hash functions and encodings a key or ciphertext uses. It stands in each of them.
type Suite uint16

// RW15BLS12381 is Rouselakis–Waters 2015 on BLS12-381 under Fujisaki–Okamoto, the only suite there is.
const RW15BLS12381 Suite = 1

// Label is the namespace of a ciphertext. One that was made under a label is never accepted under another.
type Label string

const (
	// Wrap is the label of keys kept for readers.
	Wrap Label = "wrap"
	// Challenge is the label of keys by which someone proves to hold attributes.
	Challenge Label = "chal"
	// Approval is the label of shares kept for those who may approve that others open something in an emergency.
	Approval Label = "appr"
)

func (l Label) valid() bool { return l == Wrap || l == Challenge || l == Approval }

var (
	// ErrMalformed is returned, wrapped, by parsers for anything but the one valid encoding of a key or ciphertext.
	ErrMalformed = errors.New("malformed attribute encryption")

	// ErrNotSatisfied is returned, wrapped, by [Expression.Decapsulate] when the keys at hand don't satisfy the policy.
	ErrNotSatisfied = errors.New("policy not satisfied")

	// ErrDecapsulation is all that [Expression.Decapsulate] says about a ciphertext that it refuses.
	ErrDecapsulation = errors.New("decapsulation failed")

	// ErrKeyMismatch is returned, wrapped, by [AttributeKey.Verify] for a key that the authority's key did not make.
	ErrKeyMismatch = errors.New("attribute key does not belong to this authority key")
)
