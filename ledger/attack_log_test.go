package ledger_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
)

// republish signs nothing anew: it is what somebody does who has an event and wants it to stand elsewhere.
func (w *world) republish(e *ledger.Entry, edit func(*ledger.Event)) error {
	copied := *e.Event
	edit(&copied)
	return w.state.Fork().Fold(w.place(&copied)...)
}

// next makes a copied event the next one of a chain.
func (w *world) next(e *ledger.Event, c ledger.Chain) {
	head, _ := w.state.Head(c)
	e.Chain, e.Number, e.Prev = c, head.Number+1, head.Hash
}

func TestAttack42_RecordMoved(t *testing.T) {
	w := newWorld(t)
	other := ledger.RecordChain(w.other.GID(), ledger.Health)
	w.say(w.other, other, w.start(other))
	for name, edit := range map[string]func(*ledger.Event){
		"to another patient":              func(e *ledger.Event) { w.next(e, other) },
		"to another compartment":          func(e *ledger.Event) { w.next(e, w.training) },
		"to the end of its chain":         func(e *ledger.Event) { w.next(e, w.health) },
		"and given to its new owner":      func(e *ledger.Event) { w.next(e, other); e.Author = w.other.GID() },
		"with a new id":                   func(e *ledger.Event) { w.next(e, w.health); e.ID = ledger.EventID{1} },
		"with a new id and a new leaf":    func(e *ledger.Event) { w.next(e, w.health); e.ID[0]++; leafOf(e)[0]++ },
		"to another kind":                 func(e *ledger.Event) { w.next(e, w.health); e.ID[0]++; leafOf(e)[0]++; amend(e, w.first.ID) },
		"with somebody else's authorship": func(e *ledger.Event) { w.next(e, w.health); e.ID[0]++; leafOf(e)[0]++; e.Author = w.doctor.GID() },
	} {
		t.Run(name, func(t *testing.T) {
			if err := w.republish(w.first, edit); err == nil {
				t.Error("it counts")
			}
		})
	}
	// Signed anew by somebody who may write, the seal still binds the content to where it was written: here only what the
	// log shows is refused.
	s := w.open(w.doctor, w.health, ledger.OpWrite, w.byDoctor)
	refused(t, w.try(w.signed(w.doctor, w.health, w.first.Body, in(s))), ledger.ErrInvalid, "leaf is used")
	w.say(w.patient, w.health, w.start(w.health))
	refused(t, w.try(w.signed(w.doctor, w.health, w.first.Body, in(s))), ledger.ErrStale, "sealed for another epoch")
	if err := w.republish(w.first, func(e *ledger.Event) { w.next(e, w.health) }); err == nil {
		t.Error("into another epoch it counts")
	}
}

// leafOf gives an event a body of its own and returns the leaf in it.
func leafOf(e *ledger.Event) *[6]byte {
	b := *e.Body.(*ledger.RecordWritten)
	e.Body = &b
	return &b.Content.Leaf
}

func amend(e *ledger.Event, refers ledger.EventID) {
	e.Body = &ledger.RecordAmended{Content: e.Body.(*ledger.RecordWritten).Content, Refers: refers}
}

