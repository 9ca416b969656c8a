package keystore

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
)

// Reload takes over the newest version of the file, which another process may have saved, and tells whether there was one.
// It needs no passphrase, as the data key stays the same from version to version. It fails with ErrMalformed for a file that
// is not of this keystore or is older than what was read before; the Keystore then stays as it was.
func (k *Keystore) Reload() (changed bool, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.vault.closed() {
		return false, fmt.Errorf("reading keystore anew: %w", fs.ErrClosed)
	}
	encoded, err := k.place.Read()
	if err != nil {
		return false, fmt.Errorf("reading keystore anew: %w", err)
	}
	seen := sha256.Sum256(encoded)
	if seen == k.seen {
		return false, nil
	}
	contents, err := k.vault.advance(encoded)
	if err != nil {
		return false, fmt.Errorf("reading keystore anew: %w", err)
	}
	clear(k.contents)
	k.contents, k.seen = contents, seen
	return true, nil
}

// advance opens a later version with the data key at hand, and returns its contents.
func (v *vault) advance(encoded []byte) ([]byte, error) {
	f, h, err := parseFile(encoded)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if h.Generation <= v.generation {
		return nil, fmt.Errorf("%w: version %d was put back in place of version %d", ErrMalformed, h.Generation, v.generation)
	}
	contents, err := v.open(f)
	if err != nil {
		return nil, err
	}
	v.generation, v.slots = h.Generation, h.Slots
	return contents, nil
}
