package node_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/phrledger/phr/ledger/node"
	"github.com/phrledger/phr/ledger/repair"
	"github.com/phrledger/phr/ledger/stream"
)

// holding is what a node holds.
type holding struct {
	entries []stream.Entry
	parts   map[string]string
}

// holds returns what a running node holds.
func (n *running) holds(t testing.TB) holding {
	t.Helper()
	h := holding{parts: make(map[string]string)}
	must(t, n.Ledger().Read(t.Context(), 1, func(entries []stream.Entry) error {
		h.entries = append(h.entries, entries...)
		return nil
	}))
	must(t, n.Ledger().Parts(t.Context(), "key.>", func(p stream.Part) error {
		h.parts[p.Subject] = string(p.Data)
		return nil
	}))
	return h
}

// lacks says what somebody holds no more of what was.
func (h holding) lacks(was holding) string {
	for i, e := range was.entries {
		if i >= len(h.entries) {
			return "the log is shorter"
		}
		if got := h.entries[i]; got.Seq != e.Seq || got.ID != e.ID || got.Subject != e.Subject || string(got.Data) != string(e.Data) {
			return "entry " + e.ID + " is not where it was"
		}
	}
	for subject, data := range was.parts {
		if h.parts[subject] != data {
			return "part " + subject + " is gone"
		}
	}
	return ""
}