func TestAttack43_IDsAndTimes(t *testing.T) {
	w := newWorld(t)
	for name, at := range map[string]time.Time{
		"the first millisecond": time.UnixMilli(0), "the last one of a ULID": time.UnixMilli(1<<48 - 1), "next year": w.now.AddDate(1, 0, 0),
	} {
		t.Run("id of "+name, func(t *testing.T) {
			// What an id says of time decides nothing: not where the event stands, nor whether it counts.
			e := w.say(w.patient, w.health, w.record(w.health), func(e *ledger.Event) { e.ID = must(ledger.NewEventID(w.rand, at)) })
			if head, _ := w.state.Head(w.health); head.Hash != e.Hash || !head.LogTime.Equal(e.LogTime) {
				t.Error("it does not stand where it was written")
			}
			refused(t, w.try(w.signed(w.patient, w.health, w.record(w.health), func(again *ledger.Event) { again.ID = e.ID })),
				ledger.ErrInvalid, "its id stands on the chain already")
		})
	}
	refused(t, w.try(w.signed(w.patient, w.health, w.record(w.health), func(e *ledger.Event) { e.Time = w.now.Add(time.Hour) })),
		ledger.ErrInvalid, "clock is ahead")
	w.say(w.patient, w.health, w.record(w.health), func(e *ledger.Event) { e.Time = w.now.AddDate(-50, 0, 0) })

	id := must(ledger.NewEventID(w.rand, w.now)).String()
	for name, text := range map[string]string{
		"upper case": strings.ToUpper(id), "overflow": "8" + id[1:], "far overflow": strings.Repeat("z", 26), "short": id[1:], "long": id + "0",
		"empty": "", "letters that are none": id[:25] + "u", "look-alikes": "o" + id[1:], "spaces": " " + id[1:], "wildcard": "*", "dots": id[:24] + "..",
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := ledger.ParseEventID(text); err == nil {
				t.Errorf("ParseEventID(%q) = %s", text, got)
			}
		})
	}
}

func TestAttack44_BackdatedGrantsAndRevocations(t *testing.T) {
	longAgo := func(e *ledger.Event) { e.Time = time.UnixMilli(1) }
	w := newWorld(t)
	s := w.open(w.doctor, w.health, ledger.OpWrite, w.byDoctor)
	written := w.say(w.doctor, w.health, w.record(w.health), in(s))

	// A revocation that claims to be old takes nothing back, and counts from here.
	w.say(w.patient, w.health, w.without(w.health, w.byDoctor), longAgo)
	w.terms[w.health] = w.without(w.health, w.byDoctor).Terms
	w.say(w.patient, w.health, w.start(w.health), longAgo)
	refused(t, w.try(w.signed(w.doctor, w.health, w.record(w.health), in(s), longAgo)), ledger.ErrInvalid, "not in force")
	if w.state.Erased(w.health, written.ID) {
		t.Error("what was written before is gone")
	}
	// Nor can the doctor put a record before it: the chain has gone on, and its end never lies back.
	late := w.place(w.signed(w.doctor, w.health, w.record(w.health), in(s), longAgo, func(e *ledger.Event) {
		e.Number, e.Prev = written.Number+1, written.Hash
	}))[0]
	late.LogTime, late.Control = written.LogTime, written.Control
	refused(t, w.state.Fold(late), ledger.ErrConflict, "moved on")
	late = w.place(w.signed(w.doctor, w.health, w.record(w.health), in(s)))[0]
	late.LogTime = written.LogTime
	refused(t, w.state.Fold(late), ledger.ErrInvalid, "earlier than the event before it")

	// A grant that claims to be old gives no right before it: the session that was refused stays so.
	early := w.signed(w.node, w.access, w.opened(w.nurse, w.health, ledger.OpRead, w.newTerm()))
	refused(t, w.try(early), ledger.ErrInvalid, "not in force")
	w.grant(w.health, "nurse@city-hospital", false)
	refused(t, w.try(early), ledger.ErrInvalid, "not in force")

	// A removal that claims to be later than it is helps nobody either.
	city := ledger.AuthorityChain("city-hospital")
	w.say(w.hospital, city, &ledger.RepresentativeRemoved{GID: w.nurse.GID(), Attributes: []string{"nurse"}},
		func(e *ledger.Event) { e.Time = w.now.Add(ledger.ClockSkew) })
	last := w.terms[w.health][len(w.terms[w.health])-1].ID
	refused(t, w.try(w.signed(w.node, w.access, w.opened(w.nurse, w.health, ledger.OpRead, last))), ledger.ErrInvalid, "does not hold")
}

