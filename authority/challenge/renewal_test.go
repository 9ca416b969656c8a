package challenge_test

import (
	"testing"
	"time"

	"github.com/phrledger/phr/authority/challenge"
	"github.com/phrledger/phr/ledger"
)

// open goes through an exchange of its own for what a client asks, with its session key, and returns the session.
func (w *world) open(c *client, at *node) *challenge.Session {
	x, err := w.upTo(4, c, w.gate(at), at, noon)
	if err != nil {
		panic(err)
	}
	return x.session
}

// renewing is a client that goes on with a session of another one, by its session key.
func (w *world) renewing(p *person, at *node, before *client, s *challenge.Session) *client {
	fact, _ := w.log.Node(at.GID())
	request := challenge.Request{
		Patient: s.Patient(), Operation: s.Operation(), TTL: 600,
		Targets: []challenge.Target{{Compartment: s.Compartment(), Term: s.Term()}},
	}
	return w.clientOf(p, challenge.ClientConfig{Node: *fact, Request: request, User: before.user, Renews: s.ID()})
}

// A session goes on under its id, on the same connection key and term, until later.
func TestRenewal(t *testing.T) {
	w := newWorld()
	at := w.nodes[0]
	c := w.client(w.ruiz, at, w.writing(w.treat))
	s := w.open(c, at)
	later := noon.Add(4 * time.Minute)
	x, err := w.upTo(4, w.renewing(w.ruiz, at, c, s), w.gate(at), at, later)
	if err != nil {
		t.Fatal(err)
	}
	r := x.session
	if r.ID() != s.ID() || r.User() != s.User() || r.GID() != s.GID() || r.Chain() != s.Chain() || r.Term() != s.Term() || r.Operation() != s.Operation() {
		t.Errorf("renewed %+v as %+v", s, r)
	}
	if want := later.Add(10 * time.Minute); !r.Expires().Equal(want) || x.grant.Session != s.ID() || x.grant.Expires != want.UnixMilli() {
		t.Errorf("it lasts until %s, the grant says %+v; want %s", r.Expires(), x.grant, want)
	}
	if logged, ok := w.log.Session(s.ID()); !ok || logged.Expires != r.Expires().UnixMilli() {
		t.Errorf("the log shows %+v", logged)
	}
}

func TestLoginIsNotRenewed(t *testing.T) {
	w := newWorld()
	at := w.nodes[0]
	c := w.client(w.ruiz, at, login)
	h := must(challenge.ParseHello(must(c.Hello(noon))))
	newID(&h.Renews)
	h.Sign(c.user, w.ruiz.Identity)
	if _, err := challenge.ParseHello(must(h.Marshal())); err == nil {
		t.Error("a login is renewed")
	}
}

func TestAttack25_RenewalReplayed(t *testing.T) { holds(t, replayedRenewal) }

// replayedRenewal brings the messages of a renewal a second time.
func replayedRenewal(w *world) error {
	at, g := w.nodes[0], w.gate(w.nodes[0])
	c := w.client(w.ruiz, at, w.reading(w.review))
	x, err := w.upTo(4, w.renewing(w.ruiz, at, c, w.open(c, at)), g, at, noon)
	if err != nil {
		return err
	}
	_, err = g.Hello(noon, w.log, x.m1)
	if err := refused("the hello of a renewal again", err); err != nil {
		return err
	}
	_, err = g.Answer(noon, w.log, x.m3)
	return refused("the answer to it again", err)
}

func TestAttack23_RenewalOfAnother(t *testing.T) { holds(t, othersRenewal) }

// othersRenewal asks to go on with a session that is not the one that the sender has: each time everything else is right.
func othersRenewal(w *world) error {
	at := w.nodes[0]
	his, hers := w.client(w.ruiz, at, w.reading(w.review)), w.client(w.leo, at, w.reading(w.review))
	s, other := w.open(his, at), w.open(hers, at)
	closed, gone := w.client(w.ruiz, at, w.reading(w.review)), &client{user: newUser()}
	ended := w.open(closed, at)
	write(w.log, at.Identity, ledger.RecordChain(w.maria.GID(), ledger.Access), &ledger.SessionClosed{Session: ended.ID(), Reason: "over"})
	asked := func(p *person, by *client, sid ledger.SessionID, r challenge.Request, now time.Time) error {
		fact, _ := w.log.Node(at.GID())
		c := w.clientOf(p, challenge.ClientConfig{Node: *fact, Request: r, User: by.user, Renews: sid})
		_, err := w.gate(at).Hello(now, w.log, must(c.Hello(now)))
		return err
	}
	read := w.reading(w.review)
	var unknown ledger.SessionID
	newID(&unknown)
	for name, err := range map[string]error{
		"somebody else's":                   asked(w.ruiz, his, other.ID(), read, noon),
		"somebody else's, by their own key": asked(w.leo, his, s.ID(), read, noon),
		"from another connection":           asked(w.ruiz, gone, s.ID(), read, noon),
		"one that is closed":                asked(w.ruiz, closed, ended.ID(), read, noon),
		"one that has expired":              asked(w.ruiz, his, s.ID(), read, s.Expires()),
		"one that never was":                asked(w.ruiz, his, unknown, read, noon),
		"as one to write":                   asked(w.ruiz, his, s.ID(), w.writing(w.treat), noon),
		"on another term":                   asked(w.ruiz, his, s.ID(), w.reading(w.treat), noon),
	} {
		if err := refused("the renewal of a session: "+name, err); err != nil {
			return err
		}
	}
	return nil
}

func TestAttack33_RenewalAfterTheEnd(t *testing.T) { holds(t, closedInBetween, revokedRenewal) }

// closedInBetween ends a session between the challenge of its renewal and the answer.
func closedInBetween(w *world) error {
	at, g := w.nodes[0], w.gate(w.nodes[0])
	c := w.client(w.ruiz, at, w.reading(w.review))
	s := w.open(c, at)
	x, err := w.upTo(3, w.renewing(w.ruiz, at, c, s), g, at, noon)
	if err != nil {
		return err
	}
	write(w.log, at.Identity, ledger.RecordChain(w.maria.GID(), ledger.Access), &ledger.SessionClosed{Session: s.ID(), Reason: "over"})
	_, err = g.Answer(noon, w.log, x.m3)
	return refused("the renewal of a session that is closed meanwhile", err)
}

// revokedRenewal takes the term of a session away, before its renewal and in the middle of it.
func revokedRenewal(w *world) error {
	at, g := w.nodes[0], w.gate(w.nodes[0])
	c := w.client(w.ruiz, at, w.reading(w.review))
	s := w.open(c, at)
	x, err := w.upTo(3, w.renewing(w.ruiz, at, c, s), g, at, noon)
	if err != nil {
		return err
	}
	setTerms(w.log, w.maria, w.treat)
	_, err = g.Answer(noon, w.log, x.m3)
	if err := refused("the renewal of a session whose term is revoked meanwhile", err); err != nil {
		return err
	}
	_, err = w.upTo(2, w.renewing(w.ruiz, at, c, s), g, at, noon)
	return refused("the renewal of a session whose term is revoked", err)
}
