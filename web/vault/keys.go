package vault

import (
	"context"
	"slices"
	"time"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/crypto/keystore"
	"github.com/phrledger/phr/web/view"
)

// keys says which keys are here, and what opens them.
func (v *Vault) keys(ctx context.Context, _ view.Nothing) (view.KeysState, error) {
	o, err := v.current()
	if err != nil {
		return view.KeysState{}, err
	}
	s := view.KeysState{Person: view.VaultPerson{GID: string(o.home.GID()), Slots: []view.Slot{}}}
	me, err := o.view.Me(ctx, view.Nothing{})
	if err != nil {
		return s, err
	}
	s.Keys = me.Keys
	if me.Sample {
		s.Person.Name, s.Person.Sample = me.Name, true
	} else if s.Person, err = v.shown(o.home.GID()); err != nil {
		return s, err
	}
	if s.Unsent, err = sum(o.home.Unsent()); err != nil {
		return s, err
	}
	s.Unsealed, err = sum(o.home.Unsealed())
	return s, err
}

func sum(counts map[string]int, err error) (n int, _ error) {
	for _, c := range counts {
		n += c
	}
	return n, err
}

// changeKeys changes what opens the keys, here and for the other tabs.
func (v *Vault) changeKeys(ctx context.Context, change func(*client.Home) error) (view.KeysState, error) {
	o, err := v.current()
	if err != nil {
		return view.KeysState{}, err
	}
	if err := change(o.home); err != nil {
		return view.KeysState{}, err
	}
	v.config.Tell(Note{Changed: string(o.home.GID())})
	return v.keys(ctx, view.Nothing{})
}

func (v *Vault) addPasskey(ctx context.Context, args view.Passkey) (view.KeysState, error) {
	key, err := passkeyOf(&args)
	if err != nil {
		return view.KeysState{}, err
	}
	return v.changeKeys(ctx, func(h *client.Home) error { return h.SetKey(key) })
}

func (v *Vault) setPassphrase(ctx context.Context, args view.Passphrase) (view.KeysState, error) {
	if args.Passphrase == "" {
		return view.KeysState{}, misused("A passphrase has to have letters.")
	}
	if _, err := v.current(); err != nil {
		return view.KeysState{}, err
	}
	key, err := v.newPassphrase(ctx, args.Passphrase)
	if err != nil {
		return view.KeysState{}, err
	}
	return v.changeKeys(ctx, func(h *client.Home) error { return h.SetKey(key) })
}

// removeSlot removes a passkey. A passphrase is changed, and a recovery sheet replaced, so that somebody always gets in.
func (v *Vault) removeSlot(ctx context.Context, args view.SlotName) (view.KeysState, error) {
	o, err := v.current()
	if err != nil {
		return view.KeysState{}, err
	}
	shown, err := v.shown(o.home.GID())
	if err != nil {
		return view.KeysState{}, err
	}
	i := slices.IndexFunc(shown.Slots, func(s view.Slot) bool { return s.Kind == args.Kind && s.ID == args.ID })
	if i < 0 || shown.Slots[i].Kind != keystore.PasskeySlot.String() {
		return view.KeysState{}, misused("Only passkeys can be removed.")
	}
	return v.changeKeys(ctx, func(h *client.Home) error { return h.RemovePasskey(shown.Slots[i].Credential) })
}

// export returns a copy of the keys, which opens by what opens them now.
func (v *Vault) export(context.Context, view.Nothing) (view.Download, error) {
	o, err := v.current()
	if err != nil {
		return view.Download{}, err
	}
	copied, err := o.home.Copy()
	if err != nil {
		return view.Download{}, err
	}
	return view.Download{Name: "phr-keys-" + v.config.Now().Format(time.DateOnly) + ".keystore", Media: "application/octet-stream", Bytes: copied}, nil
}

// importFile keeps a copy of somebody's keys, and opens them.
func (v *Vault) importFile(ctx context.Context, args view.KeystoreFile) (view.VaultPerson, error) {
	home, err := v.by(ctx, args.Bytes, secret{passphrase: args.Passphrase, words: args.Words}, func(key keystore.Key) (*client.Home, error) {
		return v.keep(args.Bytes, args.Name, key)
	})
	if err != nil {
		return view.VaultPerson{}, err
	}
	return v.opened(ctx, home)
}

// keep looks whose keys a copy has, and then makes it theirs on this device.
func (v *Vault) keep(copied []byte, name string, by keystore.Key) (*client.Home, error) {
	looked, err := client.RestoreHomeIn(client.InMemory(), copied, by)
	if err != nil {
		return nil, err
	}
	defer looked.Close()
	own, err := looked.Authority()
	switch node := looked.Node(); {
	case err != nil:
		return nil, err
	case own != nil:
		return nil, misused("These are the keys of an authority. They stay out of browsers: use phr authority serve.")
	case node != "" && node != v.config.Node.String():
		return nil, misused("These keys are used with another server.")
	}
	gid := looked.GID()
	if _, err := v.shown(gid); err == nil {
		return nil, misused("These keys are on this device already.")
	}
	if err := v.setPerson(gid, person{Name: name, Created: v.config.Now()}); err != nil {
		return nil, err
	}
	return client.RestoreHomeIn(v.store(gid), copied, by)
}
