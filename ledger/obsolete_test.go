package ledger_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/phrledger/phr/ledger"
)

// obsolete names the wraps of health that nobody needs any more: epoch and whose.
func (w *world) obsolete() []string {
	f, _ := w.state.Compartment(w.health)
	who := map[ledger.TermID]string{w.byDoctor: "doctor", w.byAgent: "agent", w.byNobody: "nobody"}
	var all []string
	for _, p := range f.Obsolete() {
		name := who[p.Part.Term]
		if name == "" {
			name = "another"
		}
		all = append(all, fmt.Sprint(name, " ", p.Epoch))
	}
	slices.Sort(all)
	return all
}

// doctorSays lets the doctor say something in a session.
func (w *world) doctorSays(b ledger.Body) {
	w.say(w.doctor, w.health, b, in(w.open(w.doctor, w.health, ledger.OpWrite, w.byDoctor)))
}

func (w *world) rewrapped(number uint32, parts ...ledger.Part) *ledger.EpochRewrapped {
	return &ledger.EpochRewrapped{Epoch: number, Parts: parts}
}

// unlinked is the next epoch by somebody who could not open the current one.
func (w *world) unlinked() *ledger.EpochStarted {
	b := w.start(w.health)
	b.Parts = drop(b.Parts, ledger.PartLink)
	return b
}

func TestObsolete(t *testing.T) {
	patient := func(w *world, bodies ...ledger.Body) {
		for _, b := range bodies {
			w.say(w.patient, w.health, b)
		}
	}
	next := func(w *world) { patient(w, w.start(w.health)) }
	link := ledger.PartLink
	first := []string{"agent 1", "doctor 1", "nobody 1"}
	for _, tt := range []struct {
		name string
		make func(*world)
		want []string
	}{
		{"one epoch", func(*world) {}, nil},
		{"the patient goes on", func(w *world) { patient(w, w.start(w.health)) }, first},
		{"without a link", func(w *world) { patient(w, w.unlinked()) }, nil},
		{"with the link later", func(w *world) { patient(w, w.unlinked(), w.rewrapped(2, w.part(link))) }, first},
		{"with a link by another", func(w *world) {
			patient(w, w.unlinked())
			w.doctorSays(w.rewrapped(2, w.part(link)))
		}, nil},
		{"which the patient confirms", func(w *world) {
			patient(w, w.unlinked())
			w.doctorSays(w.rewrapped(2, w.part(link)))
			patient(w, &ledger.EpochConfirmed{Epoch: 2})
		}, first},
		{"another goes on", func(w *world) { w.doctorSays(w.start(w.health)) }, nil},
		{"and the patient confirms", func(w *world) {
			w.doctorSays(w.start(w.health))
			patient(w, &ledger.EpochConfirmed{Epoch: 2})
		}, first},
		{"and the patient goes on from there", func(w *world) {
			w.doctorSays(w.start(w.health))
			patient(w, w.start(w.health))
		}, []string{"agent 2", "doctor 2", "nobody 2"}},
		{"and confirms what is over", func(w *world) {
			w.doctorSays(w.start(w.health))
			patient(w, w.start(w.health), &ledger.EpochConfirmed{Epoch: 2})
		}, []string{"agent 1", "agent 2", "doctor 1", "doctor 2", "nobody 1", "nobody 2"}},
		{"disputed before it is confirmed", func(w *world) {
			w.doctorSays(w.start(w.health))
			w.doctorSays(&ledger.EpochDisputed{Epoch: 2, Part: ledger.WrapName(w.byDoctor)})
			patient(w, &ledger.EpochConfirmed{Epoch: 2})
		}, nil},
		{"and followed by one that holds", func(w *world) {
			w.doctorSays(w.start(w.health))
			w.doctorSays(&ledger.EpochDisputed{Epoch: 2, Part: ledger.WrapName(w.byDoctor)})
			patient(w, &ledger.EpochConfirmed{Epoch: 2}, w.start(w.health))
		}, []string{"agent 1", "agent 2", "doctor 1", "doctor 2", "nobody 1", "nobody 2"}},
		{"disputed after it was confirmed", func(w *world) {
			patient(w, w.start(w.health))
			w.doctorSays(&ledger.EpochDisputed{Epoch: 2, Part: ledger.WrapName(w.byDoctor)})
		}, first},
		{"a term that is dropped", func(w *world) {
			patient(w, w.without(w.health, w.byAgent))
			w.terms[w.health] = w.without(w.health, w.byAgent).Terms
			w.doctorSays(w.unlinked())
		}, []string{"agent 1"}},
		{"a term from now on", func(w *world) {
			n := ledger.Term{ID: w.newTerm(), Expression: "nurse@city-hospital"}
			w.terms[w.health] = append(w.terms[w.health], n)
			patient(w, w.set(w.health))
			next(w)
			next(w)
		}, []string{"agent 1", "agent 2", "doctor 1", "doctor 2", "nobody 1", "nobody 2"}},
		{"until it is dropped", func(w *world) {
			n := ledger.Term{ID: w.newTerm(), Expression: "nurse@city-hospital"}
			w.terms[w.health] = append(w.terms[w.health], n)
			patient(w, w.set(w.health))
			next(w)
			next(w)
			patient(w, w.without(w.health, n.ID))
			w.terms[w.health] = w.without(w.health, n.ID).Terms
			next(w)
		}, []string{"agent 1", "agent 2", "agent 3", "another 2", "another 3", "doctor 1", "doctor 2", "doctor 3", "nobody 1", "nobody 2", "nobody 3"}},
		{"a term without a wrap meanwhile", func(w *world) {
			w.say(w.registry, ledger.AuthorityChain("phr"), &ledger.AuthoritySuspended{Name: "acme-insurance"})
			next(w)
			next(w)
		}, []string{"doctor 1", "doctor 2", "nobody 1", "nobody 2"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			tt.make(w)
			if got := w.obsolete(); !slices.Equal(got, tt.want) {
				t.Errorf("obsolete are %q, want %q", got, tt.want)
			}
		})
	}
	if f := new(ledger.CompartmentFact); f.Obsolete() != nil {
		t.Error("a compartment without epochs has something to lose")
	}
}

