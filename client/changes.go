package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
)

// MakeAll makes changes of several compartments of the caller's own record, one of each, at once: all of them count once it
// returns, and none after an error, unless the answer of the node was lost. Those that are new grants name the same person, if
// any.
func (c *Client) MakeAll(ctx context.Context, changes ...*Change) error {
	if len(changes) == 0 {
		return nil
	}
	// In the order of their names, so that two who do this at once don't wait for each other.
	changes = slices.SortedFunc(slices.Values(changes), func(a, b *Change) int { return cmp.Compare(a.b.Compartment(), b.b.Compartment()) })
	for i, change := range changes {
		if i > 0 && change.b == changes[i-1].b {
			return fmt.Errorf("%s: %s can be changed once at a time", change.verb, change.b.Compartment())
		}
		if err := change.b.turn.take(ctx); err != nil {
			return err
		}
		defer change.b.turn.give()
	}
	tried := false
	if err := c.attempt(ctx, loginKey, func(s *session) error {
		left, err := unmade(ctx, s, changes, tried)
		if err != nil || len(left) == 0 {
			return err
		}
		tried = true
		return c.submitAll(ctx, s, left)
	}); err != nil {
		return fmt.Errorf("%s: %w", changes[0].verb, err)
	}
	return nil
}

// unmade returns the changes that do not count yet, once their compartments are read anew: all of those that a try before was about,
// or none.
func unmade(ctx context.Context, s *session, changes []*Change, tried bool) (left []*Change, err error) {
	for _, change := range changes {
		if err := change.b.catchUp(ctx, s); err != nil {
			return nil, err
		}
		f, err := change.b.existing()
		if err != nil {
			return nil, err
		}
		made, err := change.made(&f, tried)
		if err != nil {
			return nil, err
		}
		if !made {
			left = append(left, change)
		}
	}
	return left, nil
}

// submitAll submits changes, and the keys of the person whom they name, as one submission.
func (c *Client) submitAll(ctx context.Context, s *session, changes []*Change) error {
	var events []*ledger.Event
	var parts []protocol.PartData
	var who identity.GID
	var terms []ledger.TermID
	for _, change := range changes {
		if change.who != "" {
			if who != "" && who != change.who {
				return errors.New("one person at a time is let in")
			}
			who, terms = change.who, append(terms, change.after.ID)
		}
		f, err := change.b.existing()
		if err != nil {
			return err
		}
		bodies, sealed, err := change.bodies(ctx, s, &f)
		if err != nil {
			return err
		}
		next, err := change.b.next(s, bodies)
		if err != nil {
			return err
		}
		events, parts = append(events, next...), append(parts, sealed...)
	}
	if who != "" {
		issued, err := c.issue(ctx, s, who, terms...)
		if err != nil {
			return err
		}
		events = slices.Concat(issued, events)
	}
	return c.submit(ctx, s.conn, protocol.IngestOwner(string(c.GID())), events, parts)
}
