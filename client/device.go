package client

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/phrledger/phr/crypto/canonical"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/keystore"
	"github.com/phrledger/phr/crypto/recovery"
)

// Handover returns what another device of the person needs: the identity, the attribute keys, and the key of the patient's own
// authority, drawn now if there is none, so that both have the same. An authority that the person has founded is left out: two devices that
// give its seats away would give some away twice. It is secret; the caller clears it.
func (h *Home) Handover() ([]byte, error) {
	if h.agent != nil {
		return nil, ErrAgent
	}
	if err := h.Refresh(); err != nil {
		return nil, err
	}
	if _, err := h.master(); err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.secrets.Lost != nil || h.secrets.Next != nil {
		return nil, errors.New("the keys of this identity are being replaced: finish that first, and hand over the new ones")
	}
	handed := h.secrets
	handed.Authority = nil
	return canonical.Marshal(&handed)
}

// AdoptHome keeps what Handover returned on another device in a new home at dir, which the passphrase opens, and the recovery code too if
// it is given. Nothing else comes along: not what the other device has not sent yet, nor where it has seen chains end.
func AdoptHome(dir string, passphrase, handed []byte, code *recovery.Secret) (*Home, error) {
	return adoptHome(dir, passphrase, handed, code, keystore.Native)
}

func adoptHome(dir string, passphrase, handed []byte, code *recovery.Secret, cost keystore.Params) (*Home, error) {
	h, err := AdoptInMemory(handed)
	if err != nil {
		return nil, err
	}
	store, key := InDirectory(dir), keystore.Passphrase(passphrase).Costing(cost)
	if code != nil {
		made, err := newHome(store, h.person, code, h.secrets, key)
		if err == nil {
			made.keys = h.keys
		}
		return made, err
	}
	h.store = store
	if err := h.createKeystore(handed, key); err != nil {
		return nil, err
	}
	return h, nil
}

// AdoptInMemory returns a home in memory of what Handover returned on another device.
func AdoptInMemory(handed []byte) (*Home, error) {
	h := &Home{store: InMemory(), turns: make(map[string]turn)}
	if err := h.take(handed); err != nil {
		return nil, fmt.Errorf("adopting what another device has handed over: %w", err)
	}
	return h, nil
}

// take reads the contents of a keystore.
func (h *Home) take(contents []byte) (err error) {
	if err := canonical.Unmarshal(contents, &h.secrets); err != nil {
		return err
	}
	if h.person, err = identity.Parse(h.secrets.Identity); err != nil {
		return err
	}
	h.keys, err = parseKeys(h.secrets.Keys)
	return err
}

func errTaken(store Store) error {
	return fmt.Errorf("there is an identity in %s already: use it, or choose another --home", store)
}

// Copy returns a copy of the keystore, which opens by what opens the home now, for ever. With an authority in it, it is for restoring what
// was lost, not for using beside the original.
func (h *Home) Copy() ([]byte, error) {
	switch {
	case h.agent != nil:
		return nil, ErrAgent
	case h.keystore == nil:
		return nil, errInMemory
	}
	return h.keystore.Copy()
}

// RestoreHome makes a copy that Copy returned the keystore of a new home at dir, which the passphrase opens.
func RestoreHome(dir string, copied, passphrase []byte) (*Home, error) {
	return RestoreHomeIn(InDirectory(dir), copied, keystore.Passphrase(passphrase))
}

// RestoreHomeRecovery is RestoreHome by the recovery code, for who has forgotten the copy's passphrase.
func RestoreHomeRecovery(dir string, copied []byte, code *recovery.Secret) (*Home, error) {
	secret := code.KeystoreSecret()
	defer clear(secret)
	return RestoreHomeIn(InDirectory(dir), copied, keystore.Recovery([32]byte(secret)))
}

// RestoreHomeIn makes a copy that Copy returned the keystore of a new home in a store, by a key of the copy.
func RestoreHomeIn(store Store, copied []byte, by keystore.Key) (*Home, error) {
	h, err := openHome(store, func(at keystore.Place) (*keystore.Keystore, error) { return keystore.Restore(at, copied, by) })
	if errors.Is(err, fs.ErrExist) {
		return nil, errTaken(store)
	}
	return h, err
}
