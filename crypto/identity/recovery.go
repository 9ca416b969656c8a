package identity

import (
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"io"
)

// Recovery is the Ed25519 key that may replace the keys of one GID. It is used once: a rotation shows its public key and
// commits to the hash of the next one. It never prints and is safe for concurrent use.
type Recovery struct {
	redacted
	key ed25519.PrivateKey
}

// GenerateRecovery draws a recovery key.
func GenerateRecovery(rand io.Reader) (*Recovery, error) {
	seed, err := drawSeed(rand)
	if err != nil {
		return nil, err
	}
	return &Recovery{key: ed25519.NewKeyFromSeed(seed)}, nil
}

// ParseRecovery is the inverse of Bytes. It fails with ErrMalformed unless b has 32 bytes.
func ParseRecovery(b []byte) (*Recovery, error) {
	if len(b) != seedSize {
		return nil, fmt.Errorf("%w: a recovery key has %d bytes, not %d", ErrMalformed, seedSize, len(b))
	}
	return &Recovery{key: ed25519.NewKeyFromSeed(b)}, nil
}

// Bytes returns the secret, 32 bytes, to be written down and kept away from the identity.
func (r *Recovery) Bytes() []byte { return r.key.Seed() }

// Public returns the public key, which stays unpublished until it is used.
func (r *Recovery) Public() [32]byte { return [32]byte(r.key[ed25519.SeedSize:]) }

// Hash returns RecoveryHash of the public key: what inceptions and rotations commit to.
func (r *Recovery) Hash() [32]byte { return RecoveryHash(r.Public()) }

// Sign signs as Identity.Sign does.
func (r *Recovery) Sign(context string, message []byte) []byte {
	return ed25519.Sign(r.key, signed(context, message))
}

// RecoveryHash returns SHA-256("phr/recovery/1" ‖ public).
func RecoveryHash(public [32]byte) [32]byte {
	return sha256.Sum256(append([]byte("phr/recovery/1"), public[:]...))
}

// VerifyRecovery returns nil if signature is one by the recovery key whose public half is given, ErrMalformed if that is no
// key a signer can have made, and ErrSignature otherwise. That its RecoveryHash is the one committed to is for the caller
// to check.
func VerifyRecovery(public [32]byte, context string, message, signature []byte) error {
	if err := checkSigningKey(public[:]); err != nil {
		return fmt.Errorf("%w: recovery key: %w", ErrMalformed, err)
	}
	if !ed25519.Verify(public[:], signed(context, message), signature) {
		return ErrSignature
	}
	return nil
}

// parseRecoveryHash refuses, beside wrong lengths, the zero hash: what a field left out looks like.
func parseRecoveryHash(b []byte) ([32]byte, error) {
	if len(b) != 32 || [32]byte(b) == ([32]byte{}) {
		return [32]byte{}, fmt.Errorf("%w: no hash of a recovery key", ErrMalformed)
	}
	return [32]byte(b), nil
}
