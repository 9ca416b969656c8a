package node_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/node"
	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/ledger/sealer"
	"github.com/phrledger/phr/ledger/stream"
	"github.com/phrledger/phr/ledger/tree"
)

// sealed waits until everything that is in the log now is sealed, and returns the checkpoint.
func (n *running) sealed(t testing.TB) tree.Checkpoint {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	must(t, n.Sealer().Wait(ctx, n.Fold().Sequence()))
	answer, err := n.Sealer().Checkpoint(0)
	must(t, err)
	c, err := tree.OpenCheckpoint(answer.Note, n.Sealer().Key)
	must(t, err)
	return c
}

// kept waits until the checkpoint of so many entries is kept beside the log.
func (n *running) kept(t testing.TB, size uint64) {
	t.Helper()
	for {
		if signed, err := os.ReadFile(filepath.Join(n.dir, "checkpoint")); err == nil {
			if c, err := tree.OpenCheckpoint(signed, n.Sealer().Key); err == nil && c.Size >= size {
				return
			}
		}
		select {
		case <-t.Context().Done():
			t.Fatalf("no checkpoint of %d entries is kept", size)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// Anybody is given the checkpoint, proofs of entries, and the proof that the tree has only grown.
func TestCheckpoint(t *testing.T) {
	w := newWorld(t)
	guest := w.dialAs(t, nil)
	first := w.sealed(t)
	for range 3 {
		w.newPerson(t)
	}
	later := w.sealed(t)
	answer, err := ask[protocol.Checkpoint](t, guest, protocol.DirCheckpoint, protocol.CheckpointQuery{Since: first.Size})
	must(t, err)
	must(t, later.Extends(first, answer.Consistency))
	var entries [][]byte
	must(t, w.Ledger().Read(t.Context(), 1, func(raw []stream.Entry) error {
		for _, e := range raw {
			entries = append(entries, e.Data)
		}
		return nil
	}))
	found, err := ask[protocol.Proofs](t, guest, protocol.DirProof, protocol.ProofQuery{Indexes: []uint64{0, later.Size - 1, later.Size + 1000}})
	must(t, err)
	if len(found.Proofs) != 2 {
		t.Fatalf("%d proofs for two entries that are sealed and one that is not there", len(found.Proofs))
	}
	c, err := tree.OpenCheckpoint(found.Note, w.Sealer().Key)
	must(t, err)
	for _, p := range found.Proofs {
		must(t, c.Includes(p.Index, entries[p.Index], p.Hashes))
	}
}

// Where a chain ends is proven to who may read it, by a checkpoint event that stands in the log.
func TestProvenHeads(t *testing.T) {
	w := newWorld(t)
	first := w.sealed(t)
	login := w.patient.login(t)
	profile := ledger.RecordChain(w.patient.GID(), ledger.Profile)
	none := ledger.RecordChain(w.patient.GID(), ledger.Training)
	found, err := ask[protocol.Heads](t, login.conn, protocol.DirHeads, protocol.HeadsQuery{
		Chains: []string{w.health.String(), profile.String(), none.String()}, Since: first.Size,
	})
	must(t, err)
	c, err := tree.OpenCheckpoint(found.Note, w.Sealer().Key)
	must(t, err)
	must(t, c.Extends(first, found.Consistency))
	must(t, c.Includes(found.Proof.Index, found.Entry, found.Proof.Hashes))
	e, err := ledger.ParseEntry(found.Entry)
	must(t, err)
	said, ok := e.Body.(*ledger.Checkpoint)
	if !ok || e.Author != w.gid(t) || len(found.Heads) != 3 {
		t.Fatalf("%s by %s, with %d heads", e.Kind(), e.Author, len(found.Heads))
	}
	for i, chain := range []ledger.Chain{w.health, profile, none} {
		got, err := found.Heads[i].Verify(said.Map, chain)
		must(t, err)
		w.Fold().View(func(s *ledger.State) {
			if want, _ := s.Head(chain); got.Number != want.Number || got.Hash != want.Hash {
				t.Errorf("%s ends at %v, want %v", chain, got, want)
			}
		})
	}
	again, err := ask[protocol.Heads](t, login.conn, protocol.DirHeads, protocol.HeadsQuery{Chains: []string{w.health.String()}})
	must(t, err)
	if again.Proof.Index != found.Proof.Index {
		t.Error("the log gets a checkpoint event for each who asks")
	}
	reader, err := w.doctor.ask(t, w.health, ledger.OpRead, w.term.ID)
	must(t, err)
	if _, err := ask[protocol.Heads](t, reader.conn, protocol.DirHeads, protocol.HeadsQuery{Chains: []string{w.health.String()}}); err != nil {
		t.Errorf("a reader of the compartment: %v", err)
	}
	for name, conn := range map[string]*stream.Conn{"a reader": reader.conn, "a doctor's login": w.doctor.login(t).conn} {
		if _, err := ask[protocol.Heads](t, conn, protocol.DirHeads, protocol.HeadsQuery{Chains: []string{profile.String()}}); codeOf(err) != protocol.CodeRefused {
			t.Errorf("%s asks about the patient's profile: %v, want refused", name, err)
		}
	}
}

// A node does not go on from a log that is not the one it has sealed.
func TestForkedLog(t *testing.T) {
	dir := t.TempDir()
	keep := filepath.Join(t.TempDir(), "tree")
	n := run(t, node.Config{Dir: dir, Tree: keep, Listen: "127.0.0.1:0"})
	n.newPerson(t)
	before := n.sealed(t)
	n.stop()
	must(t, os.RemoveAll(filepath.Join(dir, "jetstream")))
	again, err := node.Start(t.Context(), node.Config{Dir: dir, Tree: keep})
	must(t, err)
	defer again.Close()
	if err := again.Run(t.Context()); !errors.Is(err, sealer.ErrForked) {
		t.Errorf("a node whose log of %d entries is gone: %v, want ErrForked", before.Size, err)
	}
}
