package ledger_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/phrledger/phr/ledger"
)

func TestEpochStarted(t *testing.T) {
	for _, tt := range []struct {
		name string
		edit func(*world, *ledger.EpochStarted)
		err  error
		text string
	}{
		{"as called for", func(*world, *ledger.EpochStarted) {}, nil, ""},
		{"without a link", func(_ *world, b *ledger.EpochStarted) { b.Parts = drop(b.Parts, ledger.PartLink) }, nil, ""},
		{"the same number", func(_ *world, b *ledger.EpochStarted) { b.Epoch-- }, ledger.ErrStale, "the next epoch is 2, not 1"},
		{"one further", func(_ *world, b *ledger.EpochStarted) { b.Epoch++ }, ledger.ErrStale, "the next epoch is 2, not 3"},
		{"no commitment", func(_ *world, b *ledger.EpochStarted) { b.KID = ledger.Hash{} }, ledger.ErrInvalid, "does not commit"},
		{"no commitment to history", func(_ *world, b *ledger.EpochStarted) { b.HID = ledger.Hash{} }, ledger.ErrInvalid, "does not commit"},
		{"the key as before", func(w *world, b *ledger.EpochStarted) {
			f, _ := w.state.Compartment(w.health)
			b.KID = f.Epoch.KID
		}, ledger.ErrInvalid, "keys of its own"},
		{"the history key as before", func(w *world, b *ledger.EpochStarted) {
			f, _ := w.state.Compartment(w.health)
			b.HID = f.Epoch.HID
		}, ledger.ErrInvalid, "keys of its own"},
		{"no owner part", func(_ *world, b *ledger.EpochStarted) { b.Parts = drop(b.Parts, ledger.PartOwner) }, ledger.ErrStale, `"owner" is missing`},
		{"no shred", func(_ *world, b *ledger.EpochStarted) { b.Parts = drop(b.Parts, ledger.PartShred) }, ledger.ErrStale, `"shred" is missing`},
		{"a reader left out", func(w *world, b *ledger.EpochStarted) { b.Parts = drop(b.Parts, ledger.WrapName(w.byAgent)) }, ledger.ErrStale, "is missing"},
		{"a part twice", func(_ *world, b *ledger.EpochStarted) { b.Parts = append(b.Parts, b.Parts[0]) }, ledger.ErrInvalid, "stands twice"},
		{"a wrap twice", func(_ *world, b *ledger.EpochStarted) { b.Parts = append(b.Parts, b.Parts[3]) }, ledger.ErrInvalid, "stands twice"},
		{"a part of another name", func(w *world, b *ledger.EpochStarted) { b.Parts = append(b.Parts, w.part("spare")) }, ledger.ErrInvalid, "none that an epoch has"},
		{"a part without hash", func(_ *world, b *ledger.EpochStarted) { b.Parts[0].Hash = ledger.Hash{} }, ledger.ErrInvalid, "has no hash"},
		{"an owner part with versions", func(_ *world, b *ledger.EpochStarted) { b.Parts[0].Versions = []uint32{1} }, ledger.ErrInvalid, "none that an epoch has"},
		{"a wrap for nobody's term", func(w *world, b *ledger.EpochStarted) {
			p := w.wrap(w.terms[w.health][0])
			p.Term = w.newTerm()
			p.Name = ledger.WrapName(p.Term)
			b.Parts = append(b.Parts, p)
		}, ledger.ErrStale, "is not in force"},
		{"a wrap under another name", func(w *world, b *ledger.EpochStarted) { b.Parts[3].Name = ledger.WrapName(w.newTerm()) }, ledger.ErrInvalid, "not made for its term"},
		{"a wrap of another expression", func(_ *world, b *ledger.EpochStarted) { b.Parts[3].Expression = "agent@acme-insurance" }, ledger.ErrInvalid, "not made for its term"},
		{"an old version", func(_ *world, b *ledger.EpochStarted) { b.Parts[3].Versions[0] = 0 }, ledger.ErrStale, "another version"},
		{"a version to come", func(_ *world, b *ledger.EpochStarted) { b.Parts[3].Versions[0] = 2 }, ledger.ErrStale, "another version"},
		{"a version too many", func(_ *world, b *ledger.EpochStarted) { b.Parts[3].Versions = []uint32{1, 1} }, ledger.ErrStale, "a version for each attribute"},
		{"no authority key", func(_ *world, b *ledger.EpochStarted) { b.Parts[3].Keys = nil }, ledger.ErrStale, "a key for each authority"},
		{"another authority's key", func(w *world, b *ledger.EpochStarted) { b.Parts[3].Keys[0] = w.club.master.PublicKey().Hash() }, ledger.ErrStale, "is not the one a wrap names"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			b := w.start(w.health)
			tt.edit(w, b)
			if err := w.try(w.signed(w.patient, w.health, b)); tt.err != nil {
				refused(t, err, tt.err, tt.text)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

func drop(parts []ledger.Part, name string) []ledger.Part {
	return slices.DeleteFunc(slices.Clone(parts), func(p ledger.Part) bool { return p.Name == name })
}

func TestFirstEpoch(t *testing.T) {
	w := newWorld(t)
	c := ledger.RecordChain(w.other.GID(), ledger.Health)
	record := &ledger.RecordWritten{Content: w.content(w.health)}
	refused(t, w.try(w.signed(w.other, c, record)), ledger.ErrStale, "epoch 1 is not the current one")
	if why, _ := w.state.Stale(c, w.now); why != "no epoch has been started" {
		t.Errorf("Stale = %q", why)
	}
	linked := w.start(c)
	linked.Parts = append(linked.Parts, w.part(ledger.PartLink))
	refused(t, w.try(w.signed(w.other, c, linked)), ledger.ErrInvalid, "is not called for")
	w.say(w.other, c, w.start(c))
	refused(t, w.try(w.signed(w.other, c, &ledger.EpochRewrapped{Epoch: 1, Parts: []ledger.Part{w.part(ledger.PartLink)}})), ledger.ErrInvalid, "not added later")
	w.say(w.other, c, w.record(c))
}

func TestEpochRewrapped(t *testing.T) {
	for _, tt := range []struct {
		name  string
		parts func(*world, ledger.Term) []ledger.Part
		epoch uint32
		err   error
		text  string
	}{
		{"a new term", func(w *world, n ledger.Term) []ledger.Part { return []ledger.Part{w.wrap(n)} }, 2, nil, ""},
		{"and the pending link", func(w *world, n ledger.Term) []ledger.Part { return []ledger.Part{w.part(ledger.PartLink), w.wrap(n)} }, 2, nil, ""},
		{"nothing", func(*world, ledger.Term) []ledger.Part { return nil }, 2, ledger.ErrInvalid, "adds no part"},
		{"an epoch that is past", func(w *world, n ledger.Term) []ledger.Part { return []ledger.Part{w.wrap(n)} }, 1, ledger.ErrStale, "epoch 1 is not the current one"},
		{"an epoch to come", func(w *world, n ledger.Term) []ledger.Part { return []ledger.Part{w.wrap(n)} }, 3, ledger.ErrStale, "epoch 3 is not the current one"},
		{"twice in one", func(w *world, n ledger.Term) []ledger.Part { return []ledger.Part{w.wrap(n), w.wrap(n)} }, 2, ledger.ErrInvalid, "is there already"},
		{"one that is there", func(w *world, _ ledger.Term) []ledger.Part { return []ledger.Part{w.wrap(w.terms[w.health][0])} }, 2, ledger.ErrInvalid, "is there already"},
		{"another owner part", func(w *world, _ ledger.Term) []ledger.Part { return []ledger.Part{w.part(ledger.PartOwner)} }, 2, ledger.ErrInvalid, "not added later"},
		{"another shred", func(w *world, _ ledger.Term) []ledger.Part { return []ledger.Part{w.part(ledger.PartShred)} }, 2, ledger.ErrInvalid, "not added later"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			b := w.start(w.health)
			b.Parts = drop(b.Parts, ledger.PartLink)
			w.say(w.patient, w.health, b)
			w.grant(w.health, "nurse@city-hospital", false)
			s := w.open(w.doctor, w.health, ledger.OpWrite, w.byDoctor)
			n := w.terms[w.health][len(w.terms[w.health])-1]
			e := w.signed(w.doctor, w.health, &ledger.EpochRewrapped{Epoch: tt.epoch, Parts: tt.parts(w, n)}, in(s))
			if err := w.try(e); tt.err != nil {
				refused(t, err, tt.err, tt.text)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

// A grant from now on gets no wrap of an epoch in which something was written already.
func TestFromNowOnStartsAnEpoch(t *testing.T) {
	w := newWorld(t)
	n := ledger.Term{ID: w.newTerm(), Expression: "nurse@city-hospital"}
	w.terms[w.health] = append(w.terms[w.health], n)
	w.say(w.patient, w.health, w.set(w.health))
	rewrapped := &ledger.EpochRewrapped{Epoch: 1, Parts: []ledger.Part{w.wrap(n)}}
	refused(t, w.try(w.signed(w.patient, w.health, rewrapped)), ledger.ErrStale, "is from now on")
	w.say(w.patient, w.health, w.start(w.health))

	empty := ledger.Term{ID: w.newTerm(), Expression: "doctor@old-clinic"}
	w.terms[w.health] = append(w.terms[w.health], empty)
	w.say(w.patient, w.health, w.set(w.health))
	w.say(w.patient, w.health, &ledger.EpochRewrapped{Epoch: 2, Parts: []ledger.Part{w.wrap(empty)}})
}

func TestEpochIsStale(t *testing.T) {
	hospital := ledger.AuthorityChain("city-hospital")
	for _, tt := range []struct {
		name string
		make func(*world)
		text string
	}{
		{"fresh", func(*world) {}, ""},
		{"a term more", func(w *world) { w.grant(w.health, "nurse@city-hospital", false) }, ""},
		{"just under 30 days", func(w *world) { w.now = w.now.Add(ledger.MaxEpochAge - time.Minute) }, ""},
		{"30 days", func(w *world) { w.now = w.now.Add(ledger.MaxEpochAge) }, "30 days old"},
		{"one record short of full", func(w *world) { w.state.Fill(w.health, ledger.MaxEpochRecords-1) }, ""},
		{"full", func(w *world) { w.state.Fill(w.health, ledger.MaxEpochRecords) }, "as many records as it may"},
		{"a part disputed", func(w *world) {
			w.say(w.patient, w.health, &ledger.EpochDisputed{Epoch: 1, Part: ledger.PartOwner})
		}, "disputed"},
		{"an attribute moved", func(w *world) {
			w.say(w.hospital, hospital, &ledger.AttributeVersioned{Name: "doctor", Version: 2})
		}, "doctor@city-hospital is at another version"},
		{"another attribute moved", func(w *world) {
			w.say(w.hospital, hospital, &ledger.AttributeVersioned{Name: "nurse", Version: 2})
		}, ""},
		{"an authority suspended", func(w *world) {
			w.say(w.registry, ledger.AuthorityChain("phr"), &ledger.AuthoritySuspended{Name: "acme-insurance"})
		}, `no authority "acme-insurance" is in force`},
		{"an authority with a new key", func(w *world) {
			e := w.say(w.hospital, ledger.PersonChain(w.hospital.GID()), newRegistration("city-hospital", ledger.Hospital))
			w.endorse(w.hospital, e)
		}, `the key of "city-hospital" is not the one`},
		{"a key that is not endorsed", func(w *world) {
			w.say(w.hospital, ledger.PersonChain(w.hospital.GID()), newRegistration("city-hospital", ledger.Hospital))
		}, ""},
		{"the patient with a new key", func(w *world) {
			key := newPatient("patient") // same name and keys, so the same patient
			key.master = newFounder("another master", key.speaks).master
			w.say(w.patient, w.profile, &ledger.PatientRegistered{Key: key.master.PublicKey().Bytes()})
		}, "is not the one a wrap names"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			tt.make(w)
			why, _ := w.state.Stale(w.health, w.now)
			err := w.try(w.signed(w.patient, w.health, w.record(w.health)))
			if tt.text == "" {
				if err != nil || why != "" {
					t.Errorf("Stale = %q, Fold = %v", why, err)
				}
				return
			}
			refused(t, err, ledger.ErrStale, tt.text)
			if !strings.Contains(why, tt.text) {
				t.Errorf("Stale = %q, want %q", why, tt.text)
			}
			w.say(w.patient, w.health, w.start(w.health))
			w.say(w.patient, w.health, w.record(w.health))
		})
	}
}

func TestEpochConfirmed(t *testing.T) {
	w := newWorld(t)
	w.say(w.patient, w.health, &ledger.EpochConfirmed{Epoch: 1})
	if f, _ := w.state.Compartment(w.health); !f.Epoch.Confirmed {
		t.Error("it is not confirmed")
	}
	refused(t, w.try(w.signed(w.patient, w.health, &ledger.EpochConfirmed{Epoch: 2})), ledger.ErrStale, "not the current one")
	s := w.open(w.doctor, w.health, ledger.OpWrite, w.byDoctor)
	refused(t, w.try(w.signed(w.doctor, w.health, &ledger.EpochConfirmed{Epoch: 1}, in(s))), ledger.ErrInvalid, "only the patient")
	refused(t, w.try(w.signed(w.doctor, w.health, &ledger.EpochDisputed{Epoch: 1, Part: "none"}, in(s))), ledger.ErrInvalid, "has no part")
	refused(t, w.try(w.signed(w.doctor, w.health, &ledger.EpochDisputed{Epoch: 2, Part: "owner"}, in(s))), ledger.ErrStale, "not the current one")
}

// The epochs of a compartment can all be found again.
func TestEpochsByNumber(t *testing.T) {
	w := newWorld(t)
	for range 3 {
		w.say(w.patient, w.health, w.start(w.health))
	}
	f, _ := w.state.Compartment(w.health)
	for n := uint32(1); n <= 4; n++ {
		if e, ok := f.At(n); !ok || e.Number != n {
			t.Errorf("At(%d) = %v, %v", n, e, ok)
		}
	}
	for _, n := range []uint32{0, 5} {
		if _, ok := f.At(n); ok {
			t.Errorf("there is an epoch %d", n)
		}
	}
	if _, ok := new(ledger.CompartmentFact).At(1); ok {
		t.Error("a compartment without epochs has one")
	}
}
