package client

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
)

const (
	// headEvery is how long an authority that is served says nothing before it says where its chain ends.
	headEvery = 24 * time.Hour
	// asleepAfter is how long nothing may have been heard of an authority before others are given no keys on its word.
	asleepAfter = 48 * time.Hour
)

// ErrAsleep is returned, wrapped, for keys that would be given on the word of an authority of which nothing was heard for long: whom it
// has removed since may be hidden.
var ErrAsleep = errors.New("its authority has not been heard of")

// Asleep is an authority of which nothing was heard for long.
type Asleep struct {
	Name  policy.Authority
	Since time.Time // of the newest that was heard
}

// hear notes when an authority has said something on its own chain. The log time is the node's word, and the event's its author's: what is
// old by either is old. Whoever calls it holds the lock.
func (c *Client) hear(e *ledger.Entry) {
	if e.Chain.Space != ledger.AuthoritySpace {
		return
	}
	said := e.LogTime
	if e.Time.Before(said) {
		said = e.Time
	}
	if name := e.Chain.Authority(); said.After(c.heard[name]) {
		c.heard[name] = said
	}
}

// asleep returns the authorities of terms that have not ended of which nothing was heard for long, as they were learnt last. One that
// is not in force gets no wraps anyway.
func (b *Book) asleep(terms []ledger.LiveTerm) (all []Asleep) {
	b.c.mu.Lock()
	defer b.c.mu.Unlock()
	for i := range terms {
		t := &terms[i]
		if ended(&t.Term, b.logTime()) {
			continue
		}
		names := t.Policy.Authorities()
		if t.Approvers != nil {
			names = append(names[:len(names):len(names)], t.Approvers.Authorities()...)
		}
		for _, name := range names {
			since := b.c.heard[name]
			fact, ok := b.c.state.Authority(name)
			if ok && fact.Active && name != ledger.RegistryName && late(since, b.logTime()) && !slices.Contains(all, Asleep{name, since}) {
				all = append(all, Asleep{name, since})
			}
		}
	}
	return all
}

// late tells whether an authority was last heard of too long before a time.
func late(since, at time.Time) bool { return at.Sub(since) > asleepAfter+ledger.ClockSkew }

// awake demands that all authorities of terms were heard of lately.
func (b *Book) awake(terms []ledger.LiveTerm) error {
	all := b.asleep(terms)
	if len(all) == 0 {
		return nil
	}
	err := fmt.Errorf("%s: %w since %s, and whom it has removed since may be hidden: ask it to run 'phr authority serve'",
		all[0].Name, ErrAsleep, all[0].Since.UTC().Format(time.RFC3339))
	return b.c.left.must(authorityAwake, err)
}
