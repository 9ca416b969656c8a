// Package recovery is the secret that brings a person back who has lost every device: 24 words on paper, or shares of
// them with people they trust.
//
// The secret is a scalar of ristretto255, so that it can be shared over that group (Shamir, "How to share a secret",
// 1979). Everything else is derived from it by HKDF-SHA256 (RFC 5869) under a name of its own: the seed of the key
// that may replace an identity's, the secret of a keystore's slot, and the seed of the key to which what a recovered
// person needs is sealed. Nobody can get from one of them to another, or back to the secret.
//
// On paper the 253 bits of the scalar are 23 words of the English list of BIP 39, and a 24th word is a check of 11 bits over
// them. The words are no wallet's: another program refuses them nearly always, and so does this package with another's.
//
// What this does not protect: who has the words has all three. A share alone says nothing about the secret, but fewer
// people than the threshold can make the recovery fail by keeping or changing theirs. Words on a screen or in memory are
// as safe as the machine; Close wipes what the Secret itself holds, not copies that the Go runtime or a caller made.
package recovery

import (
	"errors"
	"fmt"
	"io"

	"github.com/cloudflare/circl/group"
)

// ErrMalformed is returned, wrapped, for bytes and words that are no secret and no share.
var ErrMalformed = errors.New("malformed recovery secret")

// Size is the length of an encoded secret, in bytes.
const Size = 32

// Secret is a recovery secret. It never prints: fmt, encoding/json and log/slog show "redacted". It is immutable until Close,
// and safe for concurrent use until then; any use after Close panics.
type Secret struct {
	redacted
	value []byte // the scalar, little-endian; nil once closed
}

// Generate draws a secret: 64 bytes of rand, hashed to a scalar. It fails if rand does.
func Generate(rand io.Reader) (*Secret, error) {
	var seed [64]byte
	defer clear(seed[:])
	for {
		if _, err := io.ReadFull(rand, seed[:]); err != nil {
			return nil, fmt.Errorf("drawing a recovery secret: %w", err)
		}
		if s := group.Ristretto255.HashToScalar(seed[:], []byte("phr/recovery/generate/1")); !s.IsZero() {
			return secretOf(s), nil
		}
	}
}

// Parse is the inverse of Bytes. It fails with ErrMalformed for anything but the one encoding of a scalar other than zero.
func Parse(b []byte) (*Secret, error) {
	s, err := parseScalar(b)
	if err != nil {
		return nil, err
	}
	return secretOf(s), nil
}

// Bytes returns a copy of the secret, Size bytes, for the caller to keep safe and to clear.
func (s *Secret) Bytes() []byte { return append([]byte(nil), s.open()...) }

// Close wipes the secret from memory.
func (s *Secret) Close() {
	clear(s.value)
	s.value = nil
}

func (s *Secret) open() []byte {
	if s.value == nil {
		panic("recovery: a secret was used after Close")
	}
	return s.value
}

func secretOf(s group.Scalar) *Secret { return &Secret{value: encodeScalar(s)} }

func encodeScalar(s group.Scalar) []byte {
	b, err := s.MarshalBinary()
	if err != nil {
		panic(err) // a scalar always has its 32 bytes
	}
	return b
}

func parseScalar(b []byte) (group.Scalar, error) {
	if len(b) != Size {
		return nil, fmt.Errorf("%w: %d bytes, not %d", ErrMalformed, len(b), Size)
	}
	s := group.Ristretto255.NewScalar()
	if err := s.UnmarshalBinary(b); err != nil || s.IsZero() {
		return nil, fmt.Errorf("%w: not the encoding of a scalar", ErrMalformed)
	}
	return s, nil
}
