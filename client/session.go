package client

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/nats-io/nkeys"

	"github.com/phrledger/phr/authority/challenge"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/ledger/stream"
)

// session is an open session with its connection.
type session struct {
	conn  *stream.Conn
	user  nkeys.KeyPair // of the connection
	id    ledger.SessionID
	term  *ledger.Term // that grants it; nil for a login
	renew time.Time    // when to renew it, or to open the next one
	grant *challenge.Grant
	ended atomic.Bool

	places *places // the same after a renewal

	expires time.Time
	using   uses
}

// end closes the session. Whoever is still using it finds it unusable, and opens another.
func (s *session) end() {
	s.ended.Store(true)
	s.conn.Close()
}

// usable tells whether a session can still serve a request.
func (s *session) usable(now time.Time) bool {
	if s == nil || s.ended.Load() || !now.Before(s.renew) {
		return false
	}
	select {
	case <-s.conn.Closed():
		return false
	default:
		return true
	}
}

// history tells whether the session's holder is given the past of a compartment with its present.
func (s *session) history() bool { return s.term == nil || s.term.History }

// acting returns the term by which the session's holder acts for the patient; zero if they do not.
func (s *session) acting() ledger.TermID {
	if s.term == nil || !s.term.Proxy {
		return ledger.TermID{}
	}
	return s.term.ID
}

// sessionKey says what a session is for. A login has no chain.
type sessionKey struct {
	chain ledger.Chain
	op    ledger.Operation
}

var loginKey = sessionKey{op: ledger.OpLogin}

// slot is the place of a session that is open, or is being opened by whoever has the turn.
type slot struct {
	turn turn
	open *session // guarded by Client.mu
}

// session returns the session for a purpose, and opens one if there is none.
func (c *Client) session(ctx context.Context, key sessionKey) (*session, error) {
	if s := c.openFor(key); s != nil {
		return s, nil
	}
	c.mu.Lock()
	place := c.slots[key]
	if place == nil {
		place = &slot{turn: newTurn()}
		c.slots[key] = place
	}
	c.mu.Unlock()
	if err := place.turn.take(ctx); err != nil {
		return nil, err
	}
	defer place.turn.give()
	if s := c.openFor(key); s != nil {
		return s, nil // somebody else has opened it meanwhile
	}
	if err := c.look(ctx); err != nil {
		return nil, err
	}
	s, err := c.next(ctx, key, place)
	for tries := 1; tries < 3 && errors.Is(err, ErrLost); tries++ {
		// Another program of this home may have seen more than the gate had when it answered. What is lost stays so.
		s, err = c.next(ctx, key, place)
	}
	if err != nil {
		return nil, err
	}
	return s, c.install(place, s)
}

// next renews the session that was open for a purpose, or opens one. Whoever has the turn of the place calls it.
func (c *Client) next(ctx context.Context, key sessionKey, place *slot) (*session, error) {
	c.mu.Lock()
	before := place.open
	c.mu.Unlock()
	if before.renewable(c.config.Now()) {
		s, err := c.renewSession(ctx, key, before)
		if s != nil || err != nil {
			return s, err
		}
	}
	return c.openSession(ctx, key)
}

// openFor returns a session that serves a purpose; nil if there is none. Whoever may write may read: where the term to write
// under reaches as far back as any, one session serves both.
func (c *Client) openFor(key sessionKey) *session {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.config.Now()
	if place := c.slots[key]; place != nil && place.open.usable(now) {
		return place.open
	}
	if key.op != ledger.OpRead {
		return nil
	}
	write := c.slots[sessionKey{key.chain, ledger.OpWrite}]
	if write != nil && write.open.usable(now) && write.open.history() {
		return write.open
	}
	return nil
}

// install puts a new session in the place of one that is of no more use.
func (c *Client) install(place *slot, s *session) error {
	c.mu.Lock()
	before := place.open
	place.open = s
	closed := c.closed
	c.mu.Unlock()
	if before != nil && before.id == s.id {
		before.using.retire(before.end) // whoever is under way in it finishes there
	} else if before != nil {
		before.end()
	}
	if closed {
		s.end()
		return errClosed
	}
	return nil
}

var errClosed = errors.New("the client is closed")

// forget drops a session that is of no more use.
func (c *Client) forget(s *session) {
	c.mu.Lock()
	for _, place := range c.slots {
		if place.open == s {
			place.open = nil
		}
	}
	c.looked = time.Time{} // the node may be another than before
	c.mu.Unlock()
	s.end()
}

// sessionSeconds is a minute less than a session may last, for clocks that differ.
const sessionSeconds = uint32((ledger.MaxSession - ledger.ClockSkew) / time.Second)

// openSession goes through a challenge for a purpose.
func (c *Client) openSession(ctx context.Context, key sessionKey) (*session, error) {
	if key == loginKey {
		return c.openLogin(ctx)
	}
	term, err := c.termFor(ctx, key.chain, key.op)
	if err != nil {
		return nil, err
	}
	request := key.request(term.ID)
	heads, err := c.knownHeads(key.chain)
	if err != nil {
		return nil, err
	}
	s, err := c.challenge(ctx, request, heads)
	if codeOf(err) == protocol.CodeBusy && len(heads) > 0 {
		// A gate that is behind what was seen before says so in these words. Whether it is so for good shows without them.
		s, err = c.challenge(ctx, request, nil)
	}
	if codeOf(err) == protocol.CodeRefused {
		// The gate does not say why. That the term has ended since it was found is for its holder to know.
		if _, gone := c.termFor(ctx, key.chain, key.op); errors.Is(gone, ErrNotShared) {
			return nil, gone
		}
	}
	if err != nil {
		return nil, fmt.Errorf("opening a session to %s %s: %w", key.op, key.chain.Compartment, err)
	}
	s.term = term
	return s, nil
}

// request is what a challenge for a purpose asks for, under a term.
func (key sessionKey) request(term ledger.TermID) challenge.Request {
	return challenge.Request{
		Patient: key.chain.GID(), Operation: key.op, TTL: sessionSeconds,
		Targets: []challenge.Target{{Compartment: key.chain.Compartment, Term: term}},
	}
}

// openLogin opens a session for what is the caller's own.
func (c *Client) openLogin(ctx context.Context) (*session, error) {
	s, err := c.challenge(ctx, challenge.Request{Operation: ledger.OpLogin, TTL: sessionSeconds}, nil)
	if err != nil {
		return nil, fmt.Errorf("logging in: %w", err)
	}
	return s, nil
}

// keyFor returns the purpose of doing something on a compartment. The patient's own is part of the login.
func (c *Client) keyFor(chain ledger.Chain, op ledger.Operation) sessionKey {
	if chain.GID() == c.GID() {
		return loginKey
	}
	return sessionKey{chain, op}
}
