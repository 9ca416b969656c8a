package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/phrledger/phr/authority"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/ledger/stream"
)

// desk is the caller's authority at work: the fold of its chain, read on from where it was read last. Whoever has the turn may
// touch it.
type desk struct {
	c      *Client
	turn   turn
	chain  ledger.Chain
	roster *authority.Roster
	seen   *mark
	head   ledger.Head
	shown  time.Time // log time of the newest entry that the directory shows to everybody
	next   uint64    // stream sequence after the newest entry of the chain that was read
}

// deskOf returns the desk of the caller's authority.
func (c *Client) deskOf() (*desk, error) {
	a, err := c.home.Authority()
	if err != nil {
		return nil, err
	}
	if a == nil {
		return nil, errNoAuthority
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.desk != nil {
		return c.desk, nil
	}
	chain := ledger.AuthorityChain(a.Name())
	seen, err := newMark(c.home, chain)
	if err != nil {
		return nil, err
	}
	c.desk = &desk{c: c, turn: newTurn(), chain: chain, roster: authority.NewRoster(a.Name()), seen: seen}
	return c.desk, nil
}

// name returns the authority's name.
func (d *desk) name() policy.Authority { return d.chain.Authority() }

// look calls see with the roster as it stands now.
func (d *desk) look(ctx context.Context, see func(*authority.Roster)) error {
	return d.attempt(ctx, func(*session) error {
		see(d.roster)
		return nil
	})
}

// number returns the number of the newest event of the chain.
func (d *desk) number(ctx context.Context) (number uint64, err error) {
	err = d.look(ctx, func(roster *authority.Roster) { number, _ = roster.Head() })
	return number, err
}

// decide has the authority say what follows from the roster as it stands. Bodies are asked for anew at each try, even after what
// they said before may count: none means that there is nothing left to say. What has to come first, after the master key was
// replaced, is said before.
func (d *desk) decide(ctx context.Context, bodies func(*authority.Roster) ([]ledger.Body, error)) error {
	return d.attempt(ctx, func(s *session) error {
		if err := d.say(ctx, s, d.roster.Overdue()); err != nil {
			return err
		}
		next, err := bodies(d.roster)
		if err != nil {
			return err
		}
		return d.say(ctx, s, next)
	})
}

// sayHead says where the chain ends, if nothing that everybody is shown was said for a day: that the authority is there, and removes nobody
// whom others don't see removed. Whom it enrols and gives keys is not shown to everybody.
func (d *desk) sayHead(ctx context.Context) error {
	if err := d.turn.take(ctx); err != nil {
		return err
	}
	due := d.silent()
	d.turn.give()
	if !due {
		return nil
	}
	return d.attempt(ctx, func(s *session) error {
		if !d.silent() {
			return nil // another program of the authority has said it
		}
		return d.say(ctx, s, []ledger.Body{&ledger.AuthorityHead{Number: d.head.Number, Hash: d.head.Hash}})
	})
}

// silent tells whether it is time for a head, for all that was read. An authority that is not in force, or has no attributes, says none.
func (d *desk) silent() bool {
	d.c.mu.Lock()
	defer d.c.mu.Unlock()
	fact, _ := d.c.state.Authority(d.name())
	return fact.Active && !d.shown.IsZero() && d.c.config.Now().Sub(d.shown) >= headEvery
}

func (d *desk) attempt(ctx context.Context, try func(*session) error) error {
	if err := d.turn.take(ctx); err != nil {
		return err
	}
	defer d.turn.give()
	return d.c.attempt(ctx, loginKey, func(s *session) error {
		if err := d.catchUp(ctx, s); err != nil {
			return err
		}
		if err := d.follow(ctx); err != nil {
			return err
		}
		return try(s)
	})
}

// say puts bodies on the chain, all of them or none.
func (d *desk) say(ctx context.Context, s *session, bodies []ledger.Body) error {
	if len(bodies) == 0 {
		return nil
	}
	events, err := d.c.extend(d.chain, d.head, ledger.SessionID{}, bodies)
	if err != nil {
		return err
	}
	if err := d.c.submit(ctx, s.conn, protocol.IngestOwner(d.chain.Owner), events, nil); err != nil {
		return err
	}
	return d.catchUp(ctx, s)
}

// catchUp reads what is new on the chain. What this home has sent and the node has lost is sent again.
func (d *desk) catchUp(ctx context.Context, s *session) error {
	again := func(ctx context.Context, m *mark, l *sent) error { return d.c.resend(ctx, s, m, l, ledger.SessionID{}) }
	return d.c.restore(ctx, d.chain, func() (*mark, error) { return d.seen, d.read(ctx, s) }, again)
}

// read reads what is new on the chain.
func (d *desk) read(ctx context.Context, s *session) error {
	if err := d.seen.expect(); err != nil {
		return err
	}
	f := newFeed(d.c, d.chain)
	f.next = d.next
	err := f.fetch(ctx, s, func(raw []stream.Entry) error {
		for _, r := range raw {
			if err := d.take(ctx, f, r); err != nil {
				return err
			}
			d.next = r.Seq + 1
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("reading %s: %w", d.chain, err)
	}
	d.seen.rejected = f.rejected
	if err := d.c.note(ctx, d.seen); err != nil {
		return err
	}
	return d.seen.reach(d.head)
}

func (d *desk) take(ctx context.Context, f *feed, raw stream.Entry) error {
	e, err := ledger.ParseEntry(raw.Data)
	if err != nil || f.rejected[e.Hash] {
		return err
	}
	if err := d.c.follows(ctx, d.chain, d.head, e); err != nil {
		return err
	}
	d.seen.pass(e, raw.Seq)
	if err := d.roster.Apply(e); err != nil {
		return err
	}
	d.head = ledger.Head{Number: e.Number, Hash: e.Hash}
	switch e.Body.(type) {
	case *ledger.AttributeDefined, *ledger.AttributeVersioned, *ledger.AuthorityHead:
		d.shown = e.LogTime
	}
	return nil
}

// follow makes the master key in use the one that the registry has endorsed, and the roster one of it.
func (d *desk) follow(ctx context.Context) error {
	fact, err := d.c.Authority(ctx, d.name())
	if codeOf(err) == protocol.CodeNotFound {
		return nil // nothing that it says counts yet
	}
	if err != nil {
		return err
	}
	d.roster.Under(fact.Since)
	a, err := d.c.home.Authority()
	if err != nil || a.PublicKey().Hash() == fact.Key.Hash() {
		return err
	}
	return d.c.home.changeAuthority(func(a *authority.Authority) error {
		_, err := a.Follow(fact.Key)
		return err
	})
}

// representative returns the keys in force of a person; the error wraps authority.ErrRefused if there is none, or the identity
// is revoked.
func (c *Client) representative(ctx context.Context, gid identity.GID) (*identity.Keys, error) {
	err := c.learn(ctx, protocol.DirIdentity, protocol.IdentityQuery{GID: gid})
	if codeOf(err) == protocol.CodeNotFound {
		return nil, fmt.Errorf("%w: %w", authority.ErrRefused, err)
	}
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	keys, err := c.state.Person(gid)
	if err != nil {
		return nil, errors.Join(authority.ErrRefused, err)
	}
	return keys, nil
}
