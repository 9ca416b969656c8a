package keystore

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/chacha20poly1305"

	"github.com/phrledger/phr/crypto/canonical"
)

const (
	keySize     = chacha20poly1305.KeySize
	nonceSize   = chacha20poly1305.NonceSizeX
	saltSize    = 16
	wrappedSize = keySize + chacha20poly1305.Overhead
)

// SlotKind is by what a slot opens. Slots of other kinds than these have the same fields; they are kept, and passed over
// when a secret is tried.
type SlotKind uint64

// The kinds of slots.
const (
	PassphraseSlot SlotKind = 1 // what its owner remembers
	RecoverySlot   SlotKind = 3 // a secret of 256 bits that its owner keeps on paper
)

// recoveryLabel names the key of a recovery slot to HKDF. The same secret may serve elsewhere under other labels.
const recoveryLabel = "phr/keystore/recovery/1"

// slot wraps the data key. Its terms are additional data of the wrap.
type slot struct {
	_       struct{} `cbor:",toarray"`
	Terms   terms
	Nonce   []byte
	Wrapped []byte
}

type terms struct {
	_         struct{} `cbor:",toarray"`
	Kind      SlotKind
	Time      uint32
	MemoryKiB uint32
	Threads   uint8
	Salt      []byte
}

func (t *terms) params() Params {
	return Params{Time: t.Time, MemoryKiB: t.MemoryKiB, Threads: t.Threads}
}

// wrapPassphrase makes the slot of a passphrase for a data key.
func wrapPassphrase(key, passphrase []byte, p Params) (slot, error) {
	if len(passphrase) == 0 {
		return slot{}, errors.New("empty passphrase")
	}
	if err := p.check(); err != nil {
		return slot{}, err
	}
	return wrap(key, passphrase, terms{Kind: PassphraseSlot, Time: p.Time, MemoryKiB: p.MemoryKiB, Threads: p.Threads})
}

// wrapRecovery makes the slot of a recovery secret. Nobody guesses 256 bits, so that no cost is put on a guess.
func wrapRecovery(key []byte, secret [32]byte) (slot, error) {
	if secret == ([32]byte{}) {
		return slot{}, errors.New("no recovery secret")
	}
	return wrap(key, secret[:], terms{Kind: RecoverySlot})
}

func wrap(key, secret []byte, t terms) (slot, error) {
	t.Salt = random(saltSize)
	s := slot{Terms: t, Nonce: random(nonceSize)}
	aad, err := s.aad()
	if err != nil {
		return slot{}, err
	}
	derived, err := s.derive(secret)
	if err != nil {
		return slot{}, err
	}
	defer clear(derived)
	s.Wrapped, err = sealWith(derived, s.Nonce, key, aad)
	return s, err
}

// unwrap returns the data key. The slot has been checked.
func (s *slot) unwrap(secret []byte) ([]byte, error) {
	aad, err := s.aad()
	if err != nil {
		return nil, err
	}
	derived, err := s.derive(secret)
	if err != nil {
		return nil, err
	}
	defer clear(derived)
	return openWith(derived, s.Nonce, s.Wrapped, aad)
}

func (s *slot) check() error {
	p := s.Terms.params()
	if s.Terms.Kind == RecoverySlot {
		if p != (Params{}) {
			return errors.New("a recovery slot has a cost, which only passphrases have")
		}
	} else if err := p.check(); err != nil {
		return err
	}
	if s.Terms.Kind == 0 || len(s.Terms.Salt) != saltSize || len(s.Nonce) != nonceSize || len(s.Wrapped) != wrappedSize {
		return errors.New("a slot has fields of the wrong length")
	}
	return nil
}

// derive returns the key that wraps the data key in this slot.
func (s *slot) derive(secret []byte) ([]byte, error) {
	switch t := &s.Terms; t.Kind {
	case PassphraseSlot:
		return argon2.IDKey(secret, t.Salt, t.Time, t.MemoryKiB, t.Threads, keySize), nil
	case RecoverySlot:
		return hkdf.Key(sha256.New, secret, t.Salt, recoveryLabel, keySize)
	}
	return nil, fmt.Errorf("a slot of the unknown kind %d", s.Terms.Kind)
}

func (s *slot) aad() ([]byte, error) {
	encoded, err := canonical.Marshal(s.Terms)
	if err != nil {
		return nil, err
	}
	return append([]byte("phr/keystore/slot/1\x00"), encoded...), nil
}

// random never fails: crypto/rand ends the process rather than return less.
func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

func sealWith(key, nonce, plaintext, aad []byte) ([]byte, error) {
	a, err := chacha20poly1305.NewX(key)
	if err != nil {
		return nil, fmt.Errorf("sealing: %w", err)
	}
	return a.Seal(nil, nonce, plaintext, aad), nil
}

func openWith(key, nonce, sealed, aad []byte) ([]byte, error) {
	a, err := chacha20poly1305.NewX(key)
	if err != nil {
		return nil, fmt.Errorf("opening: %w", err)
	}
	return a.Open(nil, nonce, sealed, aad)
}
