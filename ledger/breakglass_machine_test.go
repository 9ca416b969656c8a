package ledger_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/phrledger/phr/ledger"
)

// wish is a request as the model has it.
type wish struct {
	id                  ledger.EventID
	requester, approver *person
	expires             time.Time
	epoch               uint32 // that was approved
	opened, ended       bool
	reviewers           []*person
}

func (w *wish) over(at time.Time) bool { return w.ended || !at.Before(w.expires) }

// glassMachine lets people do anything in any order, and compares what counts with a model of a page.
type glassMachine struct {
	*glass
	wishes []*wish
	epoch  uint32
	denied bool
}

func (m *glassMachine) may(p *person) (ask, approve bool) {
	return p == m.medic || p == m.both, p == m.chief || p == m.second || p == m.both
}

// draw draws one of n, each as likely as any: rapid's own ranges prefer small numbers.
func draw(t *rapid.T, n int, label string) int {
	const bits = 9
	drawn := 0
	for _, bit := range rapid.SliceOfN(rapid.Bool(), bits, bits).Draw(t, label) {
		if drawn <<= 1; bit {
			drawn++
		}
	}
	return drawn * n >> bits
}

// say says something, which counts if the model says so.
func (m *glassMachine) say(t *rapid.T, by *person, b ledger.Body, counts bool) *ledger.Event {
	return m.sayOn(t, by, m.access, b, counts)
}

func (m *glassMachine) sayOn(t *rapid.T, by *person, c ledger.Chain, b ledger.Body, counts bool) *ledger.Event {
	e := m.signed(by, c, b)
	if err := m.try(e); (err == nil) != counts {
		t.Fatalf("%s: %v, and the model says %v", b.Kind(), err, counts)
	}
	return e
}

// somebody draws who does something: as often as not the one who usually does.
func (m *glassMachine) somebody(t *rapid.T, usual *person) *person {
	if rapid.Bool().Draw(t, "as usual") {
		return usual
	}
	all := []*person{m.medic, m.chief, m.second, m.both, m.patient, m.agent, m.doctor, m.node}
	return all[draw(t, len(all), "who")]
}

func (m *glassMachine) some(t *rapid.T) *wish {
	return m.wishes[len(m.wishes)-1-draw(t, len(m.wishes), "requests ago")]
}

func (m *glassMachine) ask(t *rapid.T) {
	by := m.somebody(t, m.medic)
	ask, _ := m.may(by)
	b := m.request()
	lasts := time.Duration((10 + draw(t, 240, "minutes"))) * time.Minute
	b.Expires = m.now.Add(lasts).UnixMilli()
	waiting := slices.ContainsFunc(m.wishes, func(w *wish) bool { return w.requester == by && !w.over(m.now) })
	counts := ask && !waiting && !m.denied && lasts <= ledger.MaxEmergency
	w := &wish{requester: by, expires: m.now.Add(lasts)}
	if w.id = m.say(t, by, b, counts).ID; counts {
		m.wishes = append(m.wishes, w)
	}
}

func (m *glassMachine) approve(t *rapid.T) {
	by, w := m.somebody(t, m.chief), m.some(t)
	_, approve := m.may(by)
	epoch := m.epoch
	if draw(t, 10, "of another epoch") == 0 {
		epoch++
	}
	counts := approve && by != w.requester && w.approver == nil && !w.over(m.now) && epoch == m.epoch && !m.denied
	m.say(t, by, &ledger.BreakglassApproved{Request: w.id, Share: []byte("share"), Epoch: epoch}, counts)
	if counts {
		w.approver, w.epoch = by, epoch
	}
}

func (m *glassMachine) open(t *rapid.T) {
	by, w := m.node, m.some(t)
	if draw(t, 8, "not the node") == 0 {
		by = m.somebody(t, m.node)
	}
	b := &ledger.BreakglassOpened{Request: w.id, Requester: w.requester.GID(), Approver: m.chief.GID(), Expires: w.expires.UnixMilli()}
	if w.approver != nil {
		b.Approver = w.approver.GID()
	}
	counts := by == m.node && w.approver != nil && !w.opened && !w.over(m.now) && w.epoch == m.epoch && !m.denied
	m.say(t, by, b, counts)
	w.opened = w.opened || counts
}

