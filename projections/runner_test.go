package projections_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/projections"
	"github.com/phrledger/phr/projections/internal/testlog"
	"github.com/phrledger/phr/projections/timeline"
)

func TestVerdicts(t *testing.T) {
	s := newSample(t)
	r := open(t, filepath.Join(t.TempDir(), "tables"), s.Log, all[4].projections)
	defer closeRunner(t, r)
	testlog.CatchUp(t, r, s.Log)

	h := health(t, r)
	if h.Position != s.Len() || h.Last != s.Len() || h.Hash.IsZero() {
		t.Errorf("health = %+v", h)
	}
	// The doctor's late write stands on a chain that is quarantined by then, which leaves the torn run.
	if h.Rejected != 2 {
		t.Errorf("%d rejected, want 2", h.Rejected)
	}
	want := map[string]string{
		s.good.Health.String():    "too large for it",
		s.garbled.Health.String(): "malformed",
		"no.such.thing":           "malformed",
		s.newer.Health.String():   "newer version",
	}
	if len(h.Quarantined) != len(want) {
		t.Errorf("quarantined: %+v", h.Quarantined)
	}
	for _, q := range h.Quarantined {
		if reason, ok := want[q.Chain]; !ok || !strings.Contains(q.Reason, reason) {
			t.Errorf("quarantined: %+v", q)
		}
	}
	for _, tt := range []struct {
		chain ledger.Chain
		want  bool
	}{
		{s.good.Health, true},
		{s.good.Profile, true},
		{ledger.PersonChain(s.good.GID()), true},
		{s.garbled.Access, true},
		{s.newer.Health, true},
		{s.torn.Health, false},
		{ledger.AuthorityChain("city-hospital"), false},
	} {
		if got := r.Quarantined(tt.chain); got != tt.want {
			t.Errorf("Quarantined(%s) = %t", tt.chain, got)
		}
	}
	rejections, err := r.Rejected(t.Context(), s.torn.Health)
	if err != nil || len(rejections) != 2 || !strings.Contains(rejections[0].Reason, "signature") {
		t.Errorf("Rejected = %+v, %v", rejections, err)
	}
}

// A chain that is quarantined keeps what was applied before, nothing of the run that was refused, and nothing after; the
// others go on.
func TestQuarantineStopsOneChain(t *testing.T) {
	s := newSample(t)
	r := open(t, filepath.Join(t.TempDir(), "tables"), s.Log, all[4].projections)
	defer closeRunner(t, r)
	testlog.CatchUp(t, r, s.Log)
	for _, tt := range []struct {
		chain ledger.Chain
		want  int
	}{
		{s.good.Health, 2 + 4 + 5}, // made, granted twice, a run; then the one refused
		{s.torn.Health, 3},         // made, and the record after the torn run
		{s.garbled.Health, 2},      // made
		{s.newer.Health, 2},        // made
		{s.good.Access, 4 + 5},     // another chain of the same patient
		{ledger.NodeChain(s.Node.GID()), 1},
	} {
		var got int
		if err := r.DB().QueryRow(`SELECT count(*) FROM fussy WHERE chain = ?`, tt.chain.String()).Scan(&got); err != nil {
			t.Fatal(err)
		}
		if got != tt.want {
			t.Errorf("%d events of %s were applied, want %d", got, tt.chain, tt.want)
		}
	}
}

func TestWait(t *testing.T) {
	l := testlog.New(t)
	r := open(t, filepath.Join(t.TempDir(), "tables"), l, []projections.Projection{timeline.Projection{}})
	defer closeRunner(t, r)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- r.Run(ctx) }()

	for range 3 {
		p := l.Patient()
		if err := r.Wait(ctx, l.Len()); err != nil {
			t.Fatal(err)
		}
		volumes, err := timeline.New(r.DB()).Volumes(ctx, p.GID())
		if err != nil || len(volumes) != 2 {
			t.Errorf("after Wait, Volumes = %v, %v", volumes, err)
		}
	}
	if err := r.Run(ctx); err == nil {
		t.Error("Run ran twice at once")
	}
	if err := r.Rebuild(ctx); err == nil {
		t.Error("Rebuild did not mind that Run runs")
	}
	late, cancel := context.WithCancel(ctx)
	cancel()
	if err := r.Wait(late, l.Len()+1); !errors.Is(err, context.Canceled) {
		t.Errorf("Wait for what never comes = %v", err)
	}
	stop()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("Run = %v", err)
	}
}

// failing loses its database connection once, in the middle of a batch.
type failing struct {
	timeline.Projection
	at   uint64
	done *bool
}

func (f failing) Apply(tx *sql.Tx, e *ledger.Entry, at projections.Place) error {
	if at.Sequence == f.at && !*f.done {
		*f.done = true
		return sql.ErrConnDone
	}
	return f.Projection.Apply(tx, e, at)
}

