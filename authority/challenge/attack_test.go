package challenge_test

import (
	"crypto/rand"
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

func TestAttack29_WrapAsChallenge(t *testing.T) {
	holds(t, wrapAsChallenge)
	w := newWorld()
	at := w.nodes[0]
	var asked []byte
	c := w.clientOf(w.ruiz, challenge.ClientConfig{
		Node: *must(found(w.log.Node(at.GID()))), Request: w.reading(w.review),
		Decapsulate: func(_ *abe.Header, context, ciphertext []byte) ([32]byte, error) {
			e := must(w.log.Expression(must(parsePolicy(w.review.Expression))))
			_, err := e.Decapsulate(w.ruiz.attributes, abe.Wrap, context, ciphertext)
			asked = ciphertext
			return [32]byte{}, err
		},
	})
	if _, err := w.upTo(3, c, w.gate(at), at, noon); asked == nil || !errors.Is(err, challenge.ErrChallenge) {
		t.Errorf("a challenge opened as a wrap: %v", err)
	}
}

func wrapAsChallenge(w *world) error {
	return w.refuses(w.reading(w.review), func(o *offering) { o.label = abe.Wrap })
}

func TestAttack30_Probing(t *testing.T) {
	holds(t, unsignedPolicy, policyOfAnother, policyElsewhere, otherExpression, readAsWrite)
}

// unsignedPolicy is a policy that names the patient, signed by somebody else.
func unsignedPolicy(w *world) error {
	return w.refuses(w.reading(w.review), func(o *offering) {
		forged := *o.set.Event
		if err := forged.Sign(w.eve); err != nil {
			panic(err)
		}
		o.set = must(ledger.NewEntry(must(forged.Marshal()), noon, o.set.Control))
	})
}

// policyOfAnother is a policy of another patient, with the same terms.
func policyOfAnother(w *world) error {
	return w.refuses(w.reading(w.review), func(o *offering) {
		fact, _ := w.log.Compartment(health(w.juan))
		o.set = fact.Set
	})
}

// policyElsewhere is the patient's own policy for another compartment, with the same term.
func policyElsewhere(w *world) error {
	training := ledger.RecordChain(w.maria.GID(), ledger.Training)
	write(w.log, w.maria.Identity, training, &ledger.CompartmentCreated{Class: ledger.TrainingClass})
	set := write(w.log, w.maria.Identity, training, &ledger.PolicySet{Terms: []ledger.Term{w.review}})
	return w.refuses(w.reading(w.review), func(o *offering) { o.set = set })
}

// otherExpression asks for an attribute that the doctor holds and the patient did not name.
func otherExpression(w *world) error {
	return w.refuses(w.reading(w.review), func(o *offering) { o.expression = "researcher@city-hospital" })
}

// readAsWrite is a challenge to write under a term that grants reading, one under a term that has ended, and one under a
// term that does not stand in the policy.
func readAsWrite(w *world) error {
	if err := w.refuses(w.writing(w.review), func(*offering) {}); err != nil {
		return err
	}
	ended := w.review
	ended.Until = noon.UnixMilli()
	if err := w.refuses(w.reading(w.review), func(o *offering) {
		o.set = event(w.log, w.maria.Identity, health(w.maria), &ledger.PolicySet{Terms: []ledger.Term{ended}})
	}); err != nil {
		return err
	}
	return w.refuses(w.reading(w.review), func(o *offering) {
		o.set = event(w.log, w.maria.Identity, health(w.maria), &ledger.PolicySet{})
	})
}

func TestAttack31_StolenAttributeKeys(t *testing.T) { holds(t, stolenAttributeKeys) }

// stolenAttributeKeys has a thief with a doctor's attribute keys, and with the node's log to read, but without the doctor's
// identity key: in their own name, and in the doctor's under a signature of their own.
func stolenAttributeKeys(w *world) error {
	at, g := w.nodes[0], w.gate(w.nodes[0])
	thief := &person{Identity: w.eve.Identity, attributes: w.ruiz.attributes}
	c := w.client(thief, at, w.reading(w.review))
	m1, err := c.Hello(noon)
	if err != nil {
		return err
	}
	_, err = g.Hello(noon, w.log, m1)
	if err := refused("a thief in their own name", err); err != nil {
		return err
	}
	h := must(challenge.ParseHello(m1))
	h.GID = w.ruiz.GID()
	h.Sign(c.user, w.eve.Identity)
	_, err = g.Hello(noon, w.log, must(h.Marshal()))
	return refused("a thief in the doctor's name", err)
}

func TestAttack32_StolenNkey(t *testing.T) { holds(t, unsignedNkey) }

// unsignedNkey names a session key whose secret half the sender does not have, so that the session would be somebody
// else's; and answers without it.
func unsignedNkey(w *world) error {
	at, g := w.nodes[0], w.gate(w.nodes[0])
	c := w.client(w.ruiz, at, login)
	h := must(challenge.ParseHello(must(c.Hello(noon))))
	h.User = must(newUser().PublicKey())
	h.Sign(c.user, w.ruiz.Identity)
	_, err := g.Hello(noon, w.log, must(h.Marshal()))
	if err := refused("a hello not signed by its U", err); err != nil {
		return err
	}
	return burning(w)
}

// burning sends answers to somebody else's challenge, so that it could not be answered any more.
func burning(w *world) error {
	at, g := w.nodes[0], w.gate(w.nodes[0])
	x, err := w.upTo(3, w.client(w.ruiz, at, login), g, at, noon)
	if err != nil {
		return err
	}
	a := must(challenge.ParseAnswer(x.m3))
	a.Tag[0] ^= 1
	a.SignUser(x.m1, x.m2, w.ruiz.GID(), newUser())
	_, err = g.Answer(noon, w.log, must(a.Marshal()))
	if err := refused("an answer not signed by U", err); err != nil {
		return err
	}
	if _, err := g.Answer(noon, w.log, x.m3); err != nil {
		return violation("somebody else burnt the challenge: %w", wrap("verifying", err))
	}
	return nil
}

func TestAttack33_RevokedInBetween(t *testing.T) {
	holds(t, revokedTerm, endedTerm, removedDoctor, movedVersion, revokedIdentity)
}

// between lets something happen in the log between M2 and M3.
func (w *world) between(r challenge.Request, at time.Time, happens func()) error {
	g := w.gate(w.nodes[0])
	x, err := w.upTo(3, w.client(w.ruiz, w.nodes[0], r), g, w.nodes[0], noon)
	if err != nil {
		return err
	}
	happens()
	_, err = g.Answer(at, w.log, x.m3)
	return refused("an answer after the right to it ended", err)
}

func revokedTerm(w *world) error {
	return w.between(w.reading(w.review), noon, func() { setTerms(w.log, w.maria, w.treat) })
}

func endedTerm(w *world) error {
	ending := w.review
	newID(&ending.ID)
	ending.Until = noon.Add(10 * time.Second).UnixMilli()
	setTerms(w.log, w.maria, w.review, w.treat, ending)
	return w.between(w.reading(ending), noon.Add(10*time.Second), func() {})
}

func removedDoctor(w *world) error {
	return w.between(w.reading(w.review), noon, func() {
		write(w.log, w.hospital, ledger.AuthorityChain("city-hospital"), &ledger.RepresentativeRemoved{
			GID: w.ruiz.GID(), Attributes: []string{"doctor"},
		})
	})
}

// movedVersion takes away every doctor's key, and gives this one a new key at once: the answer was made with the old one.
func movedVersion(w *world) error {
	return w.between(w.reading(w.review), noon, func() {
		write(w.log, w.hospital, ledger.AuthorityChain("city-hospital"), &ledger.AttributeVersioned{Name: "doctor", Version: 2})
		w.issue(w.log, &person{Identity: w.ruiz.Identity}, "doctor", 2)
	})
}

func revokedIdentity(w *world) error {
	return w.between(login, noon, func() {
		write(w.log, w.ruiz.Identity, ledger.PersonChain(w.ruiz.GID()), &ledger.IdentityRevoked{})
	})
}

func TestAttack34_OldHeads(t *testing.T) { holds(t, gateBehind, clientBehind, splitView, foreignHeads) }

func head(state *ledger.State, c ledger.Chain) challenge.Head {
	h, _ := state.Head(c)
	return challenge.Head{Chain: c.String(), Number: h.Number, Hash: h.Hash}
}

// gateBehind is a gate that has not seen what the client knows, such as the revocation of somebody: it must not decide.
func gateBehind(w *world) error {
	newer := w.log.Fork()
	setTerms(newer, w.maria, w.review)
	known := head(newer, health(w.maria))
	m1, err := w.client(w.ruiz, w.nodes[0], w.reading(w.review), known).Hello(noon)
	if err != nil {
		return err
	}
	_, err = w.gate(w.nodes[0]).Hello(noon, w.log, m1)
	return refused("a gate that is behind its client", err)
}

// clientBehind is a challenge by a gate that shows an old state, or none, to a client that knows a newer one.
func clientBehind(w *world) error {
	old := head(w.log, health(w.maria))
	setTerms(w.log, w.maria, w.treat, w.review)
	known := head(w.log, health(w.maria))
	for name, shown := range map[string][]challenge.Head{"an old head": {old}, "no head": nil} {
		if err := w.shows(known, shown); err != nil {
			return violation("%s: %w", name, err)
		}
	}
	return nil
}

// splitView is a gate with another history of the same length.
func splitView(w *world) error {
	known := head(w.log, health(w.maria))
	other := known
	other.Hash[0] ^= 1
	return w.shows(known, []challenge.Head{other})
}

func (w *world) shows(known challenge.Head, shown []challenge.Head) error {
	at := w.nodes[0]
	c := w.client(w.ruiz, at, login, known)
	m1, err := c.Hello(noon)
	if err != nil {
		return err
	}
	m2 := challenge.Forge(at.key, m1, w.honestOffering().challenge, challenge.Offer{Heads: shown})
	if _, err := c.Answer(noon, m2); !errors.Is(err, challenge.ErrChallenge) {
		return violation("the client goes on: %v", err)
	}
	return nil
}

// foreignHeads asks in passing how often something happens to a patient.
func foreignHeads(w *world) error {
	asked := challenge.Head{Chain: health(w.maria).String()}
	m1, err := w.client(w.eve, w.nodes[0], login, asked).Hello(noon)
	if err != nil {
		return err
	}
	_, err = w.gate(w.nodes[0]).Hello(noon, w.log, m1)
	return refused("a stranger's question about a patient's chain", err)
}

func TestAttack35_HelloFlood(t *testing.T) {
	holds(t, uselessHellos, repeatedHello, impatience, fullRoom)
	w := newWorld()
	at, g := w.nodes[0], w.gate(w.nodes[0])
	facts := counting{w.log, new(atomic.Int64)}
	var floods [][]byte
	for range 10 {
		stranger := newPerson()
		floods = append(floods, must(w.client(stranger, at, w.reading(w.review)).Hello(noon)))
	}
	var all sync.WaitGroup
	for i := range floods {
		all.Go(func() {
			for range floodSize / len(floods) {
				if _, err := g.Hello(noon, facts, floods[i]); refused("", err) != nil {
					t.Errorf("a stranger's hello: %v", err)
					return
				}
			}
		})
	}
	all.Wait()
	if challenges, people := g.Held(); challenges+people != 0 || facts.expressions.Load() != 0 {
		t.Errorf("the gate remembers %d challenges and %d people, and resolved %d expressions", challenges, people, facts.expressions.Load())
	}
	if _, err := w.upTo(4, w.client(w.ruiz, at, w.reading(w.review)), g, at, noon); err != nil {
		t.Errorf("somebody with a right: %v", err)
	}
}

// uselessHellos are by people who are registered, and are not entitled to what they ask for.
func uselessHellos(w *world) error {
	g := w.gate(w.nodes[0])
	facts := counting{w.log, new(atomic.Int64)}
	for range 10 {
		m1, err := w.client(w.eve, w.nodes[0], w.reading(w.review)).Hello(noon)
		if err != nil {
			return err
		}
		_, err = g.Hello(noon, facts, m1)
		if err := refused("somebody who is not entitled", err); err != nil {
			return err
		}
	}
	if n := facts.expressions.Load(); n != 0 {
		return violation("%d expressions were resolved for somebody who is not entitled", n)
	}
	return nil
}

func repeatedHello(w *world) error {
	g := w.gate(w.nodes[0])
	m1, err := w.client(w.ruiz, w.nodes[0], login).Hello(noon)
	if err != nil {
		return err
	}
	if _, err := g.Hello(noon, w.log, m1); err != nil {
		return err
	}
	_, err = g.Hello(noon.Add(time.Minute), w.log, m1)
	return refused("a hello that came before", err)
}

func impatience(w *world) error {
	at := w.nodes[0]
	g := w.gateOf(challenge.GateConfig{Rand: rand.Reader, GID: at.GID(), Key: at.key, Rate: 3})
	for i := range 4 {
		_, err := w.upTo(2, w.client(w.eve, at, login), g, at, noon)
		if busy := errors.Is(err, challenge.ErrBusy); busy != (i == 3) {
			return violation("hello %d of one person: %v", i+1, err)
		}
	}
	if _, err := w.upTo(4, w.client(w.ruiz, at, login), g, at, noon); err != nil {
		return violation("somebody else is kept waiting: %w", err)
	}
	if _, err := w.upTo(4, w.client(w.eve, at, login), g, at, noon.Add(3*time.Minute)); err != nil {
		return violation("the person is still kept waiting: %w", err)
	}
	return nil
}

// fullRoom has more logins waiting than there are places. Sessions have places of their own, and places come back.
func fullRoom(w *world) error {
	at := w.nodes[0]
	g := w.gateOf(challenge.GateConfig{Rand: rand.Reader, GID: at.GID(), Key: at.key, Pending: 3})
	for i := range 4 {
		_, err := w.upTo(2, w.client(w.eve, at, login), g, at, noon)
		if busy := errors.Is(err, challenge.ErrBusy); busy != (i == 3) {
			return violation("login %d: %v", i+1, err)
		}
	}
	if _, err := w.upTo(4, w.client(w.ruiz, at, w.reading(w.review)), g, at, noon); err != nil {
		return violation("somebody with a right is kept out by logins: %w", err)
	}
	if _, err := w.upTo(4, w.client(w.eve, at, login), g, at, noon.Add(31*time.Second)); err != nil {
		return violation("expired challenges keep their places: %w", err)
	}
	return nil
}
