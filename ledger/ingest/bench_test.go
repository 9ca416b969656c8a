package ingest_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/internal/testnode"
	"github.com/phrledger/phr/ledger/stream"
	"github.com/phrledger/phr/ledger/stream/embedded"
)

const (
	benchRecords = 600
	benchBytes   = 900 // sealed and signed, about 1.2 KiB
)

// raw makes the n-th batch of the bytes of a submission as the log stores them, on a chain of its own.
func raw(b *testing.B, n int, events [][]byte) []stream.Message {
	b.Helper()
	messages := make([]stream.Message, len(events))
	for i, encoded := range events {
		e, err := ledger.NewEntry(encoded, time.Now(), ledger.Position{})
		if err != nil {
			b.Fatal(err)
		}
		data, err := e.Marshal()
		if err != nil {
			b.Fatal(err)
		}
		chain := fmt.Sprintf("phr.00.%d.health.", n)
		messages[i] = stream.Message{Subject: chain + "record-written", Data: data, ID: e.Hash.String(), Filter: chain + ">", Expect: i == 0}
	}
	return messages
}

// BenchmarkSubmission600 measures one submission of 600 records of about a KiB until its receipt, which says that all are on
// disk, beside a raw atomic batch of the same bytes in a server of its own. The ratio is of the two rates: a submission at
// 1 would cost nothing but the disk.
func BenchmarkSubmission600(b *testing.B) {
	n := testnode.Start(b)
	p := n.Patient()
	bare, err := embedded.Start(b.Context(), embedded.Config{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(bare.Close)
	var receipt, shown, disk time.Duration
	for i := 0; b.Loop(); i++ {
		b.StopTimer()
		events := n.Sign(p.Identity, none, p.Health, p.Records(benchRecords, benchBytes)...)
		batch := raw(b, i, events)
		b.StartTimer()
		start := time.Now()
		if _, err := n.Ingest.Submit(context.Background(), events, nil); err != nil {
			b.Fatal(err)
		}
		receipt += time.Since(start)
		n.CatchUp()
		shown += time.Since(start)
		start = time.Now()
		if _, err := bare.Ledger().Append(context.Background(), batch); err != nil {
			b.Fatal(err)
		}
		disk += time.Since(start)
	}
	rate := func(d time.Duration) float64 { return benchRecords * float64(b.N) / d.Seconds() }
	b.ReportMetric(rate(receipt), "records/s")
	b.ReportMetric(rate(shown), "shown/s")
	b.ReportMetric(rate(disk), "raw/s")
	b.ReportMetric(rate(receipt)/rate(disk), "ratio")
}

// BenchmarkSubmitters measures many patients who submit one record each at the same time, and share the writes to disk.
func BenchmarkSubmitters(b *testing.B) {
	const people = 16
	n := testnode.Start(b)
	patients := make([]*testnode.Patient, people)
	for i := range patients {
		patients[i] = n.Patient()
	}
	var spent time.Duration
	for b.Loop() {
		b.StopTimer()
		n.CatchUp()
		var events [people][][]byte
		for i, p := range patients {
			events[i] = n.Sign(p.Identity, none, p.Health, p.Records(1, benchBytes)...)
		}
		b.StartTimer()
		start := time.Now()
		var g errgroup.Group
		for _, e := range events {
			g.Go(func() error {
				_, err := n.Ingest.Submit(context.Background(), e, nil)
				return err
			})
		}
		if err := g.Wait(); err != nil {
			b.Fatal(err)
		}
		spent += time.Since(start)
	}
	b.ReportMetric(people*float64(b.N)/spent.Seconds(), "submissions/s")
}
