package ingest_test

import (
	"slices"
	"sync"
	"testing"

	"github.com/phrledger/phr/crypto/canonical"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/ingest"
	"github.com/phrledger/phr/ledger/internal/testnode"
	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/ledger/stream"
)

// marks returns how often each event is marked in the log.
func (w *ward) marks() map[ledger.Hash]int {
	w.Helper()
	marks := make(map[ledger.Hash]int)
	for _, e := range parse(w, w.Entries()) {
		if b, ok := e.Body.(*ledger.Rejected); ok {
			marks[b.Event]++
		}
	}
	return marks
}

// An entry that another node appended at the same time, and that does not count, changes nothing, is listed, and is marked
// on the node's chain, once, also if the node was restarted in between.
func TestRejectedEntriesAreMarkedOnce(t *testing.T) {
	w := newWard(t)
	loser := w.sign(w.note("in one second"), w.note("and another"))
	w.Submit(w.sign(w.note("faster")))
	before := w.Head(w.patient.Health)
	w.Race(loser)
	want := []ledger.Hash{ledger.HashEvent(loser[0]), ledger.HashEvent(loser[1])}
	w.until(func() bool { m := w.marks(); return m[want[0]] > 0 && m[want[1]] > 0 })
	for range 2 {
		if got := w.Head(w.patient.Health); got != before {
			t.Errorf("the chain moved from %d to %d", before.Number, got.Number)
		}
		if got := w.Fold.Rejected(w.patient.Health); !slices.Equal(got, want) {
			t.Errorf("rejected are %v, want %v", got, want)
		}
		w.Submit(w.sign(w.note("the chain goes on")))
		if m := w.marks(); m[want[0]] != 1 || m[want[1]] != 1 || len(m) != 2 {
			t.Errorf("marks: %v", m)
		}
		w.Restart()
		before = w.Head(w.patient.Health)
	}
	if len(w.Fold.Rejected(w.patient.Profile)) != 0 {
		t.Error("another chain has rejected entries")
	}
}

// What is marked once never counts later, even where it would be the next: a mark names an event.
func TestMarkedNeverCounts(t *testing.T) {
	w := newWard(t)
	both := w.sign(w.note("the first"))
	head := ledger.Head{Number: w.number() + 1, Hash: ledger.HashEvent(both[0])}
	early := w.SignAfter(head, w.patient.Identity, none, w.patient.Health, w.note("the second, which came too early"))
	raced := w.messages(early)
	raced[0].ID = "forgotten by the stream, as every id is after a while"
	w.RaceRaw(raced...)
	w.until(func() bool { return w.marks()[ledger.HashEvent(early[0])] == 1 })
	w.Submit(both)
	_, err := w.Ingest.Submit(t.Context(), early, nil)
	wantCode(t, err, protocol.CodeConflict)
	w.Submit(w.sign(w.note("signed again")))
}

// However much of the log lies between an entry that does not count and its mark, a restart marks nothing again.
func TestMarkFarBehind(t *testing.T) {
	w := newWard(t)
	loser := w.sign(w.note("late"))
	w.Submit(w.sign(w.note("faster")))
	w.Halt()
	w.RaceRaw(w.messages(loser)...)
	head := w.Head(w.patient.Health)
	for range 2 {
		many := w.SignAfter(head, w.patient.Identity, none, w.patient.Health, w.patient.Records(600, 10)...)
		w.RaceRaw(w.messages(many)...)
		head = ledger.Head{Number: head.Number + 600, Hash: ledger.HashEvent(many[599])}
	}
	for range 2 {
		w.Restart()
		w.until(func() bool { return w.marks()[ledger.HashEvent(loser[0])] > 0 })
		w.Submit(w.sign(w.note("the chain goes on"))) // whatever the node has to say is said by then
	}
	if m := w.marks(); m[ledger.HashEvent(loser[0])] != 1 || len(m) != 1 {
		t.Errorf("marks: %v", m)
	}
}

