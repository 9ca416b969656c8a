package challenge

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/nats-io/nkeys"

	"github.com/phrledger/phr/crypto/abe"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
)

// ClientConfig is what a client starts from. Every field but Renews and Heads, and for a login Keys and Decapsulate, is required.
type ClientConfig struct {
	Rand     io.Reader
	Identity Signer
	User     nkeys.KeyPair   // drawn for this session, or that of the session to renew
	Node     ledger.NodeFact // the newest description of the node that is known, verified under the pinned root
	Request  Request
	Renews   ledger.SessionID // an open session that is to go on, on the same term; zero to open one
	Heads    []Head           // newest heads known of the compartment asked for, the person's own chains and control chains

	// Keys returns the keys of a patient in force at a control position, as ledger.State.Keys does. They must have been
	// followed from the inception that the GID is the hash of.
	Keys func(gid identity.GID, position uint64) (*identity.Keys, error)

	// Decapsulate opens a ciphertext with the person's attribute keys, under the label abe.Challenge. It is called at most
	// once, after everything else has been checked.
	Decapsulate func(header *abe.Header, context, ciphertext []byte) ([32]byte, error)
}

// Client is the side that proves. It serves one exchange: Hello, Answer, Open. It is not safe for concurrent use.
type Client struct {
	config    ClientConfig
	user      string
	ephemeral *identity.Ephemeral
	left      checks

	th1   hash // zero until the hello is made
	spent bool // attribute keys were used, or an answer was made: no other challenge is looked at
	th4   hash // zero until the answer is made
	keys  keys
}

// NewClient checks the request and draws the ephemeral key.
func NewClient(config ClientConfig) (*Client, error) {
	if err := config.Request.Check(); err != nil {
		return nil, err
	}
	user, err := config.User.PublicKey()
	if err != nil || !nkeys.IsValidPublicUserKey(user) {
		return nil, errors.New("opening a challenge: the session's key is not a user nkey")
	}
	ephemeral, err := identity.GenerateEphemeral()
	if err != nil {
		return nil, err
	}
	return &Client{config: config, user: user, ephemeral: ephemeral}, nil
}

// suites are all that this version knows.
var suites = []abe.Suite{abe.RW15BLS12381}

// Hello returns M1. It is called once.
func (c *Client) Hello(now time.Time) ([]byte, error) {
	if c.th1 != (hash{}) {
		return nil, errors.New("a client says hello once")
	}
	h := &Hello{
		Version: Version, Suites: suites, Gate: c.config.Node.GID, Ephemeral: c.ephemeral.Public(), User: c.user,
		GID: c.config.Identity.GID(), Request: c.config.Request, Heads: c.config.Heads, Time: now.UnixMilli(),
		Renews: c.config.Renews,
	}
	if _, err := io.ReadFull(c.config.Rand, h.Nonce[:]); err != nil {
		return nil, fmt.Errorf("drawing a nonce: %w", err)
	}
	body, err := h.signed()
	if err != nil {
		return nil, err
	}
	if h.SigUser, err = c.config.User.Sign(labelled("hello", body)); err != nil {
		return nil, fmt.Errorf("signing with the session's key: %w", err)
	}
	if h.SigID, err = c.config.Identity.SignHello(body); err != nil {
		return nil, fmt.Errorf("signing the hello: %w", err)
	}
	m1, err := h.Marshal()
	if err != nil {
		return nil, err
	}
	c.th1 = transcript1(m1)
	return m1, nil
}

// Answer judges M2 and returns M3. Every error about M2 is a *Failure. Messages that fail before an attribute key is used
// leave the client waiting for a better one; after that it answers nothing any more.
func (c *Client) Answer(now time.Time, m2 []byte) ([]byte, error) {
	if c.th1 == (hash{}) {
		return nil, errors.New("a client answers after its hello")
	}
	m3, err := c.answer(now, m2)
	if err != nil {
		return nil, &Failure{err}
	}
	return m3, nil
}

