package projections_test

import (
	"path/filepath"
	"testing"

	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/projections"
	"github.com/phrledger/phr/projections/internal/testlog"
)

// BenchmarkRun applies 5,000 records in runs of 100, as fetched in batches of 1,000.
func BenchmarkRun(b *testing.B) {
	l := testlog.New(b)
	l.Batch = 1000
	p := l.Patient()
	const records = 5000
	for range records / 100 {
		l.AppendIn(ledger.SessionID{}, p, p.Health, p.Records(100)...)
	}
	for b.Loop() {
		r, err := projections.Open(b.Context(), projections.Config{
			Path: filepath.Join(b.TempDir(), "tables"), Root: l.Root.GID(), Source: l, Projections: all[3].projections,
		})
		if err != nil {
			b.Fatal(err)
		}
		testlog.CatchUp(b, r, l)
		if err := r.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(records*float64(b.N)/b.Elapsed().Seconds(), "records/s")
}
