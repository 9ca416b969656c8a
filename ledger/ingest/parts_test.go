package ingest_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/ingest"
	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/ledger/stream"
)

// stored returns the subjects of the parts there are.
func (w *ward) stored() []string {
	w.Helper()
	var subjects []string
	err := w.Ledger().Parts(w.Context(), "key.>", func(p stream.Part) error {
		subjects = append(subjects, p.Subject)
		return nil
	})
	if err != nil {
		w.Fatal(err)
	}
	slices.Sort(subjects)
	return subjects
}

// partAt names a part of the patient's health compartment.
func (w *ward) partAt(p protocol.PartData) string {
	return ledger.PartSubject(w.patient.Health, p.Epoch, p.Name, hashOf(p.Data))
}

// A rotation that is not what it says is refused before any of its parts is stored: the wrong author, epoch or policy, parts
// that are missing, too many, garbage, swapped, or those of another's rotation.
func TestAttack47_ForgedRotation(t *testing.T) {
	w := newWard(t)
	insurer := w.Authority("acme-insurance", ledger.Insurer, "agent")
	agent := w.Representative(insurer, "agent")
	reading := w.patient.Grant("agent@acme-insurance", false)
	session := w.Open(agent, w.patient, ledger.OpRead, reading)
	writer := w.Open(w.doctor, w.patient, ledger.OpWrite, w.term)
	before := w.stored()

	started, parts := w.patient.NextEpoch("by one rotator")
	crossed, crossedParts := w.patient.NextEpoch("by another, who calls it the third")
	change := func(change func(*ledger.EpochStarted, []protocol.PartData)) (*ledger.EpochStarted, []protocol.PartData) {
		b, data := *started, slices.Clone(parts)
		b.Parts = slices.Clone(b.Parts)
		change(&b, data)
		return &b, data
	}
	// Parts: owner, shred, and a wrap for each of two terms.
	garbage, garbageData := change(func(b *ledger.EpochStarted, data []protocol.PartData) {
		data[2].Data = []byte("not a wrap")
		b.Parts[2].Hash = hashOf(data[2].Data)
	})
	swapped, swappedData := change(func(b *ledger.EpochStarted, data []protocol.PartData) {
		data[2].Data, data[3].Data = data[3].Data, data[2].Data
		b.Parts[2].Hash, b.Parts[3].Hash = b.Parts[3].Hash, b.Parts[2].Hash
	})
	skipping, skippingData := change(func(b *ledger.EpochStarted, data []protocol.PartData) {
		b.Epoch += 1
		for i := range data {
			data[i].Epoch++
		}
	})
	missingTerm, missingTermData := change(func(b *ledger.EpochStarted, _ []protocol.PartData) { b.Parts = b.Parts[:3] })
	widened, widenedData := change(func(b *ledger.EpochStarted, _ []protocol.PartData) {
		b.Parts[3].Expression = "agent@acme-insurance or doctor@city-hospital"
	})
	otherEpoch, otherEpochData := change(func(_ *ledger.EpochStarted, data []protocol.PartData) { data[0].Epoch++ })
	otherChain, otherChainData := change(func(_ *ledger.EpochStarted, data []protocol.PartData) { data[0].Chain = w.patient.Profile.String() })
	noChain, noChainData := change(func(_ *ledger.EpochStarted, data []protocol.PartData) { data[0].Chain = "nowhere" })
	patient := w.sign
	for _, tt := range []struct {
		name   string
		events [][]byte
		parts  []protocol.PartData
		code   string
	}{
		{"by a reader", w.Sign(agent.Identity, session.ID(), w.patient.Health, started), parts, protocol.CodeInvalid},
		{"by a stranger", w.Sign(w.Stranger(), none, w.patient.Health, started), parts, protocol.CodeInvalid},
		{"e+2", patient(skipping), skippingData, protocol.CodeStale},
		{"garbage for a wrap", patient(garbage), garbageData, protocol.CodeInvalid},
		{"swapped wraps", patient(swapped), swappedData, protocol.CodeInvalid},
		{"a term without a wrap", patient(missingTerm), missingTermData[:3], protocol.CodeStale},
		{"a wrap for another policy", patient(widened), widenedData, protocol.CodeInvalid},
		{"a part missing", patient(started), parts[1:], protocol.CodeInvalid},
		{"a part too many", patient(started), slices.Concat(parts, []protocol.PartData{{Chain: parts[0].Chain, Epoch: 2, Name: "more", Data: []byte("x")}}), protocol.CodeInvalid},
		{"parts that nothing names", patient(w.note("x")), parts[:1], protocol.CodeStale},
		{"a part of another epoch", patient(otherEpoch), otherEpochData, protocol.CodeInvalid},
		{"a part of another chain", patient(otherChain), otherChainData, protocol.CodeInvalid},
		{"a part of no chain", patient(noChain), noChainData, protocol.CodeBad},
		{"with another rotator's parts", patient(started), crossedParts, protocol.CodeInvalid},
		{"another rotator's, with these parts", patient(crossed), parts, protocol.CodeStale},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := w.Ingest.Submit(t.Context(), tt.events, tt.parts)
			wantCode(t, err, tt.code)
			if after := w.stored(); !slices.Equal(after, before) {
				t.Error("parts were stored")
			}
		})
	}
	// The doctor, who may write, may rotate.
	w.Submit(w.Sign(w.doctor.Identity, writer.ID(), w.patient.Health, started), parts...)
	if after := w.stored(); len(after) != len(before)+len(parts) {
		t.Errorf("%d parts are stored, want %d", len(after)-len(before), len(parts))
	}
}

