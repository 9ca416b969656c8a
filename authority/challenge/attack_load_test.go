package challenge_test

import (
	"crypto/rand"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/phrledger/phr/authority/challenge"
	"github.com/phrledger/phr/ledger"
)

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
