package challenge_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/phrledger/phr/authority/challenge"
	"github.com/phrledger/phr/crypto/abe"
	"github.com/phrledger/phr/ledger"
)

// holds runs scenarios with every check in place.
func holds(t *testing.T, scenarios ...func(*world) error) {
	t.Helper()
	for _, scenario := range scenarios {
		if err := scenario(newWorld()); err != nil {
			t.Error(err)
		}
	}
}

// refused fails unless err is a refusal.
func refused(what string, err error) error {
	if !errors.Is(err, challenge.ErrRefused) && !errors.Is(err, challenge.ErrBusy) {
		return violation("%s: not refused: %v", what, err)
	}
	return nil
}

func TestAttack22_VerbatimRelay(t *testing.T) { holds(t, verbatimRelay, passedOn) }

// verbatimRelay carries every message between a doctor and the gate. The session is the doctor's, and the relay gets nothing.
func verbatimRelay(w *world) error {
	at, g := w.nodes[0], w.gate(w.nodes[0])
	victim, relay := w.client(w.ruiz, at, w.reading(w.review)), w.client(w.leo, at, w.reading(w.review))
	x, err := w.upTo(4, victim, g, at, noon)
	if err != nil {
		return err
	}
	if x.session.User() != must(victim.user.PublicKey()) {
		return violation("the session is for the nkey %s", x.session.User())
	}
	if _, err := w.upTo(3, relay, g, at, noon); err != nil {
		return err
	}
	if grant, err := relay.Open(x.m4); err == nil {
		return violation("the relay opened the grant %+v", grant)
	}
	return nil
}

// passedOn is how a relay wins against a challenge that is decrypted and sent back: it is challenged itself, has somebody
// else answer, and takes the session.
func passedOn(w *world) error {
	at, g := w.nodes[0], w.gate(w.nodes[0])
	victim, relay := w.client(w.ruiz, at, w.reading(w.review)), w.client(w.leo, at, w.reading(w.review))
	if _, err := victim.Hello(noon); err != nil {
		return err
	}
	x, err := w.upTo(2, relay, g, at, noon)
	if err != nil {
		return err
	}
	if _, err := victim.Answer(noon, x.m2); err == nil || victim.touched > 0 {
		return violation("the victim answers the relay's challenge: %v", err)
	}
	return nil
}

func TestAttack23_SwappedFields(t *testing.T) { holds(t, swappedFields) }

// swappedFields changes each field of a hello to read: U, E_C, op, patient, term, ttl, suite, mode and the rest.
func swappedFields(w *world) error {
	at, g := w.nodes[0], w.gate(w.nodes[0])
	m1, err := w.client(w.ruiz, at, w.reading(w.review)).Hello(noon)
	if err != nil {
		return err
	}
	other := must(challenge.ParseHello(must(w.client(w.leo, w.nodes[1], w.reading(w.review)).Hello(noon))))
	for name, swap := range map[string]func(*challenge.Hello){
		"U":           func(h *challenge.Hello) { h.User = other.User },
		"E_C":         func(h *challenge.Hello) { h.Ephemeral = other.Ephemeral },
		"N_C":         func(h *challenge.Hello) { h.Nonce = other.Nonce },
		"GID":         func(h *challenge.Hello) { h.GID = other.GID },
		"gate":        func(h *challenge.Hello) { h.Gate = other.Gate },
		"operation":   func(h *challenge.Hello) { h.Request.Operation = ledger.OpWrite },
		"patient":     func(h *challenge.Hello) { h.Request.Patient = w.juan.GID() },
		"compartment": func(h *challenge.Hello) { h.Request.Targets[0].Compartment = ledger.Training },
		"term":        func(h *challenge.Hello) { h.Request.Targets[0].Term = w.treat.ID },
		"ttl":         func(h *challenge.Hello) { h.Request.TTL = 900 },
		"mode":        func(h *challenge.Hello) { h.Request = login },
		"suite":       func(h *challenge.Hello) { h.Suites = []abe.Suite{1, 2} },
		"time":        func(h *challenge.Hello) { h.Time++ },
		"renewal":     func(h *challenge.Hello) { newID(&h.Renews) },
	} {
		h := must(challenge.ParseHello(m1))
		swap(h)
		_, err := g.Hello(noon, w.log, must(h.Marshal()))
		if err := refused(name+" was swapped", err); err != nil {
			return err
		}
		var r *challenge.Refusal
		if errors.As(err, &r) && r.Proven != "" {
			return violation("%s was swapped: refused in the name of %s", name, r.Proven)
		}
	}
	if _, err := g.Hello(noon, w.log, m1); err != nil {
		return violation("the hello itself: %w", wrap("challenging", err))
	}
	return nil
}

