package node_test

import (
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"github.com/phrledger/phr/crypto/abe"
	"github.com/phrledger/phr/crypto/canonical"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/ledger/stream"
)

// person is somebody with a guest's connection.
type person struct {
	*identity.Identity
	n     *running
	guest *stream.Conn
	own   *session // a login, once there is one
	keys  []*abe.AttributeKey
}

// newPerson registers somebody.
func (n *running) newPerson(t testing.TB) *person {
	t.Helper()
	id, _, err := identity.Generate(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p := &person{Identity: id, n: n, guest: n.dialAs(t, nil)}
	p.register(t, ledger.PersonChain(p.GID()), registrationOf(id))
	return p
}

func registrationOf(id *identity.Identity) *ledger.IdentityRegistered {
	first := id.Inception()
	return &ledger.IdentityRegistered{Sign: first.Keys.Sign, Seal: first.Keys.Seal, Recovery: first.Recovery}
}

// dialAs connects over TCP, as a guest without a user.
func (n *running) dialAs(t testing.TB, u *stream.User) *stream.Conn {
	t.Helper()
	c, err := stream.Dial(t.Context(), stream.Options{URL: "nats://" + n.URL().Address, User: u})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// events signs bodies as the next events of a chain.
func (p *person) events(t testing.TB, sid ledger.SessionID, c ledger.Chain, bodies ...ledger.Body) []*ledger.Event {
	t.Helper()
	var head ledger.Head
	p.n.Fold().View(func(s *ledger.State) { head, _ = s.Head(c) })
	var events []*ledger.Event
	for _, b := range bodies {
		id, err := ledger.NewEventID(rand.Reader, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		e := &ledger.Event{
			ID: id, Chain: c, Number: head.Number + 1, Prev: head.Hash, Author: p.GID(), Session: sid, Time: time.Now(), Body: b,
		}
		if err := e.Sign(p.Identity); err != nil {
			t.Fatal(err)
		}
		raw, err := e.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		head = ledger.Head{Number: e.Number, Hash: ledger.HashEvent(raw)}
		events = append(events, e)
	}
	return events
}

// submit sends events as one request, and returns when the node's fold shows them.
func (p *person) submit(t testing.TB, conn *stream.Conn, subject string, events []*ledger.Event, parts ...protocol.PartData) error {
	t.Helper()
	id, err := ledger.NewSubmissionID(rand.Reader, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	s := protocol.Submission{ID: id, Count: 1, Parts: parts}
	for _, e := range events {
		raw, err := e.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		s.Events = append(s.Events, raw)
	}
	if _, err := ask[protocol.Receipt](t, conn, subject, s); err != nil {
		return err
	}
	last, err := p.n.Ledger().LastSeq(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return p.n.Fold().Wait(t.Context(), last)
}

func ask[Answer any](t testing.TB, conn *stream.Conn, subject string, query any) (*Answer, error) {
	t.Helper()
	data, err := canonical.Marshal(query)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := conn.Request(t.Context(), subject, data)
	if err != nil {
		return nil, err
	}
	answer := new(Answer)
	return answer, canonical.Unmarshal(raw, answer)
}

func (p *person) register(t testing.TB, c ledger.Chain, b ledger.Body) {
	t.Helper()
	if err := p.submit(t, p.guest, protocol.Register(p.GID()), p.events(t, ledger.SessionID{}, c, b)); err != nil {
		t.Fatal(err)
	}
}

// say appends to a chain of the person's own, over a login.
func (p *person) say(t testing.TB, c ledger.Chain, bodies []ledger.Body, parts ...protocol.PartData) {
	t.Helper()
	if p.own == nil {
		p.own = p.login(t)
	}
	if err := p.submit(t, p.own.conn, protocol.Ingest(c), p.events(t, ledger.SessionID{}, c, bodies...), parts...); err != nil {
		t.Fatal(err)
	}
}

// write writes a record over a session, as its holder's.
func (p *person) write(t testing.TB, s *session, c ledger.Chain, number uint32) error {
	t.Helper()
	return p.submit(t, s.conn, protocol.Ingest(c), p.events(t, s.grant.Session, c, record(number)))
}

// codeOf returns the code that a service answered with, "" if it is none's.
func codeOf(err error) string {
	var told *stream.Error
	if errors.As(err, &told) {
		return told.Code
	}
	return ""
}

// gid is the node's own, as it describes itself.
func (n *running) gid(t testing.TB) identity.GID {
	t.Helper()
	guest, err := stream.Dial(t.Context(), stream.Options{Dialer: n.Dialer()})
	must(t, err)
	defer guest.Close()
	evidence, err := ask[protocol.Evidence](t, guest, protocol.DirNode, protocol.NodeQuery{})
	must(t, err)
	for _, f := range evidence.Facts {
		e, err := ledger.ParseEntry(f.Entry)
		must(t, err)
		if e.Kind() == ledger.NodeDescribedKind {
			return e.Chain.GID()
		}
	}
	t.Fatal("the node is not described")
	return ""
}

func newIdentity(t testing.TB) *identity.Identity {
	t.Helper()
	id, _, err := identity.Generate(rand.Reader)
	must(t, err)
	return id
}
