package node_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/node"
	"github.com/phrledger/phr/ledger/repair"
	"github.com/phrledger/phr/ledger/tree"
)

const (
	logBlocks = "jetstream/jetstream/*/streams/LEDGER/msgs/*.blk"
	treeData  = "tree/tile/data/*"
)

// flip flips a bit of a file where some bytes stand.
func flip(t testing.TB, pattern string, what []byte) {
	t.Helper()
	files, err := filepath.Glob(pattern)
	must(t, err)
	for _, path := range files {
		contents, err := os.ReadFile(path)
		must(t, err)
		if i := bytes.Index(contents, what); i >= 0 {
			i += len(what) / 2
			f, err := os.OpenFile(path, os.O_WRONLY, 0)
			must(t, err)
			_, err = f.WriteAt([]byte{contents[i] ^ 1}, int64(i))
			must(t, errors.Join(err, f.Close()))
			return
		}
	}
	t.Fatalf("in %s these bytes don't stand", pattern)
}

// finds waits until a running node has found a damage, and the log says so, and returns what the log says.
func (n *running) finds(t testing.TB) string {
	t.Helper()
	incident := ledger.NodeChain(n.gid(t)).Subject(ledger.IncidentKind)
	for deadline := time.After(time.Minute); ; {
		h, err := n.Health(t.Context())
		must(t, err)
		if len(h.Damaged) > 0 {
			e, err := n.Ledger().Last(t.Context(), incident)
			must(t, err)
			if e.Seq > 0 {
				entry, err := ledger.ParseEntry(e.Data)
				must(t, err)
				return entry.Body.(*ledger.Incident).Text
			}
		}
		select {
		case <-deadline:
			t.Fatal("the damage is not found")
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// A node that runs finds what rots under it. It says so once in the log, and in its health, and goes on.
func TestScrubWhileRunning(t *testing.T) {
	for _, tt := range []struct {
		name string
		harm func(w *world)
		want string
	}{
		{"the tree", func(w *world) { flip(t, filepath.Join(w.dir, treeData), w.holds(t).entries[2].Data) }, "tile/data/000"},
		{"the log", func(w *world) { flip(t, filepath.Join(w.dir, logBlocks), w.holds(t).entries[2].Data) }, "entries 3 to 3 of the log"},
		{"key material", func(w *world) {
			for subject := range w.holds(t).parts {
				must(t, w.Ledger().DeletePart(t.Context(), subject))
				return
			}
		}, "the part key."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := node.Config{Listen: "127.0.0.1:0", EndorseAll: true}
			c.ScrubEvery(100 * time.Millisecond)
			w := newWorldOf(t, c)
			w.sealed(t)
			tt.harm(w)
			if text := w.finds(t); !strings.HasPrefix(text, "found damaged: ") || !strings.Contains(text, tt.want) {
				t.Errorf("the log says %q, want something of %s", text, tt.want)
			}
			w.newPerson(t)
			w.sealed(t)
			h, err := w.Health(t.Context())
			must(t, err)
			if len(h.Damaged) != 1 {
				t.Errorf("health tells of %q", h.Damaged)
			}
		})
	}
}

// A repair does not make another history: what there is has to lead to every checkpoint that is known.
func TestAttack45_RepairToFork(t *testing.T) {
	makeImages(t)
	dir := t.TempDir()
	copyTo(t, images.stopped.dir, dir)
	was := images.stopped.entries
	signer, err := node.LogSigner(dir)
	must(t, err)
	fork := tree.Checkpoint{Origin: signer.Name(), Size: uint64(len(was)), Root: ledger.Hash{1}}
	for name, c := range map[string]tree.Checkpoint{
		"another tree of the same size": fork,
		"another smaller tree":          {Origin: fork.Origin, Size: fork.Size / 2, Root: fork.Root},
		"a larger tree":                 {Origin: fork.Origin, Size: fork.Size + 1, Root: fork.Root},
	} {
		signed, err := c.Sign(signer)
		must(t, err)
		_, err = node.Repair(t.Context(), node.Config{Dir: dir}, node.RepairOptions{Checkpoint: signed})
		if want := repair.ErrForked; c.Size > fork.Size {
			if !errors.Is(err, repair.ErrLost) {
				t.Errorf("%s: %v, want ErrLost", name, err)
			}
		} else if !errors.Is(err, want) {
			t.Errorf("%s: %v, want ErrForked", name, err)
		}
	}
	if now, err := tries(t, node.Config{Dir: dir}); err != nil || now.lacks(images.stopped.holding) != "" {
		t.Errorf("after repairs that were refused: %v, %s", err, now.lacks(images.stopped.holding))
	}
}

// What is in neither copy is not made up, and nothing is moved. With one of the copies back, it is repaired.
func TestRepairLostBoth(t *testing.T) {
	makeImages(t)
	dir := t.TempDir()
	copyTo(t, images.stopped.dir, dir)
	entry := images.stopped.entries[99].Data
	flip(t, filepath.Join(dir, logBlocks), entry)
	data := filepath.Join(dir, "tree", "tile", "data", "000")
	whole, err := os.ReadFile(data)
	must(t, err)
	flip(t, data, entry)
	c := node.Config{Dir: dir}
	r, err := node.Repair(t.Context(), c, node.RepairOptions{})
	if !errors.Is(err, repair.ErrLost) || len(r.Lost) != 1 || r.Lost[0] != (repair.Range{From: 100, To: 100}) {
		t.Fatalf("repair: %v, %+v, want ErrLost of entry 100", err, r)
	}
	must(t, os.WriteFile(data, whole, 0o600))
	repaired(t, c)
	if now, err := tries(t, c); err != nil || now.lacks(images.stopped.holding) != "" {
		t.Errorf("after the repair: %v, %s", err, now.lacks(images.stopped.holding))
	}
}

// Without any checkpoint that is known, no tree is made that nobody could compare with anything.
func TestRepairWithoutCheckpoint(t *testing.T) {
	makeImages(t)
	dir := t.TempDir()
	copyTo(t, images.stopped.dir, dir)
	c := node.Config{Dir: dir}
	signed, err := os.ReadFile(filepath.Join(dir, "tree", "checkpoint"))
	must(t, err)
	must(t, os.WriteFile(filepath.Join(dir, "tree", "checkpoint"), signed[1:], 0o600))
	must(t, os.Remove(filepath.Join(dir, "checkpoint")))
	if _, err := node.Repair(t.Context(), c, node.RepairOptions{}); !errors.Is(err, repair.ErrUnknown) {
		t.Fatalf("repair: %v, want ErrUnknown", err)
	}
	_, err = node.Repair(t.Context(), c, node.RepairOptions{Checkpoint: signed})
	must(t, err)
	if now, err := tries(t, c); err != nil || now.lacks(images.stopped.holding) != "" {
		t.Errorf("after the repair: %v, %s", err, now.lacks(images.stopped.holding))
	}
}

// Of what was accepted and not sealed, an entry that has rotted is gone, and what rests on it. What does not rest on it moves up.
func TestRepairUnsealed(t *testing.T) {
	w := newWorld(t)
	sealed := w.sealed(t)
	w.kept(t, sealed.Size)
	before := t.TempDir()
	copyTo(t, w.dir, before)
	w.revoke(t) // two events, the second on the first
	later := w.newPerson(t)
	was := w.holds(t)
	w.stop()
	for _, name := range []string{"tree", "checkpoint"} { // as if the node had not sealed since
		must(t, os.RemoveAll(filepath.Join(w.dir, name)))
		must(t, os.Rename(filepath.Join(before, name), filepath.Join(w.dir, name)))
	}
	flip(t, filepath.Join(w.dir, logBlocks), was.entries[sealed.Size].Data)
	c := node.Config{Dir: w.dir}
	if _, err := tries(t, c); !errors.Is(err, node.ErrDamaged) {
		t.Errorf("before the repair: %v, want ErrDamaged", err)
	}
	r := repaired(t, c)
	if len(r.Lost) != 1 || r.Lost[0] != (repair.Range{From: sealed.Size + 1, To: sealed.Size + 2}) {
		t.Errorf("lost %v, want entries %d and %d", r.Lost, sealed.Size+1, sealed.Size+2)
	}
	again := run(t, node.Config{Dir: w.dir, Listen: "127.0.0.1:0"})
	must(t, again.Settle(context.Background()))
	again.Fold().View(func(s *ledger.State) {
		if _, ok := s.Head(ledger.PersonChain(later.GID())); !ok {
			t.Error("what came after is gone")
		}
		if f, _ := s.Compartment(w.health); f.Epoch.Number != 1 {
			t.Errorf("epoch %d goes on from what is gone", f.Epoch.Number)
		}
	})
	h, err := again.Health(t.Context())
	must(t, err)
	if h.Tables.Rejected > 0 {
		t.Errorf("%d entries of the log do not count", h.Tables.Rejected)
	}
}
