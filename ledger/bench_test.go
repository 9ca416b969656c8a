package ledger_test

import (
	"fmt"
	"testing"

	"github.com/phrledger/phr/ledger"
)

// benchRun is a world in which a doctor is about to write, and the encoded entries of what they write.
func benchRun(b *testing.B, n int) (*world, [][]byte) {
	w := newWorld(b)
	s := w.open(w.doctor, w.health, ledger.OpWrite, w.byDoctor)
	encoded := make([][]byte, n)
	for i, e := range w.place(w.run(w.doctor, w.health, n, in(s))...) {
		encoded[i] = must(e.Marshal())
	}
	return w, encoded
}

func parsed(b *testing.B, encoded [][]byte) []*ledger.Entry {
	run := make([]*ledger.Entry, len(encoded))
	for i, data := range encoded {
		var err error
		if run[i], err = ledger.ParseEntry(data); err != nil {
			b.Fatal(err)
		}
	}
	return run
}

func perEvent(b *testing.B, n int) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/event")
}

func BenchmarkParseEntry(b *testing.B) {
	_, encoded := benchRun(b, 1)
	b.SetBytes(int64(len(encoded[0])))
	b.ReportAllocs()
	for b.Loop() {
		parsed(b, encoded)
	}
}

// BenchmarkFold judges a doctor's run in a session, with one signature for all of it.
func BenchmarkFold(b *testing.B) {
	for _, n := range []int{1, 600} {
		b.Run(fmt.Sprintf("run of %d", n), func(b *testing.B) {
			w, encoded := benchRun(b, n)
			run := parsed(b, encoded)
			b.ReportAllocs()
			for b.Loop() {
				if err := w.state.Fork().Fold(run...); err != nil {
					b.Fatal(err)
				}
			}
			perEvent(b, n)
		})
	}
}

// BenchmarkReplay is what a node does with a run at its start, and the auditor: parse, verify, fold.
func BenchmarkReplay(b *testing.B) {
	const n = 600
	w, encoded := benchRun(b, n)
	b.ReportAllocs()
	for b.Loop() {
		if err := w.state.Fork().Fold(parsed(b, encoded)...); err != nil {
			b.Fatal(err)
		}
	}
	perEvent(b, n)
}

// BenchmarkSessions folds session.opened events on a State that grows: the price of one must not grow with it.
func BenchmarkSessions(b *testing.B) {
	w := newWorld(b)
	for b.Loop() {
		w.open(w.agent, w.health, ledger.OpRead, w.byAgent)
		w.log = w.log[:0]
	}
}
