package ledger_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/phrledger/phr/ledger"
)

func TestTerms(t *testing.T) {
	for _, tt := range []struct {
		name, expression string
		write            bool
		class            ledger.Compartment
		text             string // of the refusal
	}{
		{"a hospital's doctor writes health", "doctor@city-hospital", true, ledger.Health, ""},
		{"either of two hospitals'", "doctor@city-hospital or doctor@old-clinic", true, ledger.Health, ""},
		{"a trainer reads health", "trainer@city-club", false, ledger.Health, ""},
		{"a trainer does not write it", "trainer@city-club", true, ledger.Health, "would write health data without an attribute of a hospital"},
		{"a trainer writes training", "trainer@city-club", true, ledger.Training, ""},
		{"a doctor does not write it", "doctor@city-hospital", true, ledger.Training, "as in 'doctor@city-hospital and trainer@city-club'"},
		{"one branch is enough to refuse", "doctor@city-hospital or trainer@city-club", true, ledger.Health, "trainer@city-club would write"},
		{"a join with the right kind", "doctor@city-hospital and trainer@city-club", true, ledger.Health, ""},
		{"a threshold without it", "2 of (auditor@phr, doctor@city-hospital, trainer@city-club)", true, ledger.Health, "auditor@phr and trainer@city-club would write"},
		{"an insurer reads", "agent@acme-insurance", false, ledger.Health, ""},
		{"an insurer never writes", "agent@acme-insurance", true, ledger.Health, "an insurer may read where granted, and never write"},
		{"nor beside a doctor", "agent@acme-insurance and doctor@city-hospital", true, ledger.Health, "never write"},
		{"an employer reads", "hr@initech", false, ledger.Training, ""},
		{"an employer never writes", "hr@initech", true, ledger.Training, "an employer may read where granted, and never write"},
		{"every patient", "patient@phr", false, ledger.Health, "the patient needs no term"},
		{"every patient or a doctor", "doctor@city-hospital or patient@phr", false, ledger.Health, "patient@phr alone satisfies it"},
		{"a patient who is a nurse", "nurse@city-hospital and patient@phr", false, ledger.Health, ""},
		{"somebody in person", "g-{term}@{patient}", false, ledger.Health, ""},
		{"somebody in person, joined", "doctor@city-hospital and g-{term}@{patient}", true, ledger.Health, ""},
		{"somebody in person writes alone", "g-{term}@{patient}", true, ledger.Health, "and doctor@city-hospital'"},
		{"another term's person", "g-01arz3ndektsv4rrffq69g5fav@{patient}", false, ledger.Health, "is not the attribute this patient issues for this term"},
		{"another patient's person", "g-{term}@{other}", false, ledger.Health, "is not the attribute this patient issues for this term"},
		{"no such authority", "doctor@nowhere", false, ledger.Health, `no authority "nowhere" is endorsed`},
		{"no such attribute", "surgeon@city-hospital", false, ledger.Health, "surgeon@city-hospital is not defined"},
		{"not canonical", "doctor@city-hospital OR doctor@old-clinic", false, ledger.Health, "not in canonical form"},
		{"a typed version", "doctor@city-hospital#3", false, ledger.Health, "malformed policy"},
		{"nothing", "", false, ledger.Health, "malformed policy"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			id := w.newTerm()
			names := strings.NewReplacer("{term}", id.String(), "{patient}", string(w.patient.GID()), "{other}", string(w.other.GID()))
			c := ledger.RecordChain(w.patient.GID(), tt.class)
			b := w.set(c, ledger.Term{ID: id, Expression: names.Replace(tt.expression), Write: tt.write, History: true})
			err := w.try(w.signed(w.patient, c, b))
			if tt.text != "" {
				refused(t, err, ledger.ErrInvalid, tt.text)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

func TestPolicyLists(t *testing.T) {
	nurse := func(w *world) ledger.Term {
		return ledger.Term{ID: w.newTerm(), Expression: "nurse@city-hospital", History: true}
	}
	for _, tt := range []struct {
		name string
		set  func(*world) *ledger.PolicySet
		text string
	}{
		{"the same again", func(w *world) *ledger.PolicySet { return w.set(w.health) }, ""},
		{"a term twice", func(w *world) *ledger.PolicySet { return w.set(w.health, w.terms[w.health][0]) }, "stands twice"},
		{"a term without id", func(w *world) *ledger.PolicySet {
			return w.set(w.health, ledger.Term{Expression: "nurse@city-hospital"})
		}, "id is missing"},
		{"an end before all time", func(w *world) *ledger.PolicySet {
			n := nurse(w)
			n.Until = -1
			return w.set(w.health, n)
		}, "its end is no time"},
		{"another expression", func(w *world) *ledger.PolicySet {
			b := w.set(w.health)
			b.Terms = slices.Clone(b.Terms)
			b.Terms[0].Expression = "nurse@city-hospital"
			return b
		}, "a term keeps its expression and its history"},
		{"more history", func(w *world) *ledger.PolicySet {
			b := w.set(w.health)
			b.Terms = slices.Clone(b.Terms)
			b.Terms[0].History = false
			return b
		}, "a term keeps its expression and its history"},
		{"reading becomes writing", func(w *world) *ledger.PolicySet {
			b := w.set(w.health)
			b.Terms = slices.Clone(b.Terms)
			b.Terms[1].Write = true
			return b
		}, "an insurer may read where granted, and never write"},
		{"65 terms", func(w *world) *ledger.PolicySet {
			b := w.set(w.health)
			for len(b.Terms) <= ledger.MaxTerms {
				b.Terms = append(b.Terms, nurse(w))
			}
			return b
		}, "65 terms are more than 64"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			err := w.try(w.signed(w.patient, w.health, tt.set(w)))
			if tt.text != "" {
				refused(t, err, ledger.ErrInvalid, tt.text)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

// A policy that takes access away is followed by a new epoch, whoever writes next.
func TestNarrowingIsFollowedByAnEpoch(t *testing.T) {
	edited := func(edit func(*ledger.Term)) func(*world) *ledger.PolicySet {
		return func(w *world) *ledger.PolicySet {
			b := &ledger.PolicySet{Terms: slices.Clone(w.terms[w.health])}
			edit(&b.Terms[0])
			return b
		}
	}
	for _, tt := range []struct {
		name string
		set  func(*world) *ledger.PolicySet
		must bool
	}{
		{"dropped", func(w *world) *ledger.PolicySet { return w.without(w.health, w.byAgent) }, true},
		{"all dropped", func(*world) *ledger.PolicySet { return new(ledger.PolicySet) }, true},
		{"no longer writes", edited(func(t *ledger.Term) { t.Write = false }), true},
		{"ends", edited(func(t *ledger.Term) { t.Until = firstDay.AddDate(1, 0, 0).UnixMilli() }), true},
		{"has ended", edited(func(t *ledger.Term) { t.Until = 1 }), true},
		{"another purpose", edited(func(t *ledger.Term) { t.Purpose = "TREAT" }), false},
		{"another order", func(w *world) *ledger.PolicySet {
			b := &ledger.PolicySet{Terms: slices.Clone(w.terms[w.health])}
			slices.Reverse(b.Terms)
			return b
		}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			b := tt.set(w)
			w.say(w.patient, w.health, b)
			w.terms[w.health] = b.Terms
			if f, _ := w.state.Compartment(w.health); f.Must != tt.must {
				t.Fatalf("Must = %v, want %v", f.Must, tt.must)
			}
			if !tt.must {
				w.say(w.patient, w.health, w.record(w.health))
				return
			}
			refused(t, w.try(w.signed(w.patient, w.health, w.record(w.health))), ledger.ErrStale, "took access away")
			refused(t, w.try(w.signed(w.patient, w.health, b)), ledger.ErrStale, "took access away")
			refused(t, w.try(w.signed(w.patient, w.health, &ledger.EpochConfirmed{Epoch: 1})), ledger.ErrStale, "took access away")
			w.say(w.patient, w.health, w.start(w.health))
			w.say(w.patient, w.health, w.record(w.health))
		})
	}
}

func TestTermEnds(t *testing.T) {
	w := newWorld(t)
	nurse := ledger.Term{ID: w.newTerm(), Expression: "nurse@city-hospital", Write: true, History: true, Until: w.now.Add(10 * time.Minute).UnixMilli()}
	w.terms[w.health] = append(w.terms[w.health], nurse)
	w.say(w.patient, w.health, w.set(w.health))
	w.say(w.patient, w.health, &ledger.EpochRewrapped{Epoch: 1, Parts: []ledger.Part{w.wrap(nurse)}})
	s := w.open(w.nurse, w.health, ledger.OpWrite, nurse.ID)
	w.say(w.nurse, w.health, w.record(w.health), in(s))

	w.now = w.now.Add(10 * time.Minute)
	refused(t, w.try(w.signed(w.nurse, w.health, w.record(w.health), in(s))), ledger.ErrInvalid, "ended 2026-")
	refused(t, w.try(w.signed(w.patient, w.health, w.record(w.health))), ledger.ErrStale, "no longer in force")
	if why, _ := w.state.Stale(w.health, w.now); !strings.Contains(why, "no longer in force") {
		t.Errorf("Stale = %q", why)
	}
	missing := w.start(w.health)
	if len(missing.Parts) != 3+len(w.terms[w.health])-1 {
		t.Errorf("the new epoch has %d parts; want no wrap for the ended term", len(missing.Parts))
	}
	w.say(w.patient, w.health, missing)
	w.say(w.patient, w.health, w.without(w.health, nurse.ID))
	if f, _ := w.state.Compartment(w.health); f.Must {
		t.Error("dropping what has ended calls for an epoch")
	}
}

// A suspended authority keeps the patient neither from setting another policy nor from writing.
func TestSuspendedAuthorityLocksNobodyOut(t *testing.T) {
	w := newWorld(t)
	w.say(w.registry, ledger.AuthorityChain("phr"), &ledger.AuthoritySuspended{Name: "acme-insurance"})
	refused(t, w.try(w.signed(w.patient, w.health, w.record(w.health))), ledger.ErrStale, `no authority "acme-insurance" is in force`)
	agents := ledger.Term{ID: w.newTerm(), Expression: "agent@acme-insurance"}
	refused(t, w.try(w.signed(w.patient, w.health, w.set(w.health, agents))), ledger.ErrInvalid, "is endorsed")
	w.say(w.patient, w.health, w.set(w.health, ledger.Term{ID: w.newTerm(), Expression: "nurse@city-hospital", History: true}))

	s := w.open(w.doctor, w.health, ledger.OpWrite, w.byDoctor)
	w.say(w.doctor, w.health, w.start(w.health), in(s))
	w.say(w.doctor, w.health, w.record(w.health), in(s))

	reg := w.registered(w.insurer)
	w.endorse(w.insurer, reg)
	w.say(w.patient, w.health, w.record(w.health))
	w.say(w.patient, w.health, &ledger.EpochRewrapped{Epoch: 2, Parts: []ledger.Part{w.wrap(w.terms[w.health][1])}})
}

// registered finds the registration of an authority in the log.
func (w *world) registered(p *person) *ledger.Entry {
	for _, run := range w.log {
		if b, ok := run[0].Body.(*ledger.AuthorityRegistered); ok && b.Name == p.speaks {
			return run[0]
		}
	}
	panic(fmt.Sprintf("%s is not registered", p.speaks))
}
