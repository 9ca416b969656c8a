package client

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"slices"

	"github.com/phrledger/phr/authority"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
)

// Revocation says which attributes of the caller's authority are taken from whom. Without a GID they are taken from nobody and
// move only, as after a key was lost.
type Revocation struct {
	GID        identity.GID
	Attributes []string // names; of a person, none is all that they hold
	Reason     string   // stands on the log
}

// Withdrawn says what a Revocation did.
type Withdrawn struct {
	Attributes  []string // that moved
	Invitations []*authority.Invitation
	Issued      int // keys that others got since
}

// Revoke takes attributes away, or moves them, and gives everybody else who holds them new keys. Progress, if not nil, hears
// how many of the keys that are owed have been issued. From the moment the versions have moved, which is before any key is
// issued, sessions resting on them end and nothing new opens. If what follows is interrupted, Reissue or Serve goes on with it.
func (c *Client) Revoke(ctx context.Context, r Revocation, progress func(done, total int)) (*Withdrawn, error) {
	d, err := c.deskOf()
	if err != nil {
		return nil, err
	}
	w := &Withdrawn{Attributes: r.Attributes}
	var target map[string]uint32 // the versions asked for in a try that may count
	err = d.decide(ctx, func(roster *authority.Roster) ([]ledger.Body, error) {
		if target != nil && reached(roster, target) {
			return nil, nil
		}
		bodies, err := r.bodies(roster)
		if err != nil {
			return nil, err
		}
		target = versionsOf(bodies)
		w.Attributes = attributesOf(bodies)
		return bodies, c.shut(roster, &r, w)
	})
	if err != nil {
		return nil, err
	}
	w.Issued, err = c.Reissue(ctx, progress)
	return w, err
}

// bodies says what is to be said.
func (r *Revocation) bodies(roster *authority.Roster) ([]ledger.Body, error) {
	if r.GID == "" {
		return roster.Rotate(r.Reason, r.Attributes...)
	}
	return roster.Revoke(r.GID, r.Reason, r.Attributes...)
}

// shut closes the invitations through which the person came in, before they are removed: if we were to crash in between, nobody
// is removed yet, and those who need an invitation get another.
func (c *Client) shut(roster *authority.Roster, r *Revocation, w *Withdrawn) error {
	if r.GID == "" {
		return nil
	}
	var shut []*authority.Invitation
	err := c.home.changeAuthority(func(a *authority.Authority) error {
		shut = a.Shut(roster, r.GID, w.Attributes...)
		return nil
	})
	w.Invitations = append(w.Invitations, shut...)
	return err
}

func versionsOf(bodies []ledger.Body) map[string]uint32 {
	versions := make(map[string]uint32)
	for _, b := range bodies {
		if moved, ok := b.(*ledger.AttributeVersioned); ok {
			versions[moved.Name] = moved.Version
		}
	}
	return versions
}

func attributesOf(bodies []ledger.Body) (names []string) {
	for _, b := range bodies {
		if moved, ok := b.(*ledger.AttributeVersioned); ok {
			names = append(names, moved.Name)
		}
	}
	return names
}

func reached(roster *authority.Roster, target map[string]uint32) bool {
	for name, version := range target {
		if at, _ := roster.Version(name); at < version {
			return false
		}
	}
	return true
}

// chunk is how many keys are issued at once: few enough that others get a word in, and that an interruption costs little.
const chunk = 300

// Reissue gives the keys that the caller's authority owes, in chunks that each count as a whole, and returns how many it
// gave. What is owed is read from the log, so whoever was interrupted asks again. Progress, if not nil, hears of each chunk.
func (c *Client) Reissue(ctx context.Context, progress func(done, total int)) (done int, err error) {
	d, err := c.deskOf()
	if err != nil {
		return 0, err
	}
	r := newReissue(ctx, c)
	defer r.collect()
	for {
		left, err := r.next(d)
		if err != nil {
			return done, fmt.Errorf("issuing new keys: %d are issued, and the others are still owed ('phr authority serve' issues them): %w", done, err)
		}
		if left == 0 && r.said == 0 {
			return done, nil
		}
		if done += r.said; progress != nil {
			progress(done, done+left)
		}
	}
}

