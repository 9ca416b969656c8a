package tree_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/tree"
)

// A log that has signed another history than the one somebody has seen has no proof that its tree extends theirs.
func TestAttack45_ForkRollbackOmission(t *testing.T) {
	const seen, now = 300, 700
	honest := logOf(t, entriesFrom(0, seen), entriesFrom(seen, now-seen))
	pinned := tree.Checkpoint{Origin: origin, Size: seen, Root: plain(t, seen)}
	proof, _, err := honest.Consistency(seen)
	if err != nil {
		t.Fatal(err)
	}
	if c, _ := honest.Checkpoint(); c.Extends(pinned, proof) != nil {
		t.Fatal("the honest log does not extend its own tree")
	}
	entries := entriesFrom(0, now)
	swapped := slices.Clone(entries)
	swapped[10], swapped[11] = swapped[11], swapped[10]
	changed := slices.Clone(entries)
	changed[seen-1] = []byte("another")
	for name, forged := range map[string][][]byte{
		"rolled back":                   entries[:seen-1],
		"another of the same size":      changed[:seen],
		"an entry left out":             slices.Delete(slices.Clone(entries), 100, 101),
		"the first left out":            entries[1:],
		"the last one seen left out":    slices.Delete(slices.Clone(entries), seen-1, seen),
		"an entry put in":               slices.Insert(slices.Clone(entries), 5, []byte("new")),
		"an entry twice":                slices.Insert(slices.Clone(entries), 5, entries[4]),
		"two in another order":          swapped,
		"one changed":                   changed,
		"all of it new after the first": slices.Concat(entries[:1], entriesFrom(1000, now)),
	} {
		s := logOf(t, forged)
		c, _ := s.Checkpoint()
		proofs := [][]ledger.Hash{nil, proof, proof[1:], append(slices.Clone(proof), c.Root), {pinned.Root}, {c.Root}}
		for size := range c.Size + 1 {
			if size < seen+2 && size > seen-2 {
				own, _, err := s.Consistency(size)
				if err != nil {
					t.Fatal(err)
				}
				proofs = append(proofs, own)
			}
		}
		for i, p := range proofs {
			if err := c.Extends(pinned, p); !errors.Is(err, tree.ErrNotProven) {
				t.Errorf("%s: proof %d shows that it extends what was seen: %v", name, i, err)
			}
		}
	}
	if c, _ := honest.Checkpoint(); !errors.Is(c.Extends(tree.Checkpoint{Origin: "phr/other", Size: seen, Root: pinned.Root}, proof), tree.ErrNotProven) {
		t.Error("it extends another log")
	}
}

// logOf returns the tree over entries, sealed part by part.
func logOf(t *testing.T, parts ...[][]byte) *tree.Store {
	t.Helper()
	s := sealer(t, newDisk())
	for _, entries := range parts {
		appendTo(t, s, entries)
	}
	return s
}