// Of a submission, the parts are stored before the events. A crash in between leaves parts that nobody names: the same
// submission may come again, and without it they are collected after an hour, and nothing else is.
func TestCrashBetweenPartsAndEvents(t *testing.T) {
	w := newWard(t)
	started, parts := w.patient.NextEpoch("the second")
	events := w.sign(started)
	named := w.stored()
	var orphans []stream.Part
	for _, p := range parts {
		orphans = append(orphans, stream.Part{Subject: w.partAt(p), Data: p.Data})
	}
	lost := stream.Part{Subject: ledger.PartSubject(w.patient.Health, 7, ledger.PartLink, hashOf([]byte("lost"))), Data: []byte("lost")}
	if err := w.Ledger().PutParts(t.Context(), append(orphans, lost)...); err != nil {
		t.Fatal(err)
	}
	w.Crash()
	if n, err := w.Ingest.Collect(t.Context()); n != 0 || err != nil {
		t.Fatalf("Collect = %d, %v before an hour is over", n, err)
	}
	w.Clock.Advance(2 * time.Hour)
	w.Submit(events, parts...)
	if n, err := w.Ingest.Collect(t.Context()); n != 1 || err != nil {
		t.Errorf("Collect = %d, %v; want 1", n, err)
	}
	want := append(named, subjects(orphans)...)
	slices.Sort(want)
	if got := w.stored(); !slices.Equal(got, want) {
		t.Errorf("stored are\n%v, want\n%v", got, want)
	}
}

// A node that has just started does not take for orphans what it has not read of yet.
func TestCollectAfterRestart(t *testing.T) {
	w := newWard(t)
	before := w.stored()
	w.Clock.Advance(2 * time.Hour)
	for range 3 {
		w.Restart()
		if n, err := w.Ingest.Collect(t.Context()); n != 0 || err != nil {
			t.Fatalf("Collect = %d, %v", n, err)
		}
	}
	if after := w.stored(); !slices.Equal(after, before) {
		t.Errorf("%d parts are left of %d", len(after), len(before))
	}
}

func subjects(parts []stream.Part) []string {
	all := make([]string, len(parts))
	for i, p := range parts {
		all[i] = p.Subject
	}
	return all
}

// The key state that an erasure replaces is gone when the receipt comes; what a crash kept from being erased is collected.
func TestErasureDestroysTheOldKeyState(t *testing.T) {
	w := newWard(t)
	record := w.note("to be forgotten")
	w.Submit(w.sign(record))
	shredAt := func() (subject string) {
		w.Fold.View(func(s *ledger.State) {
			f, _ := s.Compartment(w.patient.Health)
			p, _ := f.Epoch.Part(ledger.PartShred)
			subject = ledger.PartSubject(w.patient.Health, f.Epoch.Number, p.Name, p.Hash)
		})
		return subject
	}
	old := shredAt()
	data, err := w.Ledger().Part(t.Context(), old)
	if err != nil {
		t.Fatal(err)
	}
	events, parts := w.patient.Erasing(record)
	w.Submit(events, parts...)
	if _, err := w.Ledger().Part(t.Context(), old); !errors.Is(err, stream.ErrNotFound) {
		t.Errorf("the old key state is there: %v", err)
	}
	if _, err := w.Ledger().Part(t.Context(), shredAt()); err != nil {
		t.Error(err)
	}
	if err := errors.Join(w.Ingest.Erased(t.Context()), w.Ledger().PutParts(t.Context(), stream.Part{Subject: old, Data: data})); err != nil {
		t.Fatal(err)
	}
	w.Clock.Advance(2 * time.Hour)
	if n, err := w.Ingest.Collect(t.Context()); n != 1 || err != nil {
		t.Errorf("Collect = %d, %v; want 1", n, err)
	}
}

