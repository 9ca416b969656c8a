package identity

import (
	"bytes"
	"crypto/ed25519"
	"fmt"

	"github.com/phrledger/phr/crypto/canonical"
)

const encodingVersion = 1

// secret is the encoding of an Identity. Seals holds the seed in force, then former ones, newest first.
type secret struct {
	_             struct{} `cbor:",toarray"`
	Version       uint64
	InceptionSign []byte
	InceptionSeal []byte
	InceptionHash []byte
	Recovery      []byte
	Sign          []byte
	Seals         [][]byte
}

// Bytes returns the secret encoding of the identity, about 1.4 kB, for a keystore and nothing else.
func (id *Identity) Bytes() []byte {
	s := secret{
		Version:       encodingVersion,
		InceptionSign: id.inception.Keys.Sign[:],
		InceptionSeal: id.inception.Keys.Seal,
		InceptionHash: id.inception.Recovery[:],
		Recovery:      id.current.Recovery[:],
		Sign:          id.sign.Seed(),
	}
	for _, key := range id.seals {
		seed, err := key.Bytes()
		if err != nil {
			panic(err) // every key here was made from its seed
		}
		s.Seals = append(s.Seals, seed)
	}
	b, err := canonical.Marshal(s)
	if err != nil {
		panic(err) // byte strings and a number always encode
	}
	return b
}

// Parse is the inverse of Bytes. It fails with ErrMalformed for anything else, also for secrets that do not belong to the
// inception beside them.
func Parse(b []byte) (*Identity, error) {
	var s secret
	if err := canonical.Unmarshal(b, &s); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if s.Version != encodingVersion {
		return nil, fmt.Errorf("%w: unknown version %d", ErrMalformed, s.Version)
	}
	inception, err := ParseInception(s.InceptionSign, s.InceptionSeal, s.InceptionHash)
	if err != nil {
		return nil, err
	}
	id := &Identity{inception: inception}
	if err := id.parseSecrets(&s); err != nil {
		return nil, err
	}
	if err := id.checkInception(); err != nil {
		return nil, err
	}
	return id, nil
}

func (id *Identity) parseSecrets(s *secret) error {
	if len(s.Sign) != seedSize || len(s.Seals) == 0 {
		return fmt.Errorf("%w: a key is missing or has the wrong length", ErrMalformed)
	}
	recovery, err := parseRecoveryHash(s.Recovery)
	if err != nil {
		return err
	}
	for _, seed := range s.Seals {
		key, err := kem.NewPrivateKey(seed)
		if err != nil {
			return fmt.Errorf("%w: sealing key: %w", ErrMalformed, err)
		}
		id.seals = append(id.seals, key)
	}
	id.sign = ed25519.NewKeyFromSeed(s.Sign)
	id.current = &Inception{Keys: publicKeys(id.sign, id.seals[0]), Recovery: recovery}
	return nil
}

// checkInception compares the secrets with the inception: all of it before a rotation, the oldest sealing key ever after.
func (id *Identity) checkInception() error {
	first := id.seals[len(id.seals)-1]
	belongs := bytes.Equal(first.PublicKey().Bytes(), id.inception.Keys.Seal)
	if len(id.seals) == 1 {
		belongs = belongs && id.current.Keys.Sign == id.inception.Keys.Sign && id.current.Recovery == id.inception.Recovery
	}
	if !belongs {
		return fmt.Errorf("%w: the secrets belong to another inception", ErrMalformed)
	}
	return nil
}
