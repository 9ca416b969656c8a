package keystore

import (
	"bytes"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"

	"golang.org/x/crypto/argon2"
)

// Labels name the keys of slots to HKDF. The same secret may serve elsewhere under other labels.
const (
	recoveryLabel = "phr/keystore/recovery/1"
	passkeyLabel  = "phr/keystore/passkey/1"
)

// Key is what opens a keystore by a slot of its own: a passphrase, a recovery secret, a passkey. It refers to the bytes that it was made
// of, which their owner clears after use.
type Key struct {
	redacted
	kind    SlotKind
	secret  []byte
	cost    Params  // of a slot made for it, if that is a passphrase's
	derived []byte  // the salt that the secret was derived with already; nil if it was not
	passkey Passkey // which, if it is one
}

// Passphrase is a key that its owner remembers. A slot made for it costs what Native does, unless Costing says otherwise; opening one takes
// what that slot costs.
func Passphrase(passphrase []byte) Key {
	return Key{kind: PassphraseSlot, secret: passphrase, cost: Native}
}

// Costing returns the key of the same passphrase, for whose slot a guess costs p.
func (k Key) Costing(p Params) Key {
	k.cost = p
	return k
}

// Recovery is a key of 32 random bytes that its owner keeps on paper. Nobody guesses 256 bits, so that no cost is put on a guess.
func Recovery(secret [32]byte) Key { return Key{kind: RecoverySlot, secret: secret[:]} }

// ByPasskey is the key that an authenticator computes for a passkey: what WebAuthn's PRF extension returns for its salt.
func ByPasskey(p Passkey, secret [32]byte) Key {
	return Key{kind: PasskeySlot, secret: secret[:], passkey: p}
}

// Derived is the key of a passphrase that d.Run has been put through already, elsewhere perhaps.
func Derived(d Derivation, derived [32]byte) Key {
	return Key{kind: PassphraseSlot, secret: derived[:], cost: d.Params, derived: d.Salt}
}

// check refuses what no slot is made for.
func (k Key) check() error {
	switch k.kind {
	case PassphraseSlot:
		if len(k.secret) == 0 {
			return errors.New("empty passphrase")
		}
		if k.derived != nil && len(k.derived) != saltSize {
			return errors.New("a derivation has a salt of the wrong length")
		}
		return k.cost.check()
	case RecoverySlot:
		if isZero(k.secret) {
			return errors.New("no recovery secret")
		}
		return nil
	case PasskeySlot:
		if isZero(k.secret) {
			return errors.New("no secret of a passkey")
		}
		return k.passkey.check()
	}
	return errors.New("no key")
}

func isZero(b []byte) bool { return bytes.Equal(b, make([]byte, len(b))) }

// terms returns those of a slot for the key.
func (k Key) terms() terms {
	t := terms{Kind: k.kind, Time: k.cost.Time, MemoryKiB: k.cost.MemoryKiB, Threads: k.cost.Threads}
	switch {
	case k.kind == PasskeySlot:
		t.Salt = k.passkey.salt()
	case k.derived != nil:
		t.Salt = k.derived
	default:
		t.Salt = random(saltSize)
	}
	return t
}

// fits tells whether a slot may be one of the key.
func (k Key) fits(t *terms) bool {
	switch {
	case t.Kind != k.kind:
		return false
	case k.kind == PasskeySlot:
		return bytes.Equal(t.Salt, k.passkey.salt())
	case k.derived != nil:
		return bytes.Equal(t.Salt, k.derived) && t.params() == k.cost
	}
	return true
}

// derive returns the key that wraps the data key in a slot that fits.
func (k Key) derive(t *terms) ([]byte, error) {
	switch {
	case k.derived != nil:
		return bytes.Clone(k.secret), nil
	case k.kind == PassphraseSlot:
		return argon2.IDKey(k.secret, t.Salt, t.Time, t.MemoryKiB, t.Threads, keySize), nil
	case k.kind == RecoverySlot:
		return hkdf.Key(sha256.New, k.secret, t.Salt, recoveryLabel, keySize)
	case k.kind == PasskeySlot:
		return hkdf.Key(sha256.New, k.secret, t.Salt, passkeyLabel, keySize)
	}
	return nil, fmt.Errorf("a slot of the unknown kind %d", t.Kind)
}

// failed returns what is said where no slot opens by the key.
func (k Key) failed() error {
	switch k.kind {
	case RecoverySlot:
		return ErrRecovery
	case PasskeySlot:
		return ErrPasskey
	}
	return ErrPassphrase
}
