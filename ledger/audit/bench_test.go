package audit_test

import (
	"bufio"
	"cmp"
	"context"
	"crypto/ed25519"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/audit"
	"github.com/phrledger/phr/ledger/internal/testnode"
	"github.com/phrledger/phr/ledger/stream"
)

// benchmarked is how many records there are in the log of a benchmark, unless the environment says another number.
const benchmarked = 100_000

// BenchmarkRun audits a log of records by ten patients, signed once for 900, as an import is, and one by one, with a checkpoint after
// every 10,000. In between as many bare signatures are verified. PHR_AUDIT_RECORDS says how many records there are.
func BenchmarkRun(b *testing.B) {
	records, _ := strconv.Atoi(os.Getenv("PHR_AUDIT_RECORDS"))
	records = cmp.Or(records, benchmarked)
	for _, bb := range []struct {
		name string
		each int
	}{{"runs", 900}, {"singles", 1}} {
		b.Run(bb.name, func(b *testing.B) {
			l := newBigLog(b, records, bb.each)
			y := newYardstick(b)
			before := heap()
			var held float64
			for b.Loop() {
				done := uint64(0)
				between := func(n uint64) {
					b.StopTimer()
					y.verify(b, int(n-done))
					if done = n; n == l.entries {
						held = heap() - before
					}
					b.StartTimer()
				}
				if r, err := audit.Run(b.Context(), l.root, l.read, audit.Options{Now: later, Progress: between}); err != nil || !r.Sound() || r.Entries != l.entries {
					b.Fatal(r, err)
				}
			}
			b.ReportMetric(float64(l.entries)*float64(b.N)/b.Elapsed().Seconds(), "entries/s")
			b.ReportMetric(b.Elapsed().Seconds()/y.took.Seconds(), "×verify")
			b.ReportMetric(held/1e6, "MB-held")
			b.ReportMetric(held/float64(l.entries), "B/entry")
		})
	}
}

// heap returns how many bytes are in use.
func heap() float64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

// yardstick verifies bare signatures.
type yardstick struct {
	public             ed25519.PublicKey
	message, signature []byte
	took               time.Duration
}

func newYardstick(b *testing.B) *yardstick {
	b.Helper()
	public, private, err := newKey()
	if err != nil {
		b.Fatal(err)
	}
	message := make([]byte, 32)
	return &yardstick{public: public, message: message, signature: ed25519.Sign(private, message)}
}

func (y *yardstick) verify(b *testing.B, n int) {
	b.Helper()
	start := time.Now()
	for range n {
		if !ed25519.Verify(y.public, y.message, y.signature) {
			b.Fatal("a signature does not hold")
		}
	}
	y.took += time.Since(start)
}

// bigLog is a log in a file, each entry after its subject.
type bigLog struct {
	testing.TB
	root    identity.GID
	name    string
	entries uint64

	out      *bufio.Writer
	position ledger.Position
	ends     map[ledger.Chain]audit.Head
	stored   stored
	ids      uint64
	logTime  time.Time
}

// newBigLog writes a log with so many records, each of which is signed or followed by others up to one that is.
func newBigLog(t testing.TB, records, each int) *bigLog {
	t.Helper()
	w := newWard(t)
	patients := make([]*testnode.Patient, 10)
	bodies := make([]ledger.RecordWritten, len(patients))
	for i := range patients {
		patients[i] = w.Patient()
		bodies[i] = *patients[i].Record(patients[i].GID(), make([]byte, 100)).Body.(*ledger.RecordWritten)
	}
	h := w.history()
	l := &bigLog{TB: t, root: h.root, name: filepath.Join(t.TempDir(), "log"), ends: h.ends(t, len(h.entries)), logTime: w.Now()}
	w.Fold.View(func(s *ledger.State) { l.position = s.Position() })
	f, err := os.Create(l.name)
	l.must(err)
	l.out = bufio.NewWriterSize(f, 1<<20)
	for _, e := range h.entries {
		l.put(e.Subject, e.Data)
	}
	sealed, node := l.entries, ledger.NodeChain(w.Self.GID())
	for n := 0; n < records; n += each {
		p, body := patients[n/each%len(patients)], bodies[n/each%len(patients)]
		for i := range min(each, records-n) {
			binary.BigEndian.PutUint32(body.Content.Leaf[:], uint32(n+i))
			var s ledger.Signer
			if i == min(each, records-n)-1 {
				s = p
			}
			l.say(p.GID(), p.Health, s, &body)
		}
		if l.entries-sealed >= 10_000 {
			sealed = l.entries
			root, err := tlog.TreeHash(int64(sealed), l.stored)
			l.must(err)
			l.position.Hash = l.say(w.Self.GID(), node, w.Self, &ledger.Checkpoint{Size: sealed, Root: ledger.Hash(root), Map: mapOf(l.ends)})
			l.position.Count++
		}
	}
	l.must(l.out.Flush())
	l.must(f.Close())
	return l
}

func (l *bigLog) must(err error) {
	l.Helper()
	if err != nil {
		l.Fatal(err)
	}
}

// say adds an event, signed if there is somebody to sign it.
func (l *bigLog) say(author identity.GID, c ledger.Chain, s ledger.Signer, b ledger.Body) ledger.Hash {
	l.Helper()
	l.ids++
	l.logTime = l.logTime.Add(100 * time.Microsecond)
	event := &ledger.Event{Chain: c, Number: l.ends[c].Number + 1, Prev: l.ends[c].Hash, Author: author, Time: l.logTime, Body: b}
	binary.BigEndian.PutUint64(event.ID[:], l.ids)
	if s != nil {
		l.must(event.Sign(s))
	}
	raw, err := event.Marshal()
	l.must(err)
	e, err := ledger.NewEntry(raw, l.logTime, l.position)
	l.must(err)
	data, err := e.Marshal()
	l.must(err)
	l.put(e.Subject(), data)
	l.ends[c] = audit.Head{Number: e.Number, Hash: e.Hash}
	return e.Hash
}

func (l *bigLog) put(subject string, data []byte) {
	l.Helper()
	hashes, err := tlog.StoredHashes(int64(l.entries), leafOf(data), l.stored)
	l.must(err)
	l.stored = append(l.stored, hashes...)
	l.entries++
	for _, b := range [][]byte{[]byte(subject), data} {
		_, err := l.out.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(b))), b...))
		l.must(err)
	}
}

// read is a Source.
func (l *bigLog) read(_ context.Context, fn func([]stream.Entry) error) error {
	f, err := os.Open(l.name)
	if err != nil {
		return err
	}
	defer f.Close()
	in := bufio.NewReaderSize(f, 1<<20)
	next := func() []byte {
		var length [4]byte
		_, err := io.ReadFull(in, length[:])
		l.must(err)
		b := make([]byte, binary.BigEndian.Uint32(length[:]))
		_, err = io.ReadFull(in, b)
		l.must(err)
		return b
	}
	for n := uint64(0); n < l.entries; {
		batch := make([]stream.Entry, min(500, l.entries-n))
		for i := range batch {
			n++
			batch[i] = stream.Entry{Seq: n, Subject: string(next()), Data: next()}
		}
		if err := fn(batch); err != nil {
			return err
		}
	}
	return nil
}
