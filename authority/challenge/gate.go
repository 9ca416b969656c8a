package challenge

import (
	"crypto/ed25519"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/nats-io/nkeys"

	"github.com/phrledger/phr/crypto/abe"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
)

// Facts is what a gate reads of the log: a *ledger.State that has caught up. It must not change during a call.
type Facts interface {
	Person(identity.GID) (*identity.Keys, error)
	Patient(identity.GID) (*abe.PublicKey, bool)
	Head(ledger.Chain) (ledger.Head, bool)
	Compartment(ledger.Chain) (ledger.CompartmentFact, bool)
	Entitled(identity.GID, ledger.Chain, ledger.Operation, ledger.TermID, time.Time) (*ledger.LiveTerm, error)
	Expression(*policy.Policy) (*abe.Expression, error)
	Session(ledger.SessionID) (*ledger.Session, bool)
}

// GateConfig is what a gate starts from. Rand, GID and Key are required.
type GateConfig struct {
	Rand io.Reader // safe for concurrent use
	GID  identity.GID
	Key  ed25519.PrivateKey // whose public half stands in node.described

	// Pending is how many challenges may be open at a time: so many of entitled people, and as many logins, which anybody
	// may ask for who has registered. 0 is 4096.
	Pending int

	// Rate is how many hellos of one person are heard in two minutes. 0 is 120.
	Rate int
}

// Gate is the side that challenges. It is safe for concurrent use. All it keeps is bounded, and lost at a restart: whoever
// was about to answer starts again.
type Gate struct {
	config GateConfig
	left   checks

	mu       sync.Mutex
	window   window
	sessions room
	logins   room
}

// NewGate returns a gate with no open challenges.
func NewGate(config GateConfig) *Gate {
	if config.Pending == 0 {
		config.Pending = 4096
	}
	if config.Rate == 0 {
		config.Rate = 120
	}
	return &Gate{config: config, window: newWindow(), sessions: newRoom(config.Pending), logins: newRoom(config.Pending)}
}

// Hello judges M1 and returns M2. Every error about M1 is a *Refusal. What is cheap to find out is found out first; attribute
// encryption is done only for a person whom the log shows to be entitled.
func (g *Gate) Hello(now time.Time, facts Facts, m1 []byte) ([]byte, error) {
	h, err := ParseHello(m1)
	if err != nil {
		return nil, &Refusal{Detail: err}
	}
	if err := g.checkSender(now, facts, h); err != nil {
		return nil, &Refusal{Detail: err, Request: h.Request}
	}
	m2, err := g.challenge(now, facts, h, transcript1(m1))
	if err != nil {
		return nil, refuse(facts, h.GID, h.Request, err)
	}
	return m2, nil
}

// refuse makes the refusal of a person who has proved who they are.
func refuse(facts Facts, gid identity.GID, r Request, detail error) *Refusal {
	if r.Patient != "" {
		if _, ok := facts.Patient(r.Patient); !ok {
			return &Refusal{Detail: detail, Request: r}
		}
	}
	return &Refusal{Detail: detail, Proven: gid, Request: r}
}

// checkSender judges whether a hello is for this gate, of this moment, and from whom it says.
func (g *Gate) checkSender(now time.Time, facts Facts, h *Hello) error {
	var addressed error
	if h.Gate != g.config.GID {
		addressed = errors.New("the hello is for another gate")
	}
	if err := g.left.must(helloAddressed, addressed); err != nil {
		return err
	}
	if err := g.left.must(helloTime, near(now, time.UnixMilli(h.Time))); err != nil {
		return err
	}
	body, err := h.signed()
	if err != nil {
		return err
	}
	if err := g.left.must(helloUser, verifyUser(h.User, labelled("hello", body), h.SigUser)); err != nil {
		return err
	}
	return g.left.must(helloIdentity, verifyPerson(facts, h.GID, signHello, body, h.SigID))
}

func verifyUser(user string, message, signature []byte) error {
	key, err := nkeys.Decode(nkeys.PrefixByteUser, []byte(user))
	if err != nil {
		return err
	}
	if !ed25519.Verify(key, message, signature) {
		return errors.New("not signed by the session's key")
	}
	return nil
}

func verifyPerson(facts Facts, gid identity.GID, context string, message, signature []byte) error {
	keys, err := facts.Person(gid)
	if err != nil {
		return err
	}
	return keys.Verify(context, message, signature)
}
