package stream_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/phrledger/phr/ledger/stream"
	"github.com/phrledger/phr/ledger/stream/embedded"
)

// replica is what the files of one server of a cluster hold of the ledger.
type replica struct {
	dir     string // of the stream
	entries map[uint64]string
	faults  []embedded.Fault
}

func (c *cluster) replica(i int) replica {
	c.Helper()
	r := replica{dir: filepath.Join(c.dirs[i], "jetstream", "$G", "streams", stream.LedgerName), entries: make(map[uint64]string)}
	b, err := embedded.OpenBlocks(r.dir, func(e stream.Entry) error {
		r.entries[e.Seq] = e.Subject + " " + e.ID + " " + string(e.Data)
		return nil
	})
	if err != nil {
		c.Fatal(err)
	}
	r.faults = b.Faults
	return r
}

// rotLogs flips a bit in each log by which the servers agree, which has to be found, and flips it back.
func (c *cluster) rotLogs(draw *rand.Rand) {
	c.Helper()
	found := 0
	for _, dir := range c.dirs {
		blocks, err := filepath.Glob(filepath.Join(dir, "jetstream", "$SYS", "_js_", "*", "msgs", "*.blk"))
		if err != nil {
			c.Fatal(err)
		}
		for _, block := range blocks {
			contents, err := os.ReadFile(block)
			if err != nil || len(contents) == 0 {
				continue
			}
			at := c.inMessage(block, contents, draw)
			if at < 0 {
				continue // all of it is compacted
			}
			faults := func() int {
				contents[at] ^= 1
				if err := os.WriteFile(block, contents, 0o600); err != nil {
					c.Fatal(err)
				}
				b, err := embedded.OpenBlocks(filepath.Dir(filepath.Dir(block)), func(stream.Entry) error { return nil })
				if err != nil {
					c.Fatal(err)
				}
				return len(b.Faults)
			}
			if rotten, whole := faults(), faults(); rotten == 0 || whole > 0 {
				c.Errorf("%s with a bit flipped at %d: %d faults, and %d without", block, at, rotten, whole)
			}
			found++
		}
	}
	if found == 0 {
		c.Error("there is no log")
	}
}

// inMessage draws a place in what a file holds, and not in what was compacted and is nobody's any more; -1 if it holds nothing.
func (c *cluster) inMessage(block string, contents []byte, draw *rand.Rand) int {
	c.Helper()
	var held [][]byte
	_, err := embedded.OpenBlocks(filepath.Dir(filepath.Dir(block)), func(e stream.Entry) error {
		if len(e.Data) > 8 && bytes.Contains(contents, e.Data) {
			held = append(held, e.Data)
		}
		return nil
	})
	if err != nil {
		c.Fatal(err)
	}
	if len(held) == 0 {
		return -1
	}
	data := held[draw.IntN(len(held))]
	return bytes.LastIndex(contents, data) + draw.IntN(len(data))
}

// Of three replicas one rots, in the stream or in the log by which the servers agree. The files of each server tell which one, and where,
// also while the others serve everything. Without what has rotted, it is brought up again by the others.
func TestScrubThree(t *testing.T) {
	const seed = 3
	draw := rand.New(rand.NewPCG(seed, 0))
	c := startCluster(t)
	const entries = 60
	for i := range entries {
		m := stream.Message{Subject: fmt.Sprint("phr.aa.alice.health.", i%3), Data: bytes.Repeat([]byte{byte(i)}, 100+i), ID: fmt.Sprint("id", i), Filter: "phr.aa.alice.health.>"}
		if _, err := c.ledger.Append(t.Context(), []stream.Message{m}); err != nil {
			t.Fatal(err)
		}
	}
	c.until("all entries on each", func() bool {
		for i := range c.dirs {
			if len(c.replica(i).entries) != entries {
				return false
			}
		}
		return true
	})
	c.stop()
	want := c.replica(0).entries
	for i := range c.dirs {
		if r := c.replica(i); len(r.faults) > 0 || fmt.Sprint(r.entries) != fmt.Sprint(want) {
			t.Fatalf("before anything has rotted, server %d: %v", i, r.faults)
		}
	}
	c.rotLogs(draw)
	rotten := draw.IntN(len(c.dirs))
	block := filepath.Join(c.replica(rotten).dir, "msgs", "1.blk")
	contents, err := os.ReadFile(block)
	if err != nil {
		t.Fatal(err)
	}
	at := draw.IntN(len(contents) * 9 / 10) // not at the end, which could be an entry that was being written
	contents[at] ^= 1 << draw.IntN(8)
	if err := os.WriteFile(block, contents, 0o600); err != nil {
		t.Fatal(err)
	}
	for i := range c.dirs {
		r := c.replica(i)
		if found := len(r.faults) > 0; found != (i == rotten) {
			t.Errorf("seed %d: server %d of which %d has rotted at %d: %v", seed, i, rotten, at, r.faults)
		}
		for seq, e := range r.entries {
			if e != want[seq] {
				t.Errorf("seed %d: server %d has another entry %d", seed, i, seq)
			}
		}
	}

	if err := os.Rename(filepath.Join(c.dirs[rotten], "jetstream"), filepath.Join(c.dirs[rotten], "damaged")); err != nil {
		t.Fatal(err)
	}
	c.start()
	read := 0
	c.until("all entries", func() bool {
		read = 0
		err := c.ledger.Read(t.Context(), 1, func(entries []stream.Entry) error {
			read += len(entries)
			return nil
		})
		var gap *stream.GapError
		if err != nil && !errors.As(err, &gap) {
			t.Log(err)
		}
		return read == entries && len(c.replica(rotten).entries) == entries
	})
	c.stop()
	if r := c.replica(rotten); len(r.faults) > 0 || fmt.Sprint(r.entries) != fmt.Sprint(want) {
		t.Errorf("seed %d: after it was brought up again: %v", seed, r.faults)
	}
}