func (m *glassMachine) end(t *rapid.T) {
	by, w := m.somebody(t, m.patient), m.some(t)
	counts := (by == m.patient || by == w.requester || by == w.approver) && !w.over(m.now)
	m.say(t, by, &ledger.BreakglassEnded{Request: w.id}, counts)
	w.ended = w.ended || counts
}

func (m *glassMachine) review(t *rapid.T) {
	by, w := m.somebody(t, m.second), m.some(t)
	_, approve := m.may(by)
	first := !slices.ContainsFunc(w.reviewers, func(p *person) bool { return p != m.patient })
	counts := w.opened && w.over(m.now) && by != w.requester && by != w.approver && !slices.Contains(w.reviewers, by) &&
		(by == m.patient || approve && first)
	m.say(t, by, &ledger.BreakglassReviewed{Request: w.id, Finding: "seen"}, counts)
	if counts {
		w.reviewers = append(w.reviewers, by)
	}
}

// look opens a session: for the one to whom the compartment is open, while it is, and for nobody else.
func (m *glassMachine) read(t *rapid.T) {
	by := m.somebody(t, m.medic)
	b := m.look(by)
	b.Expires = m.now.Add(time.Duration((1 + draw(t, 15, "minutes"))) * time.Minute).UnixMilli()
	counts := !m.denied && slices.ContainsFunc(m.wishes, func(w *wish) bool {
		return w.requester == by && w.opened && !w.over(m.now) && b.Expires <= w.expires.UnixMilli()
	})
	_, err := m.state.Entitled(by.GID(), m.health, ledger.OpRead, m.term.ID, m.now)
	m.say(t, m.node, b, counts)
	if counts && err != nil {
		t.Fatalf("a session is open to one who is not entitled: %v", err)
	}
}

// write writes a record: not into an epoch that somebody holds the keys of who may no longer read.
func (m *glassMachine) write(t *rapid.T) {
	stale := slices.ContainsFunc(m.wishes, func(w *wish) bool { return w.opened && w.epoch == m.epoch && w.over(m.now) })
	m.sayOn(t, m.patient, m.health, m.record(m.health), !stale)
}

func (m *glassMachine) rotate(t *rapid.T) {
	m.sayOn(t, m.patient, m.health, m.start(m.health), true)
	m.epoch++
}

// act does one thing: mostly what brings an emergency further.
func (m *glassMachine) act(t *rapid.T) {
	switch n := draw(t, 100, "act"); {
	case n < 20:
		m.ask(t)
	case len(m.wishes) == 0:
		m.write(t)
	case n < 40:
		m.approve(t)
	case n < 55:
		m.open(t)
	case n < 64:
		m.end(t)
	case n < 74:
		m.review(t)
	case n < 84:
		m.read(t)
	case n < 90:
		m.write(t)
	case n < 93:
		m.rotate(t)
	case n == 99 && !m.denied:
		m.glass.deny()
		m.denied = true
		m.epoch++
	default:
		m.now = m.now.Add(time.Duration((1 + draw(t, 60, "minutes"))) * time.Minute)
	}
}

// Whatever is said in whatever order, what counts is what a page of rules says, and a replay comes to the same.
func TestAnyEmergency(t *testing.T) {
	start := newGlass(t)
	rapid.Check(t, func(rt *rapid.T) {
		g := *start
		w := *start.world
		w.state, w.log, w.terms = start.state.Fork(), slices.Clip(start.log), grants{start.health: slices.Clone(start.terms[start.health])}
		g.world = &w
		m := &glassMachine{glass: &g, epoch: 1}
		for range 20 + draw(rt, 40, "length") {
			m.act(rt)
		}
		for _, w := range m.wishes {
			b, ok := m.state.Emergency(m.patient.GID(), w.id)
			if !ok || (b.Opened != nil) != w.opened || (b.Ended != nil) != w.ended || len(b.Reviews) != len(w.reviewers) {
				rt.Fatalf("the log says %+v, the model %+v", b, w)
			}
			if b.Opened != nil && b.Approver() == b.Requester() {
				rt.Fatal("opened by one person")
			}
		}
		replay(rt, &w, start.state, w.log[len(start.log):])
	})
}
