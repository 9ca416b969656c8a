package client

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
)

// Access is one line of the log of who opened what of the caller's record, or tried to.
type Access struct {
	Time time.Time // log time
	Place
	By          identity.GID // who says so: the node, or one who has a part in an emergency
	Kind        ledger.Kind
	Session     ledger.SessionID // zero for a refusal
	GID         identity.GID
	Display     string // display name of a professional, as in "Dr. A. Ruiz of city-hospital"; "" if none is known
	Operation   ledger.Operation
	Compartment ledger.Compartment
	Term        ledger.TermID
	Acting      bool      // as the caller's proxy
	First       bool      // GID never had a session on the record before this one
	Reason      string    // of a refusal or an end
	Count       uint32    // of refusals
	Expires     time.Time // of a session opened or renewed
	Expired     bool      // the session ended then by itself: nothing renewed or closed it before

	// Emergency is what the line is about, as it stands now; nil unless it is an emergency, or a session that rests on one.
	Emergency *Emergency
}

// Place is where an event stands on the access log, and in the stream that all logs are part of.
type Place struct {
	Event    ledger.EventID `json:"event"`
	Number   uint64         `json:"number"` // on the chain
	Hash     ledger.Hash    `json:"event_hash"`
	Sequence uint64         `json:"sequence,omitempty"` // in the stream, as the node has it; 0 if that was not looked at
}

// AccessLog returns who looked at the caller's record, and who tried, in the order in which the node logged it.
func (c *Client) AccessLog(ctx context.Context) ([]Access, error) {
	all, err := c.accessLog(ctx)
	if err != nil {
		return nil, err
	}
	if err := c.addDisplays(ctx, all); err != nil {
		return nil, err
	}
	return all, c.markProxies(ctx, all)
}

// accessLog is AccessLog without what other chains say: who people are, and who acted for the caller.
func (c *Client) accessLog(ctx context.Context) ([]Access, error) {
	var entries []*ledger.Entry
	var sequences []uint64
	err := c.attempt(ctx, loginKey, func(s *session) (err error) {
		entries, sequences, err = c.placed(ctx, s, ledger.RecordChain(c.GID(), ledger.Access))
		return err
	})
	if err != nil {
		return nil, err
	}
	all := accesses(entries, c.config.Now())
	for i := range all {
		all[i].Sequence = sequences[i]
	}
	markEmergencies(all, entries)
	return all, nil
}

// addDisplays adds how authorities call the people of an access log.
func (c *Client) addDisplays(ctx context.Context, log []Access) error {
	people := make([]identity.GID, len(log))
	for i := range log {
		people[i] = log[i].GID
	}
	names, err := c.Names(ctx, people...)
	for i := range log {
		log[i].Display = names[log[i].GID]
	}
	return err
}

// markProxies finds out who acted for the caller. Only compartments are read on which somebody named in person was.
func (c *Client) markProxies(ctx context.Context, log []Access) error {
	named, err := c.persons(ctx)
	if err != nil {
		return err
	}
	proxies := make(map[ledger.Compartment][]ledger.TermID)
	for i := range log {
		a := &log[i]
		if _, person := named[a.Term]; !person {
			continue
		}
		terms, read := proxies[a.Compartment]
		if !read {
			b, err := c.Book(ctx, c.GID(), a.Compartment)
			if err != nil {
				return err
			}
			f, err := b.Fact(ctx)
			if err != nil && !errors.Is(err, ErrErased) {
				return err
			}
			terms = f.Proxies
			proxies[a.Compartment] = terms
		}
		a.Acting = slices.Contains(terms, a.Term)
	}
	return nil
}