func TestDatabaseFailureIsNoPoison(t *testing.T) {
	s := newSample(t)
	want, _ := tables(t, s.Log, all[1].projections)
	r := open(t, filepath.Join(t.TempDir(), "tables"), s.Log, []projections.Projection{failing{at: s.Len() - 2, done: new(bool)}})
	defer closeRunner(t, r)
	if err := r.Run(t.Context()); !errors.Is(err, sql.ErrConnDone) {
		t.Fatalf("Run = %v", err)
	}
	if h := health(t, r); h.Position != 0 || len(h.Quarantined) != 0 || h.Rejected != 0 {
		t.Errorf("half a batch is in the tables: %+v", h)
	}
	testlog.CatchUp(t, r, s.Log)
	if got := fingerprint(t, r); got != want {
		t.Error("the tables differ after a failure in the middle of a batch")
	}
}

// Tables that hold something the log does not say are made anew.
func TestAttack45_LogReplaced(t *testing.T) {
	l := testlog.New(t)
	p := l.Patient()
	short := l.Until(l.Len())
	l.Append(p, p.Health, p.Record(64))
	other := l.Until(l.Len() - 1)
	other.StoreRaw(p.Health.Subject(ledger.RecordWrittenKind), []byte("garbled"))
	ps := []projections.Projection{timeline.Projection{}}
	for name, now := range map[string]*testlog.Log{"truncated": short, "replaced": other} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "tables")
			restart(t, path, l, ps)
			want, _ := tables(t, now, ps)
			r := open(t, path, now, ps)
			defer closeRunner(t, r)
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			ended := make(chan error, 1)
			go func() { ended <- r.Run(ctx) }()
			for fingerprint(t, r) != want {
				if t.Context().Err() != nil {
					t.Fatal("not rebuilt")
				}
			}
			stop()
			<-ended
		})
	}
}

type renewed struct{ timeline.Projection }

func (r renewed) Schema() string { return r.Projection.Schema() + "-- 2\n" }

func TestChangedSchemaRebuilds(t *testing.T) {
	l := testlog.New(t)
	path := filepath.Join(t.TempDir(), "tables")
	restart(t, path, l, []projections.Projection{timeline.Projection{}})
	kept := open(t, path, l, []projections.Projection{timeline.Projection{}})
	if kept.Position() != l.Len() {
		t.Errorf("position %d after opening the same tables again", kept.Position())
	}
	closeRunner(t, kept)
	anew := open(t, path, l, []projections.Projection{renewed{}})
	defer closeRunner(t, anew)
	if anew.Position() != 0 {
		t.Errorf("position %d with another schema", anew.Position())
	}
	testlog.CatchUp(t, anew, l)
}

// Tables, with all their leftovers on disk, hold nothing of what is sealed: an erased record leaves no trace in them.
func TestAttack50_NoContentInTables(t *testing.T) {
	l := testlog.New(t)
	p := l.Patient()
	record := p.Record(1024)
	canary := bytes.Repeat([]byte("canary!!"), 8)
	copy(record.Content.Sealed[100:], canary)
	l.Append(p, p.Health, record)
	path := filepath.Join(t.TempDir(), "tables")
	r := open(t, path, l, all[3].projections)
	defer closeRunner(t, r)
	testlog.CatchUp(t, r, l)
	for _, file := range []string{path, path + "-wal"} {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(data, canary[:16]) {
			t.Errorf("%s holds sealed content", filepath.Base(file))
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the tables are %v, %v", info.Mode(), err)
	}
}

// gap is a source that loses a message.
type gap struct{ *testlog.Log }

func (g gap) Follow(ctx context.Context, from uint64, fn func([]projections.Message) error) error {
	return g.Log.Follow(ctx, from, func(batch []projections.Message) error { return fn(append(batch[:3:3], batch[4:]...)) })
}

func TestAttack45_Gap(t *testing.T) {
	l := testlog.New(t)
	r, err := projections.Open(t.Context(), projections.Config{Path: filepath.Join(t.TempDir(), "t"), Root: l.Root.GID(), Source: gap{l}})
	if err != nil {
		t.Fatal(err)
	}
	defer closeRunner(t, r)
	if err := r.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "message 5 came after 3") {
		t.Errorf("Run = %v", err)
	}
}

func TestOpenRefusesWhatIsNoDatabase(t *testing.T) {
	for _, path := range []string{t.TempDir(), filepath.Join(t.TempDir(), "no", "such", "folder")} {
		if _, err := projections.Open(t.Context(), projections.Config{Path: path}); err == nil {
			t.Errorf("opened %s", path)
		}
	}
}
