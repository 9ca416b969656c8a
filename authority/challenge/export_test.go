package challenge

import (
	"crypto/ed25519"
	"crypto/rand"
	"maps"
	"slices"

	"github.com/nats-io/nkeys"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
)

// Check is one check of either side, for tests that leave it out.
type Check = check

const CheckCount = checkCount

const (
	HelloAddressed = helloAddressed
	HelloTime      = helloTime
	HelloUser      = helloUser
	HelloIdentity  = helloIdentity
	HelloRenewal   = helloRenewal
	HelloSuite     = helloSuite
	HelloForeign   = helloForeign
	HelloBehind    = helloBehind
	HelloEntitled  = helloEntitled
	HelloReplay    = helloReplay
	HelloRate      = helloRate
	HelloPending   = helloPending

	ChallengeOnce       = challengeOnce
	ChallengeNode       = challengeNode
	ChallengeGate       = challengeGate
	ChallengeSuite      = challengeSuite
	ChallengeTime       = challengeTime
	ChallengeHeads      = challengeHeads
	ChallengeTargets    = challengeTargets
	ChallengeSet        = challengeSet
	ChallengeTerm       = challengeTerm
	ChallengeExpression = challengeExpression
	ChallengeLabel      = challengeLabel

	AnswerTime     = answerTime
	AnswerUser     = answerUser
	AnswerBurn     = answerBurn
	AnswerTag      = answerTag
	AnswerIdentity = answerIdentity
	AnswerEntitled = answerEntitled
	AnswerRenewal  = answerRenewal
	AnswerResolved = answerResolved

	GrantLogged = grantLogged
	GrantTag    = grantTag
)

// LeaveOut makes the client go on without checks.
func (c *Client) LeaveOut(left ...Check) {
	for _, l := range left {
		c.left |= 1 << l
	}
}

// LeaveOut makes the gate go on without checks.
func (g *Gate) LeaveOut(left ...Check) {
	for _, l := range left {
		g.left |= 1 << l
	}
}

// Clone returns a client in the same state.
func (c *Client) Clone() *Client {
	clone := *c
	return &clone
}

// Clone returns a gate in the same state.
func (g *Gate) Clone() *Gate {
	clone := &Gate{config: g.config, left: g.left, window: newWindow(), sessions: g.sessions, logins: g.logins}
	for gid, hs := range g.window.heard {
		clone.window.heard[gid] = slices.Clone(hs)
	}
	clone.sessions.pending = maps.Clone(g.sessions.pending)
	clone.logins.pending = maps.Clone(g.logins.pending)
	return clone
}

// Held returns how many challenges and people the gate remembers.
func (g *Gate) Held() (challenges, people int) {
	return len(g.sessions.pending) + len(g.logins.pending), len(g.window.heard)
}

// Sign signs a hello by whatever keys there are; nil leaves a signature as it is.
func (h *Hello) Sign(user nkeys.KeyPair, id *identity.Identity) {
	body, err := h.signed()
	if err != nil {
		panic(err)
	}
	if user != nil {
		h.SigUser = must(user.Sign(labelled("hello", body)))
	}
	if id != nil {
		h.SigID = id.Sign(signHello, body)
	}
}

// SignUser signs an answer by another key than the session's own.
func (a *Answer) SignUser(m1, m2 []byte, gid identity.GID, user nkeys.KeyPair) {
	c := must(ParseChallenge(m2))
	th3 := transcript3(must(transcript2(transcript1(m1), c)), a.Tag, gid)
	a.SigUser = must(user.Sign(labelled("answer", th3[:])))
}

// Resign signs a challenge by another key than the gate's.
func (c *Challenge) Resign(m1 []byte, key ed25519.PrivateKey) {
	th2 := must(transcript2(transcript1(m1), c))
	c.Sig = ed25519.Sign(key, labelled("challenge", th2[:]))
}

// Forge makes a challenge as one can who has a gate's key and no scruples. It completes c.
func Forge(key ed25519.PrivateKey, m1 []byte, c Challenge, offer Offer) []byte {
	h, th1 := must(ParseHello(m1)), transcript1(m1)
	enc, shared, err := identity.Export(h.Ephemeral, exportInfo, exportContext, 32)
	if err != nil {
		panic(err)
	}
	c.Enc = enc
	c.Sealed = must(seal(rand.Reader, derive(shared, th1, "k_m"), th1, offer))
	c.Resign(m1, key)
	return must(c.Marshal())
}

// Context returns what ct_A of a challenge is bound to.
func (c *Challenge) Context(m1 []byte, set ledger.Hash) []byte {
	return must(c.context(transcript1(m1), &must(ParseHello(m1)).Request, 0, set))
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// Continue makes a client go on from somebody else's hello, without its ephemeral key.
func (c *Client) Continue(m1 []byte) { c.th1 = transcript1(m1) }

// Transcript returns what both sides compute from an exchange with given secrets: th1 to th4, k_m, k_c, k_s and k_g.
func Transcript(m1 []byte, c *Challenge, a *Answer, m3 []byte, z [32]byte, shared []byte) (values [8][]byte) {
	th1 := transcript1(m1)
	th2 := must(transcript2(th1, c))
	th3 := transcript3(th2, a.Tag, must(ParseHello(m1)).GID)
	th4 := transcript4(th3, m3)
	k := deriveKeys(th2, [][32]byte{z}, shared)
	return [8][]byte{th1[:], th2[:], th3[:], th4[:], derive(shared, th1, "k_m"), k.client, k.server, k.grant}
}