// Of two events for one place that come over two nodes at the same time, one is given a receipt, and it counts.
func TestTwoNodes(t *testing.T) {
	w := newWard(t)
	second := w.Second()
	for round := range 25 {
		events := [][][]byte{w.sign(w.note("here"), w.note("and more")), w.sign(w.note("there"))}
		errs := make([]error, 2)
		var wg sync.WaitGroup
		for i, in := range []*ingest.Ingest{w.Ingest, second} {
			wg.Go(func() { _, errs[i] = in.Submit(t.Context(), events[i], nil) })
		}
		wg.Wait()
		w.CatchUp()
		winner := slices.Index(errs, nil)
		if winner < 0 {
			t.Fatalf("round %d: nobody was given a receipt: %v", round, errs)
		}
		wantCode(t, errs[1-winner], protocol.CodeConflict)
		if last := events[winner][len(events[winner])-1]; w.Head(w.patient.Health).Hash != ledger.HashEvent(last) {
			t.Fatalf("round %d: what was given a receipt does not count", round)
		}
	}
	if got := w.Fold.Rejected(w.patient.Health); len(got) != 0 {
		t.Errorf("%d entries do not count", len(got))
	}
}

// What was not marked before a crash is marked after it.
func TestMarkedAfterRestart(t *testing.T) {
	w := newWard(t)
	loser := w.sign(w.note("late"))
	w.Submit(w.sign(w.note("faster")))
	w.Halt()
	w.RaceRaw(w.messages(loser)...)
	w.Restart()
	w.until(func() bool { return w.marks()[ledger.HashEvent(loser[0])] == 1 })
}

// messages are events as another node appends them.
func (w *ward) messages(events [][]byte) []stream.Message {
	w.Helper()
	var position ledger.Position
	w.Fold.View(func(s *ledger.State) { position = s.Position() })
	messages := make([]stream.Message, len(events))
	for i, encoded := range events {
		e, err := ledger.NewEntry(encoded, w.Now(), position)
		if err != nil {
			w.Fatal(err)
		}
		data, err := e.Marshal()
		if err != nil {
			w.Fatal(err)
		}
		messages[i] = stream.Message{Subject: e.Subject(), Data: data, ID: e.Hash.String(), Filter: e.Chain.Filter()}
	}
	return messages
}

// What this version of phr can't read closes its owner's record, and nobody else's. What follows it is not judged.
func TestQuarantine(t *testing.T) {
	w := newWard(t)
	other := w.Patient()
	reader := w.Open(w.doctor, w.patient, ledger.OpRead, w.term)
	events := w.critical(7)
	_, err := w.Ingest.Submit(t.Context(), events, nil)
	wantCode(t, err, protocol.CodeInvalid)
	if w.Fold.Closed(w.patient.Health) != nil {
		t.Fatal("closed by an event that is not in the log")
	}
	next := w.sign(w.note("the next"))
	w.Race(events)
	w.Race(w.SignAfter(ledger.Head{Number: w.number() + 1, Hash: ledger.HashEvent(events[0])}, w.patient.Identity, none, w.patient.Health, w.note("what follows")))
	check := func() {
		t.Helper()
		for _, c := range []ledger.Chain{w.patient.Health, w.patient.Access, w.patient.Profile} {
			if w.Fold.Closed(c) == nil {
				t.Errorf("%s is not closed", c.Compartment)
			}
		}
		if err := w.Fold.Closed(other.Health); err != nil {
			t.Error(err)
		}
		_, err := w.Ingest.Submit(t.Context(), next, nil)
		wantCode(t, err, protocol.CodeInvalid)
		w.Submit(w.Sign(other.Identity, none, other.Health, other.Record(other.GID(), []byte("goes on"))))
		if got := w.Fold.Rejected(w.patient.Health); len(got) != 0 {
			t.Errorf("rejected: %v", got)
		}
	}
	check()
	_, err = testnode.Ask[protocol.Parts](w.Node, reader.Conn, protocol.KeyParts(w.patient.Health), protocol.PartsQuery{Epoch: 1, Names: []string{ledger.PartShred}})
	wantCode(t, err, protocol.CodeRefused)
	w.Restart()
	check()
	if m := w.marks(); len(m) != 0 {
		t.Errorf("marks: %v", m)
	}
}

