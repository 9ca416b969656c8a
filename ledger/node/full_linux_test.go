package node_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/phrledger/phr/ledger/node"
)

// mountSmall makes a directory a file system of its own, with little room, until the test ends.
func mountSmall(t *testing.T, dir string) {
	t.Helper()
	must(t, os.MkdirAll(dir, 0o700))
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=2m,mode=700"); errors.Is(err, syscall.EPERM) {
		t.Skip("mounting a small file system takes root")
	} else {
		must(t, err)
	}
	t.Cleanup(func() { must(t, syscall.Unmount(dir, syscall.MNT_DETACH)) })
}

// fill leaves so many bytes of room in a directory's file system.
func fill(t *testing.T, dir string, leave int) (filler string) {
	t.Helper()
	var fs syscall.Statfs_t
	must(t, syscall.Statfs(dir, &fs))
	filler = filepath.Join(dir, "filler")
	must(t, os.WriteFile(filler, make([]byte, int(fs.Bavail)*int(fs.Bsize)-leave), 0o600))
	return filler
}

// registers has new people register until one fails, and returns the hashes of the events that were acknowledged.
func (n *running) registers(t *testing.T, most int) (acknowledged []string, _ error) {
	t.Helper()
	conn := n.dialAs(t, nil)
	for range most {
		hash, err := register(t.Context(), conn)
		if err != nil {
			return acknowledged, err
		}
		acknowledged = append(acknowledged, hash)
	}
	return acknowledged, nil
}

// JetStream has no room any more: the node acknowledges nothing that is not on disk, and ends and says why. With room it goes on, and
// everything that it acknowledged is there.
func TestFullLog(t *testing.T) {
	dir := t.TempDir()
	mountSmall(t, filepath.Join(dir, "jetstream"))
	n, err := node.Start(t.Context(), node.Config{Dir: dir, Listen: "127.0.0.1:0"})
	must(t, err)
	done := make(chan error, 1)
	go func() { done <- n.Run(context.Background()) }()
	<-n.Ready()
	filler := fill(t, filepath.Join(dir, "jetstream"), 20<<10)
	acknowledged, failed := (&running{Node: n}).registers(t, 100)
	if err := <-done; failed == nil || len(acknowledged) == 0 || !errors.Is(err, node.ErrWrite) || !strings.Contains(err.Error(), "no space left") {
		t.Errorf("after %d events: %v, and the node ended with %v, want ErrWrite", len(acknowledged), failed, err)
	}
	must(t, n.Close())
	must(t, os.Remove(filler))
	again := run(t, node.Config{Dir: dir, Listen: "127.0.0.1:0"})
	there := again.hashes(t)
	for _, hash := range acknowledged {
		if !there[hash] {
			t.Errorf("event %s was acknowledged, and is gone", hash)
		}
	}
	_, err = again.registers(t, 1)
	must(t, err)
}

// The tree has no room any more: the node says so, and goes on without sealing, which it takes up again when there is room.
func TestFullTree(t *testing.T) {
	dir, keep := t.TempDir(), t.TempDir()
	mountSmall(t, keep)
	n := run(t, node.Config{Dir: dir, Tree: keep, Listen: "127.0.0.1:0"})
	before := n.sealed(t)
	filler := fill(t, keep, 0)
	acknowledged, err := n.registers(t, 10)
	must(t, err)
	for n.Sealer().Status().Stopped == "" {
		select {
		case <-t.Context().Done():
			t.Fatal("the sealing goes on without room")
		case <-time.After(10 * time.Millisecond):
		}
	}
	if status := n.Sealer().Status(); status.Size >= before.Size+uint64(len(acknowledged)) || !strings.Contains(status.Stopped, "no space left") {
		t.Errorf("without room: %+v", status)
	}
	must(t, os.Remove(filler))
	after := n.sealed(t)
	proof, _, err := n.Sealer().Tree().Consistency(before.Size)
	must(t, err)
	must(t, after.Extends(before, proof))
	n.stop()
	if r := scrubbed(t, node.Config{Dir: dir, Tree: keep}); !r.Sound() {
		t.Errorf("the scrub finds %+v", r)
	}
}
