package stream_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/phrledger/phr/ledger/stream"
	"github.com/phrledger/phr/ledger/stream/embedded"
)

// errEnough ends a Follow from its function.
var errEnough = errors.New("enough")

func TestFollow(t *testing.T) {
	for _, tt := range []struct {
		name    string
		from    uint64
		filters []string
		want    []uint64 // sequences; 1-3 alice's health, 4-5 bob's, 6 alice's training
	}{
		{"everything", 0, nil, []uint64{1, 2, 3, 4, 5, 6}},
		{"from the middle", 4, nil, []uint64{4, 5, 6}},
		{"from the end", 7, nil, nil},
		{"one chain", 1, []string{aliceHealth}, []uint64{1, 2, 3}},
		{"two chains", 3, []string{aliceTraining, aliceHealth}, []uint64{3, 6}},
		{"one kind", 1, []string{"phr.*.*.training.record-written"}, []uint64{6}},
		{"an empty chain", 1, []string{"id.>"}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := start(t, t.TempDir()).Ledger()
			appendAll(t, l, append(run(aliceHealth, 0, 3, 0), run(bobHealth, 0, 2, 0)...)...)
			appendAll(t, l, message(aliceTraining, 0, 0))
			var got []uint64
			err := l.Follow(t.Context(), tt.from, tt.filters, func(entries []stream.Entry, pending uint64) error {
				for _, e := range entries {
					got = append(got, e.Seq)
				}
				if want := uint64(len(tt.want) - len(got)); pending != want {
					t.Errorf("pending %d, want %d", pending, want)
				}
				if pending == 0 {
					return errEnough
				}
				return nil
			})
			if !errors.Is(err, errEnough) {
				t.Errorf("ended with %v", err)
			}
			if len(got) != len(tt.want) {
				t.Fatalf("got %v, want %v", got, tt.want)
			}
			for i := range got {
				if got[i] != tt.want[i] {
					t.Fatalf("got %v, want %v", got, tt.want)
				}
			}
		})
	}
}

func TestFollowTails(t *testing.T) {
	l := start(t, t.TempDir()).Ledger()
	appendAll(t, l, message(aliceHealth, 0, 0))
	ctx, cancel := context.WithCancel(t.Context())
	seen := make(chan uint64)
	ended := make(chan error)
	go func() {
		ended <- l.Follow(ctx, 1, nil, func(entries []stream.Entry, _ uint64) error {
			for _, e := range entries {
				seen <- e.Seq
			}
			return nil
		})
	}()
	for want := uint64(1); want < 20; want++ {
		if got := <-seen; got != want {
			t.Fatalf("got entry %d, want %d", got, want)
		}
		appendAll(t, l, message(aliceHealth, int(want), want))
	}
	<-seen
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("ended with %v", err)
	}
}

func TestReadEmpty(t *testing.T) {
	l := start(t, t.TempDir()).Ledger()
	if all := readAll(t, l); len(all) != 0 {
		t.Errorf("an empty ledger has %d entries", len(all))
	}
}

// More than one pull takes, in number and in bytes.
func TestReadMuch(t *testing.T) {
	s := start(t, t.TempDir())
	l := s.Ledger()
	var seq uint64
	for n, size := range map[int]int{2500: 10, 60: 400 << 10} {
		msgs := run(aliceHealth, 10_000+n, n, seq)
		for i := range msgs {
			msgs[i].Data = make([]byte, size)
		}
		for len(msgs) > 0 {
			k := min(len(msgs), stream.MaxBatch)
			msgs[0].LastSeq, msgs[0].Expect = seq, true
			seq = appendAll(t, l, msgs[:k]...)
			msgs = msgs[k:]
		}
	}
	if n := len(readAll(t, l)); n != 2560 {
		t.Errorf("read %d entries, want 2560", n)
	}
	if err := l.CreateConsumer(t.Context(), stream.Consumer{Name: "c1", Filter: aliceHealth}); err != nil {
		t.Fatal(err)
	}
	var fetched int
	c := dial(t, s, mint(t, s, "alice", reader, time.Minute).user())
	err := c.Fetch(t.Context(), "c1", func(entries []stream.Entry, _ uint64) error {
		fetched += len(entries)
		return nil
	})
	if err != nil || fetched != 2560 {
		t.Errorf("fetched %d entries, want 2560: %v", fetched, err)
	}
}

func TestReadStopsWithItsFunction(t *testing.T) {
	l := start(t, t.TempDir()).Ledger()
	appendAll(t, l, run(aliceHealth, 0, 3, 0)...)
	if err := l.Read(t.Context(), 1, func([]stream.Entry) error { return errEnough }); !errors.Is(err, errEnough) {
		t.Errorf("ended with %v", err)
	}
}