// tries starts a node in dir, and returns why it does not work, or what it holds.
func tries(t testing.TB, c node.Config) (h holding, _ error) {
	t.Helper()
	n, err := node.Start(t.Context(), c)
	if err != nil {
		return h, err
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	select {
	case err = <-done:
	case <-n.Ready():
		err = n.Settle(ctx)
		if err == nil {
			h = (&running{Node: n}).holds(t)
		}
		cancel()
		err = errors.Join(err, <-done)
	}
	return h, errors.Join(err, n.Close())
}

func scrubbed(t testing.TB, c node.Config) *repair.Report {
	t.Helper()
	r, err := node.Scrub(t.Context(), c, node.RepairOptions{})
	must(t, err)
	return r
}

func repaired(t testing.TB, c node.Config) *repair.Report {
	t.Helper()
	r, err := node.Repair(t.Context(), c, node.RepairOptions{})
	must(t, err)
	return r
}

// A node whose JetStream is gone does not start, and says why. Repair brings the log back from the tree, each entry in its place, and
// the next start says so in the log. What had no second copy is listed.
func TestRepairLostLog(t *testing.T) {
	w := newWorld(t)
	w.sealed(t)
	was := w.holds(t)
	w.stop()
	c := node.Config{Dir: w.dir}
	must(t, os.RemoveAll(filepath.Join(w.dir, "jetstream")))
	if _, err := tries(t, c); !errors.Is(err, node.ErrDamaged) {
		t.Fatalf("a node without its log: %v, want ErrDamaged", err)
	}
	if r := scrubbed(t, c); r.Sound() || len(r.Parts) > 0 {
		t.Errorf("scrub found %+v", r)
	}
	r := repaired(t, c)
	if len(r.Parts) > 0 || len(r.Lost) > 0 || r.Sealed != uint64(len(was.entries)) {
		t.Errorf("repair: %+v", r)
	}
	again := run(t, node.Config{Dir: w.dir, Listen: "127.0.0.1:0"})
	now := again.holds(t)
	if lack := now.lacks(was); lack != "" {
		t.Error(lack)
	}
	if said := now.entries[len(was.entries)]; !strings.HasSuffix(said.Subject, ".incident") {
		t.Errorf("after the repair comes %s, want an incident", said.Subject)
	}
	again.sealed(t)
	again.stop()
	if r := scrubbed(t, c); len(r.Findings) > 0 {
		t.Errorf("after the repair: %v", r.Findings)
	}
	if r := repaired(t, c); len(r.Done) > 0 {
		t.Errorf("a second repair did %v", r.Done)
	}
}

// Key material that JetStream has lost comes back from its second copies at the next start; what is in neither copy is named.
func TestLostKeyMaterial(t *testing.T) {
	w := newWorld(t)
	w.sealed(t)
	was := w.holds(t)
	w.stop()
	lose := func() {
		t.Helper()
		keys, err := filepath.Glob(filepath.Join(w.dir, "jetstream", "*", "*", "streams", "KEYS"))
		must(t, err)
		if len(keys) != 1 {
			t.Fatalf("found %v", keys)
		}
		must(t, os.RemoveAll(keys[0]))
	}
	lose()
	again := run(t, node.Config{Dir: w.dir, Listen: "127.0.0.1:0"})
	now := again.holds(t)
	if lack := now.lacks(was); lack != "" {
		t.Error(lack)
	}
	if said := now.entries[len(was.entries)]; !strings.HasSuffix(said.Subject, ".incident") {
		t.Errorf("after that comes %s, want an incident", said.Subject)
	}
	again.sealed(t)
	again.stop()
	lose()
	must(t, os.RemoveAll(filepath.Join(w.dir, "tree", "parts")))
	if r := scrubbed(t, node.Config{Dir: w.dir}); len(r.Parts) != len(was.parts) {
		t.Errorf("with both copies gone %d parts are named, want %d", len(r.Parts), len(was.parts))
	}
}

// A tree that is gone is made anew from the log, and has to lead to the checkpoint that the node has kept beside it.
func TestRepairLostTree(t *testing.T) {
	w := newWorld(t)
	before := w.sealed(t)
	was := w.holds(t)
	w.kept(t, before.Size)
	w.stop()
	c := node.Config{Dir: w.dir}
	signed, err := os.ReadFile(filepath.Join(w.dir, "tree", "checkpoint"))
	must(t, err)
	must(t, os.RemoveAll(filepath.Join(w.dir, "tree")))
	if _, err := node.Start(t.Context(), c); !errors.Is(err, node.ErrDamaged) {
		t.Fatalf("a node without its tree: %v, want ErrDamaged", err)
	}
	r := repaired(t, c)
	if len(r.Done) != 1 || len(r.Lost)+len(r.Parts) > 0 {
		t.Errorf("repair: %+v", r)
	}
	made, err := os.ReadFile(filepath.Join(w.dir, "tree", "checkpoint"))
	must(t, err)
	if string(made) != string(signed) {
		t.Errorf("another checkpoint was signed:\n%s\nwant\n%s", made, signed)
	}
	now, err := tries(t, c)
	must(t, err)
	if lack := now.lacks(was); lack != "" {
		t.Error(lack)
	}
}

// A repair that crashes before any of its steps goes on when it is run again.
func TestRepairCrashes(t *testing.T) {
	w := newWorld(t)
	before := w.sealed(t)
	was := w.holds(t)
	w.kept(t, before.Size)
	w.stop()
	blocks, err := filepath.Glob(filepath.Join(w.dir, "jetstream", "jetstream", "*", "streams", "*", "msgs", "1.blk"))
	must(t, err)
	for _, path := range append(blocks, filepath.Join(w.dir, "tree", "tile", "data", "000")) {
		b, err := os.ReadFile(path)
		must(t, err)
		b[len(b)/2] ^= 1
		must(t, os.WriteFile(path, b, 0o600))
	}
	errCrash := errors.New("crash")
	var crashed []string
	for {
		o := node.RepairOptions{}
		o.Interrupt(func(step string) error {
			if slices.Contains(crashed, step) {
				return nil
			}
			crashed = append(crashed, step)
			return errCrash
		})
		r, err := node.Repair(t.Context(), node.Config{Dir: w.dir}, o)
		if err == nil {
			t.Logf("after crashes before %v: %+v", crashed, r)
			break
		}
		if !errors.Is(err, errCrash) {
			t.Fatal(err)
		}
		if n, err := node.Start(t.Context(), node.Config{Dir: w.dir}); err == nil {
			must(t, n.Close())
		} else if !errors.Is(err, node.ErrDamaged) {
			t.Errorf("after a crash before %s: %v", crashed[len(crashed)-1], err)
		}
	}
	if len(crashed) < 8 {
		t.Errorf("it crashed only before %v", crashed)
	}
	now, err := tries(t, node.Config{Dir: w.dir})
	must(t, err)
	r := scrubbed(t, node.Config{Dir: w.dir})
	for _, p := range r.Parts {
		delete(was.parts, p.Subject)
	}
	if lack := now.lacks(was); lack != "" {
		t.Error(lack)
	}
}