// critical makes an event of the patient with an extension that is not known.
func (w *ward) critical(key uint64) [][]byte {
	w.Helper()
	e, err := ledger.ParseEvent(w.sign(w.note("from the future"))[0])
	if err != nil {
		w.Fatal(err)
	}
	e.Extensions = map[uint64]canonical.RawMessage{key: {0x01}}
	if err := e.Sign(w.patient.Identity); err != nil {
		w.Fatal(err)
	}
	encoded, err := e.Marshal()
	if err != nil {
		w.Fatal(err)
	}
	return [][]byte{encoded}
}

// An extension that may be passed over is.
func TestUncriticalExtension(t *testing.T) {
	w := newWard(t)
	w.Submit(w.critical(8))
}

// Bytes that are no entry, or lie where no reader looks for them, close the record of the owner whose subject they are under.
func TestUnreadableEntries(t *testing.T) {
	w := newWard(t)
	other := w.Patient()
	next := w.sign(w.note("for another chain"))
	misplaced := w.messages(next)[0]
	misplaced.Subject, misplaced.ID, misplaced.Filter = other.Health.Subject(ledger.RecordWrittenKind), "misplaced", other.Health.Filter()
	w.RaceRaw(misplaced)
	w.RaceRaw(stream.Message{Subject: w.hospital.Chain.Subject(ledger.KeyIssuedKind), Data: []byte("garbage"), ID: "garbage", Filter: w.hospital.Chain.Filter()})
	w.CatchUp()
	for _, c := range []ledger.Chain{other.Health, w.hospital.Chain} {
		if w.Fold.Closed(c) == nil {
			t.Errorf("%s is not closed", c)
		}
	}
	_, err := w.Ingest.Submit(t.Context(), w.Sign(w.hospital.Identity, none, w.hospital.Chain, &ledger.AttributeDefined{Name: "nurse"}), nil)
	wantCode(t, err, protocol.CodeInvalid)
	w.Submit(next)
}

// Nobody's stale head costs anybody else: while another node appends to one chain as fast as it can, submissions to that
// one may meet a conflict, and those to others, in the same batches, never fail.
func TestAttack63_StaleSubmissionInGroup(t *testing.T) {
	w := newWard(t)
	const rounds, people = 12, 6
	others := make([]*testnode.Patient, people)
	for i := range others {
		others[i] = w.Patient()
	}
	// What the other node appends never counts: it stands where the chain has been already.
	var rival []stream.Message
	for range rounds * 6 {
		created := w.SignAfter(ledger.Head{}, w.patient.Identity, none, w.patient.Health, &ledger.CompartmentCreated{Class: ledger.HealthClass})
		rival = append(rival, w.messages(created)...)
	}
	conflicts := 0
	for round := range rounds {
		var wg sync.WaitGroup
		wg.Go(func() {
			for _, m := range rival[round*6 : round*6+6] {
				w.RaceRaw(m)
			}
		})
		for _, p := range others {
			events := w.Sign(p.Identity, none, p.Health, p.Record(p.GID(), []byte("mine")))
			wg.Go(func() {
				if _, err := w.Ingest.Submit(t.Context(), events, nil); err != nil {
					t.Errorf("somebody else's submission: %v", err)
				}
			})
		}
		stale := w.sign(w.note("in a hurry"))
		wg.Go(func() {
			_, err := w.Ingest.Submit(t.Context(), stale, nil)
			if err != nil {
				wantCode(t, err, protocol.CodeConflict)
				conflicts++
			}
		})
		wg.Wait()
		w.CatchUp()
	}
	t.Logf("%d of %d met a conflict", conflicts, rounds)
	// Two for one place in one batch: the first counts, the second is told.
	a, b := w.sign(w.note("a")), w.sign(w.note("b"))
	errs := make([]error, 2)
	var wg sync.WaitGroup
	for i, events := range [][][]byte{a, b} {
		wg.Go(func() { _, errs[i] = w.Ingest.Submit(t.Context(), events, nil) })
	}
	wg.Wait()
	if (errs[0] == nil) == (errs[1] == nil) {
		t.Fatalf("both or none of two for one place: %v", errs)
	}
	if err := errs[0]; err != nil {
		wantCode(t, err, protocol.CodeConflict)
	} else {
		wantCode(t, errs[1], protocol.CodeConflict)
	}
}

