package node_test

import (
	"bytes"
	"cmp"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/node"
)

// image is a node's directory to damage copies of.
type image struct {
	dir string
	holding
}

// images are made by the first test that needs them.
var images struct {
	once            sync.Once
	stopped, killed image // a node that ended in order, and one as a kill leaves it
}

// makeImages fills images.
func makeImages(t *testing.T) {
	images.once.Do(func() {
		w := newWorld(t)
		for range 6 {
			var bodies []ledger.Body
			for range 50 {
				bodies = append(bodies, &ledger.AttributeDefined{Name: fmt.Sprintf("a%d", len(bodies)+int(w.Fold().Sequence()))})
			}
			w.hospital.say(t, ledger.AuthorityChain(hospitalName), bodies)
		}
		c := w.sealed(t)
		w.kept(t, c.Size)
		was := w.holds(t)
		images.killed = image{copyNode(t, w.dir), was}
		w.stop()
		images.stopped = image{copyNode(t, w.dir), was}
	})
}

// copyNode copies the directory of a node to where it stays until the tests end.
func copyNode(t testing.TB, dir string) string {
	t.Helper()
	to, err := os.MkdirTemp(testDir, "node")
	must(t, err)
	copyTo(t, dir, to)
	return to
}

func copyTo(t testing.TB, dir, to string) {
	t.Helper()
	must(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.MkdirAll(filepath.Join(to, rel), 0o700)
		}
		contents, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), contents, 0o600)
	}))
}

// kinds are the files that rot: patterns below a node's directory.
var kinds = []struct {
	name, pattern string // of several files the one with the highest number is meant
	killed        bool   // as a kill leaves it
	silent        bool   // what rots there is made again at every start, or rests on nothing: scrubbing need not see it
}{
	{"block", "jetstream/jetstream/*/streams/LEDGER/msgs/*.blk", false, false},
	{"block after a kill", "jetstream/jetstream/*/streams/LEDGER/msgs/*.blk", true, false},
	{"index", "jetstream/jetstream/*/streams/LEDGER/msgs/index.db", false, true},
	{"meta", "jetstream/jetstream/*/streams/LEDGER/meta.inf", false, true},
	{"sum of meta", "jetstream/jetstream/*/streams/LEDGER/meta.sum", false, true},
	{"keys block", "jetstream/jetstream/*/streams/KEYS/msgs/*.blk", false, false},
	{"keys block after a kill", "jetstream/jetstream/*/streams/KEYS/msgs/*.blk", true, false},
	{"keys index", "jetstream/jetstream/*/streams/KEYS/msgs/index.db", false, true},
	{"keys meta", "jetstream/jetstream/*/streams/KEYS/meta.inf", false, true},
	{"tile", "tree/tile/0/000", false, false},
	{"last tile", "tree/tile/0/001.p/*", false, false},
	{"top tile", "tree/tile/1/000.p/*", false, false},
	{"bundle", "tree/tile/entries/000", false, false},
	{"last bundle", "tree/tile/entries/001.p/*", false, false},
	{"data", "tree/tile/data/000", false, false},
	{"last data", "tree/tile/data/001", false, false},
	{"checkpoint", "tree/checkpoint", false, false},
	{"kept checkpoint", "checkpoint", false, false},
	{"tables", "projections.db", false, true},
	{"tables after a kill", "projections.db", true, true},
	{"write-ahead log", "projections.db-wal", true, true},
	{"sum of the tables", "projections.db.sum", false, true},
}

// rots are what happens to a place in a file.
var rots = []struct {
	name string
	harm func(contents []byte, at int) []byte
}{
	{"flipped", func(b []byte, at int) []byte { b[at] ^= 0x10; return b }},
	{"truncated", func(b []byte, at int) []byte { return b[:at] }},
	{"zeroed", func(b []byte, at int) []byte { clear(b[at:min(at+200, len(b))]); return b }},
}

const rotSeed = 2

// One place rots in one file of each kind. Either all that was acknowledged is there all the same, or the damage is found, said where, and
// repaired. Nothing is ever another than it was.
func TestRotMatrix(t *testing.T) {
	makeImages(t)
	draw := rand.New(rand.NewPCG(rotSeed, 0))
	for k, kind := range kinds {
		for r, rot := range rots {
			if raceEnabled && k%len(rots) != r {
				continue // one of the three will do
			}
			from := images.stopped
			if kind.killed {
				from = images.killed
			}
			files, err := filepath.Glob(filepath.Join(from.dir, kind.pattern))
			must(t, err)
			if len(files) == 0 {
				t.Fatalf("there is no %s", kind.name)
			}
			path := slices.MaxFunc(files, func(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) })
			whole, err := os.ReadFile(path)
			must(t, err)
			if len(whole) == 0 {
				t.Fatalf("%s is empty", path)
			}
			at := draw.IntN(len(whole))
			t.Run(fmt.Sprintf("%s %s at %d, seed %d", kind.name, rot.name, at, rotSeed), func(t *testing.T) {
				t.Parallel()
				rotten := rot.harm(bytes.Clone(whole), at)
				if bytes.Equal(rotten, whole) {
					t.Skip("these were zeros")
				}
				dir := t.TempDir()
				copyTo(t, from.dir, dir)
				rel, err := filepath.Rel(from.dir, path)
				must(t, err)
				must(t, os.WriteFile(filepath.Join(dir, rel), rotten, 0o600))
				surviveRot(t, node.Config{Dir: dir}, from.holding, !kind.silent)
			})
		}
	}
}

// surviveRot checks what becomes of a node with one damage: before any start, at a start, and after a repair.
func surviveRot(t *testing.T, c node.Config, was holding, seen bool) {
	t.Helper()
	before := scrubbed(t, c)
	if seen && before.Sound() {
		t.Error("scrubbing finds nothing")
	}
	now, refused := tries(t, c)
	if lack := now.lacks(was); before.Sound() && (lack != "" || refused != nil) {
		t.Errorf("scrubbing finds nothing, and %s (%v)", lack, refused)
	}
	if before.Sound() {
		return
	}
	r := repaired(t, c)
	was.parts = maps.Clone(was.parts)
	for _, p := range append(before.Parts, r.Parts...) {
		delete(was.parts, p.Subject)
	}
	now, err := tries(t, c)
	if err != nil {
		t.Fatalf("after the repair of %v: %v", r.Findings, err)
	}
	if lack := now.lacks(was); lack != "" {
		t.Errorf("after the repair of %v: %s", r.Findings, lack)
	}
	if last := scrubbed(t, c); len(last.Findings) > 0 || len(last.Lost) > 0 || len(last.Parts) > len(r.Parts) {
		t.Errorf("after the repair: %+v", last)
	}
}
