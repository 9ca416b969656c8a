package audit_test

import (
	"testing"

	"github.com/phrledger/phr/ledger/audit"
)

// BenchmarkRun audits a log of records, in runs of 100 and one by one.
func BenchmarkRun(b *testing.B) {
	for _, bb := range []struct {
		name       string
		runs, each int
	}{{"runs", 30, 100}, {"singles", 1000, 1}} {
		b.Run(bb.name, func(b *testing.B) {
			w := newWard(b)
			for range bb.runs {
				w.Submit(w.Sign(w.patient.Identity, none, w.patient.Health, w.patient.Records(bb.each, 900)...))
			}
			h := w.history()
			h.batch = 500
			b.ResetTimer()
			for b.Loop() {
				if r := h.audit(b, audit.Options{}); !r.Sound() {
					b.Fatal(r.Findings)
				}
			}
			b.ReportMetric(float64(len(h.entries))*float64(b.N)/b.Elapsed().Seconds(), "entries/s")
		})
	}
}
