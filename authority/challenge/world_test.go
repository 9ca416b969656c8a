package challenge_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nkeys"

	"github.com/phrledger/phr/authority/challenge"
	"github.com/phrledger/phr/crypto/abe"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
)

// world is one run: the cast, a log of its own, and the checks that both sides leave out.
type world struct {
	*cast
	log  *ledger.State
	left []challenge.Check
}

func newWorld(left ...challenge.Check) *world {
	c := theCast()
	return &world{cast: c, log: c.state.Fork(), left: left}
}

func (w *world) gate(n *node) *challenge.Gate {
	return w.gateOf(challenge.GateConfig{Rand: rand.Reader, GID: n.GID(), Key: n.key})
}

func (w *world) gateOf(config challenge.GateConfig) *challenge.Gate {
	g := challenge.NewGate(config)
	g.LeaveOut(w.left...)
	return g
}

// client is the side of a person, with a record of what it was asked to open.
type client struct {
	*challenge.Client
	user    nkeys.KeyPair
	touched int // how often attribute keys were used
}

var login = challenge.Request{Operation: ledger.OpLogin, TTL: 600}

func (w *world) reading(t ledger.Term) challenge.Request { return w.on(ledger.OpRead, t) }

func (w *world) writing(t ledger.Term) challenge.Request { return w.on(ledger.OpWrite, t) }

func (w *world) on(op ledger.Operation, t ledger.Term) challenge.Request {
	return challenge.Request{
		Patient: w.maria.GID(), Operation: op, TTL: 600,
		Targets: []challenge.Target{{Compartment: ledger.Health, Term: t.ID}},
	}
}

func (w *world) client(p *person, n *node, r challenge.Request, heads ...challenge.Head) *client {
	fact, _ := w.log.Node(n.GID())
	return w.clientOf(p, challenge.ClientConfig{Node: *fact, Request: r, Heads: heads})
}

// clientOf completes a configuration.
func (w *world) clientOf(p *person, config challenge.ClientConfig) *client {
	c := &client{user: config.User}
	if c.user == nil {
		c.user = newUser()
	}
	config.Rand, config.Identity, config.User, config.Keys = rand.Reader, challenge.Held{Identity: p.Identity}, c.user, w.log.Keys
	decapsulate := config.Decapsulate
	if decapsulate == nil {
		decapsulate = w.decapsulator(p)
	}
	config.Decapsulate = func(h *abe.Header, context, ciphertext []byte) ([32]byte, error) {
		c.touched++
		return decapsulate(h, context, ciphertext)
	}
	c.Client = must(challenge.NewClient(config))
	c.LeaveOut(w.left...)
	return c
}

// decapsulator opens with a person's attribute keys.
func (w *world) decapsulator(p *person) func(*abe.Header, []byte, []byte) ([32]byte, error) {
	return func(h *abe.Header, context, ciphertext []byte) ([32]byte, error) {
		versions := make(map[policy.Attribute]uint32)
		for i, a := range h.Policy.Attributes() {
			versions[a] = h.Versions[i]
		}
		version := func(a policy.Attribute) (uint32, bool) { v, ok := versions[a]; return v, ok }
		e, err := abe.NewExpression(h.Policy, version, w.master.PublicKey())
		if err != nil {
			return [32]byte{}, err
		}
		return e.Decapsulate(p.attributes, abe.Challenge, context, ciphertext)
	}
}

// logged writes session.opened or session.renewed where it belongs, as a node does before it seals a grant.
func (w *world) logged(n *node, v *challenge.Verified) *ledger.Event {
	if v.Patient() == "" {
		return nil
	}
	return write(w.log, n.Identity, ledger.RecordChain(v.Patient(), ledger.Access), v.Statement()).Event
}

// grantFor stands in for what a node gives with a session.
func grantFor(v *challenge.Verified) challenge.Grant {
	return challenge.Grant{JWT: "jwt for " + v.Opened().User, Inbox: "inbox of " + v.Opened().Session.String()}
}

// exchange is the four messages of a run without an adversary, as far as it came.
type exchange struct {
	m1, m2, m3, m4 []byte
	session        *challenge.Session
	grant          *challenge.Grant
}

// upTo makes a client and a gate talk to each other, up to message n.
func (w *world) upTo(n int, c *client, g *challenge.Gate, at *node, now time.Time) (x exchange, err error) {
	if x.m1, err = c.Hello(now); err != nil || n == 1 {
		return x, wrap("hello", err)
	}
	if x.m2, err = g.Hello(now, w.log, x.m1); err != nil || n == 2 {
		return x, wrap("challenging", err)
	}
	if x.m3, err = c.Answer(now, x.m2); err != nil || n == 3 {
		return x, wrap("answering", err)
	}
	v, err := g.Answer(now, w.log, x.m3)
	if err != nil {
		return x, wrap("verifying", err)
	}
	if x.session, x.m4, err = g.Seal(v, w.logged(at, v), grantFor(v)); err != nil {
		return x, wrap("sealing", err)
	}
	x.grant, err = c.Open(x.m4)
	return x, wrap("opening the grant", err)
}

// wrap adds to an error what it keeps from everybody else.
func wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w (%w)", doing, err, detail(err))
}

func detail(err error) error {
	var f *challenge.Failure
	var r *challenge.Refusal
	switch {
	case errors.As(err, &f):
		return f.Detail
	case errors.As(err, &r):
		return r.Detail
	}
	return err
}

// violation says that something happened which must not.
func violation(format string, args ...any) error { return fmt.Errorf(format, args...) }
