package ledger_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
)

// personModel is what the rules of recovery come to, kept apart from them.
type personModel struct {
	*world
	holder *person        // of the keys in force
	others []*person      // who would have the GID
	wanted *person        // for whom the newest request is
	asked  time.Time      // its log time; zero before there is one
	stands ledger.EventID // the request that stands; zero if none does
}

// Whatever is tried on a person's chain, in any order and at any distance in time: the keys in force change only with the
// words, and then by consent or after a wait that nobody vetoed.
func TestAnyRecovery(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := &personModel{world: newWorld(t)}
		m.holder = m.doctor
		for range 3 {
			recovery := must(identity.GenerateRecovery(m.rand))
			m.others = append(m.others, &person{Identity: must(m.doctor.Rotate(m.rand, recovery.Hash())), recovery: recovery})
		}
		for range rapid.IntRange(1, 20).Draw(rt, "steps") {
			m.now = m.now.Add(rapid.SampledFrom([]time.Duration{
				0, time.Minute, ledger.RequestPause, ledger.RecoveryWait / 2, ledger.RecoveryWait,
			}).Draw(rt, "pause"))
			m.step(rt)
			m.compare(rt)
		}
	})
}

func (m *personModel) compare(t *rapid.T) {
	keys, err := m.state.Person(m.doctor.GID())
	if err != nil || keys.Sign != m.holder.Keys().Sign {
		t.Fatalf("other keys are in force than the model has: %v", err)
	}
	r, ok := m.state.Recovery(m.doctor.GID())
	if ok == m.stands.IsZero() || ok && (r.Request != m.stands || r.Keys.Sign != m.wanted.Keys().Sign) {
		t.Fatalf("Recovery = %v, %v; the model has %v", r, ok, m.stands)
	}
}

func (m *personModel) step(t *rapid.T) {
	other := rapid.SampledFrom(m.others).Draw(t, "other")
	switch rapid.SampledFrom([]string{"ask", "veto", "recover", "rotate", "steal", "write"}).Draw(t, "step") {
	case "ask":
		e := m.request(m.holder, other)
		allowed := other != m.holder && (m.asked.IsZero() || !m.now.Before(m.asked.Add(ledger.RequestPause)))
		if m.tried(t, e, allowed) {
			m.wanted, m.asked, m.stands = other, m.log[len(m.log)-1][0].LogTime, e.ID
		}
	case "veto":
		request := m.stands
		if request.IsZero() {
			request = m.first.ID
		}
		if m.tried(t, m.veto(m.holder, request), !m.stands.IsZero()) {
			m.stands = ledger.EventID{}
		}
	case "recover":
		allowed := !m.stands.IsZero() && other == m.wanted && !m.now.Before(m.asked.Add(ledger.RecoveryWait))
		if m.tried(t, m.unplanned(m.holder, other), allowed) {
			m.replaced(other)
		}
	case "rotate":
		e := m.signed(m.holder, ownChain(m.holder), rotation(m.holder, other))
		if m.tried(t, e, other != m.holder) {
			m.replaced(other)
		}
	case "steal": // with one's own words in place of the person's
		thief := &person{Identity: m.holder.Identity, recovery: m.nurse.recovery}
		m.tried(t, m.request(thief, other), false)
		m.tried(t, m.unplanned(thief, other), false)
	case "write": // by keys that are not in force
		escrow := &ledger.IdentityEscrowed{Sealed: []byte{1}}
		m.tried(t, m.signed(other, ownChain(other), escrow), other == m.holder)
	}
}

func (m *personModel) tried(t *rapid.T, e *ledger.Event, allowed bool) bool {
	if err := m.try(e); (err == nil) != allowed {
		t.Fatalf("%s: %v, want it to count: %v", e.Kind(), err, allowed)
	}
	return allowed
}

func (m *personModel) replaced(by *person) {
	m.holder, m.wanted, m.asked, m.stands = by, nil, time.Time{}, ledger.EventID{}
}
