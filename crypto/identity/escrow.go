package identity

import (
	"crypto/hpke"
	"fmt"
	"io"
)

// Escrow is the X-Wing key pair to which someone seals what they need after they have lost everything else. It is derived
// from a secret that is kept apart; its public half is enough for sealing. It never prints and is safe for concurrent use.
type Escrow struct {
	redacted
	key hpke.PrivateKey
}

// ParseEscrow returns the key pair of a seed. It fails with ErrMalformed unless seed has 32 bytes.
func ParseEscrow(seed []byte) (*Escrow, error) {
	if len(seed) != seedSize {
		return nil, fmt.Errorf("%w: the seed of an escrow key has %d bytes, not %d", ErrMalformed, seedSize, len(seed))
	}
	key, err := kem.NewPrivateKey(seed)
	if err != nil {
		return nil, fmt.Errorf("%w: escrow key: %w", ErrMalformed, err)
	}
	return &Escrow{key: key}, nil
}

// Public returns the public key, SealKeySize bytes.
func (e *Escrow) Public() []byte { return e.key.PublicKey().Bytes() }

// Open returns what SealEscrow sealed to this key. Every failure is ErrOpen.
func (e *Escrow) Open(info string, aad, sealed []byte) ([]byte, error) {
	return openWith(e.key, info, aad, sealed)
}

// SealEscrow seals plaintext to the public half of an Escrow, as Keys.SealTo does to a person. It fails with ErrMalformed for
// an unusable key.
func SealEscrow(public []byte, info string, aad, plaintext []byte) ([]byte, error) {
	if err := checkSealingKey(public); err != nil {
		return nil, fmt.Errorf("%w: escrow key: %w", ErrMalformed, err)
	}
	return sealWith(public, info, aad, plaintext)
}

// SealSeeds returns the secrets that open what was ever sealed to the identity, 32 bytes each: the one in force, then former
// ones, newest first. They belong into an escrow and nowhere else.
func (id *Identity) SealSeeds() [][]byte {
	seeds := make([][]byte, len(id.seals))
	for i, key := range id.seals {
		seed, err := key.Bytes()
		if err != nil {
			panic(err) // every key here was made from its seed
		}
		seeds[i] = seed
	}
	return seeds
}

// Recover returns an identity with new keys for someone who has lost theirs, but has an escrow: the inception that the GID is
// made of, and what SealSeeds returned. As after Rotate, nobody accepts the new keys until the log holds their rotation. It
// fails with ErrMalformed if the seeds are not those of the inception.
func Recover(rand io.Reader, inception *Inception, seeds [][]byte, next [32]byte) (*Identity, error) {
	if _, err := parseRecoveryHash(next[:]); err != nil {
		return nil, err
	}
	sign, seal, err := generateKeys(rand)
	if err != nil {
		return nil, err
	}
	id := &Identity{
		inception: inception, current: &Inception{Keys: publicKeys(sign, seal), Recovery: next}, sign: sign, seals: []hpke.PrivateKey{seal},
	}
	for _, seed := range seeds {
		if len(seed) != seedSize {
			return nil, fmt.Errorf("%w: a former sealing key has %d bytes", ErrMalformed, len(seed))
		}
		key, err := kem.NewPrivateKey(seed)
		if err != nil {
			return nil, fmt.Errorf("%w: former sealing key: %w", ErrMalformed, err)
		}
		id.seals = append(id.seals, key)
	}
	if len(seeds) == 0 {
		return nil, fmt.Errorf("%w: no former sealing key", ErrMalformed)
	}
	if err := id.checkInception(); err != nil {
		return nil, err
	}
	return id, nil
}
