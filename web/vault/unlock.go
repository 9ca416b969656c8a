package vault

import (
	"context"
	"errors"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/keystore"
	"github.com/phrledger/phr/crypto/recovery"
	"github.com/phrledger/phr/web/view"
)

// unlock opens somebody's keys.
func (v *Vault) unlock(ctx context.Context, args view.Unlock) (view.VaultPerson, error) {
	gid, err := identity.ParseGID(args.GID)
	if err != nil {
		return view.VaultPerson{}, misused("There is nobody of that name here.")
	}
	store := v.store(gid)
	file, err := store.Keystore().Read()
	if err != nil {
		return view.VaultPerson{}, err
	}
	home, err := v.by(ctx, file, secret{args.Passphrase, args.Words, args.Passkey}, func(key keystore.Key) (*client.Home, error) {
		return client.OpenHomeIn(store, key)
	})
	if err != nil {
		return view.VaultPerson{}, err
	}
	return v.opened(ctx, home)
}

// secret is what somebody has given to open a keystore: one of them.
type secret struct {
	passphrase, words string
	passkey           *view.Passkey
}

// by opens a keystore by the key that a secret is.
func (v *Vault) by(ctx context.Context, file []byte, s secret, open func(keystore.Key) (*client.Home, error)) (*client.Home, error) {
	switch {
	case s.words != "":
		code, err := recovery.ParseWords(s.words)
		if err != nil {
			return nil, &view.Error{Code: view.CodePassphrase, Message: err.Error()}
		}
		defer code.Close()
		secret := code.KeystoreSecret()
		defer clear(secret)
		return open(keystore.Recovery([32]byte(secret)))
	case s.passkey != nil:
		key, err := passkeyOf(s.passkey)
		if err != nil {
			return nil, err
		}
		return open(key)
	}
	return v.byPassphrase(ctx, file, s.passphrase, open)
}

func (v *Vault) byPassphrase(ctx context.Context, file []byte, passphrase string, open func(keystore.Key) (*client.Home, error)) (*client.Home, error) {
	ways, err := keystore.Ways(file)
	if err != nil {
		return nil, err
	}
	for _, w := range ways {
		if w.Kind != keystore.PassphraseSlot {
			continue
		}
		derived, err := v.config.Derive(ctx, w.Derivation, []byte(passphrase))
		if err != nil {
			return nil, err
		}
		home, err := open(keystore.Derived(w.Derivation, derived))
		if err == nil || !errors.Is(err, keystore.ErrPassphrase) {
			return home, err
		}
	}
	return nil, keystore.ErrPassphrase
}

// sample opens the keys of a sample person, which are kept in memory.
func (v *Vault) sample(ctx context.Context, args view.SamplePerson) (view.VaultPerson, error) {
	if v.config.Sample == nil {
		return view.VaultPerson{}, misused("There are no sample people here.")
	}
	s, err := v.config.Sample(args.ID)
	if err != nil {
		return view.VaultPerson{}, err
	}
	defer clear(s.Handed)
	home, err := client.AdoptInMemory(s.Handed)
	if err != nil {
		return view.VaultPerson{}, err
	}
	o, err := v.connect(ctx, home, true)
	if err != nil {
		home.Close()
		return view.VaultPerson{}, err
	}
	v.begun(o)
	return view.VaultPerson{GID: string(home.GID()), Name: s.Name, Slots: []view.Slot{}, Created: v.config.Now(), Sample: true}, nil
}
