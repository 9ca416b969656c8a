package ingest_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/ingest"
	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/ledger/stream"
)

// where returns the files of the node in which some bytes stand.
func (w *ward) where(what []byte) (files []string) {
	w.Helper()
	err := filepath.WalkDir(w.Dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		contents, err := os.ReadFile(path)
		if bytes.Contains(contents, what) {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		w.Fatal(err)
	}
	return files
}

// keep returns every part of the patient's health compartment that is stored.
func (w *ward) keep() []stream.Part {
	w.Helper()
	var all []stream.Part
	filter := "key.*." + w.patient.Health.Owner + ".health.>"
	err := w.Ledger().Parts(w.Context(), filter, func(p stream.Part) error {
		all = append(all, p)
		return nil
	})
	if err != nil {
		w.Fatal(err)
	}
	return all
}

// No byte of the key state that an erasure replaces is in any file of the node when the receipt comes.
func TestAttack50_OldKeyStateIsOverwritten(t *testing.T) {
	w := newWard(t)
	record := w.note("to be forgotten")
	w.Submit(w.sign(record))
	var old []stream.Part
	for _, p := range w.keep() {
		if bytes.Contains([]byte(p.Subject), []byte(".shred.")) {
			old = append(old, p)
		}
	}
	if len(old) != 1 || len(w.where(old[0].Data)) == 0 {
		t.Fatalf("%d key states, which stand in %q", len(old), w.where(old[0].Data))
	}
	events, parts := w.patient.Erasing(record)
	w.Submit(events, parts...)
	if files := w.where(old[0].Data[len(old[0].Data)-40:]); len(files) > 0 {
		t.Errorf("the old key state stands in %q", files)
	}
	if files := w.where(parts[0].Data); len(files) == 0 {
		t.Error("the new one does not")
	}
}

// Every part of every epoch goes with a compartment, and nothing of another one.
func TestCompartmentErasureDestroysItsKeys(t *testing.T) {
	w := newWard(t)
	other := w.Patient()
	w.Submit(w.sign(w.note("first")))
	started, parts := w.patient.NextLinked("the second")
	w.Submit(w.sign(started), parts...)
	keys := w.keep()
	others := func() []string {
		return slices.DeleteFunc(w.stored(), func(subject string) bool { return bytes.Contains([]byte(subject), []byte(w.patient.Health.Owner)) })
	}
	before := others()
	if len(keys) < 6 {
		t.Fatalf("%d parts are stored", len(keys))
	}
	w.Submit(w.sign(&ledger.CompartmentErased{Reason: "moved"}))
	if left := w.keep(); len(left) > 0 {
		t.Errorf("%d parts are left", len(left))
	}
	if left := others(); len(left) == 0 || !slices.Equal(left, before) {
		t.Errorf("of others' parts %q are left, of %q", left, before)
	}
	for _, p := range keys {
		if files := w.where(p.Data[len(p.Data)-40:]); len(files) > 0 {
			t.Errorf("%s stands in %q", p.Subject, files)
		}
	}
	_, err := w.Ingest.Submit(t.Context(), w.sign(w.note("late")), nil)
	wantCode(t, err, protocol.CodeInvalid)
	if head := w.Head(other.Health); head.Number == 0 {
		t.Error("another patient's is gone")
	}
}

// If a node crashes between the event and the deletion, or another one accepted it, the log says what is to go: the next
// start erases it, however young it is.
func TestCrashBetweenErasureAndDeletion(t *testing.T) {
	w := newWard(t)
	record := w.note("to be forgotten")
	w.Submit(w.sign(record))
	before := w.keep()
	events, parts := w.patient.Erasing(record)
	put := func(parts ...stream.Part) {
		t.Helper()
		if err := w.Ledger().PutParts(t.Context(), parts...); err != nil {
			t.Fatal(err)
		}
	}
	fresh := stream.Part{Subject: w.partAt(parts[0]), Data: parts[0].Data}
	put(fresh)
	w.Halt()
	w.Append(events)
	w.Restart()
	if err := w.Ingest.Erased(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, p := range before {
		_, err := w.Ledger().Part(t.Context(), p.Subject)
		if gone := bytes.Contains([]byte(p.Subject), []byte(".shred.")); gone != errors.Is(err, stream.ErrNotFound) {
			t.Errorf("%s: %v", p.Subject, err)
		}
	}
	if _, err := w.Ledger().Part(t.Context(), fresh.Subject); err != nil {
		t.Errorf("the new key state: %v", err)
	}

	w.Halt()
	w.Append(w.sign(&ledger.CompartmentErased{}))
	if len(w.keep()) == 0 {
		t.Fatal("nothing is left to erase")
	}
	w.Restart()
	if err := w.Ingest.Erased(t.Context()); err != nil || len(w.keep()) > 0 {
		t.Errorf("%d parts are left: %v", len(w.keep()), err)
	}
}

// What another node accepted is erased by this one too, while it runs.
func TestErasureByAnotherNode(t *testing.T) {
	w := newWard(t)
	second := w.Second()
	record := w.note("to be forgotten")
	w.Submit(w.sign(record))
	old := w.keep()
	events, parts := w.patient.Erasing(record)
	if err := w.Ledger().PutParts(t.Context(), stream.Part{Subject: w.partAt(parts[0]), Data: parts[0].Data}); err != nil {
		t.Fatal(err)
	}
	w.Race(events)
	for _, in := range []*ingest.Ingest{w.Ingest, second} {
		if err := in.Erased(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	left := slices.DeleteFunc(w.keep(), func(p stream.Part) bool {
		return !slices.ContainsFunc(old, func(o stream.Part) bool { return o.Subject == p.Subject })
	})
	if len(left) != len(old)-1 {
		t.Errorf("%d of %d parts are left", len(left), len(old))
	}
}

// An old key state that somebody puts back is not what the log names: nobody is given it, and it is collected.
func TestAttack61_KeyStatePutBack(t *testing.T) {
	w := newWard(t)
	record := w.note("to be forgotten")
	w.Submit(w.sign(record))
	before := w.keep()
	events, parts := w.patient.Erasing(record)
	w.Submit(events, parts...)
	i := slices.IndexFunc(before, func(p stream.Part) bool { return bytes.Contains([]byte(p.Subject), []byte(".shred.")) })
	old := stream.Part{Subject: before[i].Subject, Data: before[i].Data}
	if err := errors.Join(w.Ingest.Erased(t.Context()), w.Ledger().PutParts(t.Context(), old)); err != nil {
		t.Fatal(err)
	}
	w.Fold.View(func(s *ledger.State) {
		f, _ := s.Compartment(w.patient.Health)
		if p, _ := f.Epoch.Part(ledger.PartShred); p.Hash != sha256.Sum256(parts[0].Data) {
			t.Error("the log names another key state than the newest")
		}
	})
	// Nor can an event name it again.
	b := &ledger.RecordErased{Epoch: 1, Records: []ledger.EventID{record.ID}, Leaves: [][6]byte{{}}, Shred: sha256.Sum256(old.Data)}
	_, err := w.Ingest.Submit(t.Context(), w.sign(b), []protocol.PartData{{Chain: w.patient.Health.String(), Epoch: 1, Name: ledger.PartShred, Data: old.Data}})
	wantCode(t, err, protocol.CodeInvalid)
	w.Clock.Advance(2 * time.Hour)
	if n, err := w.Ingest.Collect(t.Context()); n != 1 || err != nil {
		t.Errorf("Collect = %d, %v; want 1", n, err)
	}
}
