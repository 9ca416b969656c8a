package projections_test

import (
	"database/sql"
	"errors"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/phrledger/phr/crypto/canonical"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/projections"
	"github.com/phrledger/phr/projections/directory"
	"github.com/phrledger/phr/projections/disclosures"
	"github.com/phrledger/phr/projections/internal/testlog"
	"github.com/phrledger/phr/projections/timeline"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// sample is a log in which everything happens at least once that a projection should withstand.
type sample struct {
	*testlog.Log
	good, torn, garbled, newer *testlog.Patient
}

func newSample(t *testing.T) *sample {
	l := testlog.New(t)
	s := &sample{Log: l, good: l.Patient(), torn: l.Patient(), garbled: l.Patient(), newer: l.Patient()}
	hospital := l.Authority("city-hospital", ledger.Hospital, "doctor")
	doctor, stranger := l.Person(), l.Person()
	l.Enrol(hospital, doctor.GID(), "doctor", "Dr. Ada Roe")

	role := l.Grant(s.good, "doctor@city-hospital", true)
	l.GrantTo(s.good, stranger.GID())
	session := l.Open(s.good, doctor.GID(), ledger.OpWrite, role)
	first := l.AppendIn(session, doctor, s.good.Health, s.good.Records(5)...)
	content := s.good.Record(512).Content
	l.AppendIn(session, doctor, s.good.Health, &ledger.RecordAmended{Content: content, Refers: first.ID})
	l.Append(l.Node, s.good.Access, &ledger.SessionRenewed{Session: session, Expires: l.Now().Add(ledger.MaxSession).UnixMilli()})
	l.Append(l.Node, s.good.Access, &ledger.SessionClosed{Session: session, Reason: "done"})
	l.Append(l.Node, s.good.Access, &ledger.SessionRefused{
		GID: stranger.GID(), Operation: ledger.OpWrite, Compartment: ledger.Health, Reason: "no term", Count: 3,
	})
	son, medic, chief := l.Person(), l.Person(), l.Person()
	acting := l.Open(s.good, son.GID(), ledger.OpWrite, l.Proxy(s.good, son.GID()))
	l.AppendIn(acting, son, s.good.Health, s.good.Records(2)...)
	ward := l.Authority("general", ledger.Hospital, "emergency", "supervisor")
	l.Enrol(ward, medic.GID(), "emergency", "M. Medic")
	l.Enrol(ward, chief.GID(), "supervisor", "Dr. Chief")
	urgent := l.AllowEmergency(s.good, "emergency@general", "supervisor@general")
	l.BreakGlass(s.good, urgent, medic, chief)
	l.Open(s.good, medic.GID(), ledger.OpRead, urgent)
	leaf := first.Body.(*ledger.RecordWritten).Content.Leaf
	l.Append(s.good, s.good.Health, &ledger.RecordErased{
		Epoch: 1, Records: []ledger.EventID{first.ID}, Leaves: [][6]byte{leaf}, Shred: ledger.Hash{6},
	})
	l.Revoke(s.good)
	l.Store(l.Events(session, doctor, s.good.Health, s.good.Record(128))...) // the session is closed: it does not count

	l.Store(l.Events(ledger.SessionID{}, s.torn, s.torn.Health, s.torn.Records(3)...)[:2]...) // the signed one is lost
	l.Append(s.torn, s.torn.Health, s.torn.Record(64))

	l.StoreRaw(s.garbled.Health.Subject(ledger.RecordWrittenKind), []byte("garbled"))
	l.StoreRaw("no.such.thing", []byte("garbled"))
	l.Append(s.garbled, s.garbled.Health, s.garbled.Record(64))

	l.Store(critical(t, l, s.newer))
	l.Append(s.newer, s.newer.Health, s.newer.Record(64))
	l.Append(s.good, s.good.Health, s.good.Record(128))
	l.Append(hospital, hospital.Chain, &ledger.RepresentativeRemoved{GID: doctor.GID(), Attributes: []string{"doctor"}})
	l.Suspend(hospital)
	return s
}

// critical returns an event with an extension that this version does not know.
func critical(t *testing.T, l *testlog.Log, p *testlog.Patient) *ledger.Entry {
	plain := l.Events(ledger.SessionID{}, p, p.Health, p.Record(64))[0]
	plain.Extensions = map[uint64]canonical.RawMessage{7: {0xf5}}
	if err := plain.Sign(p); err != nil {
		t.Fatal(err)
	}
	raw, err := plain.Event.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	e, err := ledger.NewEntry(raw, plain.LogTime, plain.Control)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// fussy is a projection that refuses records in large buckets, after it has counted them.
type fussy struct{}

func (fussy) Name() string   { return "fussy" }
func (fussy) Schema() string { return `CREATE TABLE fussy (chain TEXT, number INTEGER)` }
func (fussy) Apply(tx *sql.Tx, e *ledger.Entry, _ projections.Place) error {
	if _, err := tx.Exec(`INSERT INTO fussy VALUES (?, ?)`, e.Chain.String(), e.Number); err != nil {
		return err
	}
	if b, ok := e.Body.(*ledger.RecordAmended); ok && b.Content.Bucket == 512 {
		return errors.New("too large for it")
	}
	return nil
}

var all = []struct {
	name        string
	projections []projections.Projection
	every       uint64 // entries between restarts
}{
	{"directory", []projections.Projection{directory.Projection{}}, 20},
	{"timeline", []projections.Projection{timeline.Projection{}}, 20},
	{"disclosures", []projections.Projection{disclosures.Projection{}}, 20},
	{"together", []projections.Projection{directory.Projection{}, timeline.Projection{}, disclosures.Projection{}}, 7},
	{"beside one that refuses", []projections.Projection{timeline.Projection{}, fussy{}}, 5},
}

func open(t *testing.T, path string, l *testlog.Log, ps []projections.Projection) *projections.Runner {
	t.Helper()
	r, err := projections.Open(t.Context(), projections.Config{Path: path, Root: l.Root.GID(), Source: l, Projections: ps})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func fingerprint(t *testing.T, r *projections.Runner) ledger.Hash {
	t.Helper()
	h, err := r.Fingerprint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// tables fills new tables from a log and returns their fingerprint and health.
func tables(t *testing.T, l *testlog.Log, ps []projections.Projection) (ledger.Hash, projections.Health) {
	t.Helper()
	r := open(t, filepath.Join(t.TempDir(), "tables"), l, ps)
	defer closeRunner(t, r)
	testlog.CatchUp(t, r, l)
	return fingerprint(t, r), health(t, r)
}

func closeRunner(t *testing.T, r *projections.Runner) {
	t.Helper()
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}

func health(t *testing.T, r *projections.Runner) projections.Health {
	t.Helper()
	h, err := r.Health(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestConformance(t *testing.T) {
	s := newSample(t)
	for _, tt := range all {
		t.Run(tt.name, func(t *testing.T) {
			want, wantHealth := tables(t, s.Log, tt.projections)
			t.Run("rebuilt from zero", func(t *testing.T) {
				r := open(t, filepath.Join(t.TempDir(), "tables"), s.Log, tt.projections)
				defer closeRunner(t, r)
				testlog.CatchUp(t, r, s.Log)
				if err := r.Rebuild(t.Context()); err != nil {
					t.Fatal(err)
				}
				if r.Position() != 0 {
					t.Errorf("rebuilding from %d", r.Position())
				}
				testlog.CatchUp(t, r, s.Log)
				if got := fingerprint(t, r); got != want {
					t.Error("the tables differ")
				}
				if got := health(t, r).Hash; got != wantHealth.Hash {
					t.Error("the state hash differs")
				}
			})
			for _, batch := range []int{1, 7} {
				l := s.Until(s.Len())
				l.Batch = batch
				if got, _ := tables(t, l, tt.projections); got != want {
					t.Errorf("in batches of %d the tables differ", batch)
				}
			}
			t.Run("restarted", func(t *testing.T) {
				path := filepath.Join(t.TempDir(), "tables")
				for n := uint64(1); n < s.Len(); n += tt.every {
					restart(t, path, s.Until(n), tt.projections)
				}
				if got := restart(t, path, s.Log, tt.projections); got != want {
					t.Error("the tables differ")
				}
			})
		})
	}
}

// restart opens the tables at path, catches up with l, and closes them.
func restart(t *testing.T, path string, l *testlog.Log, ps []projections.Projection) ledger.Hash {
	t.Helper()
	r := open(t, path, l, ps)
	defer closeRunner(t, r)
	testlog.CatchUp(t, r, l)
	return fingerprint(t, r)
}
