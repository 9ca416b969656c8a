package vault

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/keystore"
	"github.com/phrledger/phr/web/view"
)

// person is what is kept in clear of somebody whose keys are on this device.
type person struct {
	Name    string    `json:"name"`
	Created time.Time `json:"created"`
	Unnamed bool      `json:"unnamed,omitempty"` // not known to be registered yet, under this name
	Patient bool      `json:"patient,omitempty"` // to be registered as one
}

const peopleName = "people"

func (v *Vault) people() client.Store { return v.config.Store(peopleName) }

func (v *Vault) person(gid identity.GID) (p person, err error) {
	contents, err := v.people().Read(string(gid))
	if err == nil {
		err = json.Unmarshal(contents, &p)
	}
	return p, err
}

func (v *Vault) setPerson(gid identity.GID, p person) error {
	contents, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return v.people().Write(string(gid), contents)
}

// state says who can unlock.
func (v *Vault) state(context.Context, view.Nothing) (view.VaultState, error) {
	s := view.VaultState{People: []view.VaultPerson{}}
	names, err := v.people().List("")
	if err != nil {
		return s, err
	}
	for _, name := range names {
		gid, err := identity.ParseGID(name)
		if err != nil {
			continue
		}
		p, err := v.shown(gid)
		if errors.Is(err, fs.ErrNotExist) {
			continue // its keys were never written, or are gone
		}
		if err != nil {
			return s, err
		}
		s.People = append(s.People, p)
	}
	slices.SortFunc(s.People, func(a, b view.VaultPerson) int { return a.Created.Compare(b.Created) })
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.open != nil {
		s.Open = string(v.open.home.GID())
	}
	return s, nil
}

// shown returns how somebody is shown who can unlock.
func (v *Vault) shown(gid identity.GID) (view.VaultPerson, error) {
	file, err := v.store(gid).Keystore().Read()
	if err != nil {
		return view.VaultPerson{}, err
	}
	ways, err := keystore.Ways(file)
	if err != nil {
		return view.VaultPerson{}, err
	}
	p, err := v.person(gid)
	if err != nil {
		return view.VaultPerson{}, err
	}
	shown := view.VaultPerson{GID: string(gid), Name: p.Name, Created: p.Created, Slots: []view.Slot{}}
	for _, w := range ways {
		slot := view.Slot{Kind: w.Kind.String()}
		if w.Kind == keystore.PasskeySlot {
			slot.ID, slot.Credential, slot.Salt = slotID(w.Passkey.Credential), w.Passkey.Credential, w.Passkey.Salt[:]
		}
		shown.Slots = append(shown.Slots, slot)
	}
	return shown, nil
}

// slotID names the slot of a passkey.
func slotID(credential []byte) string { return base64.RawURLEncoding.EncodeToString(credential) }

// remove forgets somebody's keys, and what waits to be sent from here.
func (v *Vault) remove(ctx context.Context, args view.Gone) (view.VaultState, error) {
	gid, err := identity.ParseGID(args.GID)
	if err != nil {
		return view.VaultState{}, misused("There is nobody of that name here.")
	}
	v.mu.Lock()
	o := v.open
	v.mu.Unlock()
	if o != nil && o.home.GID() == gid {
		v.lock(o, whyAsked)
	}
	v.config.Tell(Note{Locked: string(gid)})
	if err := v.forget(gid); err != nil {
		return view.VaultState{}, fmt.Errorf("removing the keys: %w", err)
	}
	return v.state(ctx, view.Nothing{})
}

// forget deletes what is kept of somebody. If we were to crash within it, it could be repeated: who they are goes last.
func (v *Vault) forget(gid identity.GID) error {
	store := v.store(gid)
	names, err := store.List("")
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := store.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := v.people().Remove(string(gid)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
