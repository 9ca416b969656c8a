package audit_test

import (
	"errors"
	"testing"
	"time"

	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/audit"
	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/ledger/stream"
)

// A hospital removes a doctor and moves the attribute. A writer who was kept from seeing that has wrapped a new epoch to the
// version that the removed doctor holds. A node that has seen the removal refuses it. One that was kept from seeing it too
// accepts it: the auditor says so, and calls it wrong where the node was further behind than any may be. Nothing is written in
// such an epoch by those who see, and the next one repairs it.
func TestAttack65_RemovedDoctorIsWrapped(t *testing.T) {
	for _, tt := range []struct {
		name   string
		behind time.Duration
		sound  bool
	}{
		{"a little behind", 3 * time.Second, true},
		{"kept behind", 10 * time.Minute, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWard(t)
			removed := w.Representative(w.hospital, "doctor")
			started, parts := w.patient.NextEpoch("by a writer who does not see")
			events := w.Sign(w.patient.Identity, none, w.patient.Health, started)
			var known ledger.Position
			w.Fold.View(func(s *ledger.State) { known = s.Position() })

			city := ledger.AuthorityChain("city-hospital")
			w.Say(w.hospital.Identity, city, &ledger.RepresentativeRemoved{GID: removed.GID(), Attributes: []string{"doctor"}})
			w.Say(w.hospital.Identity, city, &ledger.AttributeVersioned{Name: "doctor", Version: 2, Reason: "somebody left"})
			_, err := w.Ingest.Submit(t.Context(), events, parts)
			var told *stream.Error
			if !errors.As(err, &told) || told.Code != protocol.CodeStale {
				t.Errorf("by a node that has seen the removal: %v, want it refused as stale", err)
			}
			if r := w.audit(); !r.Sound() || len(r.Outdated) != 0 {
				t.Errorf("before: findings %+v, outdated %+v", r.Findings, r.Outdated)
			}

			w.Clock.Advance(tt.behind)
			w.accept(known, events[0], parts)
			r := w.history().audit(w, audit.Options{Now: w.Now})
			if r.Sound() != tt.sound || !tt.sound && (len(r.Findings) != 1 || r.Findings[0].Problem != audit.Behind) {
				t.Errorf("findings %+v, want it sound: %v", r.Findings, tt.sound)
			}
			if len(r.Outdated) != 1 || r.Outdated[0].Attribute != "doctor@city-hospital" || r.Outdated[0].Named != 1 || r.Outdated[0].InForce != 2 ||
				r.Outdated[0].Epoch != 2 || r.Outdated[0].Behind < tt.behind {
				t.Errorf("outdated %+v", r.Outdated)
			}

			_, err = w.Ingest.Submit(t.Context(), w.Sign(w.patient.Identity, none, w.patient.Health, w.patient.Record(w.patient.GID(), []byte("x"))), nil)
			if !errors.As(err, &told) || told.Code != protocol.CodeStale {
				t.Errorf("writing in it: %v, want it refused as stale", err)
			}
			started, parts = w.patient.NextEpoch("by a writer who sees")
			w.Submit(w.Sign(w.patient.Identity, none, w.patient.Health, started), parts...)
			w.Say(w.patient.Identity, w.patient.Health, w.patient.Record(w.patient.GID(), []byte("y")))
			if r := w.history().audit(w, audit.Options{Now: w.Now}); len(r.Outdated) != 1 || r.Sound() != tt.sound {
				t.Errorf("after: findings %+v, outdated %+v", r.Findings, r.Outdated)
			}
		})
	}
}

// accept appends an event with its parts as a node does that knows the log up to a position.
func (w *ward) accept(known ledger.Position, encoded []byte, parts []protocol.PartData) {
	w.Helper()
	e, err := ledger.NewEntry(encoded, w.Now(), known)
	if err != nil {
		w.Fatal(err)
	}
	data, err := e.Marshal()
	if err != nil {
		w.Fatal(err)
	}
	w.RaceRaw(stream.Message{Subject: e.Subject(), Data: data, ID: e.Hash.String(), Filter: e.Chain.Filter()})
	w.CatchUp()
	if f := w.Head(e.Chain); f.Hash != e.Hash {
		w.Fatalf("the log goes on to event %d without it", f.Number)
	}
}
