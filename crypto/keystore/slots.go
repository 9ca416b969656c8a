package keystore

import (
	"bytes"
	"fmt"
	"io/fs"
)

// Set makes key open the keystore from the next version on: in place of every passphrase or recovery secret before, if it is one, or of
// the passkey with the same credential. By a passphrase it takes as long as Open. It fails as Save does, and does not keep the key.
//
// The data key stays the same, so that files sealed beside the keystore and other processes go on. So whoever has both an old
// copy of the file and its old passphrase opens that copy and, with the data key in it, every later version that they get hold
// of: against somebody who does, the person's keys have to be replaced, not the passphrase.
func (k *Keystore) Set(key Key) error {
	return k.changeSlots(fmt.Sprintf("setting a %v slot", key.kind), func(v *vault) ([]slot, error) {
		s, err := wrap(v.key, key)
		if err != nil {
			return nil, err
		}
		return v.replaceSlots(s.rivals, s)
	})
}

// rivals tells whether another slot is one that this one takes the place of.
func (s *slot) rivals(other slot) bool {
	if s.Terms.Kind != PasskeySlot || other.Terms.Kind != PasskeySlot {
		return other.Terms.Kind == s.Terms.Kind
	}
	return bytes.Equal(other.Terms.passkey().Credential, s.Terms.passkey().Credential)
}

// RemoveRecovery makes no recovery secret open the keystore any more. It fails as Save does.
func (k *Keystore) RemoveRecovery() error {
	return k.changeSlots("removing the recovery code", func(v *vault) ([]slot, error) {
		return v.replaceSlots(func(s slot) bool { return s.Terms.Kind == RecoverySlot })
	})
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

// changeSlots saves a version with other slots and the same contents.
func (k *Keystore) changeSlots(doing string, change func(*vault) ([]slot, error)) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.vault.closed() {
		return fmt.Errorf("%s: %w", doing, fs.ErrClosed)
	}
	slots, err := change(k.vault)
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	if err := k.replace(slots, k.contents); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}
