package audit_test

import (
	"crypto/ed25519"
	"testing"

	"github.com/phrledger/phr/ledger/audit"
	"github.com/phrledger/phr/ledger/tree"
)

// What the sealer writes, in pieces of any size, the audit reads, and both come to the same trees and maps.
func TestTreeOfTheSealer(t *testing.T) {
	s := newSealed(t)
	s.write(300)
	s.write(300)
	h := s.history()
	signer, err := tree.NewSigner(tree.Origin(h.root), s.key)
	if err != nil {
		t.Fatal(err)
	}
	log, err := tree.NewVerifier(tree.Origin(h.root), s.key.Public().(ed25519.PublicKey))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	store, err := tree.OpenSealer(tree.Dir(dir), log)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	for from := 0; from < len(h.entries); {
		to := min(from+1+from%97*3, len(h.entries))
		var entries [][]byte
		for _, e := range h.entries[from:to] {
			entries = append(entries, e.Data)
		}
		if err := store.Append(entries, func(c tree.Checkpoint) ([]byte, error) { return c.Sign(signer) }); err != nil {
			t.Fatal(err)
		}
		wantFindings(t, h.besides(t, dir))
		from = to
	}
	r := h.inTiles(t, dir, audit.Options{})
	wantFindings(t, r)
	if c, _ := store.Checkpoint(); c.Root != r.Tree.Root || c.Size != r.Tree.Size {
		t.Errorf("%+v by the sealer, %+v by the audit", c, r.Tree)
	}
	var heads tree.Heads
	var own audit.HeadMap
	for c, head := range r.Heads {
		heads = heads.With(c, tree.Head{Number: head.Number, Hash: head.Hash})
		own.Set(c, head)
		if heads.Root() != own.Root() {
			t.Fatal("the maps differ")
		}
	}
}
