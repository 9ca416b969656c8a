package client

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/ledger/stream"
)

// ownEntries reads a whole chain of the caller's own, in order, as it stands now.
func (c *Client) ownEntries(ctx context.Context, chain ledger.Chain) (all []*ledger.Entry, err error) {
	err = c.attempt(ctx, loginKey, func(s *session) (err error) {
		all, err = c.entries(ctx, s, chain)
		return err
	})
	return all, err
}

// entries is ownEntries in a session.
func (c *Client) entries(ctx context.Context, s *session, chain ledger.Chain) (all []*ledger.Entry, err error) {
	all, _, err = c.placed(ctx, s, chain)
	return all, err
}

// placed reads a whole chain of the caller's own in a session, with the place of each entry in the log. What this home has sent and the
// node has lost is sent again.
func (c *Client) placed(ctx context.Context, s *session, chain ledger.Chain) (all []*ledger.Entry, sequences []uint64, err error) {
	read := func() (*mark, error) {
		all, sequences = nil, nil
		seen, err := newMark(c.home, chain)
		if err != nil {
			return nil, err
		}
		if err := seen.expect(); err != nil {
			return nil, err
		}
		_, err = c.walk(ctx, s, seen, spot{}, func(e *ledger.Entry, sequence uint64) {
			all, sequences = append(all, e), append(sequences, sequence)
		})
		return seen, err
	}
	err = c.restore(ctx, chain, read, func(ctx context.Context, m *mark, l *sent) error { return c.resend(ctx, s, m, l, ledger.SessionID{}) })
	if err != nil {
		return nil, nil, err
	}
	return all, sequences, nil
}

// spot is how far a chain was read.
type spot struct {
	head ledger.Head
	next uint64 // stream sequence to go on at
}

// walk reads the chain of a mark, one of the caller's own, from where it was read to before, calls fn with each entry and its stream
// sequence, and returns how far it came. Each entry follows the one before it and is signed by its author, who is the caller, or on the
// access log a node or one who has a part in an emergency. They are all there are, by what the log proves. A
// person's chain is read from its beginning.
func (c *Client) walk(ctx context.Context, s *session, seen *mark, at spot, fn func(*ledger.Entry, uint64)) (spot, error) {
	chain := seen.chain
	end, err := c.ends(ctx, s, chain)
	if err != nil {
		return at, err
	}
	from, there := at.head.Number, at.head.Hash
	f := newFeed(c, chain)
	f.next = at.next
	var self *identity.Keys // in force on the caller's own person chain, after what was read of it
	err = f.fetch(ctx, s, func(raw []stream.Entry) error {
		for _, r := range raw {
			e, err := ledger.ParseEntry(r.Data)
			if err != nil {
				return err
			}
			if f.rejected[e.Hash] {
				continue
			}
			if err := c.follows(ctx, chain, at.head, e); err != nil {
				return err
			}
			if chain.Space == ledger.PersonSpace {
				if err := followsSelf(e, &self); err != nil {
					return err
				}
			}
			seen.pass(e, r.Seq)
			if e.Number == end.Number {
				there = e.Hash
			}
			at = spot{ledger.Head{Number: e.Number, Hash: e.Hash}, r.Seq + 1}
			fn(e, r.Seq)
		}
		return nil
	})
	if err != nil {
		return at, fmt.Errorf("reading %s: %w", chain, err)
	}
	seen.rejected = f.rejected
	if err := c.note(ctx, seen); err != nil {
		return at, err
	}
	if end.Number >= from {
		if err := c.through(chain, end, at.head.Number, there); err != nil {
			return at, err
		}
	}
	return at, seen.reach(at.head)
}

// follows tells whether an entry is the next one of a chain of the caller's own. On the person's chain its signature is left to
// followsSelf.
func (c *Client) follows(ctx context.Context, chain ledger.Chain, head ledger.Head, e *ledger.Entry) error {
	if e.Chain != chain || e.Number != head.Number+1 || e.Prev != head.Hash {
		return fmt.Errorf("event %d of %s does not follow event %d", e.Number, e.Chain, head.Number)
	}
	if e.Author != c.GID() && (chain.Compartment != ledger.Access || !c.isNode(e) && !byPeople(e)) {
		return fmt.Errorf("event %d is by %s, who has nothing to say there", e.Number, e.Author)
	}
	if chain.Space == ledger.PersonSpace {
		return nil // judged by followsSelf
	}
	return c.verify(ctx, e)
}