// A link is added to any epoch that has none, and replaced where it is disputed. What the patient vouches for, nobody else
// replaces: the wraps it stands for may be gone.
func TestLinks(t *testing.T) {
	link := func(w *world) *ledger.EpochRewrapped { return w.rewrapped(2, w.part(ledger.PartLink)) }
	disputed := &ledger.EpochDisputed{Epoch: 2, Part: ledger.PartLink, Reason: "it holds other keys"}
	for _, tt := range []struct {
		name string
		make func(*world)
		text string // how a link by the doctor is refused; empty if it counts
	}{
		{"pending", func(w *world) { w.doctorSays(w.unlinked()) }, ""},
		{"pending in an epoch that is over", func(w *world) {
			w.doctorSays(w.unlinked())
			w.doctorSays(w.start(w.health))
		}, ""},
		{"there", func(w *world) { w.doctorSays(w.start(w.health)) }, "is there already"},
		{"disputed", func(w *world) {
			w.doctorSays(w.start(w.health))
			w.doctorSays(disputed)
		}, ""},
		{"disputed and replaced", func(w *world) {
			w.doctorSays(w.start(w.health))
			w.doctorSays(disputed)
			w.doctorSays(link(w))
		}, "is there already"},
		{"disputed when the epoch is over", func(w *world) {
			w.doctorSays(w.start(w.health))
			w.doctorSays(w.start(w.health))
			w.doctorSays(disputed)
		}, ""},
		{"the patient's own, disputed", func(w *world) {
			w.say(w.patient, w.health, w.start(w.health))
			w.doctorSays(disputed)
		}, "is there already"},
		{"confirmed, and disputed later", func(w *world) {
			w.doctorSays(w.start(w.health))
			w.say(w.patient, w.health, &ledger.EpochConfirmed{Epoch: 2})
			w.doctorSays(disputed)
		}, "is there already"},
		{"disputed, and confirmed later", func(w *world) {
			w.doctorSays(w.start(w.health))
			w.doctorSays(disputed)
			w.say(w.patient, w.health, &ledger.EpochConfirmed{Epoch: 2})
			w.say(w.patient, w.health, w.record(w.health))
		}, "is there already"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			tt.make(w)
			again := w.state.Copy()
			s := w.open(w.doctor, w.health, ledger.OpWrite, w.byDoctor)
			err := w.try(w.signed(w.doctor, w.health, link(w), in(s)))
			if tt.text != "" {
				refused(t, err, ledger.ErrInvalid, tt.text)
				w.state = again
				w.say(w.patient, w.health, disputed)
				w.say(w.patient, w.health, link(w))
			} else if err != nil {
				t.Fatal(err)
			}
			if f, _ := w.state.Compartment(w.health); f.Epoch.LinkDisputed {
				t.Error("the link is disputed still")
			}
		})
	}
}

// A disputed link keeps everybody from writing until it is replaced.
func TestDisputedLinkIsStale(t *testing.T) {
	w := newWorld(t)
	w.say(w.patient, w.health, w.start(w.health))
	w.doctorSays(&ledger.EpochDisputed{Epoch: 2, Part: ledger.PartLink})
	refused(t, w.try(w.signed(w.patient, w.health, w.record(w.health))), ledger.ErrStale, "disputed")
	w.say(w.patient, w.health, w.rewrapped(2, w.part(ledger.PartLink)))
	w.say(w.patient, w.health, w.record(w.health))
}

func TestEpochsThatAreOver(t *testing.T) {
	w := newWorld(t)
	w.doctorSays(w.start(w.health))
	w.doctorSays(w.start(w.health))
	for _, b := range []ledger.Body{
		&ledger.EpochDisputed{Epoch: 2, Part: ledger.PartOwner}, &ledger.EpochDisputed{Epoch: 4, Part: ledger.PartLink},
		&ledger.EpochConfirmed{Epoch: 0}, &ledger.EpochConfirmed{Epoch: 4}, w.rewrapped(0, w.part(ledger.PartLink)),
	} {
		refused(t, w.try(w.signed(w.patient, w.health, b)), ledger.ErrStale, "is not the current one")
	}
	refused(t, w.try(w.signed(w.patient, w.health, &ledger.EpochDisputed{Epoch: 1, Part: ledger.PartLink})), ledger.ErrInvalid, "has no part")
	refused(t, w.try(w.signed(w.patient, w.health, w.rewrapped(1, w.part(ledger.PartLink)))), ledger.ErrInvalid, "not added later")
	w.say(w.patient, w.health, &ledger.EpochConfirmed{Epoch: 2})
	f, _ := w.state.Compartment(w.health)
	if e, _ := f.At(2); !e.Confirmed || !e.Linked || f.Epoch.Confirmed {
		t.Errorf("epoch 2 %+v, epoch 3 %+v; want the first confirmed alone", e, f.Epoch)
	}
}
