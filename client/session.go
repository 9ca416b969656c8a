package client

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/nats-io/nkeys"

	"github.com/phrledger/phr/authority/challenge"
	"github.com/phrledger/phr/crypto/abe"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/ledger/stream"
)

// session is an open session with its connection.
type session struct {
	conn    *stream.Conn
	id      ledger.SessionID
	request challenge.Request
	renew   time.Time // when to open the next one
	grant   *challenge.Grant
	ended   atomic.Bool
}

// end closes the session. Whoever is still using it finds it unusable, and opens another.
func (s *session) end() {
	s.ended.Store(true)
	s.conn.Close()
}

// sessionKey says what a session is for.
type sessionKey struct {
	chain ledger.Chain
	op    ledger.Operation
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

// login opens a session for what is the caller's own, or returns the one there is.
func (c *Client) login(ctx context.Context) (*session, error) {
	c.mu.Lock()
	own := c.own
	c.mu.Unlock()
	if own.usable(c.config.Now()) {
		return own, nil
	}
	s, err := c.challenge(ctx, challenge.Request{Operation: ledger.OpLogin, TTL: sessionSeconds}, nil)
	if err != nil {
		return nil, fmt.Errorf("logging in: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.own != nil {
		c.own.end()
	}
	c.own = s
	return s, nil
}

// relogin opens a new login, which shows what the caller has now.
func (c *Client) relogin(ctx context.Context) (*session, error) {
	c.mu.Lock()
	own := c.own
	c.mu.Unlock()
	if own != nil {
		c.forget(own)
	}
	return c.login(ctx)
}

// sessionSeconds is a minute less than a session may last, for clocks that differ.
const sessionSeconds = uint32((ledger.MaxSession - ledger.ClockSkew) / time.Second)

// session opens a session on a patient's compartment, or returns the one there is. The patient's own is the login.
func (c *Client) session(ctx context.Context, chain ledger.Chain, op ledger.Operation) (*session, error) {
	if chain.GID() == c.GID() {
		return c.login(ctx)
	}
	key := sessionKey{chain, op}
	c.mu.Lock()
	s := c.sessions[key]
	c.mu.Unlock()
	if s.usable(c.config.Now()) {
		return s, nil
	}
	term, err := c.termFor(ctx, chain, op)
	if err != nil {
		return nil, err
	}
	request := challenge.Request{
		Patient: chain.GID(), Operation: op, TTL: sessionSeconds,
		Targets: []challenge.Target{{Compartment: chain.Compartment, Term: term.ID}},
	}
	if s, err = c.challenge(ctx, request, c.knownHeads(chain)); err != nil {
		return nil, fmt.Errorf("opening a session to %s %s: %w", op, chain.Compartment, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if before := c.sessions[key]; before != nil {
		before.end()
	}
	c.sessions[key] = s
	return s, nil
}

// ErrNotShared is returned, wrapped, where nothing is shared with the caller that would allow what they ask for.
var ErrNotShared = errors.New("not shared with you")

// termFor finds the term under which the caller may do op: the one with the longest reach.
func (c *Client) termFor(ctx context.Context, chain ledger.Chain, op ledger.Operation) (*ledger.Term, error) {
	shared, err := c.Shared(ctx)
	if err != nil {
		return nil, err
	}
	var best *ledger.Term
	for _, s := range shared {
		if s.Chain != chain || op == ledger.OpWrite && !s.Term.Write {
			continue
		}
		if best == nil || s.Term.History && !best.History {
			best = &s.Term
		}
	}
	if best == nil {
		return nil, fmt.Errorf("%s of %s: %w, or not any more: ask the patient to grant it, and see 'phr patients' and 'phr keys'",
			chain.Compartment, chain.GID(), ErrNotShared)
	}
	return best, nil
}

// Shared is a term that the caller satisfies.
type Shared struct {
	Chain ledger.Chain
	Term  ledger.Term
}

// Shared returns what has been shared with the caller: every term that the attributes the log shows for them satisfy. Each
// is checked to stand in a policy that the patient signed.
func (c *Client) Shared(ctx context.Context) ([]Shared, error) {
	s, err := c.login(ctx)
	if err != nil {
		return nil, err
	}
	var all []Shared
	var query protocol.MineQuery
	for {
		mine, err := ask[protocol.Mine](ctx, s.conn, protocol.DirMine, query)
		if err != nil || len(mine.Terms) == 0 {
			return all, err
		}
		for _, m := range mine.Terms {
			if m.Chain < query.After {
				return nil, errors.New("what the node says is shared with you does not come in order")
			}
			query.After = m.Chain
			found, err := c.checkShared(ctx, m)
			if err != nil {
				return nil, fmt.Errorf("what the node says is shared with you: %w", err)
			}
			all = append(all, *found)
		}
	}
}

func (c *Client) checkShared(ctx context.Context, m protocol.SharedTerm) (*Shared, error) {
	e, err := ledger.ParseEntry(m.Set)
	if err != nil {
		return nil, err
	}
	set, ok := e.Body.(*ledger.PolicySet)
	if !ok || e.Chain.String() != m.Chain || e.Author != e.Chain.GID() {
		return nil, errors.New("not a policy by the patient")
	}
	if _, err := c.Person(ctx, e.Author); err != nil {
		return nil, err
	}
	keys, err := c.keysAt(e.Author, e.Control.Count)
	if err != nil {
		return nil, err
	}
	if err := e.Verify(keys); err != nil {
		return nil, err
	}
	for _, t := range set.Terms {
		if t.ID == m.Term {
			return &Shared{e.Chain, t}, nil
		}
	}
	return nil, fmt.Errorf("the policy has no term %s", m.Term)
}

func (c *Client) keysAt(gid identity.GID, position uint64) (*identity.Keys, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state.Keys(gid, position)
}

// challenge goes through PHR-CR/1 and connects with what it gives.
func (c *Client) challenge(ctx context.Context, request challenge.Request, heads []challenge.Head) (*session, error) {
	user, err := nkeys.CreateUser()
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	node := c.node
	c.mu.Unlock()
	side, err := challenge.NewClient(challenge.ClientConfig{
		Rand: rand.Reader, Identity: c.home.Identity(), User: user, Node: node, Request: request, Heads: heads,
		Keys: c.keysAt, Decapsulate: c.decapsulator(ctx),
	})
	if err != nil {
		return nil, err
	}
	grant, err := c.exchange(ctx, side)
	if err != nil {
		var failure *challenge.Failure
		if errors.As(err, &failure) {
			c.config.Log.Warn("challenge_failed", "detail", failure.Detail)
		}
		return nil, err
	}
	conn, err := stream.Dial(ctx, stream.Options{URL: natsURL(c.config.Node), Dialer: c.config.Dialer, User: &stream.User{
		JWT: func() (string, error) { return grant.JWT, nil }, Sign: user.Sign, Inbox: grant.Inbox,
	}})
	if err != nil {
		return nil, fmt.Errorf("connecting with the session: %w", err)
	}
	now := c.config.Now()
	life := time.UnixMilli(grant.Expires).Sub(now)
	return &session{conn: conn, id: grant.Session, request: request, renew: now.Add(life * 4 / 5), grant: grant}, nil
}

// exchange carries the messages to the gate and back.
func (c *Client) exchange(ctx context.Context, side *challenge.Client) (*challenge.Grant, error) {
	hello, err := side.Hello(c.config.Now())
	if err != nil {
		return nil, err
	}
	m2, err := c.guest.Request(ctx, protocol.GateHello, hello)
	if err != nil {
		return nil, err
	}
	answer, err := side.Answer(c.config.Now(), m2)
	if err != nil {
		return nil, err
	}
	m4, err := c.guest.Request(ctx, protocol.GateAnswer, answer)
	if err != nil {
		return nil, err
	}
	return side.Open(m4)
}

// decapsulator opens challenges with the caller's attribute keys.
func (c *Client) decapsulator(ctx context.Context) func(*abe.Header, []byte, []byte) ([32]byte, error) {
	return func(h *abe.Header, context, ciphertext []byte) ([32]byte, error) {
		x, err := c.resolve(ctx, h)
		if err != nil {
			return [32]byte{}, err
		}
		return x.Decapsulate(c.home.AttributeKeys(), abe.Challenge, context, ciphertext)
	}
}

// resolve finds what a ciphertext was made for: its policy at the versions it names, with the authorities' keys.
func (c *Client) resolve(ctx context.Context, h *abe.Header) (*abe.Expression, error) {
	if err := c.learnPolicy(ctx, h.Policy); err != nil {
		return nil, err
	}
	attributes := h.Policy.Attributes()
	version := func(a policy.Attribute) (uint32, bool) {
		for i, named := range attributes {
			if named == a {
				return h.Versions[i], true
			}
		}
		return 0, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	keys, err := c.state.AuthorityKeys(h.Policy)
	if err != nil {
		return nil, err
	}
	return abe.NewExpression(h.Policy, version, keys...)
}
