package ledger_test

import (
	"slices"
	"testing"
	"time"

	"github.com/phrledger/phr/ledger"
)

// ending puts a term of the nurses' on the health compartment that ends in ten minutes, with its wrap.
func (w *world) ending(history bool) ledger.Term {
	nurse := ledger.Term{
		ID: w.newTerm(), Expression: "nurse@city-hospital", Write: true, History: history, Until: w.now.Add(10 * time.Minute).UnixMilli(),
	}
	w.terms[w.health] = append(w.terms[w.health], nurse)
	w.say(w.patient, w.health, w.set(w.health))
	if history {
		w.say(w.patient, w.health, &ledger.EpochRewrapped{Epoch: 1, Parts: []ledger.Part{w.wrap(nurse)}})
	} else {
		w.say(w.patient, w.health, w.start(w.health))
	}
	return nurse
}

// edited is the policy in force with one term as it is to be.
func (w *world) edited(to ledger.Term) *ledger.PolicySet {
	b := &ledger.PolicySet{Terms: slices.Clone(w.terms[w.health])}
	i := slices.IndexFunc(b.Terms, func(t ledger.Term) bool { return t.ID == to.ID })
	b.Terms[i] = to
	w.terms[w.health] = b.Terms
	return b
}

// A term that had ended when the epoch in force was started has no wrap in it. Whoever renews it adds one, or starts an epoch.
func TestRenewedTermIsWrapped(t *testing.T) {
	for _, tt := range []struct {
		name string
		next func(*world, ledger.Term) ledger.Body
		text string // of the refusal
	}{
		{"a wrap", func(w *world, n ledger.Term) ledger.Body {
			return &ledger.EpochRewrapped{Epoch: 2, Parts: []ledger.Part{w.wrap(n)}}
		}, ""},
		{"an epoch", func(w *world, _ ledger.Term) ledger.Body { return w.start(w.health) }, ""},
		{"a record", func(w *world, _ ledger.Term) ledger.Body { return w.record(w.health) }, "is followed by a wrap"},
		{"a confirmation", func(*world, ledger.Term) ledger.Body { return &ledger.EpochConfirmed{Epoch: 2} }, "is followed by a wrap"},
		{"another policy", func(w *world, _ ledger.Term) ledger.Body { return w.set(w.health) }, "is followed by a wrap"},
		{"something else", func(*world, ledger.Term) ledger.Body {
			return &ledger.EpochRewrapped{Epoch: 2, Parts: []ledger.Part{{Name: ledger.PartLink, Hash: ledger.Hash{1}}}}
		}, "a wrap is due"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			nurse := w.ending(true)
			w.now = w.now.Add(time.Hour)
			w.say(w.patient, w.health, w.start(w.health))
			w.say(w.patient, w.health, w.record(w.health))
			nurse.Until = w.now.Add(time.Hour).UnixMilli()
			w.say(w.patient, w.health, w.edited(nurse))
			err := w.try(w.signed(w.patient, w.health, tt.next(w, nurse)))
			if tt.text != "" {
				refused(t, err, ledger.ErrStale, tt.text)
				w.say(w.patient, w.health, &ledger.EpochRewrapped{Epoch: 2, Parts: []ledger.Part{w.wrap(nurse)}})
			} else if err != nil {
				t.Fatal(err)
			}
			s := w.open(w.nurse, w.health, ledger.OpWrite, nurse.ID)
			w.say(w.nurse, w.health, w.record(w.health), in(s))
		})
	}
}

// What was granted from now on is, after it has ended, again granted from then on: not what was written in between.
func TestRenewedFromNowStartsAnEpoch(t *testing.T) {
	w := newWorld(t)
	nurse := w.ending(false)
	w.now = w.now.Add(time.Hour)
	w.say(w.patient, w.health, w.start(w.health))
	w.say(w.patient, w.health, w.record(w.health))
	nurse.Until = 0
	w.say(w.patient, w.health, w.edited(nurse))
	wrap := &ledger.EpochRewrapped{Epoch: 3, Parts: []ledger.Part{w.wrap(nurse)}}
	refused(t, w.try(w.signed(w.patient, w.health, wrap)), ledger.ErrStale, "is from now on")
	w.say(w.patient, w.health, w.start(w.health))
	w.say(w.patient, w.health, w.record(w.health))
}

// A term that is renewed while its wrap is still in the epoch in force needs no other: nothing was written since it ended.
func TestRenewedInItsEpoch(t *testing.T) {
	for _, history := range []bool{true, false} {
		w := newWorld(t)
		nurse := w.ending(history)
		w.now = w.now.Add(time.Hour)
		refused(t, w.try(w.signed(w.patient, w.health, w.record(w.health))), ledger.ErrStale, "no longer in force")
		nurse.Until = w.now.Add(time.Hour).UnixMilli()
		w.say(w.patient, w.health, w.edited(nurse))
		w.say(w.patient, w.health, w.record(w.health))
	}
}

// Before a term ends it may be given a later end or the right to write, and what is written goes on in the same epoch.
func TestWideningStartsNoEpoch(t *testing.T) {
	w := newWorld(t)
	nurse := w.ending(true)
	for _, edit := range []func(){
		func() { nurse.Until += time.Hour.Milliseconds() },
		func() { nurse.Until = 0 },
		func() { nurse.Purpose = "TREAT" },
	} {
		edit()
		w.say(w.patient, w.health, w.edited(nurse))
		w.say(w.patient, w.health, w.record(w.health))
	}
}

// Who lets somebody in for longer asks the authorities as they are now; who takes something away does not depend on them.
func TestWideningAsksAuthorities(t *testing.T) {
	w := newWorld(t)
	agent := w.terms[w.health][1]
	agent.Until = w.now.Add(time.Hour).UnixMilli()
	w.say(w.patient, w.health, w.edited(agent))
	w.say(w.patient, w.health, w.start(w.health))
	w.say(w.registry, ledger.AuthorityChain("phr"), &ledger.AuthoritySuspended{Name: "acme-insurance"})
	later, before := agent, w.terms[w.health]
	later.Until += time.Hour.Milliseconds()
	refused(t, w.try(w.signed(w.patient, w.health, w.edited(later))), ledger.ErrInvalid, "is endorsed")
	w.terms[w.health] = before
	agent.Until -= time.Minute.Milliseconds()
	w.say(w.patient, w.health, w.edited(agent))
	w.say(w.patient, w.health, w.start(w.health))
}