// No claimed time, no old control position and no order of the authority's own events brings back what was taken away.
func TestAttack44_BackdatedAttributes(t *testing.T) {
	w := newWorld(t)
	city := ledger.AuthorityChain("city-hospital")
	doctor := policy.Attribute{Name: "doctor", Authority: "city-hospital"}
	longAgo := func(e *ledger.Event) { e.Time = time.UnixMilli(1) }
	s := w.open(w.doctor, w.health, ledger.OpWrite, w.byDoctor)
	before := w.state.Position()
	head, _ := w.state.Head(w.health)
	w.say(w.hospital, city, &ledger.RepresentativeRemoved{GID: w.doctor.GID(), Attributes: []string{"doctor"}}, longAgo)
	w.say(w.hospital, city, &ledger.AttributeVersioned{Name: "doctor", Version: 2}, longAgo)
	none := func(what string) {
		t.Helper()
		if w.state.Holds(w.doctor.GID(), doctor) {
			t.Errorf("%s: the removed one holds it", what)
		}
	}
	none("removed long ago, by its claim")
	for _, version := range []uint32{1, 2} {
		refused(t, w.try(w.signed(w.hospital, city, w.issued(w.hospital, w.doctor, "doctor", version), longAgo)), ledger.ErrInvalid, "is not enrolled")
	}
	// Judged by a position before the removal, on the authority's chain: that would go back.
	old := must(ledger.NewEntry(must(w.signed(w.hospital, city, w.issued(w.hospital, w.doctor, "doctor", 1)).Marshal()), w.now, before))
	refused(t, w.state.Fold(old), ledger.ErrInvalid, "not valid")
	// And on the patient's chain, which has gone on since.
	w.say(w.patient, w.health, w.start(w.health))
	late := w.place(w.signed(w.doctor, w.health, w.record(w.health), in(s), longAgo))[0]
	late.Control = before
	refused(t, w.state.Fold(late), ledger.ErrInvalid, "goes back")
	// Before the new epoch too, a record that names the old position stands behind nothing: the place is taken.
	late = w.place(w.signed(w.doctor, w.health, w.record(w.health), in(s), func(e *ledger.Event) { e.Number, e.Prev = head.Number+1, head.Hash }))[0]
	late.Control, late.LogTime = before, head.LogTime
	refused(t, w.state.Fold(late), ledger.ErrConflict, "moved on")
	none("at the end")
	// Who stays is issued the old version once more: it opens old wraps and counts for no verdict.
	w.say(w.hospital, city, &ledger.RepresentativeEnrolled{GID: w.doctor.GID(), Attributes: []string{"doctor"}}, longAgo)
	w.say(w.hospital, city, w.issued(w.hospital, w.doctor, "doctor", 1), longAgo)
	none("enrolled again, with the old version")
}

func TestAttack45_GapForkReorder(t *testing.T) {
	w := busy(t)
	replay := func(log [][]*ledger.Entry) (failed []error) {
		s := ledger.NewState(w.root.GID(), ledger.WholeLog)
		for _, run := range log {
			if err := s.Fold(run...); err != nil {
				failed = append(failed, err)
			}
		}
		if len(failed) == 0 && !s.Equal(w.state) {
			t.Error("another log passes for this one")
		}
		return failed
	}
	if failed := replay(w.log); failed != nil {
		t.Fatal(failed)
	}
	control := slices.IndexFunc(w.log, func(run []*ledger.Entry) bool { return run[0].Chain == ledger.AuthorityChain("city-club") })
	record := slices.IndexFunc(w.log, func(run []*ledger.Entry) bool { return len(run) > 1 })
	for name, at := range map[string]int{"of a compartment": record, "of an authority": control, "at the start": 0} {
		t.Run("gap "+name, func(t *testing.T) {
			failed := replay(slices.Delete(slices.Clone(w.log), at, at+1))
			if len(failed) == 0 {
				t.Fatal("nobody notices")
			}
			refused(t, failed[0], ledger.ErrInvalid, "")
		})
	}
	t.Run("reorder on a chain", func(t *testing.T) {
		log := slices.Clone(w.log)
		log[record], log[record+1] = log[record+1], log[record]
		refused(t, replay(log)[0], ledger.ErrConflict, "moved on")
	})
	t.Run("reorder inside a run", func(t *testing.T) {
		run := slices.Clone(w.log[record])
		run[0], run[1] = run[1], run[0]
		log := slices.Clone(w.log)
		log[record] = run
		refused(t, replay(log)[0], ledger.ErrConflict, "moved on")
	})
	t.Run("control entries in another order", func(t *testing.T) {
		log := slices.Clone(w.log)
		log[0], log[1] = log[1], log[0] // two people registered at once: nothing but the positions can tell
		refused(t, replay(log)[0], ledger.ErrInvalid, "control position")
	})
	t.Run("fork", func(t *testing.T) {
		a, b := w.signed(w.patient, w.health, w.record(w.health)), w.signed(w.patient, w.health, w.record(w.health))
		w.fold(a)
		refused(t, w.try(b), ledger.ErrConflict, "moved on")
		c := w.signed(w.patient, w.health, w.record(w.health), func(e *ledger.Event) { e.Number, e.Prev = b.Number+1, ledger.HashEvent(must(b.Marshal())) })
		refused(t, w.try(c), ledger.ErrConflict, "moved on")
	})
	t.Run("an invalid entry is passed over", func(t *testing.T) {
		w.say(w.patient, w.health, w.record(w.health))
	})
}

