package challenge_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"slices"

	"github.com/nats-io/nkeys"

	"github.com/phrledger/phr/authority/challenge"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
)

// forger is what Eve has to change messages with: her own keys, and the messages of an exchange of her own.
type forger struct {
	eve    *identity.Identity
	user   nkeys.KeyPair
	gate   ed25519.PrivateKey
	m1, m2 []byte
	m3, m4 []byte
}

func newForger(w *world) *forger {
	honest := newWorld()
	c := honest.client(honest.eve, honest.nodes[0], login)
	x, err := honest.upTo(4, c, honest.gate(honest.nodes[0]), honest.nodes[0], noon)
	if err != nil {
		panic(err)
	}
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic(err)
	}
	return &forger{w.eve.Identity, c.user, key, x.m1, x.m2, x.m3, x.m4}
}

// forge returns what Eve makes of a message with her own keys and her own exchange, and with the fields of others of its kind.
func (f *forger) forge(m *message, others []*message) [][]byte {
	switch m.kind {
	case 1:
		return f.hellos(m, donors(m, others, f.m1))
	case 2:
		return f.challenges(m, donors(m, others, f.m2))
	case 3:
		return f.answers(m, donors(m, others, f.m3))
	default:
		return grants(m, donors(m, others, f.m4))
	}
}

// donors returns the other messages of m's kind.
func donors(m *message, others []*message, own []byte) [][]byte {
	all := [][]byte{own}
	for _, o := range others {
		if o.kind == m.kind && o != m {
			all = append(all, o.data)
		}
	}
	return all
}

func (f *forger) hellos(m *message, donors [][]byte) (forged [][]byte) {
	add := func(change func(h *challenge.Hello)) {
		h := must(challenge.ParseHello(m.data))
		change(h)
		forged = append(forged, must(h.Marshal()))
	}
	mine := must(f.user.PublicKey())
	add(func(h *challenge.Hello) { h.User = mine; h.Sign(f.user, nil) })      // Eve's session, the victim's name
	add(func(h *challenge.Hello) { h.GID = f.eve.GID(); h.Sign(nil, f.eve) }) // the victim's session, Eve's name
	add(func(h *challenge.Hello) { h.Suites = append(h.Suites, 2) })          // a suite that was not offered
	add(func(h *challenge.Hello) { h.Request.TTL++ })                         // longer
	add(func(h *challenge.Hello) { h.Time++ })                                // later
	add(func(h *challenge.Hello) { newID(&h.Renews) })                        // as a renewal
	add(func(h *challenge.Hello) { h.Renews = ledger.SessionID{} })           // as none
	add(func(h *challenge.Hello) { h.SigUser[0] ^= 1 })                       // a signature that is none
	add(func(h *challenge.Hello) { h.SigID[0] ^= 1 })                         // likewise
	add(func(h *challenge.Hello) { h.SigUser, h.SigID = h.SigID, h.SigUser }) // each other's
	add(func(h *challenge.Hello) {
		h.Heads = append(h.Heads, challenge.Head{Chain: ledger.NodeChain(h.Gate).String()})
	})
	for _, data := range donors {
		d := must(challenge.ParseHello(data))
		add(func(h *challenge.Hello) { h.User = d.User })
		add(func(h *challenge.Hello) { h.User, h.SigUser = d.User, d.SigUser })
		add(func(h *challenge.Hello) { h.GID = d.GID })
		add(func(h *challenge.Hello) { h.GID, h.SigID = d.GID, d.SigID })
		add(func(h *challenge.Hello) { h.Ephemeral = d.Ephemeral })
		add(func(h *challenge.Hello) { h.Nonce = d.Nonce })
		add(func(h *challenge.Hello) { h.Gate = d.Gate })
		add(func(h *challenge.Hello) { h.Request = d.Request })
		add(func(h *challenge.Hello) { h.Renews = d.Renews })
		add(func(h *challenge.Hello) { h.User, h.Renews = d.User, d.Renews })
	}
	return slices.DeleteFunc(forged, m.is)
}

func (f *forger) challenges(m *message, donors [][]byte) (forged [][]byte) {
	m1 := m.of.data
	add := func(change func(c *challenge.Challenge)) {
		c := must(challenge.ParseChallenge(m.data))
		change(c)
		forged = append(forged, must(c.Marshal()))
	}
	original := must(challenge.ParseChallenge(m.data))
	forged = append(forged, challenge.Forge(f.gate, m1, *original, challenge.Offer{})) // by a gate that was not asked
	add(func(c *challenge.Challenge) { c.Resign(m1, f.gate) })
	add(func(c *challenge.Challenge) { c.Suite++ })
	add(func(c *challenge.Challenge) { c.Expires++ })
	add(func(c *challenge.Challenge) { c.Enc[0] ^= 1 })
	add(func(c *challenge.Challenge) { c.Sealed[30] ^= 1 })
	add(func(c *challenge.Challenge) { c.Sig[0] ^= 1 })
	for _, data := range donors {
		d := must(challenge.ParseChallenge(data))
		add(func(c *challenge.Challenge) { c.Session = d.Session })
		add(func(c *challenge.Challenge) { c.Nonce = d.Nonce })
		add(func(c *challenge.Challenge) { c.Enc = d.Enc })
		add(func(c *challenge.Challenge) { c.Enc, c.Sealed = d.Enc, d.Sealed })
		add(func(c *challenge.Challenge) { c.Sig = d.Sig })
	}
	return slices.DeleteFunc(forged, m.is)
}

func (f *forger) answers(m *message, donors [][]byte) (forged [][]byte) {
	add := func(change func(a *challenge.Answer)) {
		a := must(challenge.ParseAnswer(m.data))
		change(a)
		forged = append(forged, must(a.Marshal()))
	}
	victim := must(challenge.ParseHello(m.of.of.data)).GID
	add(func(a *challenge.Answer) { a.SignUser(m.of.of.data, m.of.data, victim, f.user) })
	add(func(a *challenge.Answer) { a.Tag[0] ^= 1; a.SignUser(m.of.of.data, m.of.data, victim, f.user) })
	add(func(a *challenge.Answer) { a.Tag[0] ^= 1 })
	add(func(a *challenge.Answer) { a.SigUser[0] ^= 1 })
	add(func(a *challenge.Answer) { a.SigID[0] ^= 1 })
	for _, data := range donors {
		d := must(challenge.ParseAnswer(data))
		add(func(a *challenge.Answer) { a.Session = d.Session })
		add(func(a *challenge.Answer) { a.Tag = d.Tag })
		add(func(a *challenge.Answer) { a.SigUser = d.SigUser })
		add(func(a *challenge.Answer) { a.SigID = d.SigID })
	}
	return slices.DeleteFunc(forged, m.is)
}

func grants(m *message, donors [][]byte) (forged [][]byte) {
	add := func(change func(s *challenge.SealedGrant)) {
		s := must(challenge.ParseSealedGrant(m.data))
		change(s)
		forged = append(forged, must(s.Marshal()))
	}
	add(func(s *challenge.SealedGrant) { s.Tag[0] ^= 1 })
	add(func(s *challenge.SealedGrant) { s.Sealed[30] ^= 1 })
	for _, data := range donors {
		d := must(challenge.ParseSealedGrant(data))
		add(func(s *challenge.SealedGrant) { s.Tag = d.Tag })
		add(func(s *challenge.SealedGrant) { s.Sealed = d.Sealed })
	}
	return slices.DeleteFunc(forged, m.is)
}

// is tells whether a change changed nothing.
func (m *message) is(data []byte) bool { return string(data) == string(m.data) }