// Entries that were acknowledged and are no longer there are noticed, whoever reads.
func TestGap(t *testing.T) {
	for _, tt := range []struct {
		name    string
		size    int // bytes of each of 20 entries; a block holds 8 MiB
		entry   string
		index   bool // the server finds the index it wrote when it stopped, and believes it
		from    uint64
		filters []string
		want    stream.GapError
	}{
		{"an entry can't be read", 10, "entry 5 of", true, 1, nil, stream.GapError{Want: 6, Got: 7, Last: 20}},
		{"of one chain", 10, "entry 5 of", true, 1, []string{aliceHealth}, stream.GapError{Last: 20, Missing: 1}},
		{"the newest of one chain", 10, "entry 19 of", true, 1, []string{aliceHealth}, stream.GapError{Last: 19, Missing: 1}},
		{"the rest of a block is lost", 450 << 10, "entry 5 of", false, 1, nil, stream.GapError{Want: 6, Got: 19, Last: 20}},
		{"also to other chains", 450 << 10, "entry 5 of", false, 1, []string{bobHealth}, stream.GapError{Want: 6, Got: 19, Last: 20}},
		{"the end is lost", 10, "entry 5 of", false, 8, nil, stream.GapError{Want: 8, Last: 5}},
		{"the end is lost to one chain", 10, "entry 5 of", false, 8, []string{aliceHealth}, stream.GapError{Want: 8, Last: 5}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			s, err := embedded.Start(t.Context(), embedded.Config{Dir: dir})
			if err != nil {
				t.Fatal(err)
			}
			msgs := run(aliceHealth, 0, 20, 0)
			for i := range msgs {
				msgs[i].Data = append(msgs[i].Data, make([]byte, tt.size)...)
			}
			appendAll(t, s.Ledger(), msgs...)
			s.Close()
			flip(t, dir, tt.entry, tt.index)

			err = start(t, dir).Ledger().Follow(t.Context(), tt.from, tt.filters, ignore)
			var gap *stream.GapError
			if !errors.As(err, &gap) {
				t.Fatalf("following ended with %v", err)
			}
			// Last is what had arrived when the hole was seen, when the stream's own state does not tell.
			if gap.Last = max(gap.Last, tt.want.Last); *gap != tt.want {
				t.Errorf("gap %+v, want %+v", *gap, tt.want)
			}
		})
	}
}

// flip changes one bit of an entry on disk.
func flip(t *testing.T, dir, entry string, keepIndex bool) {
	t.Helper()
	flipped := false
	for _, path := range files(t, dir, "LEDGER") {
		switch {
		case strings.HasSuffix(path, ".blk"):
			block, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			i := bytes.Index(block, []byte(entry))
			if i < 0 {
				continue
			}
			block[i] ^= 1
			flipped = true
			if err := os.WriteFile(path, block, 0o600); err != nil {
				t.Fatal(err)
			}
		case strings.HasSuffix(path, "index.db") && !keepIndex:
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		}
	}
	if !flipped {
		t.Fatalf("%q is not on disk", entry)
	}
}

// files lists the files below a node's directory whose path names a stream.
func files(t testing.TB, dir, name string) (paths []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.Contains(path, "/"+name+"/") {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

func TestRestartKeepsEverything(t *testing.T) {
	dir := t.TempDir()
	s, err := embedded.Start(t.Context(), embedded.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	appendAll(t, s.Ledger(), run(aliceHealth, 0, 100, 0)...)
	if err := s.Ledger().PutParts(t.Context(), stream.Part{Subject: "key.aa.alice.health.1.owner.h", Data: []byte("k")}); err != nil {
		t.Fatal(err)
	}
	before, guest := readAll(t, s.Ledger()), s.Guest()
	s.Close()

	s = start(t, dir)
	after := readAll(t, s.Ledger())
	if len(after) != len(before) {
		t.Fatalf("%d entries after the restart, %d before", len(after), len(before))
	}
	for i := range after {
		if after[i].ID != before[i].ID || !bytes.Equal(after[i].Data, before[i].Data) {
			t.Errorf("entry %d changed", after[i].Seq)
		}
	}
	if k, err := s.Ledger().Part(t.Context(), "key.aa.alice.health.1.owner.h"); err != nil || string(k) != "k" {
		t.Errorf("part is %q, %v", k, err)
	}
	if s.Guest() == guest {
		t.Error("the guest's key was kept; nobody should be able to hold it")
	}
	appendAll(t, s.Ledger(), message(aliceHealth, 100, 100))
}
