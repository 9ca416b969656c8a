package challenge_test

import (
	"crypto/rand"
	"sync/atomic"

	"github.com/phrledger/phr/authority/challenge"
	"github.com/phrledger/phr/crypto/abe"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
)

// offering is what a gate without scruples puts into a challenge for reading Maria's health data. It starts out honest.
type offering struct {
	challenge  challenge.Challenge
	set        *ledger.Entry
	expression string
	label      abe.Label
	targets    int
}

func (w *world) honestOffering() offering {
	fact, _ := w.log.Compartment(health(w.maria))
	o := offering{set: fact.Set, expression: w.review.Expression, label: abe.Challenge, targets: 1}
	o.challenge = challenge.Challenge{Suite: abe.RW15BLS12381, Expires: noon.Add(challenge.MaxAge).UnixMilli()}
	newID(&o.challenge.Session)
	return o
}

// forge makes a challenge under the gate's own key.
func (w *world) forge(n *node, m1 []byte, o offering) []byte {
	expression := must(w.log.Expression(must(policy.Parse(o.expression))))
	_, ciphertext, err := expression.Encapsulate(rand.Reader, o.label, o.challenge.Context(m1, o.set.Hash))
	if err != nil {
		panic(err)
	}
	offered := challenge.Offered{Set: must(o.set.Marshal()), Ciphertext: ciphertext}
	var offer challenge.Offer
	for range o.targets {
		offer.Targets = append(offer.Targets, offered)
	}
	return challenge.Forge(n.key, m1, o.challenge, offer)
}

// refuses tells whether a client with attribute keys that would open it refuses a forged challenge without using them.
func (w *world) refuses(r challenge.Request, change func(*offering)) error {
	at := w.nodes[0]
	c := w.client(w.ruiz, at, r)
	m1, err := c.Hello(noon)
	if err != nil {
		return err
	}
	o := w.honestOffering()
	change(&o)
	_, err = c.Answer(noon, w.forge(at, m1, o))
	if err == nil || c.touched > 0 {
		return violation("the client used its attribute keys %d times; its error is %v", c.touched, err)
	}
	return nil
}

// counting is the log of a gate, with a count of how often it was asked for what attribute encryption needs.
type counting struct {
	*ledger.State
	expressions *atomic.Int64
}

func (c counting) Expression(p *policy.Policy) (*abe.Expression, error) {
	c.expressions.Add(1)
	return c.State.Expression(p)
}
