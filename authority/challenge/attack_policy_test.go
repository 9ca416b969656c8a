package challenge_test

import (
	"errors"
	"testing"
	"time"

	"github.com/phrledger/phr/authority/challenge"
	"github.com/phrledger/phr/crypto/abe"
	"github.com/phrledger/phr/ledger"
)

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
