package node_test

import (
	"context"
	"log/slog"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/phrledger/phr/ledger/node"
)

// testDir is for what is made for several tests.
var testDir string

func TestMain(m *testing.M) {
	if code, victim := isVictim(); victim {
		os.Exit(code)
	}
	var err error
	if testDir, err = os.MkdirTemp("", "phr-node"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		_ = os.RemoveAll(testDir)
		os.Exit(code)
	}))
}

// running is a node that runs until the test ends or stop is called.
type running struct {
	*node.Node
	dir  string
	stop func()
}

// run starts a node in dir and waits until it answers.
func run(t testing.TB, c node.Config) *running {
	t.Helper()
	if c.Log == nil {
		c.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
	}
	n, err := node.Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	stopped := false
	r := &running{Node: n, dir: c.Dir}
	r.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Errorf("the node ended: %v", err)
		}
		if err := n.Close(); err != nil {
			t.Errorf("closing the node: %v", err)
		}
	}
	t.Cleanup(r.stop)
	select {
	case <-n.Ready():
	case err := <-done:
		t.Fatalf("the node ended before it was ready: %v", err)
	case <-time.After(time.Minute):
		t.Fatal("the node is not ready")
	}
	return r
}

func TestStart(t *testing.T) {
	dir := t.TempDir()
	start := time.Now()
	n := run(t, node.Config{Dir: dir, Listen: "127.0.0.1:0"})
	t.Logf("first start: %v", time.Since(start))
	url := n.URL()
	h, err := n.Health(t.Context())
	if err != nil || h.Sequence != 6 || len(h.Tables.Quarantined) > 0 || h.Tables.Rejected > 0 {
		t.Errorf("health %+v, %v", h, err)
	}
	n.stop()
	start = time.Now()
	n = run(t, node.Config{Dir: dir, Listen: url.Address})
	t.Logf("second start: %v", time.Since(start))
	if n.URL() != url {
		t.Errorf("%s after a restart, %s before", n.URL(), url)
	}
	if h, err := n.Health(t.Context()); err != nil || h.Sequence != 6 {
		t.Errorf("health %+v, %v", h, err)
	}
}
