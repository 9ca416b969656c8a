package keystore

import (
	"crypto/rand"
	"errors"
	"fmt"

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
	PasskeySlot    SlotKind = 4 // what an authenticator computes
)

// String names the kind.
func (k SlotKind) String() string {
	switch k {
	case PassphraseSlot:
		return "passphrase"
	case RecoverySlot:
		return "recovery"
	case PasskeySlot:
		return "passkey"
	}
	return fmt.Sprintf("unknown (%d)", uint64(k))
}

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
	Salt      []byte // of a passkey followed by its credential's id
}

func (t *terms) params() Params {
	return Params{Time: t.Time, MemoryKiB: t.MemoryKiB, Threads: t.Threads}
}

// wrap makes the slot of a key for a data key.
func wrap(dataKey []byte, by Key) (slot, error) {
	if err := by.check(); err != nil {
		return slot{}, err
	}
	s := slot{Terms: by.terms(), Nonce: random(nonceSize)}
	aad, err := s.aad()
	if err != nil {
		return slot{}, err
	}
	derived, err := by.derive(&s.Terms)
	if err != nil {
		return slot{}, err
	}
	defer clear(derived)
	s.Wrapped, err = sealWith(derived, s.Nonce, dataKey, aad)
	return s, err
}

// unwrap returns the data key. The slot has been checked, and the key fits.
func (s *slot) unwrap(by Key) ([]byte, error) {
	aad, err := s.aad()
	if err != nil {
		return nil, err
	}
	derived, err := by.derive(&s.Terms)
	if err != nil {
		return nil, err
	}
	defer clear(derived)
	return openWith(derived, s.Nonce, s.Wrapped, aad)
}

func (s *slot) check() error {
	if err := s.Terms.check(); err != nil {
		return err
	}
	if len(s.Nonce) != nonceSize || len(s.Wrapped) != wrappedSize {
		return errors.New("a slot has fields of the wrong length")
	}
	return nil
}

func (t *terms) check() error {
	if t.Kind == RecoverySlot || t.Kind == PasskeySlot {
		if t.params() != (Params{}) {
			return fmt.Errorf("a %v slot has a cost, which only passphrases have", t.Kind)
		}
	} else if err := t.params().check(); err != nil {
		return err
	}
	least, most := saltSize, saltSize
	if t.Kind == PasskeySlot {
		least, most = prfSaltSize+1, prfSaltSize+maxCredential
	}
	if t.Kind == 0 || len(t.Salt) < least || len(t.Salt) > most {
		return errors.New("a slot has fields of the wrong length")
	}
	return nil
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
