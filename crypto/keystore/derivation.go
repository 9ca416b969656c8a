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
