package ledger_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/phrledger/phr/ledger"
)

// move is something that people do in a world: it returns the run to be folded, of events that count or do not.
type move struct {
	name string
	do   func(*world) []*ledger.Event
}

var moves = []move{
	{"patient writes", func(w *world) []*ledger.Event { return one(w.signed(w.patient, w.health, w.record(w.health))) }},
	{"patient writes a run", func(w *world) []*ledger.Event { return w.run(w.patient, w.training, 3) }},
	{"doctor writes a run", func(w *world) []*ledger.Event { return w.run(w.doctor, w.health, 2, in(visit)) }},
	{"gate opens the visit", func(w *world) []*ledger.Event {
		b := w.opened(w.doctor, w.health, ledger.OpWrite, w.byDoctor)
		b.Session = visit
		return one(w.signed(w.node, w.access, b))
	}},
	{"gate closes the visit", func(w *world) []*ledger.Event {
		return one(w.signed(w.node, w.access, &ledger.SessionClosed{Session: visit, Reason: "done"}))
	}},
	{"doctor rotates", func(w *world) []*ledger.Event { return one(w.signed(w.doctor, w.health, w.start(w.health), in(visit))) }},
	{"patient rotates", func(w *world) []*ledger.Event { return one(w.signed(w.patient, w.health, w.start(w.health))) }},
	{"patient shares with nurses", func(w *world) []*ledger.Event {
		return one(w.signed(w.patient, w.health, w.set(w.health, ledger.Term{ID: w.newTerm(), Expression: "nurse@city-hospital", History: true})))
	}},
	{"patient revokes agents", func(w *world) []*ledger.Event {
		return one(w.signed(w.patient, w.health, w.without(w.health, w.byAgent)))
	}},
	{"patient erases", func(w *world) []*ledger.Event { return one(w.signed(w.patient, w.health, w.erasure(w.first))) }},
	{"patient amends", func(w *world) []*ledger.Event {
		return one(w.signed(w.patient, w.health, &ledger.RecordAmended{Content: w.content(w.health), Refers: w.first.ID}))
	}},
	{"hospital moves an attribute", func(w *world) []*ledger.Event {
		return one(w.signed(w.hospital, ledger.AuthorityChain("city-hospital"), &ledger.AttributeVersioned{Name: "doctor", Version: 2}))
	}},
	{"hospital issues", func(w *world) []*ledger.Event {
		return one(w.signed(w.hospital, ledger.AuthorityChain("city-hospital"),
			&ledger.KeyIssued{GID: w.doctor.GID(), Attribute: "doctor", Version: 2, Sealed: []byte{1}}))
	}},
	{"registry suspends", func(w *world) []*ledger.Event {
		return one(w.signed(w.registry, ledger.AuthorityChain("phr"), &ledger.AuthoritySuspended{Name: "acme-insurance"}))
	}},
	{"doctor revokes their identity", func(w *world) []*ledger.Event {
		return one(w.signed(w.doctor, ownChain(w.doctor), &ledger.IdentityRevoked{Reason: "lost"}))
	}},
	{"insurer writes", func(w *world) []*ledger.Event { return one(w.signed(w.agent, w.health, w.record(w.health), in(visit))) }},
	{"stranger writes", func(w *world) []*ledger.Event { return one(w.signed(w.nobody, w.health, w.record(w.health))) }},
	{"patient names a proxy", func(w *world) []*ledger.Event {
		w.say(w.patient, w.profile, &ledger.KeyIssued{
			GID: w.clerk.GID(), Attribute: ledger.GrantAttribute(w.patient.GID(), w.ward().ID).Name, Version: 1, Sealed: []byte{1},
		})
		return one(w.signed(w.patient, w.health, w.set(w.health, w.ward())))
	}},
	{"gate opens to the proxy", func(w *world) []*ledger.Event {
		b := w.opened(w.clerk, w.health, ledger.OpWrite, w.ward().ID)
		b.Session = errand
		return one(w.signed(w.node, w.access, b))
	}},
	{"proxy writes a run", func(w *world) []*ledger.Event { return w.run(w.clerk, w.health, 2, acting(errand, w.ward().ID)) }},
	{"proxy hides it", func(w *world) []*ledger.Event {
		return one(w.signed(w.clerk, w.health, w.record(w.health), in(errand)))
	}},
	{"doctor claims to be one", func(w *world) []*ledger.Event {
		return one(w.signed(w.doctor, w.health, w.record(w.health), acting(visit, w.ward().ID)))
	}},
	{"run without a signature", func(w *world) []*ledger.Event {
		run := w.run(w.patient, w.health, 2)
		run[1].Signature = nil
		return run
	}},
	{"run that breaks in the middle", func(w *world) []*ledger.Event {
		run := w.run(w.patient, w.health, 3)
		run[1].Body = run[0].Body
		run[2].Prev = ledger.HashEvent(must(run[1].Marshal()))
		w.sign(w.patient, run[2])
		return run
	}},
}