// byPeople tells whether an entry of an access log is one that people write there themselves: of an emergency. Whether they may is
// for those to judge who see the authorities' chains.
func byPeople(e *ledger.Entry) bool {
	switch e.Body.(type) {
	case *ledger.BreakglassRequested, *ledger.BreakglassApproved, *ledger.BreakglassEnded, *ledger.BreakglassReviewed:
		return true
	}
	return false
}

// followsSelf judges an entry of a person's own chain by the keys that the entries before it put in force.
func followsSelf(e *ledger.Entry, held **identity.Keys) (err error) {
	if e.ShowsKey() {
		if err := e.VerifyShown(); err != nil {
			return err
		}
	} else if *held == nil {
		return errors.New("the chain does not begin with the registration of the identity")
	} else if err := e.Verify(*held); err != nil {
		return err
	}
	switch b := e.Body.(type) {
	case *ledger.IdentityRegistered:
		*held, err = identity.ParseKeys(b.Sign[:], b.Seal)
	case *ledger.IdentityRotated:
		*held, err = identity.ParseKeys(b.Sign[:], b.Seal)
	}
	return err
}

// isNode tells whether an entry is by a node that the root has described.
func (c *Client) isNode(e *ledger.Entry) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, ok := c.state.Node(e.Author)
	return ok
}

// headAfter returns where a chain ends that holds entries.
func headAfter(entries []*ledger.Entry) ledger.Head {
	if len(entries) == 0 {
		return ledger.Head{}
	}
	last := entries[len(entries)-1]
	return ledger.Head{Number: last.Number, Hash: last.Hash}
}

// say signs bodies as the next events of a chain that the caller owns, and submits them. Bodies are asked for anew at each
// try, with the chain as it then stands: none means that there is nothing left to say.
func (c *Client) say(ctx context.Context, chain ledger.Chain, bodies func([]*ledger.Entry) ([]ledger.Body, error)) (said []*ledger.Event, err error) {
	err = c.attempt(ctx, loginKey, func(s *session) error {
		entries, err := c.entries(ctx, s, chain)
		if err != nil {
			return err
		}
		next, err := bodies(entries)
		if err != nil || len(next) == 0 {
			return err
		}
		if said, err = c.extend(chain, headAfter(entries), ledger.SessionID{}, next); err != nil {
			return err
		}
		return c.submit(ctx, s.conn, protocol.IngestOwner(chain.Owner), said, nil)
	})
	return said, err
}

// event makes an event of the caller's, without a place and not signed.
func (c *Client) event(chain ledger.Chain, b ledger.Body) (*ledger.Event, error) {
	now := c.config.Now()
	id, err := ledger.NewEventID(rand.Reader, now)
	if err != nil {
		return nil, err
	}
	return &ledger.Event{ID: id, Chain: chain, Author: c.GID(), Time: now, Body: b}, nil
}

// extend makes bodies the next events of a chain, in a session if it is somebody else's.
func (c *Client) extend(chain ledger.Chain, head ledger.Head, session ledger.SessionID, bodies []ledger.Body) ([]*ledger.Event, error) {
	events := make([]*ledger.Event, len(bodies))
	for i, b := range bodies {
		var err error
		if events[i], err = c.event(chain, b); err != nil {
			return nil, err
		}
	}
	return events, c.place(events, head, session)
}

// place gives events of one chain their places after its head, and signs them: records by the signature of the last one, all
// others singly. It may be done again after a conflict.
func (c *Client) place(events []*ledger.Event, head ledger.Head, session ledger.SessionID) error {
	for i, e := range events {
		e.Number, e.Prev, e.Session, e.Signature = head.Number+1, head.Hash, session, nil
		if i == len(events)-1 || !e.Kind().IsRecord() {
			if err := c.home.Keys().SignEvent(e); err != nil {
				return err
			}
		}
		encoded, err := e.Marshal()
		if err != nil {
			return err
		}
		head = ledger.Head{Number: e.Number, Hash: ledger.HashEvent(encoded)}
	}
	return nil
}