func TestAttack24_ForwardedChallenge(t *testing.T) { holds(t, forwardedHello, forwardedChallenge) }

// forwardedHello is a hello for one gate, brought to another.
func forwardedHello(w *world) error {
	m1, err := w.client(w.ruiz, w.nodes[0], w.reading(w.review)).Hello(noon)
	if err != nil {
		return err
	}
	_, err = w.gate(w.nodes[1]).Hello(noon, w.log, m1)
	return refused("a hello for another gate", err)
}

// forwardedChallenge is a gate that passes on the challenge of another one, as it is and under its own name.
func forwardedChallenge(w *world) error {
	asked, other := w.nodes[0], w.nodes[1]
	victim, mallory := w.client(w.ruiz, asked, w.reading(w.review)), w.client(w.leo, other, w.reading(w.review))
	m1, err := victim.Hello(noon)
	if err != nil {
		return err
	}
	x, err := w.upTo(2, mallory, w.gate(other), other, noon)
	if err != nil {
		return err
	}
	renamed := must(challenge.ParseChallenge(x.m2))
	renamed.Resign(m1, asked.key)
	for _, m2 := range [][]byte{x.m2, must(renamed.Marshal())} {
		if _, err := victim.Answer(noon, m2); !errors.Is(err, challenge.ErrChallenge) || victim.touched > 0 {
			return violation("the victim answers another gate's challenge: %v", err)
		}
	}
	return nil
}

func TestAttack25_ReplayedAnswer(t *testing.T) { holds(t, replayedAnswer, thousandAnswers) }

func replayedAnswer(w *world) error {
	at, g := w.nodes[0], w.gate(w.nodes[0])
	x, err := w.upTo(4, w.client(w.ruiz, at, login), g, at, noon)
	if err != nil {
		return err
	}
	for name, gate := range map[string]*challenge.Gate{
		"the same gate": g, "another gate": w.gate(w.nodes[1]), "the same gate after its restart": w.gate(at),
	} {
		_, err := gate.Answer(noon, w.log, x.m3)
		if err := refused("an answer replayed to "+name, err); err != nil {
			return err
		}
	}
	return nil
}

func thousandAnswers(w *world) error {
	at, g := w.nodes[0], w.gate(w.nodes[0])
	x, err := w.upTo(3, w.client(w.ruiz, at, login), g, at, noon)
	if err != nil {
		return err
	}
	var opened atomic.Int64
	var all sync.WaitGroup
	for range 1000 {
		all.Go(func() {
			if _, err := g.Answer(noon, w.log, x.m3); err == nil {
				opened.Add(1)
			}
		})
	}
	all.Wait()
	if n := opened.Load(); n != 1 {
		return violation("1000 answers at once opened %d sessions", n)
	}
	return nil
}

func TestAttack26_Expired(t *testing.T) {
	holds(t, lateAnswer, lateChallenge, clocksApart, expiredNode)
}

func lateAnswer(w *world) error {
	at, g := w.nodes[0], w.gate(w.nodes[0])
	x, err := w.upTo(3, w.client(w.ruiz, at, login), g, at, noon)
	if err != nil {
		return err
	}
	_, err = g.Answer(noon.Add(challenge.MaxAge+time.Millisecond), w.log, x.m3)
	return refused("an answer after the challenge expired", err)
}

// lateChallenge is a challenge that was held back, and one that would stay open for a day.
func lateChallenge(w *world) error {
	at, g := w.nodes[0], w.gate(w.nodes[0])
	c := w.client(w.ruiz, at, login)
	x, err := w.upTo(2, c, g, at, noon)
	if err != nil {
		return err
	}
	if _, err := c.Answer(noon.Add(time.Hour), x.m2); err == nil {
		return violation("a challenge an hour old is answered")
	}
	return w.refuses(w.reading(w.review), func(o *offering) { o.challenge.Expires = noon.AddDate(0, 0, 1).UnixMilli() })
}

func clocksApart(w *world) error {
	for _, apart := range []time.Duration{time.Hour, -time.Hour} {
		m1, err := w.client(w.ruiz, w.nodes[0], login).Hello(noon.Add(apart))
		if err != nil {
			return err
		}
		_, err = w.gate(w.nodes[0]).Hello(noon, w.log, m1)
		if err := refused("a hello with the clock off by "+apart.String(), err); err != nil {
			return err
		}
	}
	return nil
}

