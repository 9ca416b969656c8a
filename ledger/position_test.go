package ledger_test

import (
	"testing"
	"time"

	"github.com/phrledger/phr/ledger"
)

// at places events as ingest did when the fold had come to an earlier control position.
func (w *world) at(p ledger.Position, events ...*ledger.Event) []*ledger.Entry {
	run := w.place(events...)
	for _, e := range run {
		e.Control = p
	}
	return run
}

// A fact that is later than an entry's control position does not count for it, whether it would help or harm.
func TestFactsCountFromTheirPosition(t *testing.T) {
	city, phr := ledger.AuthorityChain("city-hospital"), ledger.AuthorityChain("phr")
	for _, tt := range []struct {
		name string
		fact func(*world)
		e    func(*world) *ledger.Event
		old  string // how the event is refused at the position before the fact; empty if it counts
		new  string // and after
	}{
		{
			"an identity is registered",
			func(w *world) { w.join(newPerson("newcomer")) },
			func(w *world) *ledger.Event {
				p := newPerson("newcomer")
				key := newPatient("newcomer").master.PublicKey().Bytes()
				return w.signed(p, ledger.RecordChain(p.GID(), ledger.Profile), &ledger.PatientRegistered{Key: key})
			}, "is not registered", "",
		},
		{
			"the author is revoked",
			func(w *world) { w.say(w.doctor, ownChain(w.doctor), &ledger.IdentityRevoked{}) },
			writes, "", "revoked",
		},
		{
			"the author's keys are rotated",
			func(w *world) { w.say(w.doctor, ownChain(w.doctor), rotation(w.doctor, newPerson("next"))) },
			writes, "", "signature does not verify",
		},
		{
			"the author is removed",
			func(w *world) {
				w.say(w.hospital, city, &ledger.RepresentativeRemoved{GID: w.doctor.GID(), Attributes: []string{"doctor"}})
			},
			writes, "", "does not hold",
		},
		{
			"the attribute moves",
			func(w *world) { w.say(w.hospital, city, &ledger.AttributeVersioned{Name: "doctor", Version: 2}) },
			writes, "", "does not hold",
		},
		{
			"the authority is suspended",
			func(w *world) { w.say(w.registry, phr, &ledger.AuthoritySuspended{Name: "city-hospital"}) },
			writes, "", "does not hold",
		},
		{
			"another authority of the epoch is suspended",
			func(w *world) { w.say(w.registry, phr, &ledger.AuthoritySuspended{Name: "acme-insurance"}) },
			writes, "", "no authority",
		},
		{
			"an attribute is issued",
			func(w *world) { w.enrol(w.hospital, w.nobody, "doctor") },
			func(w *world) *ledger.Event {
				return w.signed(w.node, w.access, w.opened(w.nobody, w.health, ledger.OpRead, w.byDoctor))
			},
			"does not hold", "",
		},
		{
			"an attribute is defined",
			func(w *world) { w.define(w.hospital, "surgeon") },
			func(w *world) *ledger.Event {
				return w.signed(w.patient, w.health, w.set(w.health, ledger.Term{ID: w.newTerm(), Expression: "surgeon@city-hospital"}))
			}, "is not defined", "",
		},
		{
			"an authority is endorsed",
			func(w *world) {
				w.endorse(&person{Identity: w.nobody.Identity, speaks: "new-clinic"}, w.say(w.nobody, ownChain(w.nobody), newRegistration("new-clinic", ledger.Hospital)))
			},
			func(w *world) *ledger.Event {
				return w.signed(w.nobody, ledger.AuthorityChain("new-clinic"), &ledger.AttributeDefined{Name: "doctor"})
			}, "is endorsed", "",
		},
		{
			"an authority's name is taken",
			func(w *world) {
				w.endorse(&person{Identity: w.nobody.Identity, speaks: "new-clinic"}, w.say(w.nobody, ownChain(w.nobody), newRegistration("new-clinic", ledger.Hospital)))
			},
			func(w *world) *ledger.Event {
				return w.signed(w.clerk, ownChain(w.clerk), newRegistration("new-clinic", ledger.Hospital))
			}, "", "belongs to",
		},
		{
			"a node is described",
			func(w *world) {
				w.say(w.root, ledger.NodeChain(w.nurse.GID()), &ledger.NodeDescribed{Sequence: 1})
			},
			func(w *world) *ledger.Event {
				return w.signed(w.nurse, w.access, w.opened(w.agent, w.health, ledger.OpRead, w.byAgent))
			},
			"not a node", "",
		},
		{
			"a node is described once more",
			func(w *world) {
				w.say(w.root, ledger.NodeChain(w.node.GID()), &ledger.NodeDescribed{Sequence: 2})
			},
			func(w *world) *ledger.Event {
				return w.signed(w.node, w.access, w.opened(w.agent, w.health, ledger.OpRead, w.byAgent))
			},
			"", "",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			opened := w.opened(w.doctor, w.health, ledger.OpWrite, w.byDoctor)
			opened.Session = visit
			w.say(w.node, w.access, opened)
			before := w.state.Position()
			tt.fact(w)
			after := w.state.Position()
			if before == after {
				t.Fatal("no control entry was added")
			}
			e := tt.e(w)
			for _, v := range []struct {
				p    ledger.Position
				text string
			}{{before, tt.old}, {after, tt.new}} {
				if err := w.state.Fork().Fold(w.at(v.p, e)...); v.text != "" {
					refused(t, err, ledger.ErrInvalid, v.text)
				} else if err != nil {
					t.Errorf("at %d: %v", v.p.Count, err)
				}
			}
		})
	}
}

