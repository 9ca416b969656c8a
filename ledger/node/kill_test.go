package node_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"flag"
	"fmt"
	mrand "math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/phrledger/phr/crypto/canonical"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/audit"
	"github.com/phrledger/phr/ledger/node"
	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/ledger/stream"
	"github.com/phrledger/phr/ledger/tree"
)

var kills = flag.Int("kills", 0, "how many times TestKill kills a node; 0 for 100, and 10 under the race detector")

// killDir tells a child of TestKill that it is one, and in which directory its node is.
const killDir = "PHR_TEST_KILL_DIR"

// runVictim runs a node until it is killed. It registers one person after the other, and prints what was acknowledged, and each
// checkpoint as it is shown to people.
func runVictim(dir string) error {
	ctx := context.Background()
	n, err := node.Start(ctx, node.Config{Dir: dir, Listen: "127.0.0.1:0"})
	if err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	select {
	case <-n.Ready():
	case err := <-done:
		return err
	}
	fmt.Println("ready")
	go func() {
		for since := uint64(0); ; {
			if n.Sealer().Wait(ctx, since+1) != nil {
				return
			}
			shown, err := n.Sealer().Checkpoint(0)
			if err != nil {
				return
			}
			c, err := tree.OpenCheckpoint(shown.Note, n.Sealer().Key)
			if err != nil {
				return
			}
			since = c.Size
			fmt.Println("sealed", base64.StdEncoding.EncodeToString(shown.Note))
		}
	}()
	conn, err := stream.Dial(ctx, stream.Options{URL: "nats://" + n.URL().Address})
	if err != nil {
		return err
	}
	for {
		hash, err := register(ctx, conn)
		if err != nil {
			return err
		}
		fmt.Println("acknowledged", hash)
	}
}

// register registers a new person, and returns the hash of the event once it is acknowledged.
func register(ctx context.Context, conn *stream.Conn) (string, error) {
	id, _, err := identity.Generate(rand.Reader)
	if err != nil {
		return "", err
	}
	eid, err := ledger.NewEventID(rand.Reader, time.Now())
	if err != nil {
		return "", err
	}
	e := &ledger.Event{ID: eid, Chain: ledger.PersonChain(id.GID()), Number: 1, Author: id.GID(), Time: time.Now(), Body: registrationOf(id)}
	if err := e.Sign(id); err != nil {
		return "", err
	}
	raw, err := e.Marshal()
	if err != nil {
		return "", err
	}
	sid, err := ledger.NewSubmissionID(rand.Reader, time.Now())
	if err != nil {
		return "", err
	}
	request, err := canonical.Marshal(protocol.Submission{ID: sid, Count: 1, Events: [][]byte{raw}})
	if err != nil {
		return "", err
	}
	if _, err := conn.Request(ctx, protocol.Register(id.GID()), request); err != nil {
		return "", err
	}
	return ledger.HashEvent(raw).String(), nil
}

// hashes returns the events that are in a node's log.
func (n *running) hashes(t *testing.T) map[string]bool {
	t.Helper()
	there := make(map[string]bool)
	for _, e := range n.holds(t).entries {
		there[e.ID] = true
	}
	return there
}

// witnessed is what the victims of a TestKill have said.
type witnessed struct {
	acknowledged []string
	checkpoints  [][]byte
}

// hear takes what one victim has printed. The last line may be torn.
func (w *witnessed) hear(t *testing.T, said []byte) (ready bool) {
	t.Helper()
	for line := range bytes.Lines(said) {
		word, rest, _ := strings.Cut(string(line), " ")
		text, whole := strings.CutSuffix(rest, "\n")
		switch {
		case word == "ready\n":
			ready = true
		case !whole:
		case word == "acknowledged":
			w.acknowledged = append(w.acknowledged, text)
		case word == "sealed":
			note, err := base64.StdEncoding.DecodeString(text)
			must(t, err)
			w.checkpoints = append(w.checkpoints, note)
		}
	}
	return ready
}

// A node is killed over and over in the same directory, wherever it is: while it starts, appends, seals, answers. Every event that was
// acknowledged is there at the end, the tree extends every checkpoint that was shown, and the audit finds nothing.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	var w witnessed
	times, ready := *kills, 0
	switch {
	case times == 0 && raceEnabled:
		times = 10
	case times == 0:
		times = 100
	}
	for range times {
		if killVictim(t, dir, &w) {
			ready++
		}
	}
	t.Logf("%d kills, %d of them when the node had been ready; %d events acknowledged, %d checkpoints shown", times, ready, len(w.acknowledged), len(w.checkpoints))
	if ready == 0 || len(w.acknowledged) == 0 || len(w.checkpoints) == 0 {
		t.Fatal("the node never did anything before it was killed")
	}
	n := run(t, node.Config{Dir: dir, Listen: "127.0.0.1:0"})
	there := n.hashes(t)
	for _, hash := range w.acknowledged {
		if !there[hash] {
			t.Errorf("event %s was acknowledged, and is gone", hash)
		}
	}
	n.sealed(t)
	for _, signed := range w.checkpoints {
		earlier, err := tree.OpenCheckpoint(signed, n.Sealer().Key)
		must(t, err)
		proof, newest, err := n.Sealer().Tree().Consistency(earlier.Size)
		must(t, err)
		c, err := tree.OpenCheckpoint(newest, n.Sealer().Key)
		must(t, err)
		if err := c.Extends(earlier, proof); err != nil {
			t.Errorf("a checkpoint that was shown: %v", err)
		}
	}
	report, err := audit.Run(t.Context(), n.URL().Root, audit.Of(n.Ledger()), audit.Options{})
	must(t, err)
	if !report.Sound() {
		t.Errorf("the audit finds %+v", report.Findings)
	}
	n.stop()
	if r := scrubbed(t, node.Config{Dir: dir}); !r.Sound() {
		t.Errorf("the scrub finds %+v", r)
	}
}

// killVictim starts a node, kills it after a time that is drawn, and tells whether it had been ready.
func killVictim(t *testing.T, dir string, w *witnessed) (ready bool) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), killDir+"="+dir)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	wait := time.Duration(mrand.IntN(100)) * time.Millisecond
	lines := bufio.NewReader(out)
	var said bytes.Buffer
	if mrand.IntN(8) > 0 { // mostly while it works
		line, _ := lines.ReadString('\n')
		said.WriteString(line)
	}
	time.AfterFunc(wait, func() { _ = cmd.Process.Kill() })
	_, _ = said.ReadFrom(lines) // until it is dead
	if err := cmd.Wait(); cmd.ProcessState.Exited() {
		t.Fatalf("the node ended by itself: %v\n%s", err, errs.String())
	}
	return w.hear(t, said.Bytes())
}

// isVictim runs the node of a child of TestKill.
func isVictim() (code int, is bool) {
	dir := os.Getenv(killDir)
	if dir == "" {
		return 0, false
	}
	if err := runVictim(filepath.Clean(dir)); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	return 1, true
}