// expiredNode is a gate whose description by the root ran out: its key may have been sold since.
func expiredNode(w *world) error {
	at := w.nodes[0]
	fact, _ := w.log.Node(at.GID())
	old := *fact
	old.Expires = noon.UnixMilli()
	c := w.clientOf(w.ruiz, challenge.ClientConfig{Node: old, Request: login})
	if _, err := w.upTo(3, c, w.gate(at), at, noon); !errors.Is(err, challenge.ErrChallenge) {
		return violation("a gate whose description has expired: %v", err)
	}
	return nil
}

func TestAttack27_Reflection(t *testing.T) {
	w := newWorld()
	at, g := w.nodes[0], w.gate(w.nodes[0])
	c := w.client(w.ruiz, at, login)
	x, err := w.upTo(3, c, g, at, noon)
	if err != nil {
		t.Fatal(err)
	}
	v, err := g.Answer(noon, w.log, x.m3)
	if err != nil {
		t.Fatal(err)
	}
	_, x.m4, err = g.Seal(v, nil, grantFor(v))
	if err != nil {
		t.Fatal(err)
	}
	all := [][]byte{x.m1, x.m2, x.m3, x.m4}
	for i, m := range all {
		if _, err := g.Hello(noon, w.log, m); refused("", err) != nil {
			t.Errorf("M%d is taken as a hello", i+1)
		}
		if _, err := g.Answer(noon, w.log, m); refused("", err) != nil {
			t.Errorf("M%d is taken as an answer", i+1)
		}
		fresh := w.client(w.ruiz, at, login)
		if _, err := fresh.Hello(noon); err != nil {
			t.Fatal(err)
		}
		if _, err := fresh.Answer(noon, m); !errors.Is(err, challenge.ErrChallenge) {
			t.Errorf("M%d is taken as a challenge", i+1)
		}
		if _, err := c.Open(m); i != 3 && !errors.Is(err, challenge.ErrChallenge) {
			t.Errorf("M%d is taken as a grant", i+1)
		}
	}
}

func TestAttack28_Downgrade(t *testing.T) {
	holds(t, noSuite, otherSuite, strippedShare, strippedPolicy)
}

func noSuite(w *world) error {
	c := w.client(w.ruiz, w.nodes[0], login)
	h := must(challenge.ParseHello(must(c.Hello(noon))))
	h.Suites = []abe.Suite{0, 7}
	h.Sign(c.user, w.ruiz.Identity)
	_, err := w.gate(w.nodes[0]).Hello(noon, w.log, must(h.Marshal()))
	return refused("a hello with no suite in common", err)
}

// otherSuite is a challenge in a suite that the client did not offer.
func otherSuite(w *world) error {
	at := w.nodes[0]
	c := w.client(w.ruiz, at, login)
	m1, err := c.Hello(noon)
	if err != nil {
		return err
	}
	o := w.honestOffering()
	o.challenge.Suite = 7
	if _, err := c.Answer(noon, challenge.Forge(at.key, m1, o.challenge, challenge.Offer{})); err == nil {
		return violation("a suite that was not offered is answered")
	}
	return nil
}

// strippedShare takes the X-Wing share out of a challenge, or one of its two halves.
func strippedShare(w *world) error {
	at, g := w.nodes[0], w.gate(w.nodes[0])
	c := w.client(w.ruiz, at, login)
	x, err := w.upTo(2, c, g, at, noon)
	if err != nil {
		return err
	}
	enc := must(challenge.ParseChallenge(x.m2)).Enc
	for name, stripped := range map[string][]byte{
		"nothing":       {},
		"ML-KEM alone":  enc[:1088],
		"X25519 alone":  enc[1088:],
		"a zero X25519": append(append([]byte{}, enc[:1088]...), make([]byte, 32)...),
		"a zero ML-KEM": append(make([]byte, 1088), enc[1088:]...),
	} {
		m := must(challenge.ParseChallenge(x.m2))
		m.Enc = stripped
		m.Resign(x.m1, at.key) // even a gate can't do without
		if _, err := c.Answer(noon, must(m.Marshal())); !errors.Is(err, challenge.ErrChallenge) {
			return violation("a challenge with %s for a share: %v", name, err)
		}
	}
	return nil
}

// strippedPolicy is a challenge to read that asks for no attributes, or twice for the same.
func strippedPolicy(w *world) error {
	for _, targets := range []int{0, 2} {
		at := w.nodes[0]
		c := w.client(w.ruiz, at, w.reading(w.review))
		m1, err := c.Hello(noon)
		if err != nil {
			return err
		}
		o := w.honestOffering()
		o.targets = targets
		if _, err := c.Answer(noon, w.forge(at, m1, o)); err == nil || c.touched > 0 {
			return violation("a challenge with %d targets is answered", targets)
		}
	}
	return nil
}
