package node_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/node"
	"github.com/phrledger/phr/ledger/stream"
)

// steps is how many events a first start appends.
const steps = 6

// A first start that is interrupted before any of its steps, or before each in turn, goes on at the next one.
func TestFirstStartInterrupted(t *testing.T) {
	for at := range steps {
		dir := t.TempDir()
		interrupt(t, dir, at)
		checkBeginning(t, dir)
	}
	dir := t.TempDir()
	for at := range steps {
		interrupt(t, dir, at)
	}
	checkBeginning(t, dir)
}

// checkBeginning starts the node in dir and looks at what its first start has appended.
func checkBeginning(t *testing.T, dir string) {
	t.Helper()
	n := run(t, node.Config{Dir: dir})
	defer n.stop()
	want := "identity.registered identity.registered node.described identity.registered authority.registered attribute.defined"
	if got := strings.Join(n.kinds(t), " "); got != want {
		t.Errorf("the log holds %s", got)
	}
	n.Fold().View(func(s *ledger.State) {
		if a, ok := s.Authority(ledger.RegistryName); !ok || !a.Active {
			t.Error("no registry is in force")
		}
	})
}

// interrupt starts a node in dir, and has it end before a step.
func interrupt(t *testing.T, dir string, before int) {
	t.Helper()
	crash := errors.New("crash")
	c := node.Config{Dir: dir}
	c.Interrupt(func(step int) error {
		if step == before {
			return crash
		}
		return nil
	})
	n, err := node.Start(t.Context(), c)
	must(t, err)
	if err := n.Run(t.Context()); !errors.Is(err, crash) {
		t.Fatalf("interrupted before step %d, it ended with %v", before+1, err)
	}
	select {
	case <-n.Ready():
		t.Errorf("interrupted before step %d, it was ready", before+1)
	default:
	}
	must(t, n.Close())
}

// kinds returns the kinds of the log's entries.
func (n *running) kinds(t testing.TB) (kinds []string) {
	t.Helper()
	must(t, n.Ledger().Read(t.Context(), 1, func(entries []stream.Entry) error {
		for _, raw := range entries {
			e, err := ledger.ParseEntry(raw.Data)
			if err != nil {
				return err
			}
			kinds = append(kinds, string(e.Kind()))
		}
		return nil
	}))
	return kinds
}

// Once the node has been ready, the keys of root and registry are not needed to start.
func TestKeysOffline(t *testing.T) {
	dir := t.TempDir()
	n := run(t, node.Config{Dir: dir})
	root := n.URL().Root
	n.stop()
	for _, name := range []string{"root.identity", "root.identity.recovery", "registry.identity", "registry.authority"} {
		must(t, os.Remove(filepath.Join(dir, "keys", name)))
	}
	n = run(t, node.Config{Dir: dir})
	if n.URL().Root != root || len(n.kinds(t)) != steps {
		t.Errorf("root %s, log %v", n.URL().Root, n.kinds(t))
	}
	if _, _, err := node.Registry(dir); err == nil {
		t.Error("a registry is there that was taken away")
	}
	n.stop()
	n2, err := node.Start(t.Context(), node.Config{Dir: dir, EndorseAll: true})
	must(t, err)
	if err := n2.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "offline") {
		t.Errorf("endorses without the registry's key: %v", err)
	}
	must(t, n2.Close())
	must(t, os.Remove(filepath.Join(dir, "keys", "node.identity")))
	if n, err := node.Start(t.Context(), node.Config{Dir: dir}); err == nil {
		t.Error("started without the node's own identity")
		must(t, n.Close())
	}
}

// A description that nears its end is renewed.
func TestDescriptionRenewed(t *testing.T) {
	dir := t.TempDir()
	n := run(t, node.Config{Dir: dir})
	n.stop()
	later := time.Now().AddDate(9, 6, 0)
	n = run(t, node.Config{Dir: dir, Now: func() time.Time { return later }})
	n.Fold().View(func(s *ledger.State) {
		d, ok := s.Node(n.gid(t))
		if !ok || d.Sequence != 2 || time.UnixMilli(d.Expires).Before(later.AddDate(9, 0, 0)) || !d.Registry.IsZero() {
			t.Errorf("described by %+v", d)
		}
	})
	if kinds := n.kinds(t); len(kinds) != steps+1 {
		t.Errorf("log %v", kinds)
	}
}

// Keys that others can read are refused, and so is a port that others can reach.
func TestStartRefuses(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(dir string) error
		listen string
		want   string
	}{
		{"a loose directory", func(dir string) error { return os.Chmod(filepath.Join(dir, "keys"), 0o755) }, "", "chmod"},
		{"a loose key", func(dir string) error { return os.Chmod(filepath.Join(dir, "keys", "gate.seed"), 0o640) }, "", "chmod"},
		{"a key elsewhere", func(dir string) error {
			path := filepath.Join(dir, "keys", "root.identity")
			return errors.Join(os.Rename(path, filepath.Join(dir, "moved")), os.Symlink(filepath.Join(dir, "moved"), path))
		}, "", "refusing"},
		{"a cut key", func(dir string) error { return os.Truncate(filepath.Join(dir, "keys", "node.identity"), 100) }, "", "node.identity"},
		{"another's root", func(dir string) error {
			return os.Rename(filepath.Join(dir, "keys", "node.identity"), filepath.Join(dir, "keys", "root.identity"))
		}, "", "not the root"},
		{"all addresses", func(string) error { return nil }, "0.0.0.0:0", "loopback"},
		{"an address outside", func(string) error { return nil }, "192.0.2.1:4222", "loopback"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			run(t, node.Config{Dir: dir}).stop()
			must(t, tt.change(dir))
			n, err := node.Start(t.Context(), node.Config{Dir: dir, Listen: tt.listen})
			if err == nil {
				must(t, n.Close())
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one that says %q", err, tt.want)
			}
		})
	}
}

// A context that ends during a first start ends it.
func TestRunEndsEarly(t *testing.T) {
	n, err := node.Start(t.Context(), node.Config{Dir: t.TempDir()})
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := n.Run(ctx); err != nil {
		t.Errorf("ended with %v", err)
	}
	must(t, n.Close())
}
