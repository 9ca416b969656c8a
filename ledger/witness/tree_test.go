package witness_test

import (
	"crypto/ed25519"
	"fmt"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/phrledger/phr/ledger/tree"
	"github.com/phrledger/phr/ledger/witness"
)

// The checkpoints of phr's own tree are cosigned as it grows, keep their cosignatures, and meet a policy by them.
func TestTreeIsWitnessed(t *testing.T) {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	signer, verifier := must(tree.NewSigner("phr/gid", private)), must(tree.NewVerifier("phr/gid", public))
	store := must(tree.OpenSealer(tree.Dir(t.TempDir()), verifier))
	defer store.Close()
	w := open(t, t.TempDir())
	if err := w.Follow(must(witness.ParseKey(must(tree.VerifierKey("phr/gid", public))))); err != nil {
		t.Fatal(err)
	}
	address, client := serve(t, w)
	policy := must(witness.ParsePolicy(fmt.Appendf(nil, "witness w %s %s\nquorum w\n", w.Key(), address)))
	prove := func(old uint64) ([]tlog.Hash, error) {
		proof, _, err := store.Consistency(old)
		hashes := make([]tlog.Hash, len(proof))
		for i, h := range proof {
			hashes[i] = tlog.Hash(h)
		}
		return hashes, err
	}
	for range 3 {
		entries := make([][]byte, 300)
		for i := range entries {
			entries[i] = fmt.Append(nil, i)
		}
		if err := store.Append(entries, func(c tree.Checkpoint) ([]byte, error) { return c.Sign(signer) }); err != nil {
			t.Fatal(err)
		}
		_, signed := store.Checkpoint()
		line, err := witness.Ask(t.Context(), client, address, w.Key(), 0, prove, signed)
		if err != nil {
			t.Fatal(err)
		}
		if err := store.Cosign(appended(signed, line)); err != nil {
			t.Fatal(err)
		}
		newest, signed := store.Checkpoint()
		c, err := policy.Check(signed, verifier, time.Now())
		if err != nil || c.Size != newest.Size || c.Root != tlog.Hash(newest.Root) || c.Origin != newest.Origin {
			t.Errorf("the checkpoint %+v is read as %+v: %v", newest, c, err)
		}
	}
}