func (c *Client) answer(now time.Time, m2 []byte) ([]byte, error) {
	challenge, err := ParseChallenge(m2)
	if err != nil {
		return nil, err
	}
	th2, err := transcript2(c.th1, challenge)
	if err != nil {
		return nil, err
	}
	if err := c.checkChallenge(now, challenge, th2); err != nil {
		return nil, err
	}
	shared, err := c.ephemeral.Export(exportInfo, exportContext, challenge.Enc, 32)
	if err != nil {
		return nil, err
	}
	var offer Offer
	if err := open(derive(shared, c.th1, "k_m"), c.th1, challenge.Sealed, &offer); err != nil {
		return nil, err
	}
	if err := c.left.must(challengeHeads, notBehind(c.config.Heads, offer.Heads)); err != nil {
		return nil, err
	}
	secrets, err := c.openTargets(now, challenge, offer.Targets)
	if err != nil {
		return nil, err
	}
	c.spent = true
	c.keys = deriveKeys(th2, secrets, shared)
	return c.sign(challenge.Session, th2)
}

// checkChallenge judges what M2 says in clear.
func (c *Client) checkChallenge(now time.Time, m *Challenge, th2 hash) error {
	var once, valid, signed, offered error
	if c.spent {
		once = errors.New("a client answers once")
	}
	if now.UnixMilli() >= c.config.Node.Expires {
		valid = errors.New("the description of the node has expired")
	}
	if !ed25519.Verify(c.config.Node.Gate[:], labelled("challenge", th2[:]), m.Sig) {
		signed = errors.New("not signed by the gate for this hello")
	}
	if !slices.Contains(suites, m.Suite) {
		offered = fmt.Errorf("suite %d was not offered", m.Suite)
	}
	expires := time.UnixMilli(m.Expires)
	var timely error
	if now.After(expires.Add(ledger.ClockSkew)) || expires.After(now.Add(MaxAge+ledger.ClockSkew)) {
		timely = fmt.Errorf("it expires at %s", expires.UTC().Format(time.RFC3339))
	}
	return errors.Join(
		c.left.must(challengeOnce, once),
		c.left.must(challengeNode, valid),
		c.left.must(challengeGate, signed),
		c.left.must(challengeSuite, offered),
		c.left.must(challengeTime, timely),
	)
}

// notBehind tells whether the gate's heads are those of the chains known, in their order, and not older.
func notBehind(known, gate []Head) error {
	if len(gate) != len(known) {
		return errors.New("the gate does not say where the chains end")
	}
	for i, k := range known {
		g := gate[i]
		if g.Chain != k.Chain || g.Number < k.Number || g.Number == k.Number && g.Hash != k.Hash {
			return fmt.Errorf("the gate's history of %s is not a continuation of the one known", k.Chain)
		}
	}
	return nil
}

// sign makes M3.
func (c *Client) sign(sid ledger.SessionID, th2 hash) ([]byte, error) {
	a := &Answer{Session: sid, Tag: mac(c.keys.client, th2)}
	th3 := transcript3(th2, a.Tag, c.config.Identity.GID())
	var err error
	if a.SigUser, err = c.config.User.Sign(labelled("answer", th3[:])); err != nil {
		return nil, fmt.Errorf("signing with the session's key: %w", err)
	}
	if a.SigID, err = c.config.Identity.SignAnswer(th2, a.Tag); err != nil {
		return nil, fmt.Errorf("signing the answer: %w", err)
	}
	m3, err := a.Marshal()
	if err != nil {
		return nil, err
	}
	c.th4 = transcript4(th3, m3)
	return m3, nil
}

// Open judges M4 and returns what is in it. Every error about M4 is a *Failure.
func (c *Client) Open(m4 []byte) (*Grant, error) {
	if c.th4 == (hash{}) {
		return nil, errors.New("a client opens a grant after its answer")
	}
	s, err := ParseSealedGrant(m4)
	if err != nil {
		return nil, &Failure{err}
	}
	if err := c.left.must(grantTag, checkTag(c.keys.server, c.th4, s.Tag)); err != nil {
		return nil, &Failure{err}
	}
	g := new(Grant)
	if err := open(c.keys.grant, c.th4, s.Sealed, g); err != nil {
		return nil, &Failure{err}
	}
	return g, nil
}