// reissue is the work of giving keys that are owed. A key that was made and could not be appended is kept for the next try; those
// of the chunk after are made while one is under way to the log.
type reissue struct {
	ctx   context.Context
	c     *Client
	made  made
	said  int // in the last chunk
	ahead chan batch
}

// made are keys by what they are owed for; nil for somebody who is left out.
type made map[authority.Owed]ledger.Body

// batch is keys that were made ahead.
type batch struct {
	made
	err error
}

func newReissue(ctx context.Context, c *Client) *reissue {
	return &reissue{ctx: ctx, c: c, made: make(made)}
}

// next gives the next chunk, and returns how many keys are owed after it.
func (r *reissue) next(d *desk) (left int, err error) {
	var first []authority.Owed
	err = d.decide(r.ctx, func(roster *authority.Roster) ([]ledger.Body, error) {
		if err := r.collect(); err != nil {
			return nil, err
		}
		owed := slices.DeleteFunc(roster.Owed(), r.leftOut)
		if first == nil {
			first = owed[:min(chunk, len(owed))]
		} else { // tried again: what counts by now is not said twice
			first = slices.DeleteFunc(first, func(o authority.Owed) bool { return !slices.Contains(owed, o) })
		}
		bodies, err := r.bodies(first)
		if err != nil {
			return nil, err
		}
		r.said, left = len(bodies), len(owed)-len(bodies)
		r.begin(owed[min(len(first), len(owed)):min(len(first)+chunk, len(owed))])
		return bodies, nil
	})
	for _, o := range first {
		if !r.leftOut(o) {
			delete(r.made, o)
		}
	}
	return left, err
}

func (r *reissue) leftOut(o authority.Owed) bool {
	b, known := r.made[o]
	return known && b == nil
}

// bodies returns the keys of a chunk, and makes those that are not made yet.
func (r *reissue) bodies(owed []authority.Owed) (bodies []ledger.Body, err error) {
	more, err := r.issue(slices.DeleteFunc(slices.Clone(owed), func(o authority.Owed) bool { _, known := r.made[o]; return known }))
	if err != nil {
		return nil, err
	}
	maps.Copy(r.made, more)
	for _, o := range owed {
		if b := r.made[o]; b != nil {
			bodies = append(bodies, b)
		}
	}
	return bodies, nil
}

// begin makes keys ahead, until collect.
func (r *reissue) begin(owed []authority.Owed) {
	if len(owed) == 0 {
		return
	}
	done := make(chan batch, 1)
	r.ahead = done
	go func() {
		keys, err := r.issue(owed)
		done <- batch{keys, err}
	}()
}

// collect waits for the keys that are being made ahead, if any are.
func (r *reissue) collect() error {
	if r.ahead == nil {
		return nil
	}
	b := <-r.ahead
	r.ahead = nil
	maps.Copy(r.made, b.made)
	return b.err
}

// issue makes keys.
func (r *reissue) issue(owed []authority.Owed) (made, error) {
	a, err := r.c.home.Authority()
	if err != nil {
		return nil, err
	}
	bodies, err := a.Reissue(rand.Reader, owed, func(gid identity.GID) (*identity.Keys, error) { return r.c.representative(r.ctx, gid) })
	if err != nil {
		return nil, err
	}
	keys := make(made, len(owed))
	for _, o := range owed {
		keys[o] = nil
	}
	for _, b := range bodies {
		key := b.(*ledger.KeyIssued)
		keys[authority.Owed{GID: key.GID, Attribute: key.Attribute, Version: key.Version}] = b
	}
	return keys, nil
}
