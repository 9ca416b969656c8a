package audit_test

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/audit"
	"github.com/phrledger/phr/ledger/internal/testnode"
	"github.com/phrledger/phr/ledger/stream"
)

// none is the session of those who need none.
var none ledger.SessionID

// ward is a node with a hospital, an insurer, and a patient who lets one write and the other read.
type ward struct {
	*testnode.Node
	hospital, insurer *testnode.Authority
	doctor, agent     *testnode.Person
	patient           *testnode.Patient
	write, read       ledger.TermID
}

func newWard(t testing.TB) *ward {
	t.Helper()
	w := &ward{Node: testnode.Start(t)}
	w.hospital = w.Authority("city-hospital", ledger.Hospital, "doctor")
	w.insurer = w.Authority("acme-insurance", ledger.Insurer, "agent")
	w.doctor, w.agent = w.Representative(w.hospital, "doctor"), w.Representative(w.insurer, "agent")
	w.patient = w.Patient()
	w.write = w.patient.Grant("doctor@city-hospital", true)
	w.read = w.patient.Grant("agent@acme-insurance", false)
	return w
}

// audit audits the log of the ward as it is.
func (w *ward) audit() *audit.Report {
	w.Helper()
	return w.history().audit(w, audit.Options{})
}

func (w *ward) history() *history { return &history{root: w.Root.GID(), entries: w.Entries()} }

// history is a log, for changing it in ways no node would.
type history struct {
	root    identity.GID
	entries []stream.Entry
	batch   int // delivered at once; 0 is seven
}

// eventful is a sound log in which something of every kind has happened.
var eventful struct {
	sync.Once
	history
	erased ledger.EventID
}

func anEventfulLog(t testing.TB) *history {
	t.Helper()
	eventful.Do(func() {
		w := newWard(t)
		other := w.Patient()
		forgotten := w.patient.Record(w.patient.GID(), []byte("to be forgotten"))
		w.Say(w.patient.Identity, w.patient.Health, forgotten)
		w.Say(w.patient.Identity, w.patient.Health, w.patient.Records(6, 200)...)
		s := w.Open(w.doctor, w.patient, ledger.OpWrite, w.write)
		w.Submit(w.Sign(w.doctor.Identity, s.ID(), w.patient.Health, w.patient.Record(w.doctor.GID(), []byte("seen"))))
		late := w.Sign(other.Identity, none, other.Health, other.Record(other.GID(), []byte("late")))
		w.Say(other.Identity, other.Health, other.Record(other.GID(), []byte("faster")))
		w.Race(late)
		w.mustSay(w.patient.Access, &ledger.SessionClosed{Session: s.ID(), Reason: "done"})
		events, parts := w.patient.Erasing(forgotten)
		w.Submit(events, parts...)
		w.patient.Revoke()
		w.Say(w.patient.Identity, w.patient.Health, w.patient.Records(2, 200)...)
		w.mustSay(ledger.NodeChain(w.Self.GID()), &ledger.Incident{Text: "a block was repaired"})
		w.untilMarked(ledger.HashEvent(late[0]))
		eventful.history, eventful.erased = *w.history(), forgotten.ID
	})
	if eventful.entries == nil {
		t.Fatal("the log was not made")
	}
	return eventful.clone()
}

func (w *ward) mustSay(c ledger.Chain, b ledger.Body) {
	w.Helper()
	if _, err := w.Ingest.Say(w.Context(), c, b); err != nil {
		w.Fatal(err)
	}
}

func (w *ward) untilMarked(event ledger.Hash) {
	w.Helper()
	for {
		moved := w.Fold.Moved()
		for _, e := range w.history().parsed(w) {
			if b, ok := e.Body.(*ledger.Rejected); ok && b.Event == event {
				return
			}
		}
		<-moved
	}
}

func (h *history) clone() *history { return &history{root: h.root, entries: slices.Clone(h.entries)} }

// source delivers the entries.
func (h *history) source(_ context.Context, fn func([]stream.Entry) error) error {
	for batch := range slices.Chunk(h.entries, cmp.Or(h.batch, 7)) {
		if err := fn(batch); err != nil {
			return err
		}
	}
	return nil
}

func (h *history) audit(t testing.TB, o audit.Options) *audit.Report {
	t.Helper()
	r, err := audit.Run(t.Context(), h.root, h.source, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (h *history) parsed(t testing.TB) []*ledger.Entry {
	t.Helper()
	all := make([]*ledger.Entry, len(h.entries))
	for i, raw := range h.entries {
		var err error
		if all[i], err = ledger.ParseEntry(raw.Data); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// find returns the index of the n-th entry, from 0, that is as asked for.
func (h *history) find(t testing.TB, n int, is func(*ledger.Entry) bool) int {
	t.Helper()
	for i, e := range h.parsed(t) {
		if is(e) {
			if n--; n < 0 {
				return i
			}
		}
	}
	t.Fatal("no such entry")
	return 0
}

// renumber gives the entries the sequences that a new stream gives them.
func (h *history) renumber() {
	for i := range h.entries {
		h.entries[i].Seq = uint64(i) + 1
	}
}

// place puts an event into the log at an index, as a node does that has seen all before it.
func (h *history) place(t testing.TB, at int, encoded []byte) {
	t.Helper()
	before := h.parsed(t)[:at]
	var position ledger.Position
	for _, e := range before {
		if e.Chain.Control() {
			position = ledger.Position{Count: position.Count + 1, Hash: e.Hash}
		}
	}
	e, err := ledger.NewEntry(encoded, before[at-1].LogTime, position)
	if err != nil {
		t.Fatal(err)
	}
	if e.Time.After(e.LogTime) {
		e.LogTime = e.Time
	}
	data, err := e.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	h.entries = slices.Insert(h.entries, at, stream.Entry{Subject: e.Subject(), Data: data, ID: e.Hash.String()})
	h.renumber()
}

// found is a finding as a test states it.
type found struct {
	problem  audit.Problem
	sequence uint64
	further  uint64
}

func wantFindings(t testing.TB, r *audit.Report, want ...found) {
	t.Helper()
	var got []found
	for _, f := range r.Findings {
		got = append(got, found{f.Problem, f.Sequence, f.Further})
		if f.What == "" {
			t.Errorf("finding %s at %d does not say what", f.Problem, f.Sequence)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("findings\n%v, want\n%v", got, want)
		for _, f := range r.Findings {
			t.Logf("%+v", f)
		}
	}
}

// later is a clock that no log time is ahead of.
func later() time.Time { return time.Now().Add(time.Hour) }
