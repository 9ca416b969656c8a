package keystore

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"path/filepath"
)

// Copy returns the newest version of the file as it stands: what opens the keystore opens it too, for ever, whatever is changed
// afterwards.
func (k *Keystore) Copy() ([]byte, error) {
	if _, err := k.Reload(); err != nil { // so that nothing is copied but a version of this keystore
		return nil, fmt.Errorf("copying keystore: %w", err)
	}
	d, err := openDirectory(k.path)
	if err != nil {
		return nil, fmt.Errorf("copying keystore: %w", err)
	}
	defer d.close()
	b, err := d.read()
	if err != nil {
		return nil, fmt.Errorf("copying keystore: %w", err)
	}
	return b, nil
}

// Restore makes a copy the keystore at path, once the passphrase has opened it, and its directory with mode 0700 if there is none. It
// refuses to overwrite anything (fs.ErrExist), and else fails as Open does.
func Restore(path string, copied, passphrase []byte) (*Keystore, error) {
	return restore(path, copied, PassphraseSlot, passphrase)
}

// RestoreRecovery is Restore by a recovery secret. It fails with ErrRecovery in place of ErrPassphrase.
func RestoreRecovery(path string, copied []byte, secret [32]byte) (*Keystore, error) {
	return restore(path, copied, RecoverySlot, secret[:])
}

func restore(path string, copied []byte, kind SlotKind, secret []byte) (*Keystore, error) {
	if len(copied) > maxFile {
		return nil, fmt.Errorf("restoring keystore: %w: it is longer than any keystore", ErrMalformed)
	}
	v, contents, err := parseVault(copied, kind, secret)
	if err != nil {
		return nil, fmt.Errorf("restoring keystore: %w", err)
	}
	k := &Keystore{path: path, vault: v, contents: contents, seen: sha256.Sum256(copied)}
	if err := place(path, copied); err != nil {
		k.Close()
		return nil, fmt.Errorf("restoring keystore: %w", err)
	}
	return k, nil
}

// place writes an encoded keystore where there is none.
func place(path string, encoded []byte) error {
	if err := makeDirectory(filepath.Dir(path)); err != nil {
		return err
	}
	d, err := lockDirectory(path)
	if err != nil {
		return err
	}
	defer d.close()
	if d.exists() {
		return fmt.Errorf("%q: %w", path, fs.ErrExist)
	}
	return d.replace(encoded)
}
