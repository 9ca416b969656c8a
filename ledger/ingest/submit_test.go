package ingest_test

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/phrledger/phr/crypto/canonical"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/internal/testnode"
	"github.com/phrledger/phr/ledger/protocol"
)

func TestSubmit(t *testing.T) {
	w := newWard(t)
	before := w.number()
	receipt := w.Submit(w.sign(w.note("one"), w.note("two")))
	if !receipt.Committed || receipt.Control.Count == 0 {
		t.Errorf("receipt %+v", receipt)
	}
	if got := w.number(); got != before+2 {
		t.Errorf("the chain ends at %d, want %d", got, before+2)
	}
	last := parse(t, w.Entries())
	if e := last[len(last)-1]; e.LogTime.UnixMilli() != receipt.LogTime || e.Control != receipt.Control {
		t.Errorf("the entry has place %s %v, the receipt said %+v", e.LogTime, e.Control, receipt)
	}
}

// A submission is refused as a whole, with the code that its author acts on, and leaves nothing behind.
func TestSubmitRefused(t *testing.T) {
	w := newWard(t)
	other := w.Patient()
	signed := w.sign(w.note("a"), w.note("b"), w.note("c"))
	stale := w.note("sealed for the epoch before")
	started, parts := w.patient.NextEpoch("the second")
	w.Submit(w.sign(started), parts...)
	fresh := w.sign(w.note("d"), w.note("e"), w.note("f"))
	broken := slices.Clone(fresh)
	broken[1] = slices.Concat(broken[1], []byte{0})
	nextNote := w.note("after a gap")
	far := w.SignAfter(ledger.Head{Number: w.number() + 1, Hash: ledger.Hash{1}}, w.patient.Identity, none, w.patient.Health, nextNote)
	set := &ledger.PolicySet{}
	for _, tt := range []struct {
		name   string
		events [][]byte
		code   string
	}{
		{"nothing", nil, protocol.CodeBad},
		{"too many", slices.Repeat(fresh, 301), protocol.CodeBad},
		{"not an event", broken, protocol.CodeBad},
		{"the chain has moved on", signed, protocol.CodeConflict},
		{"not the next", far, protocol.CodeConflict},
		{"sealed for another epoch", w.sign(stale), protocol.CodeStale},
		{"cut before the signature", fresh[:2], protocol.CodeInvalid},
		{"one missing within", [][]byte{fresh[0], fresh[2]}, protocol.CodeInvalid},
		{"by somebody else", w.Sign(other.Identity, none, w.patient.Health, w.note("g")), protocol.CodeInvalid},
		{"takes access away and starts no epoch", w.sign(set), protocol.CodeInvalid},
		{"a good one and a bad one", slices.Concat(w.Sign(other.Identity, none, other.Health, other.Record(other.GID(), nil)), fresh[:2]), protocol.CodeInvalid},
		{"of a kind nobody knows", w.sign(&ledger.Unknown{Name: "record.sung", Raw: canonical.RawMessage{0xa0}}), protocol.CodeInvalid},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := len(w.Entries())
			_, err := w.Ingest.Submit(t.Context(), tt.events, nil)
			wantCode(t, err, tt.code)
			if after := len(w.Entries()); after != before {
				t.Errorf("%d entries were appended", after-before)
			}
		})
	}
	w.Submit(fresh)
}

// What a receipt was given for is on disk.
func TestReceiptSurvivesCrash(t *testing.T) {
	w := newWard(t)
	events := w.sign(w.patient.Records(100, 500)...)
	if _, err := w.Ingest.Submit(t.Context(), events, nil); err != nil {
		t.Fatal(err)
	}
	w.Crash()
	if got := w.Head(w.patient.Health).Hash; got != ledger.HashEvent(events[99]) {
		t.Error("the chain ends elsewhere after a crash")
	}
	w.Submit(w.sign(w.note("and goes on")))
}

