package testnode

import (
	"crypto/rand"
	"errors"
	"sync"
	"time"

	"github.com/nats-io/nkeys"

	"github.com/phrledger/phr/authority/challenge"
	"github.com/phrledger/phr/crypto/abe"
	"github.com/phrledger/phr/crypto/canonical"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/stream"
)

// Desk is where challenges are answered, and the list of the sessions that came of it.
type Desk struct {
	gate *challenge.Gate
	mu   sync.Mutex
	live map[string]*challenge.Session
}

func newDesk(gate *challenge.Gate) *Desk {
	return &Desk{gate: gate, live: make(map[string]*challenge.Session)}
}

// Live returns the session of a connection's public nkey while it lasts.
func (d *Desk) Live(nkey string) (*challenge.Session, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s, ok := d.live[nkey]
	return s, ok
}

// End ends a session without a word in the log.
func (d *Desk) End(s *Session) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.live, s.User())
}

// Session is an open session with its connection.
type Session struct {
	*challenge.Session
	Conn *stream.Conn
}

// Login opens a session for what is a person's own.
func (n *Node) Login(p *Person) *Session {
	n.Helper()
	return n.open(p, challenge.Request{Operation: ledger.OpLogin, TTL: 600})
}

// Open opens a session on the health compartment of a patient.
func (n *Node) Open(p *Person, patient *Patient, op ledger.Operation, term ledger.TermID) *Session {
	n.Helper()
	return n.open(p, challenge.Request{
		Patient: patient.GID(), Operation: op, TTL: 600, Targets: []challenge.Target{{Compartment: ledger.Health, Term: term}},
	})
}

func (n *Node) open(p *Person, request challenge.Request) *Session {
	n.Helper()
	user, err := nkeys.CreateUser()
	n.must(err)
	session, err := n.challenge(p, user, request)
	n.must(err)
	n.Desk.mu.Lock()
	n.Desk.live[session.User()] = session
	n.Desk.mu.Unlock()
	return &Session{session, n.dial(session, user)}
}

// challenge runs the whole of the protocol.
func (n *Node) challenge(p *Person, user nkeys.KeyPair, request challenge.Request) (*challenge.Session, error) {
	var client *challenge.Client
	var m1, m2, m3 []byte
	var v *challenge.Verified
	var err error
	n.Fold.View(func(s *ledger.State) {
		client, err = challenge.NewClient(n.clientConfig(s, p, user, request))
		now := n.Now()
		if err == nil {
			m1, err = client.Hello(now)
		}
		if err == nil {
			m2, err = n.Desk.gate.Hello(now, s, m1)
		}
		if err == nil {
			m3, err = client.Answer(now, m2)
		}
		if err == nil {
			v, err = n.Desk.gate.Answer(now, s, m3)
		}
	})
	if err != nil {
		return nil, err
	}
	var logged *ledger.Event
	if v.Patient() != "" {
		logged, err = n.Ingest.Say(n.Context(), ledger.RecordChain(v.Patient(), ledger.Access), v.Opened())
		if err != nil {
			return nil, err
		}
	}
	session, _, err := n.Desk.gate.Seal(v, logged, challenge.Grant{JWT: "given below", Inbox: "given below"})
	return session, err
}

func (n *Node) clientConfig(s *ledger.State, p *Person, user nkeys.KeyPair, request challenge.Request) challenge.ClientConfig {
	fact, _ := s.Node(n.Self.GID())
	return challenge.ClientConfig{
		Rand: rand.Reader, Identity: challenge.Held{Identity: p.Identity}, User: user, Node: *fact, Request: request, Keys: s.Keys,
		Decapsulate: func(h *abe.Header, context, ciphertext []byte) ([32]byte, error) {
			keys, err := s.AuthorityKeys(h.Policy)
			if err != nil {
				return [32]byte{}, err
			}
			version := func(a policy.Attribute) (uint32, bool) { return s.Version(a) }
			x, err := abe.NewExpression(h.Policy, version, keys...)
			if err != nil {
				return [32]byte{}, err
			}
			return x.Decapsulate(p.attributes, abe.Challenge, context, ciphertext)
		},
	}
}

// dial connects as a session does whose permissions are wider than they should be: what a service checks is not left to
// the server.
func (n *Node) dial(session *challenge.Session, user nkeys.KeyPair) *stream.Conn {
	n.Helper()
	inbox := "inbox-of-" + session.ID().String()
	grant, err := stream.Scope{Inbox: inbox, Login: true}.Grant(session.User(), session.ID().String(), time.Now().Add(time.Hour))
	n.must(err)
	grant.Pub = append(grant.Pub, "ingest.>", "keys.>", "register.>", "enrol.>")
	jwt, err := n.MintUser(grant)
	n.must(err)
	return n.connect(&stream.User{JWT: func() (string, error) { return jwt, nil }, Sign: user.Sign, Inbox: inbox})
}

// Guest connects without a session.
func (n *Node) Guest() *stream.Conn {
	n.Helper()
	return n.connect(nil)
}

func (n *Node) connect(user *stream.User) *stream.Conn {
	n.Helper()
	c, err := stream.Dial(n.Context(), stream.Options{Dialer: n.Server, User: user})
	n.must(err)
	n.Cleanup(c.Close)
	return c
}

// Ask asks a service.
func Ask[Answer any](n *Node, conn *stream.Conn, subject string, query any) (*Answer, error) {
	n.Helper()
	data, err := canonical.Marshal(query)
	n.must(err)
	raw, err := conn.Request(n.Context(), subject, data)
	if err != nil {
		return nil, err
	}
	answer := new(Answer)
	if len(raw) > 0 {
		n.must(canonical.Unmarshal(raw, answer))
	}
	return answer, nil
}

// Code returns the code of what a service answered with, "" for none.
func Code(err error) string {
	var told *stream.Error
	if errors.As(err, &told) {
		return told.Code
	}
	return ""
}
