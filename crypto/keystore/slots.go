package keystore

import (
	"fmt"
	"io/fs"
)

// SetPassphrase makes passphrase the one that opens the keystore from the next version on, in place of every one before. It
// takes as long as Open. It fails as Save does, and keeps neither argument.
//
// The data key stays the same, so that files sealed beside the keystore and other processes go on. So whoever has both an old
// copy of the file and its old passphrase opens that copy and, with the data key in it, every later version that they get hold
// of: against somebody who does, the person's keys have to be replaced, not the passphrase.
func (k *Keystore) SetPassphrase(passphrase []byte, p Params) error {
	return k.changeSlots("changing the passphrase", PassphraseSlot, func(key []byte) ([]slot, error) {
		s, err := wrapPassphrase(key, passphrase, p)
		return []slot{s}, err
	})
}

// SetRecovery makes a secret of 32 random bytes open the keystore too, in place of every such secret before. It fails as Save does.
// What SetPassphrase says of old copies holds.
func (k *Keystore) SetRecovery(secret [32]byte) error {
	return k.changeSlots("setting the recovery code", RecoverySlot, func(key []byte) ([]slot, error) {
		s, err := wrapRecovery(key, secret)
		return []slot{s}, err
	})
}

// RemoveRecovery leaves the passphrase as the only way in. It fails as Save does.
func (k *Keystore) RemoveRecovery() error {
	return k.changeSlots("removing the recovery code", RecoverySlot, func([]byte) ([]slot, error) { return nil, nil })
}

// Slots returns the kinds of the slots, in their order.
func (k *Keystore) Slots() []SlotKind {
	k.mu.Lock()
	defer k.mu.Unlock()
	kinds := make([]SlotKind, len(k.vault.slots))
	for i := range kinds {
		kinds[i] = k.vault.slots[i].Terms.Kind
	}
	return kinds
}

// changeSlots saves a version with other slots of one kind and the same contents.
func (k *Keystore) changeSlots(doing string, kind SlotKind, fresh func(key []byte) ([]slot, error)) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.vault.closed() {
		return fmt.Errorf("%s: %w", doing, fs.ErrClosed)
	}
	made, err := fresh(k.vault.key)
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	slots, err := k.vault.replaceSlots(kind, made...)
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	if err := k.replace(slots, k.contents); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}