// After a conflict an author signs the same sealed record again. Whoever captured both submissions, the node above all, gets
// one of them into the log at most, and no second ciphertext under its key.
func TestAttack60_TwoCapturedSubmissions(t *testing.T) {
	w := newWard(t)
	record := w.note("sealed once")
	first := w.sign(record)
	w.Submit(w.sign(w.note("somebody was faster")))
	_, err := w.Ingest.Submit(t.Context(), first, nil)
	wantCode(t, err, protocol.CodeConflict)
	second := w.sign(record)
	w.Submit(second)

	events := make([]*ledger.Event, 2)
	for i, encoded := range [][]byte{first[0], second[0]} {
		if events[i], err = ledger.ParseEvent(encoded); err != nil {
			t.Fatal(err)
		}
	}
	a, b := events[0].Body.(*ledger.RecordWritten).Content, events[1].Body.(*ledger.RecordWritten).Content
	if events[0].ID != events[1].ID || a.Leaf != b.Leaf || !slices.Equal(a.Sealed, b.Sealed) {
		t.Error("it was sealed a second time for the same key")
	}
	_, err = w.Ingest.Submit(t.Context(), first, nil)
	wantCode(t, err, protocol.CodeConflict)
	w.Race(first)
	_, err = w.Ingest.Submit(t.Context(), w.sign(record), nil) // as if signed a third time
	wantCode(t, err, protocol.CodeInvalid)
	counted := 0
	rejected := w.Fold.Rejected(w.patient.Health)
	for _, e := range parse(t, w.Entries()) {
		if e.ID == record.ID && !slices.Contains(rejected, e.Hash) {
			counted++
		}
	}
	if counted != 1 {
		t.Errorf("the event counts %d times", counted)
	}
}

// An id or a leaf that was used is refused, over the service, in the submission that repeats it and in one to come.
func TestAttack62_RepeatedIDOrLeaf(t *testing.T) {
	w := newWard(t)
	s := w.Login(&w.patient.Person)
	subject := protocol.Ingest(w.patient.Health)
	used := w.note("used")
	w.committed(s.Conn, subject, w.sign(used))
	sameID, sameLeaf := w.note("with its id"), w.note("with its leaf")
	sameID.ID = used.ID
	content := &sameLeaf.Body.(*ledger.RecordWritten).Content
	content.Leaf = used.Body.(*ledger.RecordWritten).Content.Leaf
	fresh := w.note("fresh")
	twice := w.note("with the id of the one before")
	twice.ID = fresh.ID
	for name, events := range map[string][][]byte{
		"id": w.sign(sameID), "leaf": w.sign(sameLeaf), "id within": w.sign(fresh, twice),
	} {
		_, err := w.send(s.Conn, subject, &protocol.Submission{Events: events})
		t.Log(name)
		wantCode(t, err, protocol.CodeInvalid)
	}
	w.Restart()
	_, err := w.Ingest.Submit(t.Context(), w.sign(sameLeaf), nil)
	wantCode(t, err, protocol.CodeInvalid)
	w.Submit(w.sign(fresh))
}
