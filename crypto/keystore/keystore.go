// Package keystore keeps a person's secrets in one file, under a passphrase, a recovery code and passkeys.
//
// A random data key seals the contents with XChaCha20-Poly1305. Slots wrap the data key; a passphrase opens its slot through
// Argon2id (RFC 9106), a recovery secret of 256 random bits and what an authenticator computes for a passkey open their own through
// HKDF (RFC 5869). The whole header, with every slot, is additional data of the contents, so that no slot can be exchanged for
// another. The data key also seals files that lie beside the keystore.
//
// A version of the file is complete or not there: in a directory it is written under another name, synced and renamed. File and
// directory must belong to the user alone. Two processes don't overwrite each other: the second one gets ErrConflict.
//
// What this does not protect: a passphrase that can be guessed, or secrets from whoever controls the machine while they are
// in use. An older version of the file opens as well as the newest, by what opened it then; only a caller who remembers
// Generation notices. A new passphrase does not lock out who has the data key from an old copy and its old passphrase. Where
// the system has no file owners or locks (Windows, WebAssembly), the checks on them don't take place.
package keystore

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"sync"
)

// ErrPassphrase is returned, wrapped, when no slot opens: the passphrase is wrong or the slot was damaged. Nobody can tell
// which.
var ErrPassphrase = errors.New("wrong passphrase or damaged keystore")

// ErrRecovery is returned, wrapped, when no slot opens by a recovery secret: the secret is of another keystore or was replaced,
// there is no such slot, or it was damaged.
var ErrRecovery = errors.New("wrong recovery code, or a damaged keystore, or one without a recovery code")

// ErrPasskey is returned, wrapped, when no slot opens by what an authenticator computed for a passkey: the keystore has no such
// passkey, or it was damaged.
var ErrPasskey = errors.New("wrong passkey, or a damaged keystore, or one without this passkey")

// ErrInsecure is returned, wrapped, when file or directory are open to others or are not what they seem. The message says
// what to do.
var ErrInsecure = errors.New("insecure keystore")

// ErrMalformed is returned, wrapped, for bytes that are no keystore, or whose contents don't belong to their header, and by
// Unseal.
var ErrMalformed = errors.New("malformed keystore")

// ErrConflict is returned, wrapped, by Save when the file is no longer the version that this Keystore read or wrote last.
// Nothing was written; the caller opens the file again and repeats its change.
var ErrConflict = errors.New("keystore was changed by another process")

// Keystore is an open keystore. It holds the data key and the contents in memory until Close, never prints them, and is safe
// for concurrent use.
type Keystore struct {
	redacted
	place Place

	mu       sync.Mutex
	vault    *vault
	contents []byte
	seen     [sha256.Size]byte // hash of the file as read or written last
}

// Create makes a keystore that holds contents and opens by each of the keys, among them a passphrase or a recovery secret. It refuses
// to overwrite anything (fs.ErrExist), an empty passphrase and costs out of bounds. It does not keep its arguments.
func Create(at Place, contents []byte, keys ...Key) (*Keystore, error) {
	k := &Keystore{place: at}
	var fresh *version
	err := at.Create(func() ([]byte, error) {
		v, err := newVault(keys)
		if err != nil {
			return nil, err
		}
		k.vault = v
		fresh, err = k.next(v.slots, contents)
		return fresh.file(), err
	})
	if err != nil {
		return nil, fmt.Errorf("creating keystore: %w", err)
	}
	k.adopt(fresh)
	return k, nil
}

// Open opens the keystore at a place. It fails with ErrInsecure before anything is read, with ErrMalformed before a header's
// parameters are put to work, and with ErrPassphrase, ErrRecovery or ErrPasskey. It does not keep the key. By a passphrase, with
// Native parameters, it takes half a second and 256 MiB; otherwise no time.
func Open(at Place, by Key) (*Keystore, error) {
	encoded, err := at.Read()
	if err != nil {
		return nil, fmt.Errorf("opening keystore: %w", err)
	}
	v, contents, err := parseVault(encoded, by)
	if err != nil {
		return nil, fmt.Errorf("opening keystore: %w", err)
	}
	return &Keystore{place: at, vault: v, contents: contents, seen: sha256.Sum256(encoded)}, nil
}

// Contents returns a copy of what was saved last, which the caller clears after use, or nil after Close.
func (k *Keystore) Contents() []byte {
	k.mu.Lock()
	defer k.mu.Unlock()
	return bytes.Clone(k.contents)
}

// Generation returns the number of the version: 1 when created, one more for each Save. A caller that remembers it
// elsewhere notices when an older version was put back.
func (k *Keystore) Generation() uint64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.vault.generation
}

// Save replaces the contents, in the file and in memory. After an error the file holds the old contents or the new ones,
// never a mixture or neither; the Keystore keeps the old ones and a further Save fails with ErrConflict if the file has the
// new. It does not keep contents.
func (k *Keystore) Save(contents []byte) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.vault.closed() {
		return fmt.Errorf("saving keystore: %w", fs.ErrClosed)
	}
	if err := k.replace(k.vault.slots, contents); err != nil {
		return fmt.Errorf("saving keystore: %w", err)
	}
	return nil
}

// Close wipes the data key and the contents from memory. Everything but Generation fails afterwards. Copies that Contents
// returned are the caller's.
func (k *Keystore) Close() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.vault.wipe()
	clear(k.contents)
	k.contents = nil
}

// version is one that is not saved yet.
type version struct {
	encoded  []byte
	slots    []slot
	contents []byte
}

// file returns what is to be written, nil where there is no version.
func (v *version) file() []byte {
	if v == nil {
		return nil
	}
	return v.encoded
}

// replace puts the next version in the place of the file, if that is the one known.
func (k *Keystore) replace(slots []slot, contents []byte) error {
	var fresh *version
	err := k.place.Replace(func(current []byte) (_ []byte, err error) {
		if sha256.Sum256(current) != k.seen {
			return nil, ErrConflict
		}
		fresh, err = k.next(slots, contents)
		return fresh.file(), err
	})
	if err == nil {
		k.adopt(fresh)
	}
	return err
}

// next makes the next version.
func (k *Keystore) next(slots []slot, contents []byte) (*version, error) {
	encoded, err := k.vault.seal(k.vault.generation+1, slots, contents)
	if err != nil {
		return nil, err
	}
	return &version{encoded, slots, bytes.Clone(contents)}, nil // a copy: contents may be those in use, which are cleared
}

// adopt takes over a version that is saved.
func (k *Keystore) adopt(v *version) {
	clear(k.contents)
	k.contents = v.contents
	k.vault.generation++
	k.vault.slots = v.slots
	k.seen = sha256.Sum256(v.encoded)
}