func TestAttack62_RepeatedEventIDOrLeaf(t *testing.T) {
	w := newWorld(t)
	leaf := w.first.Body.(*ledger.RecordWritten).Content.Leaf
	reuse := func() *ledger.RecordWritten {
		b := w.record(w.health)
		b.Content.Leaf = leaf
		return b
	}
	same := func(e *ledger.Event) { e.ID = w.first.ID }
	refused(t, w.try(w.signed(w.patient, w.health, w.record(w.health), same)), ledger.ErrInvalid, "its id stands")
	refused(t, w.try(w.signed(w.patient, w.health, w.set(w.health), same)), ledger.ErrInvalid, "its id stands")
	refused(t, w.try(w.signed(w.patient, w.health, reuse())), ledger.ErrInvalid, "leaf is used")
	refused(t, w.try(w.signed(w.patient, w.health, &ledger.RecordAmended{Content: reuse().Content, Refers: w.first.ID})), ledger.ErrInvalid, "leaf is used")
	run := w.run(w.patient, w.health, 3)
	run[2].ID = run[0].ID
	w.sign(w.patient, run[2])
	refused(t, w.tryFold(w.place(run...)...), ledger.ErrInvalid, "its id stands")

	// Erased, the leaf is used for good; in a new epoch it is another leaf, and the id is still the old one.
	w.say(w.patient, w.health, w.erasure(w.first))
	refused(t, w.try(w.signed(w.patient, w.health, reuse())), ledger.ErrInvalid, "leaf is used")
	w.say(w.patient, w.health, w.start(w.health))
	refused(t, w.try(w.signed(w.patient, w.health, w.record(w.health), same)), ledger.ErrInvalid, "its id stands")
	w.say(w.patient, w.health, reuse())
	w.say(w.patient, w.training, w.record(w.training), same) // another compartment's ids are its own
}

// What JetStream says of an entry, its sequence and its time, has no part in any verdict.
func TestAttack64_RepublishedStream(t *testing.T) {
	w := busy(t)
	invalid := w.place(w.signed(w.nobody, w.health, w.record(w.health)))[0]
	w.log = append(w.log, []*ledger.Entry{invalid})
	w.say(w.patient, w.health, w.record(w.health))
	again := ledger.NewState(w.root.GID(), ledger.WholeLog)
	for _, run := range w.log {
		parsed := make([]*ledger.Entry, len(run))
		for i, e := range run {
			parsed[i] = must(ledger.ParseEntry(must(e.Marshal()))) // all that a stream keeps, and nothing of a stream
		}
		if err := again.Fold(parsed...); (err != nil) != (run[0] == invalid) {
			t.Errorf("%s: %v", run[0].Kind(), err)
		}
	}
	if !again.Equal(w.state) {
		t.Error("the verdicts have changed")
	}
}
