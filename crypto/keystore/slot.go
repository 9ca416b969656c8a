package keystore

import (
	"crypto/rand"
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

// slotPassphrase is the kind of slot that a passphrase opens. Slots of other kinds have the same fields; they are kept,
// and passed over when a passphrase is tried.
const slotPassphrase = 1

// slot wraps the data key. Its terms are additional data of the wrap.
type slot struct {
	_       struct{} `cbor:",toarray"`
	Terms   terms
	Nonce   []byte
	Wrapped []byte
}

type terms struct {
	_         struct{} `cbor:",toarray"`
	Kind      uint64
	Time      uint32
	MemoryKiB uint32
	Threads   uint8
	Salt      []byte
}

func (t *terms) params() Params {
	return Params{Time: t.Time, MemoryKiB: t.MemoryKiB, Threads: t.Threads}
}

// wrap makes the passphrase slot for a data key.
func wrap(key, passphrase []byte, p Params) (slot, error) {
	if len(passphrase) == 0 {
		return slot{}, errors.New("empty passphrase")
	}
	if err := p.check(); err != nil {
		return slot{}, err
	}
	s := slot{
		Terms: terms{Kind: slotPassphrase, Time: p.Time, MemoryKiB: p.MemoryKiB, Threads: p.Threads, Salt: random(saltSize)},
		Nonce: random(nonceSize),
	}
	aad, err := s.aad()
	if err != nil {
		return slot{}, err
	}
	derived := s.derive(passphrase)
	defer clear(derived)
	s.Wrapped, err = sealWith(derived, s.Nonce, key, aad)
	return s, err
}

// unwrap returns the data key, or ErrPassphrase. The slot has been checked.
func (s *slot) unwrap(passphrase []byte) ([]byte, error) {
	aad, err := s.aad()
	if err != nil {
		return nil, err
	}
	derived := s.derive(passphrase)
	defer clear(derived)
	key, err := openWith(derived, s.Nonce, s.Wrapped, aad)
	if err != nil {
		return nil, ErrPassphrase
	}
	return key, nil
}

func (s *slot) check() error {
	if err := s.Terms.params().check(); err != nil {
		return err
	}
	if s.Terms.Kind == 0 || len(s.Terms.Salt) != saltSize || len(s.Nonce) != nonceSize || len(s.Wrapped) != wrappedSize {
		return errors.New("a slot has fields of the wrong length")
	}
	return nil
}

func (s *slot) derive(passphrase []byte) []byte {
	return argon2.IDKey(passphrase, s.Terms.Salt, s.Terms.Time, s.Terms.MemoryKiB, s.Terms.Threads, keySize)
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