// Submissions of many people that come at once share batches: everything in one has the same log time.
func TestGroupCommit(t *testing.T) {
	n := testnode.Start(t)
	const people = 60
	events := make([][][]byte, people)
	for i := range events {
		id := n.Stranger()
		events[i] = n.Sign(id, none, ledger.PersonChain(id.GID()), testnode.Registration(id))
	}
	receipts := make([]protocol.Receipt, people)
	var wg sync.WaitGroup
	for i := range events {
		wg.Go(func() {
			var err error
			if receipts[i], err = n.Ingest.Submit(t.Context(), events[i], nil); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	batches := make(map[ledger.Position]bool) // every batch moves the control position
	for _, r := range receipts {
		batches[r.Control] = true
	}
	if len(batches) > people/2 {
		t.Errorf("%d submissions took %d batches", people, len(batches))
	}
}

// The node says many things at once on one chain, and never has to wait for itself.
func TestSay(t *testing.T) {
	w := newWard(t)
	const words = 40
	var wg sync.WaitGroup
	for range words {
		wg.Go(func() {
			_, err := w.Ingest.Say(t.Context(), w.patient.Access, &ledger.SessionRefused{
				GID: w.doctor.GID(), Operation: ledger.OpRead, Compartment: ledger.Health, Reason: "test", Count: 1,
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got := w.Head(w.patient.Access).Number; got != words {
		t.Errorf("%d events on the chain, want %d", got, words)
	}
	_, err := w.Ingest.Say(t.Context(), w.patient.Health, &ledger.EpochConfirmed{Epoch: 1})
	wantCode(t, err, protocol.CodeInvalid)
}

// Log times and control positions never go back, whatever the order things were asked for in.
func TestPlaceIsMonotone(t *testing.T) {
	w := newWard(t)
	var wg sync.WaitGroup
	for range 4 {
		p := w.Patient()
		wg.Go(func() {
			for range 5 {
				events := w.Sign(p.Identity, none, p.Health, p.Record(p.GID(), []byte("x")))
				if _, err := w.Ingest.Submit(t.Context(), events, nil); err != nil {
					t.Error(err)
				}
				if err := w.Fold.Wait(t.Context(), w.Fold.Sequence()); err != nil {
					t.Error(err)
				}
				w.CatchUp()
			}
		})
	}
	wg.Wait()
	var last *ledger.Entry
	control := uint64(0)
	for _, e := range parse(t, w.Entries()) {
		if last != nil && (e.LogTime.Before(last.LogTime) || e.Control.Count < last.Control.Count) {
			t.Errorf("%s has place %s %d after %s %d", e.ID, e.LogTime, e.Control.Count, last.LogTime, last.Control.Count)
		}
		if e.Control.Count > control {
			t.Errorf("%s is judged by %d control entries of %d", e.ID, e.Control.Count, control)
		}
		if last = e; e.Chain.Control() {
			control++
		}
	}
}

func TestAttack43_Clocks(t *testing.T) {
	w := newWard(t)
	ahead := func(d time.Duration) [][]byte {
		events := w.sign(w.note("early"))
		e, err := ledger.ParseEvent(events[0])
		if err != nil {
			t.Fatal(err)
		}
		e.Time = w.Now().Add(d)
		if err := e.Sign(w.patient.Identity); err != nil {
			t.Fatal(err)
		}
		encoded, err := e.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		return [][]byte{encoded}
	}
	_, err := w.Ingest.Submit(t.Context(), ahead(2*time.Minute), nil)
	wantCode(t, err, protocol.CodeInvalid)
	w.Submit(ahead(30 * time.Second))

	newest := time.UnixMilli(w.Submit(w.sign(w.note("now"))).LogTime)
	w.Clock.Advance(-30 * time.Second)
	if got := time.UnixMilli(w.Submit(w.sign(w.note("with a slow clock"))).LogTime); !got.Equal(newest) {
		t.Errorf("a clock that is slow logs %s after %s", got, newest)
	}
	w.Clock.Advance(-time.Minute)
	_, err = w.Ingest.Submit(t.Context(), w.sign(w.note("with a wrong clock")), nil)
	wantCode(t, err, protocol.CodeBusy)
	w.Clock.Advance(90 * time.Second)
	w.Submit(w.sign(w.note("with the clock set")))
}

// What an author claims about the time gives nothing: terms and sessions end by log time.
func TestAttack44_BackDated(t *testing.T) {
	w := newWard(t)
	term := w.Term("doctor@city-hospital", true)
	term.Until = w.Now().Add(5 * time.Minute).UnixMilli()
	events, parts := w.patient.Granting(term)
	w.Submit(events, parts...)
	s := w.Open(w.doctor, w.patient, ledger.OpWrite, term.ID)
	backDated := func() [][]byte {
		w.Clock.Advance(-10 * time.Minute)
		defer w.Clock.Advance(10 * time.Minute)
		return w.Sign(w.doctor.Identity, s.ID(), w.patient.Health, w.patient.Record(w.doctor.GID(), []byte("said to be from before")))
	}
	w.Submit(backDated())
	w.Clock.Advance(6 * time.Minute)
	_, err := w.Ingest.Submit(t.Context(), backDated(), nil)
	wantCode(t, err, protocol.CodeInvalid) // the term has ended
	s = w.Open(w.doctor, w.patient, ledger.OpWrite, w.term)
	w.Clock.Advance(11 * time.Minute)
	_, err = w.Ingest.Submit(t.Context(), backDated(), nil)
	wantCode(t, err, protocol.CodeInvalid) // the session has
}
