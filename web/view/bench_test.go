package view_test

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/projections/chart/fhir"
	"github.com/phrledger/phr/web/view"
)

// weights are readings of a scale, one a day.
func weights(n int) []byte {
	var b bytes.Buffer
	for i := range n {
		fmt.Fprintf(&b, `{"resourceType":"Observation","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"29463-7"}],"text":"Body weight, café"},`+
			`"category":[{"coding":[{"code":"vital-signs"}]}],"effectiveDateTime":"%s","valueQuantity":{"value":%d.5,"unit":"kg"}}`+"\n",
			time.Date(2000, 1, 1, 8, 0, 0, 0, time.UTC).AddDate(0, 0, i).Format(time.RFC3339), 60+i%30)
	}
	return b.Bytes()
}

// filled returns a patient with a record of so many readings.
func (w *world) filled(n int) *someone {
	w.t.Helper()
	p := w.patient("Maria")
	var plan client.Plan
	must(w.t, plan.Add("weights", bytes.NewReader(weights(n)), ""))
	_, err := p.Client.Import(w.ctx, p.GID(), &plan, nil)
	must(w.t, err)
	return p
}

// A search among 10,000 rows, beside sorting as many.
func BenchmarkTimeline(b *testing.B) {
	w := newWorld(b)
	p := w.filled(10_000)
	p.runs()
	all := call[view.Timeline](p, "timeline", view.TimelineQuery{})
	for len(p.events) > 0 {
		<-p.events
	}
	b.Run("query", func(b *testing.B) {
		for b.Loop() {
			got, err := p.View.Timeline(b.Context(), view.TimelineQuery{Text: "CAFE 77.5", Limit: 50})
			if err != nil || got.Total != 333 {
				b.Fatalf("%d rows, %v", got.Total, err)
			}
		}
	})
	b.Run("yardstick=sorting", func(b *testing.B) {
		for b.Loop() {
			rows := slices.Clone(all.Rows)
			slices.SortFunc(rows, func(a, b view.Row) int { return cmp.Compare(a.ID, b.ID) })
		}
	})
}

// A patient's first screen with 600 records, from a connection on, beside reading the same records from a file.
func BenchmarkToday(b *testing.B) {
	w := newWorld(b)
	p := w.filled(600)
	b.Run("today", func(b *testing.B) {
		for b.Loop() {
			again := w.at(p.Home())
			if got, err := again.View.Today(b.Context(), view.Nothing{}); err != nil || len(got.Trends) != 1 {
				b.Fatal(err)
			}
			again.Client.Close()
		}
	})
	b.Run("yardstick=reading", func(b *testing.B) {
		file := weights(600)
		for b.Loop() {
			entries, err := fhir.ReadAll(bytes.NewReader(file), fhir.Limits{})
			if err != nil {
				b.Fatal(err)
			}
			for _, e := range entries {
				if _, err := fhir.Describe(e.Raw); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
}
