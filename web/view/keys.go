package view

import (
	"context"
	"slices"
	"time"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/ledger"
)

// keysEvery is how often it is looked what the caller holds, and what is shared with them.
const keysEvery = 10 * time.Second

// keys are what the caller holds and what is shared with them, as of a moment ago.
type keys struct {
	v      *View
	turn   chan struct{} // of whoever asks, and may touch what follows
	asked  time.Time     // zero before
	shared []client.Shared
}

// refresh asks for the caller's newest keys, and for what is shared with them, unless that was done a moment ago. What is known stays
// while the node is away.
func (k *keys) refresh(ctx context.Context) error {
	if err := take(ctx, k.turn); err != nil {
		return err
	}
	defer func() { <-k.turn }()
	c := k.v.config.Client
	known := !k.asked.IsZero()
	if known && (k.v.config.Now().Sub(k.asked) < keysEvery || !c.Connected()) {
		return nil
	}
	if err := c.RegisterIdentity(ctx); err != nil {
		return err
	}
	fresh, failed := c.FetchKeys(ctx) // those that came all the same are kept, and one that does not hold keeps nobody from the others
	if known && len(fresh) > 0 {
		k.v.post("changed", Changed{What: "keys"})
	}
	shared, err := c.Shared(ctx)
	if err == nil {
		k.moved(known, shared)
		k.shared, k.asked = shared, k.v.config.Now()
	}
	if known && client.Unreached(err) {
		return nil
	}
	if err == nil && client.Unreached(failed) {
		return failed
	}
	return err
}

// moved tells the screens of whose records something is shared that was not, or is not any more.
func (k *keys) moved(known bool, now []client.Shared) {
	if !known {
		return
	}
	for _, lists := range [][2][]client.Shared{{k.shared, now}, {now, k.shared}} {
		for _, s := range lists[0] {
			if slices.ContainsFunc(lists[1], func(o client.Shared) bool {
				return o.Term.ID == s.Term.ID && o.Term.Until == s.Term.Until && o.Term.Write == s.Term.Write
			}) {
				continue
			}
			k.v.refresh(s.Chain.GID())
			k.v.post("changed", Changed{What: "shared", Patient: string(s.Chain.GID()), Compartment: string(s.Chain.Compartment)})
		}
	}
}

// shared returns what is shared with the caller.
func (v *View) shared(ctx context.Context) ([]client.Shared, error) {
	if err := v.keys.refresh(ctx); err != nil {
		return nil, err
	}
	if err := take(ctx, v.keys.turn); err != nil {
		return nil, err
	}
	defer func() { <-v.keys.turn }()
	return v.keys.shared, nil
}

// stir has it asked anew for keys, and what is shared.
func (k *keys) stir() {
	k.turn <- struct{}{}
	defer func() { <-k.turn }()
	if !k.asked.IsZero() {
		k.asked = k.asked.Add(-keysEvery)
	}
}

// over tells whether a term has ended by itself.
func (v *View) over(t *ledger.Term) bool {
	return t.Until != 0 && v.config.Now().UnixMilli() >= t.Until
}
