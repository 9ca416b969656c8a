package stream_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/phrledger/phr/ledger/stream"
)

func TestAppendAndRead(t *testing.T) {
	l := start(t, t.TempDir()).Ledger()
	if got := appendAll(t, l, message(aliceHealth, 0, 0)); got != 1 {
		t.Errorf("first entry at %d, want 1", got)
	}
	msgs := append(run(aliceHealth, 1, 3, 1), run(bobHealth, 0, 2, 0)...)
	if got := appendAll(t, l, msgs...); got != 6 {
		t.Errorf("batch ends at %d, want 6", got)
	}
	want := append([]stream.Message{message(aliceHealth, 0, 0)}, msgs...)
	got := readAll(t, l)
	if len(got) != len(want) {
		t.Fatalf("read %d entries, want %d", len(got), len(want))
	}
	for i, e := range got {
		w := want[i]
		if e.Seq != uint64(i+1) || e.Subject != w.Subject || e.ID != w.ID || string(e.Data) != string(w.Data) {
			t.Errorf("entry %d is %d %s %q", i, e.Seq, e.Subject, e.Data)
		}
	}
	if last, err := l.LastSeq(t.Context()); err != nil || last != 6 {
		t.Errorf("LastSeq = %d, %v; want 6", last, err)
	}
	head, err := l.Last(t.Context(), aliceHealth)
	if err != nil || head.Seq != 4 || head.ID != aliceHealth+"3" {
		t.Errorf("head of alice's chain is %d %q, %v", head.Seq, head.ID, err)
	}
	if head, err := l.Last(t.Context(), aliceTraining); err != nil || head.Seq != 0 {
		t.Errorf("head of an empty chain is %d, %v", head.Seq, err)
	}
}

func TestAppendRefusals(t *testing.T) {
	l := start(t, t.TempDir()).Ledger()
	appendAll(t, l, run(aliceHealth, 0, 2, 0)...)
	other := func(m stream.Message, data string) stream.Message { m.Data = []byte(data); return m }
	for _, tt := range []struct {
		name string
		msgs []stream.Message
		want error // nil: any
	}{
		{"stale head", []stream.Message{message(aliceHealth, 2, 1)}, stream.ErrConflict},
		{"head from the future", []stream.Message{message(aliceHealth, 2, 9)}, stream.ErrConflict},
		{"not the first of its chain", []stream.Message{message(aliceHealth, 2, 0)}, stream.ErrConflict},
		{"stale head in a batch", run(aliceHealth, 2, 3, 1), stream.ErrConflict},
		{"one stale head of two", append(run(bobHealth, 0, 2, 0), message(aliceHealth, 2, 1)), stream.ErrConflict},
		{"same id, other bytes", []stream.Message{other(message(aliceHealth, 1, 2), "x")}, stream.ErrDuplicate},
		{"same id, other bytes, in a batch", []stream.Message{message(bobHealth, 0, 0), other(follower(aliceHealth, 1), "x")}, stream.ErrDuplicate},
		{"one id stored, one new", []stream.Message{message(aliceHealth, 2, 2), follower(aliceHealth, 1)}, stream.ErrDuplicate},
		{"one id twice", []stream.Message{message(bobHealth, 0, 0), follower(bobHealth, 0)}, stream.ErrDuplicate},
		{"nothing", nil, nil},
		{"too many", run(bobHealth, 0, stream.MaxBatch+1, 0), nil},
		{"no id", []stream.Message{{Subject: "phr.bb.bob.health.x", Data: []byte("x")}}, nil},
		{"two heads for one chain", []stream.Message{message(bobHealth, 0, 0), message(bobHealth, 1, 0)}, nil},
		{"no stream listens", []stream.Message{{Subject: "other.subject", ID: "x"}}, nil},
		{"the other stream listens", []stream.Message{{Subject: "key.aa.alice.health.1.owner.h", ID: "x"}}, nil},
		{"too large", []stream.Message{other(message(bobHealth, 0, 0), string(make([]byte, 2<<20)))}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := l.Append(t.Context(), tt.msgs)
			if err == nil || tt.want != nil && !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
			if n := len(readAll(t, l)); n != 2 {
				t.Errorf("%d entries, want the 2 from before", n)
			}
		})
	}
}

// An acknowledgement may be lost, or the process may end before it comes. Appending the same again must find out.
func TestAppendAgain(t *testing.T) {
	for _, n := range []int{1, 2, 50} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			s := start(t, t.TempDir())
			msgs := run(aliceHealth, 0, n, 0)
			want := appendAll(t, s.Ledger(), msgs...)
			if got := appendAll(t, s.Ledger(), msgs...); got != want {
				t.Errorf("second append ends at %d, want %d", got, want)
			}
			appendAll(t, s.Ledger(), append(run(bobHealth, 0, 3, 0), message(aliceHealth, n, want))...)
			if got := appendAll(t, s.Ledger(), msgs...); got != want {
				t.Errorf("after others, it ends at %d, want %d", got, want)
			}
		})
	}
}

func TestAppendLargeBatch(t *testing.T) {
	l := start(t, t.TempDir()).Ledger()
	msgs := run(aliceHealth, 0, 60, 0)
	for i := range msgs {
		msgs[i].Data = make([]byte, 450<<10) // 26 MiB: more than one request's worth of flow control
		msgs[i].Data[0] = byte(i)
	}
	appendAll(t, l, msgs...)
	for i, e := range readAll(t, l) {
		if len(e.Data) != 450<<10 || e.Data[0] != byte(i) {
			t.Fatalf("entry %d has %d bytes", e.Seq, len(e.Data))
		}
	}
}

// However many write to one chain, each head is taken once.
func TestAppendRace(t *testing.T) {
	l := start(t, t.TempDir()).Ledger()
	const writers, each = 8, 5
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				for {
					head, err := l.Last(t.Context(), aliceHealth)
					if err != nil {
						t.Error(err)
						return
					}
					_, err = l.Append(t.Context(), []stream.Message{message(aliceHealth, 100*w+i, head.Seq)})
					if err == nil {
						break
					}
					if !errors.Is(err, stream.ErrConflict) {
						t.Error(err)
						return
					}
				}
			}
		})
	}
	wg.Wait()
	if n := len(readAll(t, l)); n != writers*each {
		t.Errorf("%d entries, want %d", n, writers*each)
	}
}

// The yardstick: what the stream can take, in entries a second, with every acknowledgement meaning the disk has it.
func BenchmarkAppend(b *testing.B) {
	for _, n := range []int{1, 10, 100, 1000} {
		b.Run(fmt.Sprintf("batch=%d", n), func(b *testing.B) {
			l := start(b, b.TempDir()).Ledger()
			data := make([]byte, 1024)
			var seq uint64
			total := 0
			for b.Loop() {
				msgs := run(aliceHealth, total, n, seq)
				for i := range msgs {
					msgs[i].Data = data
				}
				seq = appendAll(b, l, msgs...)
				total += n
			}
			b.ReportMetric(float64(total)/b.Elapsed().Seconds(), "entries/s")
		})
	}
}

func BenchmarkRead(b *testing.B) {
	l := start(b, b.TempDir()).Ledger()
	var seq uint64
	const total = 10_000
	for i := 0; i < total; i += stream.MaxBatch {
		seq = appendAll(b, l, run(aliceHealth, i, stream.MaxBatch, seq)...)
	}
	for b.Loop() {
		if n := len(readAll(b, l)); n != total {
			b.Fatalf("read %d", n)
		}
	}
	b.ReportMetric(float64(total*b.N)/b.Elapsed().Seconds(), "entries/s")
}