// visit is the session that the doctor writes in.
var visit = ledger.SessionID{1}

func writes(w *world) *ledger.Event {
	return w.signed(w.doctor, w.health, w.record(w.health), in(visit))
}

func TestControlPosition(t *testing.T) {
	w := newWorld(t)
	now := w.state.Position()
	if now != w.positions[now.Count] {
		t.Fatalf("Position = %v, want %v", now, w.positions[now.Count])
	}
	e := w.signed(w.patient, w.health, w.record(w.health))
	for name, p := range map[string]ledger.Position{
		"to come":           {Count: now.Count + 1, Hash: now.Hash},
		"far ahead":         {Count: 1<<64 - 1, Hash: now.Hash},
		"of another log":    {Count: now.Count, Hash: ledger.Hash{1}},
		"without a hash":    {Count: now.Count},
		"back behind":       w.positions[now.Count-1],
		"at the very start": {},
	} {
		t.Run(name, func(t *testing.T) { refused(t, w.state.Fold(w.at(p, e)...), ledger.ErrInvalid, "control position") })
	}
	// The position of one chain's end says nothing about another's.
	fresh := ledger.RecordChain(w.patient.GID(), "emergency")
	w.join(newPerson("newcomer"))
	if err := w.state.Fold(w.at(now, w.signed(w.patient, fresh, &ledger.CompartmentCreated{Class: ledger.HealthClass}))...); err != nil {
		t.Error(err)
	}
}

func TestLogTime(t *testing.T) {
	w := newWorld(t)
	head, _ := w.state.Head(w.health)
	w.now = w.now.Add(2 * time.Minute)
	other := ledger.RecordChain(w.other.GID(), ledger.Health)
	w.say(w.other, other, w.start(other))
	for _, tt := range []struct {
		name string
		c    ledger.Chain
		by   *person
		at   time.Time
		text string
	}{
		{"the time of the newest", w.health, w.patient, w.state.Newest(), ""},
		{"before it", w.health, w.patient, head.LogTime.Add(-time.Millisecond), "earlier than the event before it"},
		{"a node whose clock is behind", w.training, w.patient, w.state.Newest().Add(-10 * time.Second), ""},
		{"a clock too far behind", ledger.RecordChain(w.other.GID(), ledger.Training), w.other, w.state.Newest().Add(-ledger.ClockSkew - time.Millisecond), "earlier than others before it"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := w.place(w.signed(tt.by, tt.c, new(ledger.PolicySet), func(e *ledger.Event) { e.Time = time.UnixMilli(0) }))[0]
			e.LogTime = tt.at
			if err := w.state.Fork().Fold(e); tt.text != "" {
				refused(t, err, ledger.ErrInvalid, tt.text)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}
