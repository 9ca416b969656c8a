package node_test

import (
	"crypto/rand"
	"errors"
	"slices"
	"testing"
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
	conn  *stream.Conn
	user  nkeys.KeyPair
	nkey  string
	grant *challenge.Grant
}

var loginRequest = challenge.Request{Operation: ledger.OpLogin, TTL: 600}

func (p *person) login(t testing.TB) *session {
	t.Helper()
	s, err := p.open(t, loginRequest)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// ask opens a session on a compartment.
func (p *person) ask(t testing.TB, c ledger.Chain, op ledger.Operation, term ledger.TermID) (*session, error) {
	t.Helper()
	return p.open(t, requestFor(c, op, term))
}

func requestFor(c ledger.Chain, op ledger.Operation, term ledger.TermID) challenge.Request {
	return challenge.Request{
		Patient: c.GID(), Operation: op, TTL: 600, Targets: []challenge.Target{{Compartment: c.Compartment, Term: term}},
	}
}

func (p *person) open(t testing.TB, r challenge.Request) (*session, error) {
	t.Helper()
	x := p.begin(t, r)
	if err := x.hello(t); err != nil {
		return nil, err
	}
	if err := x.answer(t); err != nil {
		return nil, err
	}
	return x.connect(t)
}

// exchange is PHR-CR/1 under way, message by message.
type exchange struct {
	p          *person
	side       *challenge.Client
	user       nkeys.KeyPair
	m1, m2, m3 []byte
	m4         []byte
}

func (p *person) begin(t testing.TB, r challenge.Request) *exchange {
	t.Helper()
	user, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	x := &exchange{p: p, user: user}
	gid := p.n.gid(t)
	var described ledger.NodeFact
	p.n.Fold().View(func(s *ledger.State) {
		fact, ok := s.Node(gid)
		if ok {
			described = *fact
		}
	})
	x.side, err = challenge.NewClient(challenge.ClientConfig{
		Rand: rand.Reader, Identity: challenge.Held{Identity: p.Identity}, User: user, Node: described, Request: r,
		Keys: func(gid identity.GID, position uint64) (keys *identity.Keys, err error) {
			p.n.Fold().View(func(s *ledger.State) { keys, err = s.Keys(gid, position) })
			return keys, err
		},
		Decapsulate: p.decapsulate,
	})
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// decapsulate opens a challenge whatever has become of its attributes since.
func (p *person) decapsulate(h *abe.Header, context, ciphertext []byte) (key [32]byte, err error) {
	var authorities []*abe.PublicKey
	p.n.Fold().View(func(s *ledger.State) { authorities, err = s.NamedKeys(h.Policy, h.KeyHashes) })
	if err != nil {
		return key, err
	}
	version := func(a policy.Attribute) (uint32, bool) {
		return h.Versions[slices.Index(h.Policy.Attributes(), a)], true
	}
	x, err := abe.NewExpression(h.Policy, version, authorities...)
	if err != nil {
		return key, err
	}
	return x.Decapsulate(p.keys, abe.Challenge, context, ciphertext)
}

func (x *exchange) hello(t testing.TB) (err error) {
	t.Helper()
	if x.m1, err = x.side.Hello(time.Now()); err != nil {
		t.Fatal(err)
	}
	x.m2, err = x.p.guest.Request(t.Context(), protocol.GateHello, x.m1)
	return err
}

func (x *exchange) answer(t testing.TB) (err error) {
	t.Helper()
	if x.m3, err = x.side.Answer(time.Now(), x.m2); err != nil {
		t.Fatal(errors.Unwrap(err), err.(*challenge.Failure).Detail)
	}
	x.m4, err = x.p.guest.Request(t.Context(), protocol.GateAnswer, x.m3)
	return err
}

func (x *exchange) connect(t testing.TB) (*session, error) {
	t.Helper()
	grant, err := x.side.Open(x.m4)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x.user.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	s := &session{user: x.user, nkey: public, grant: grant}
	s.conn, err = stream.Dial(t.Context(), stream.Options{URL: "nats://" + x.p.n.URL().Address, User: s.credentials(s.user)})
	if err == nil {
		t.Cleanup(s.conn.Close)
	}
	return s, err
}

// credentials are the session's JWT with some key.
func (s *session) credentials(key nkeys.KeyPair) *stream.User {
	return &stream.User{JWT: func() (string, error) { return s.grant.JWT, nil }, Sign: key.Sign, Inbox: s.grant.Inbox}
}
