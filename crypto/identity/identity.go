// Package identity is who someone is on the log: a signing key, a sealing key, and a GID that commits to both.
//
// Signatures are Ed25519 (RFC 8032), each under a named context. Sealing to a person is HPKE (RFC 9180) in base mode with
// X-Wing (ML-KEM-768 and X25519), HKDF-SHA256 and AES-256-GCM, so that what is recorded today stays sealed when a quantum
// computer exists; signatures do not have that protection.
//
// A GID is the hash of the first keys and of a recovery key's hash. No directory can therefore put other keys in the place
// of the first ones, and later keys are accepted only under a signature by the recovery key, which is kept apart. Which
// keys are in force at which position of the log is not decided here.
//
// What this does not protect: HPKE in base mode names no sender, so whoever needs one signs what is sealed. A stolen
// sealing key opens everything that was ever sealed to it. Key bytes are not wiped from memory when an Identity is dropped.
package identity

import (
	"crypto/ed25519"
	"crypto/hpke"
	"errors"
	"fmt"
	"io"
)

// ErrMalformed is returned, wrapped, for bytes that are no key, GID, identity or recovery key.
var ErrMalformed = errors.New("malformed identity")

// ErrSignature is returned when a signature does not verify, whatever the reason.
var ErrSignature = errors.New("signature does not verify")

// ErrOpen is returned when sealed bytes do not open, whatever the reason: wrong recipient, wrong info, changed bytes.
var ErrOpen = errors.New("sealed bytes do not open")

const seedSize = 32

// Identity is the secret side of a person, an authority, a node or the root. It never prints: fmt, encoding/json and
// log/slog show "redacted". It is immutable and safe for concurrent use.
type Identity struct {
	redacted
	inception *Inception
	current   *Inception // keys in force and the recovery key that may replace them
	sign      ed25519.PrivateKey
	seals     []hpke.PrivateKey // the one in force, then former ones, newest first
}

// Generate draws a new identity and the recovery key that may later rotate it. The caller keeps the recovery key away from
// the identity: whoever holds it can take the GID over.
func Generate(rand io.Reader) (*Identity, *Recovery, error) {
	recovery, err := GenerateRecovery(rand)
	if err != nil {
		return nil, nil, err
	}
	id, err := GenerateFor(rand, recovery.Hash())
	if err != nil {
		return nil, nil, err
	}
	return id, recovery, nil
}

// GenerateFor draws a new identity that the recovery key with this hash may later rotate.
func GenerateFor(rand io.Reader, recovery [32]byte) (*Identity, error) {
	if _, err := parseRecoveryHash(recovery[:]); err != nil {
		return nil, err
	}
	sign, seal, err := generateKeys(rand)
	if err != nil {
		return nil, err
	}
	first := &Inception{Keys: publicKeys(sign, seal), Recovery: recovery}
	return &Identity{inception: first, current: first, sign: sign, seals: []hpke.PrivateKey{seal}}, nil
}

// Rotate returns an identity of the same GID with new keys, replaceable in turn by the recovery key whose hash is next. It
// still opens what was sealed to the keys before it. Nobody accepts the new keys until the log holds their rotation, signed by
// the recovery key in force until now; the receiver stays valid until then.
func (id *Identity) Rotate(rand io.Reader, next [32]byte) (*Identity, error) {
	if _, err := parseRecoveryHash(next[:]); err != nil {
		return nil, err
	}
	sign, seal, err := generateKeys(rand)
	if err != nil {
		return nil, err
	}
	return &Identity{
		inception: id.inception,
		current:   &Inception{Keys: publicKeys(sign, seal), Recovery: next},
		sign:      sign,
		seals:     append([]hpke.PrivateKey{seal}, id.seals...),
	}, nil
}

// GID returns the name of the identity, which no rotation changes.
func (id *Identity) GID() GID { return id.inception.GID() }

// Keys returns the public keys in force. The result is shared and must not be changed.
func (id *Identity) Keys() *Keys { return id.current.Keys }

// Inception returns what the GID commits to: the first keys, not those in force after a rotation. The result is shared
// and must not be changed.
func (id *Identity) Inception() *Inception { return id.inception }

// RecoveryHash returns the hash of the recovery key that may rotate the keys in force.
func (id *Identity) RecoveryHash() [32]byte { return id.current.Recovery }

// Sign signs message under context with the key in force. The context is a constant of the caller, not empty and without
// a zero byte; Sign panics otherwise.
func (id *Identity) Sign(context string, message []byte) []byte {
	return ed25519.Sign(id.sign, signed(context, message))
}

// Open returns what SealTo sealed to this identity, under the keys in force or former ones. Every failure is ErrOpen.
func (id *Identity) Open(info string, aad, sealed []byte) ([]byte, error) {
	for _, seal := range id.seals {
		if plaintext, err := openWith(seal, info, aad, sealed); err == nil {
			return plaintext, nil
		}
	}
	return nil, ErrOpen
}

func generateKeys(rand io.Reader) (ed25519.PrivateKey, hpke.PrivateKey, error) {
	signSeed, err := drawSeed(rand)
	if err != nil {
		return nil, nil, err
	}
	sealSeed, err := drawSeed(rand)
	if err != nil {
		return nil, nil, err
	}
	seal, err := kem.NewPrivateKey(sealSeed)
	if err != nil {
		return nil, nil, fmt.Errorf("making a sealing key: %w", err)
	}
	return ed25519.NewKeyFromSeed(signSeed), seal, nil
}

func drawSeed(rand io.Reader) ([]byte, error) {
	seed := make([]byte, seedSize)
	if _, err := io.ReadFull(rand, seed); err != nil {
		return nil, fmt.Errorf("drawing a key: %w", err)
	}
	return seed, nil
}

func publicKeys(sign ed25519.PrivateKey, seal hpke.PrivateKey) *Keys {
	k := &Keys{Seal: seal.PublicKey().Bytes()}
	copy(k.Sign[:], sign[ed25519.SeedSize:])
	return k
}