// wraps returns the subjects of the wraps that are stored, by epoch.
func (w *ward) wraps(epoch uint32) (subjects []string) {
	w.Helper()
	of := ledger.PartSubject(w.patient.Health, epoch, ledger.WrapName(w.term), ledger.Hash{})
	of = strings.TrimSuffix(of, ledger.Hash{}.String())
	for _, subject := range w.stored() {
		if strings.HasPrefix(subject, of) {
			subjects = append(subjects, subject)
		}
	}
	return subjects
}

// erased waits until the wraps of an epoch are gone.
func (w *ward) erased(epoch uint32) {
	w.Helper()
	for len(w.wraps(epoch)) > 0 {
		if err := w.Context().Err(); err != nil {
			w.Fatalf("the wraps of epoch %d are left: %v", epoch, err)
		}
	}
}

// The wraps of an epoch go after what made them useless: the patient's own next epoch, or the patient's word for another's. All
// other parts stay.
func TestOldWrapsAreErased(t *testing.T) {
	w := newWard(t)
	first := w.stored()
	started, parts := w.patient.NextLinked("the patient's")
	w.Submit(w.sign(started), parts...)
	w.erased(1)
	if got, want := len(w.stored()), len(first)-1+len(parts); got != want {
		t.Errorf("%d parts are stored, want %d", got, want)
	}

	writer := w.Open(w.doctor, w.patient, ledger.OpWrite, w.term)
	started, parts = w.patient.NextLinked("the doctor's")
	w.Submit(w.Sign(w.doctor.Identity, writer.ID(), w.patient.Health, started), parts...)
	if left := w.wraps(2); len(left) != 1 {
		t.Errorf("%d wraps are left of the second epoch, before the patient has seen the third", len(left))
	}
	w.Submit(w.sign(&ledger.EpochConfirmed{Epoch: 3}))
	w.erased(2)
	if left := w.wraps(3); len(left) != 1 {
		t.Errorf("%d wraps are left of the third epoch, want 1", len(left))
	}
}

// What a crash keeps from being erased is collected when the node starts, however young it is, and nothing else is.
func TestOldWrapsAreCollected(t *testing.T) {
	w := newWard(t)
	old := w.wraps(1)
	data, err := w.Ledger().Part(t.Context(), old[0])
	if err != nil {
		t.Fatal(err)
	}
	started, parts := w.patient.NextLinked("the patient's")
	w.Submit(w.sign(started), parts...)
	w.erased(1)
	left := w.stored()
	if err := w.Ledger().PutParts(t.Context(), stream.Part{Subject: old[0], Data: data}); err != nil {
		t.Fatal(err)
	}
	w.Crash()
	if _, err := w.Ingest.Collect(t.Context()); err != nil { // unless it has done so by itself
		t.Error(err)
	}
	if got := w.stored(); !slices.Equal(got, left) {
		t.Errorf("stored are\n%v, want\n%v", got, left)
	}
}

// A node that does not see what the log holds accepts nothing, and says so before long: it can't know who was removed since.
func TestAttack65_NodeThatIsBehind(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	started, parts := w.patient.NextLinked("by a writer who does not see")
	events := w.sign(started)
	before := w.stored()
	blind := ingest.New(ingest.Config{Ledger: w.Ledger(), Fold: ingest.NewFold(w.Root.GID(), nil), Node: w.Self, Sessions: w.Desk, Now: w.Now})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- blind.Run(ctx) }()
	defer func() {
		cancel()
		<-done
	}()
	_, err := blind.Submit(t.Context(), events, parts)
	wantCode(t, err, protocol.CodeBusy)
	if after := w.stored(); !slices.Equal(after, before) {
		t.Error("parts were stored, or erased")
	}
	w.Submit(events, parts...)
}
