package client_test

import (
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"os"
	"slices"
	"testing"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/ledger/tree"
	"github.com/phrledger/phr/projections/chart"
)

// What version 0.2.0 left in an outbox: two drafts of an import, which one try may have written.
const (
	oldDraftsName = "outbox-01m8eqy3kzjztbxqdb963t2bbx"
	oldDrafts     = "82a301677772697474656e02646e6f7465034d6b65707420627920302e322e30a301677772697474656e02646e6f7465034b616e6420616e6f74686572"
	oldOutbox     = "a20181855001a21d7f0e7f97f4beddab4987a12d7d777068722e39312e4749444749444749442e6865616c7468025820f45e854bc38b6d97b39f5207" +
		"1c956d44149a945fbad65eacfeec681293d409b181825001000000000000000000000000000000500100000000000000000000000000000002818358" +
		"20f45e854bc38b6d97b39f52071c956d44149a945fbad65eacfeec681293d409b1777068722e39312e4749444749444749442e6865616c746802"
)

func TestOldOutbox(t *testing.T) {
	t.Parallel()
	home := newHome(t)
	files := make(map[string][]byte)
	for name, text := range map[string]string{"outbox": oldOutbox, oldDraftsName: oldDrafts} {
		contents, err := hex.DecodeString(text)
		must(t, err)
		files[name] = contents
	}
	home.Restore(files)
	chain := ledger.RecordChain("GIDGIDGID", ledger.Health)
	drafts, err := home.Drafts(chain)
	must(t, err)
	want := notes("kept by 0.2.0", "and another")
	if !slices.EqualFunc(drafts, want, func(a, b client.Draft) bool {
		return a.Kind == b.Kind && a.Media == chart.Note && string(a.Body) == string(b.Body)
	}) {
		t.Errorf("the drafts are %v, want %v", drafts, want)
	}
	unsent, err := home.Unsent()
	must(t, err)
	if unsealed, err := home.Unsealed(); err != nil || len(unsealed) != 0 || unsent[chain.String()] != 2 {
		t.Errorf("unsent %v, unsealed %v, %v", unsent, unsealed, err)
	}
}

// A node that lies about what it has sealed is not believed, and what it has acknowledged stays in the outbox: another log's checkpoint,
// a proof of another entry, a doctored proof, none.
func TestAttack45_ForgedProof(t *testing.T) {
	w := newWorld(t)
	maria := w.patient()
	hers := w.book(maria, maria, ledger.Health)
	w.untilSealed(maria)
	w.write(hers, "one")
	w.write(hers, "two")
	for proven := 0; proven < 2; must(t, w.ctx.Err()) {
		var err error
		proven, _, err = maria.Proven(w.ctx, func(*protocol.Proofs) {})
		must(t, err)
	}
	if unsealed := w.unsealed(maria.Home()); unsealed != 2 {
		t.Fatalf("%d events wait, want 2", unsealed)
	}
	seed, err := os.ReadFile(w.inNode("keys/log.seed"))
	must(t, err)
	_, other, err := ed25519.GenerateKey(nil)
	must(t, err)
	// resign puts a checkpoint in the place of the answer's, signed with a key.
	resign := func(p *protocol.Proofs, key ed25519.PrivateKey, change func(*tree.Checkpoint)) {
		c, err := tree.OpenCheckpoint(p.Note, maria.LogKey())
		must(t, err)
		change(&c)
		signer, err := tree.NewSigner(c.Origin, key)
		must(t, err)
		p.Note, err = c.Sign(signer)
		must(t, err)
	}
	for _, a := range []struct {
		name         string
		tamper       func(*protocol.Proofs)
		proven, gone int
		refused      bool
	}{
		{"the truth", func(*protocol.Proofs) {}, 2, 0, false},
		{"a checkpoint by another key", func(p *protocol.Proofs) { resign(p, other, func(*tree.Checkpoint) {}) }, 0, 0, true},
		{"a checkpoint of another tree", func(p *protocol.Proofs) {
			resign(p, ed25519.NewKeyFromSeed(seed), func(c *tree.Checkpoint) { c.Root[0]++ })
		}, 0, 0, true},
		{"the proof of another entry", func(p *protocol.Proofs) {
			p.Proofs[0].Hashes, p.Proofs[1].Hashes = p.Proofs[1].Hashes, p.Proofs[0].Hashes
		}, 0, 2, false},
		{"a doctored proof", func(p *protocol.Proofs) { p.Proofs[1].Hashes[0][3]++ }, 1, 1, false},
		{"no proof", func(p *protocol.Proofs) { p.Proofs = p.Proofs[:1] }, 1, 0, false},
		{"no checkpoint", func(p *protocol.Proofs) { p.Note = nil }, 0, 0, true},
	} {
		proven, gone, err := maria.Proven(w.ctx, a.tamper)
		if proven != a.proven || gone != a.gone || (err != nil) != a.refused || err != nil && !errors.Is(err, tree.ErrNotProven) && !errors.Is(err, client.ErrLost) {
			t.Errorf("%s: %d are proven, %d replaced, %v; want %d, %d, refused %v", a.name, proven, gone, err, a.proven, a.gone, a.refused)
		}
	}
	must(t, maria.Settle(w.ctx))
	if unsealed := w.unsealed(maria.Home()); unsealed != 0 {
		t.Errorf("%d events wait after the truth was told", unsealed)
	}
}

// A proof that was kept is checked without the node, and no other entry, log or form of it passes.
func TestCheckProof(t *testing.T) {
	w := inTown(t)
	maria := w.patient()
	hers := w.book(maria, maria, ledger.Health)
	ids := w.write(hers, "one", "two")
	_, err := maria.Await(w.ctx, client.Sealed, nil)
	must(t, err)
	var kept []*client.Proof
	for _, id := range ids {
		p, err := hers.Prove(w.ctx, id)
		must(t, err)
		kept = append(kept, p)
	}
	proof, home := kept[0].Proof.Marshal(), maria.Home()
	got, entry, err := home.CheckProof(w.node.URL().Root, proof, kept[0].Entry)
	must(t, err)
	if entry.ID != ids[0] || got.Checkpoint != kept[0].Checkpoint || got.Key != kept[0].Key {
		t.Errorf("it proves %s under %+v", entry.ID, got.Checkpoint)
	}
	if _, _, err := home.CheckProof(w.node.URL().Root, proof, kept[1].Entry); !errors.Is(err, tree.ErrNotProven) {
		t.Errorf("the proof of another entry: %v, want ErrNotProven", err)
	}
	if _, _, err := home.CheckProof(w.node.URL().Root, proof[:len(proof)-1], kept[0].Entry); err == nil {
		t.Error("a proof cut short passes")
	}
	if _, _, err := newHome(t).CheckProof(w.node.URL().Root, proof, kept[0].Entry); err == nil {
		t.Error("a home that knows no log takes the proof")
	}
	stranger := w.patient()
	if _, err := w.book(stranger, stranger, ledger.Health).Prove(w.ctx, ids[0]); err == nil {
		t.Error("a record is proven that is not in the book")
	}
}
