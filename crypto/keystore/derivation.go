package keystore

import (
	"fmt"

	"golang.org/x/crypto/argon2"
)

// Derivation is how the key of a slot is derived from a passphrase. A program whose memory never shrinks leaves Run to another one, which
// ends then.
type Derivation struct {
	Salt []byte
	Params
}

// NewDerivation draws the salt of a new passphrase slot.
func NewDerivation(p Params) Derivation { return Derivation{random(saltSize), p} }

// Derivations returns those of the passphrase slots of a keystore, in their order. It fails with ErrMalformed: what it returns is within
// the bounds of Params, whoever has doctored the file.
func Derivations(file []byte) ([]Derivation, error) {
	_, h, err := parseFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading keystore: %w: %w", ErrMalformed, err)
	}
	var all []Derivation
	for i := range h.Slots {
		if t := &h.Slots[i].Terms; t.Kind == PassphraseSlot {
			all = append(all, Derivation{t.Salt, t.params()})
		}
	}
	return all, nil
}

// Run is Argon2id of a passphrase: see Derived. It refuses parameters out of bounds before it allocates anything.
func (d Derivation) Run(passphrase []byte) (key [32]byte, err error) {
	if len(d.Salt) != saltSize {
		return key, fmt.Errorf("deriving a key: a salt of %d bytes", len(d.Salt))
	}
	if err := d.check(); err != nil {
		return key, fmt.Errorf("deriving a key: %w", err)
	}
	derived := argon2.IDKey(passphrase, d.Salt, d.Time, d.MemoryKiB, d.Threads, keySize)
	defer clear(derived)
	return [32]byte(derived), nil
}
