package keystore

import (
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/phrledger/phr/crypto/canonical"
)

const (
	format   = "phr/keystore/1"
	maxSlots = 8
	maxFile  = 16 << 20
)

// file is what stands on disk. Header is an encoded header, and additional data of Sealed.
type file struct {
	_      struct{} `cbor:",toarray"`
	Header []byte
	Nonce  []byte
	Sealed []byte
}

type header struct {
	_          struct{} `cbor:",toarray"`
	Format     string
	Generation uint64
	Slots      []slot
}

// vault is the keystore without its file: the data key and the header. It is not safe for concurrent use.
type vault struct {
	key        []byte // nil once wiped
	generation uint64
	slots      []slot
}

func newVault(keys []Key) (*vault, error) {
	v := &vault{key: random(keySize)}
	var slots []slot
	for _, key := range keys {
		s, err := wrap(v.key, key)
		if err != nil {
			return nil, err
		}
		slots = append(slots, s)
	}
	var err error
	v.slots, err = v.replaceSlots(func(slot) bool { return false }, slots...)
	return v, err
}

// parseVault opens the encoded form by a key, and returns its contents. Every bound is checked before the key is tried.
func parseVault(encoded []byte, by Key) (*vault, []byte, error) {
	f, h, err := parseFile(encoded)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	v := &vault{generation: h.Generation, slots: h.Slots}
	if v.key, err = unwrap(h.Slots, by); err != nil {
		return nil, nil, err
	}
	contents, err := v.open(f)
	if err != nil {
		// The key was right: what is wrong is the file, so another try won't help.
		v.wipe()
		return nil, nil, err
	}
	return v, contents, nil
}

// open returns the contents of a file sealed under the data key.
func (v *vault) open(f *file) ([]byte, error) {
	key, err := v.derive("contents", "")
	if err != nil {
		return nil, err
	}
	defer clear(key)
	contents, err := openWith(key, f.Nonce, f.Sealed, f.Header)
	if err != nil {
		return nil, fmt.Errorf("%w: the contents don't belong to this header", ErrMalformed)
	}
	return contents, nil
}

func parseFile(encoded []byte) (*file, *header, error) {
	var f file
	if err := canonical.Unmarshal(encoded, &f); err != nil {
		return nil, nil, err
	}
	var h header
	if err := canonical.Unmarshal(f.Header, &h); err != nil {
		return nil, nil, fmt.Errorf("header: %w", err)
	}
	if h.Format != format {
		return nil, nil, fmt.Errorf("unknown format %.40q", h.Format)
	}
	if len(f.Nonce) != nonceSize || h.Generation == 0 || len(h.Slots) == 0 || len(h.Slots) > maxSlots {
		return nil, nil, errors.New("a field of the header is out of bounds")
	}
	for i := range h.Slots {
		if err := h.Slots[i].check(); err != nil {
			return nil, nil, err
		}
	}
	return &f, &h, nil
}

// unwrap returns the data key by the first slot that the key opens.
func unwrap(slots []slot, by Key) ([]byte, error) {
	for i := range slots {
		if !by.fits(&slots[i].Terms) {
			continue
		}
		if key, err := slots[i].unwrap(by); err == nil {
			return key, nil
		}
	}
	return nil, by.failed()
}

// replaceSlots returns the slots with fresh ones in place of some. It refuses what nobody could open for long: a passkey goes with its
// device, or when a browser forgets it.
func (v *vault) replaceSlots(some func(slot) bool, fresh ...slot) ([]slot, error) {
	slots := append(slices.DeleteFunc(slices.Clone(v.slots), some), fresh...)
	if len(slots) > maxSlots {
		return nil, fmt.Errorf("a keystore has at most %d slots", maxSlots)
	}
	if !slices.ContainsFunc(slots, func(s slot) bool { return s.Terms.Kind == PassphraseSlot || s.Terms.Kind == RecoverySlot }) {
		return nil, errors.New("nothing but a passkey, if that, would open the keystore any more")
	}
	return slots, nil
}

// seal returns the encoded form of a version with these slots and contents.
func (v *vault) seal(generation uint64, slots []slot, contents []byte) ([]byte, error) {
	encoded, err := canonical.Marshal(header{Format: format, Generation: generation, Slots: slots})
	if err != nil {
		return nil, err
	}
	key, err := v.derive("contents", "")
	if err != nil {
		return nil, err
	}
	defer clear(key)
	f := file{Header: encoded, Nonce: random(nonceSize)}
	if f.Sealed, err = sealWith(key, f.Nonce, contents, encoded); err != nil {
		return nil, err
	}
	out, err := canonical.Marshal(f)
	if err == nil && len(out) > maxFile {
		err = fmt.Errorf("%d bytes are more than a keystore holds", len(out))
	}
	return out, err
}

// derive returns the key for one use of the data key.
func (v *vault) derive(use, name string) ([]byte, error) {
	if v.closed() {
		return nil, fs.ErrClosed
	}
	return hkdf.Key(sha256.New, v.key, nil, "phr/keystore/"+use+"/1\x00"+name, keySize)
}

func (v *vault) closed() bool { return v.key == nil }

func (v *vault) wipe() {
	clear(v.key)
	v.key = nil
}
