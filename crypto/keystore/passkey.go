package keystore

import (
	"bytes"
	"errors"
	"slices"
)

const (
	prfSaltSize   = 32
	maxCredential = 1023 // the longest id of a credential that WebAuthn knows
)

// Passkey names a passkey, and what its authenticator is asked for: the PRF extension's answer for Salt. It stands in clear in the keystore.
type Passkey struct {
	Salt       [prfSaltSize]byte
	Credential []byte // id of the credential, 1 to 1023 bytes
}

func (p Passkey) check() error {
	if len(p.Credential) == 0 || len(p.Credential) > maxCredential {
		return errors.New("a credential's id is of the wrong length")
	}
	return nil
}

// salt returns what stands for it in a slot.
func (p Passkey) salt() []byte { return append(p.Salt[:], p.Credential...) }

// passkey returns whose a slot is.
func (t *terms) passkey() Passkey {
	return Passkey{[prfSaltSize]byte(t.Salt), bytes.Clone(t.Salt[prfSaltSize:])}
}

// RemovePasskey makes the passkey with a credential open the keystore no more. It fails as Save does, and if there is none.
func (k *Keystore) RemovePasskey(credential []byte) error {
	of := func(s slot) bool {
		return s.Terms.Kind == PasskeySlot && bytes.Equal(s.Terms.passkey().Credential, credential)
	}
	return k.changeSlots("removing a passkey", func(v *vault) ([]slot, error) {
		if !slices.ContainsFunc(v.slots, of) {
			return nil, errors.New("no such passkey opens this keystore")
		}
		return v.replaceSlots(of)
	})
}
