package client

import (
	"errors"
	"fmt"
	"slices"

	"github.com/phrledger/phr/crypto/keystore"
	"github.com/phrledger/phr/crypto/recovery"
)

// SetPassphrase makes passphrase the one that opens the home, in place of the one before. An old copy of the home still opens by
// the old one: see keystore.Keystore.Set.
func (h *Home) SetPassphrase(passphrase []byte) error {
	return h.setPassphrase(passphrase, keystore.Native)
}

func (h *Home) setPassphrase(passphrase []byte, cost keystore.Params) error {
	return h.SetKey(keystore.Passphrase(passphrase).Costing(cost))
}

// SetRecovery makes a recovery code open the home too, in place of the one before. Of the code itself nothing is kept.
func (h *Home) SetRecovery(code *recovery.Secret) error {
	secret := code.KeystoreSecret()
	defer clear(secret)
	return h.SetKey(keystore.Recovery([32]byte(secret)))
}

// SetKey makes a key open the home: see keystore.Keystore.Set.
func (h *Home) SetKey(key keystore.Key) error {
	return h.changeSlots(func(k *keystore.Keystore) error { return k.Set(key) })
}

// RemovePasskey makes the passkey with a credential open the home no more.
func (h *Home) RemovePasskey(credential []byte) error {
	return h.changeSlots(func(k *keystore.Keystore) error { return k.RemovePasskey(credential) })
}

// changeSlots changes how the keystore opens. If another process was faster, its version is read and changed again.
func (h *Home) changeSlots(change func(*keystore.Keystore) error) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.agent != nil {
		return ErrAgent
	}
	if h.keystore == nil {
		return errors.New("a home in memory has no passphrase")
	}
	for try := 0; ; try++ {
		err := change(h.keystore)
		if err == nil {
			return nil
		}
		if !errors.Is(err, keystore.ErrConflict) || try == maxSaves {
			return fmt.Errorf("saving the keystore: %w", err)
		}
		if err := h.reload(); err != nil {
			return err
		}
	}
}

// HasRecovery tells whether a recovery code opens the home, if that is known: it is not where an agent has the keystore.
func (h *Home) HasRecovery() (has, known bool) {
	if h.keystore == nil {
		return false, h.agent == nil
	}
	return slices.Contains(h.keystore.Slots(), keystore.RecoverySlot), true
}
