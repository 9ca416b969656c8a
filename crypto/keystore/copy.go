package keystore

import (
	"crypto/sha256"
	"fmt"
)

// Copy returns the newest version of the file as it stands: what opens the keystore opens it too, for ever, whatever is changed
// afterwards.
func (k *Keystore) Copy() ([]byte, error) {
	if _, err := k.Reload(); err != nil { // so that nothing is copied but a version of this keystore
		return nil, fmt.Errorf("copying keystore: %w", err)
	}
	b, err := k.place.Read()
	if err != nil {
		return nil, fmt.Errorf("copying keystore: %w", err)
	}
	return b, nil
}

// Restore makes a copy the keystore at a place, once a key has opened it. It refuses to overwrite anything (fs.ErrExist), and else fails
// as Open does.
func Restore(at Place, copied []byte, by Key) (*Keystore, error) {
	if len(copied) > maxFile {
		return nil, fmt.Errorf("restoring keystore: %w: it is longer than any keystore", ErrMalformed)
	}
	v, contents, err := parseVault(copied, by)
	if err != nil {
		return nil, fmt.Errorf("restoring keystore: %w", err)
	}
	k := &Keystore{place: at, vault: v, contents: contents, seen: sha256.Sum256(copied)}
	if err := at.Create(func() ([]byte, error) { return copied, nil }); err != nil {
		k.Close()
		return nil, fmt.Errorf("restoring keystore: %w", err)
	}
	return k, nil
}
