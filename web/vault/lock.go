package vault

import (
	"context"

	"github.com/phrledger/phr/web/view"
)

// Why a vault was locked: see view.Locked.
const (
	whyIdle      = "idle"
	whyAsked     = "asked"
	whyElsewhere = "elsewhere"
)

// Note is what one tab tells the others.
type Note struct {
	Locked  string `json:"locked,omitempty"`  // GID of who is to be locked everywhere
	Changed string `json:"changed,omitempty"` // GID of whose keys were changed
}

// Told hears what another tab tells.
func (v *Vault) Told(n Note) {
	v.mu.Lock()
	o := v.open
	v.mu.Unlock()
	if o == nil {
		return
	}
	switch string(o.home.GID()) {
	case n.Locked:
		v.lock(o, whyElsewhere)
	case n.Changed:
		if err := o.home.Refresh(); err != nil {
			v.config.Log.Warn("keys_unread", "error", err)
			return
		}
		v.config.Post("changed", view.Changed{What: "keys"})
	}
}

// lock ends what somebody does, if they are still the one who has unlocked.
func (v *Vault) lock(o *unlocked, why string) {
	v.mu.Lock()
	if v.open != o {
		v.mu.Unlock()
		return
	}
	v.open = nil
	v.mu.Unlock()
	o.close()
	v.config.Post("locked", view.Locked{Why: why})
}

// lockAsked locks here and in the other tabs.
func (v *Vault) lockAsked(context.Context, view.Nothing) (view.Nothing, error) {
	v.mu.Lock()
	o := v.open
	v.mu.Unlock()
	if o != nil {
		v.config.Tell(Note{Locked: string(o.home.GID())})
		v.lock(o, whyAsked)
	}
	return view.Nothing{}, nil
}

// used hears that the person is there.
func (v *Vault) used(context.Context, view.Nothing) (view.Nothing, error) {
	o, err := v.current()
	if err != nil {
		return view.Nothing{}, nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.used = v.config.Now()
	o.timer.Reset(v.config.Idle)
	return view.Nothing{}, nil
}
