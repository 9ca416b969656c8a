package ledger_test

import (
	"testing"
	"time"

	"github.com/phrledger/phr/crypto/canonical"
	"github.com/phrledger/phr/ledger"
)

// placed is an event with its place in the log, after edits of the place, which nobody signs.
func (w *world) placed(e *ledger.Event, edit func(*ledger.Entry)) []*ledger.Entry {
	run := w.place(e)
	edit(run[0])
	return run
}

// byPatient is the patient's next record after edits.
func (w *world) byPatient(edits ...func(*ledger.Event)) *ledger.Event {
	return w.signed(w.patient, w.health, w.record(w.health), edits...)
}

// refusedBy says, for every rule, what it alone refuses.
var refusedBy = map[ledger.Rule]struct {
	name   string
	attack func(*world) []*ledger.Entry
}{
	ledger.RuleRun: {"a doctor's record that the patient signs", func(w *world) []*ledger.Entry {
		forged := w.draft(w.doctor, w.health, w.record(w.health))
		forged.Session = w.open(w.doctor, w.health, ledger.OpWrite, w.byDoctor)
		after := w.byPatient(func(e *ledger.Event) { e.Number, e.Prev = forged.Number+1, ledger.HashEvent(must(forged.Marshal())) })
		return w.place(forged, after)
	}},
	ledger.RuleNext: {"an event that follows another one", func(w *world) []*ledger.Entry {
		return w.place(w.byPatient(func(e *ledger.Event) { e.Prev = w.hash() }))
	}},
	ledger.RuleOrder: {"logged earlier than the event before it", func(w *world) []*ledger.Entry {
		head, _ := w.state.Head(w.health)
		return w.placed(w.byPatient(func(e *ledger.Event) { e.Time = head.LogTime }), func(e *ledger.Entry) { e.LogTime = head.LogTime.Add(-time.Millisecond) })
	}},
	ledger.RuleAhead: {"written tomorrow", func(w *world) []*ledger.Entry {
		return w.place(w.byPatient(func(e *ledger.Event) { e.Time = w.now.Add(24 * time.Hour) }))
	}},
	ledger.RuleBack: {"judged by less than the event before it", func(w *world) []*ledger.Entry {
		head, _ := w.state.Head(w.health)
		return w.placed(w.byPatient(), func(e *ledger.Entry) { e.Control = w.positions[head.Control-1] })
	}},
	ledger.RuleSkew: {"logged long before others", func(w *world) []*ledger.Entry {
		e := w.byPatient()
		logged := w.now
		w.now = w.now.Add(time.Hour)
		w.say(w.patient, w.training, w.record(w.training))
		return w.placed(e, func(e *ledger.Entry) { e.LogTime = logged })
	}},
	ledger.RuleHistory: {"judged by another log", func(w *world) []*ledger.Entry {
		return w.placed(w.byPatient(), func(e *ledger.Entry) { e.Control.Hash = w.hash() })
	}},
	ledger.RuleID: {"an id that was there before", func(w *world) []*ledger.Entry {
		return w.place(w.byPatient(func(e *ledger.Event) { e.ID = w.first.ID }))
	}},
	ledger.RuleSignature: {"signed by somebody else", func(w *world) []*ledger.Entry {
		e := w.byPatient()
		w.sign(w.other, e)
		return w.place(e)
	}},
	ledger.RuleCritical: {"something that must be understood and is not", func(w *world) []*ledger.Entry {
		return w.place(w.byPatient(func(e *ledger.Event) { e.Extensions = map[uint64]canonical.RawMessage{3: {1}} }))
	}},
	ledger.RuleSpace: {"a patient who speaks for the node", func(w *world) []*ledger.Entry {
		return w.place(w.signed(w.patient, ledger.NodeChain(w.node.GID()), &ledger.Incident{Text: "?"}))
	}},
	ledger.RuleSession: {"a session that was never opened", func(w *world) []*ledger.Entry {
		return w.place(w.signed(w.doctor, w.health, w.record(w.health), in(ledger.SessionID{1})))
	}},
	ledger.RuleTerm: {"an insurer's agent by the term of doctors", func(w *world) []*ledger.Entry {
		return w.place(w.signed(w.node, w.access, w.opened(w.agent, w.health, ledger.OpWrite, w.byDoctor)))
	}},
	ledger.RuleLeaf: {"a record under the key of another", func(w *world) []*ledger.Entry {
		b := w.record(w.health)
		b.Content.Leaf = w.first.Body.(*ledger.RecordWritten).Content.Leaf
		return w.place(w.signed(w.patient, w.health, b))
	}},
}

// TestEveryRuleIsNeeded leaves out one rule after the other: each time something counts that does not with it.
func TestEveryRuleIsNeeded(t *testing.T) {
	for r := range ledger.RuleCount {
		by, ok := refusedBy[r]
		if !ok {
			t.Errorf("nothing counts when rule %d is left out", r)
			continue
		}
		t.Run(by.name, func(t *testing.T) {
			w := newWorld(t)
			run := by.attack(w)
			err := w.state.Fork().Fold(run...)
			if err == nil {
				t.Error("it counts")
			}
			t.Log(err)
			if err := w.state.Without(r).Fold(run...); err != nil {
				t.Errorf("another rule refuses it: %v", err)
			}
		})
	}
}