// errand is the session of a proxy.
var errand = ledger.SessionID{9}

// ward is the term of a proxy, the same one in every move.
func (w *world) ward() ledger.Term {
	id := ledger.TermID{7}
	return ledger.Term{
		ID: id, Expression: ledger.GrantAttribute(w.patient.GID(), id).String(), Write: true, History: true, Proxy: true,
		Until: firstDay.Add(300 * 24 * time.Hour).UnixMilli(),
	}
}

func one(e *ledger.Event) []*ledger.Event { return []*ledger.Event{e} }

func TestAnyHistory(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t)
		for range rapid.IntRange(1, 10).Draw(rt, "length") {
			m := rapid.SampledFrom(moves).Draw(rt, "move")
			run := w.place(m.do(w)...)
			before := w.state.Copy()
			tried := w.state.Fork()
			forked := tried.Fold(run...)
			if !w.state.Equal(before) {
				rt.Fatalf("%s: what was folded into a fork shows below it", m.name)
			}
			at := w.now
			err := w.tryFold(run...)
			if (err == nil) != (forked == nil) {
				rt.Fatalf("%s: %v on the State, %v on a fork of it", m.name, err, forked)
			}
			if err != nil && (!w.state.Equal(before) || w.now != at) {
				rt.Fatalf("%s: refused with %v, and changed the State", m.name, err)
			}
			if !w.state.Equal(tried) {
				rt.Fatalf("%s: a fork comes to something else", m.name)
			}
			if head, _ := w.state.Head(run[0].Chain); (head.Hash == run[len(run)-1].Hash) != (err == nil) {
				rt.Fatalf("%s: the chain ends at %d after %v", m.name, head.Number, err)
			}
		}
		replay(rt, w, settled().state, w.log[len(settled().log):])
	})
}

func TestReplayFromTheBeginning(t *testing.T) {
	w := busy(t)
	replay(t, w, ledger.NewState(w.root.GID(), ledger.WholeLog), w.log)
}

// replay checks that the log, read again from its bytes in several ways, gives the same State.
func replay(t rapid.TB, w *world, from *ledger.State, log [][]*ledger.Entry) {
	once, forked := from.Copy(), from.Copy()
	var runs ledger.Runs
	batch := forked.Fork()
	for i, run := range log {
		for _, e := range run {
			again, err := ledger.ParseEntry(must(e.Marshal()))
			if err != nil {
				t.Fatal(err)
			}
			for _, run := range runs.Add(again) {
				for _, s := range []*ledger.State{once, batch} {
					if err := s.Fold(run...); err != nil {
						t.Fatalf("replaying: %v", err)
					}
				}
			}
		}
		if i%7 == 0 {
			batch.Commit()
			batch = forked.Fork()
		}
	}
	batch.Commit()
	if !once.Equal(w.state) || !forked.Equal(w.state) || runs.Waiting() != 0 {
		t.Fatal("replaying the log gives another State")
	}
}

func TestAnyEventParsesToItself(t *testing.T) {
	w := busy(t)
	rapid.Check(t, func(rt *rapid.T) {
		run := rapid.SampledFrom(w.log).Draw(rt, "run")
		e := run[rapid.IntRange(0, len(run)-1).Draw(rt, "entry")]
		data := must(e.Marshal())
		data[rapid.IntRange(0, len(data)-1).Draw(rt, "at")] ^= byte(1 << rapid.IntRange(0, 7).Draw(rt, "bit"))
		changed, err := ledger.ParseEntry(data)
		if err != nil {
			return
		}
		if again := must(changed.Marshal()); string(again) != string(data) {
			rt.Fatalf("parsed %x, marshalled %x", data, again)
		}
		if event := must(changed.Event.Marshal()); string(event) != string(changed.Raw) || ledger.HashEvent(event) != changed.Hash {
			rt.Fatal("the event is not what its entry holds")
		}
	})
}
