package tree_test

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/tree"
)

// chain returns the i-th of many chains.
func chain(i int) ledger.Chain {
	sum := sha256.Sum256([]byte(fmt.Sprint(i)))
	const digits = "abcdefghijklmnopqrstuvwxyz234567"
	var gid strings.Builder
	for _, b := range sum {
		gid.WriteByte(digits[b%32])
	}
	return ledger.PersonChain(identity.GID(gid.String()))
}

func head(n int) tree.Head {
	return tree.Head{Number: uint64(n), Hash: sha256.Sum256([]byte{byte(n), byte(n >> 8)})}
}

// A map's root depends on what it holds and on nothing else, and it proves of each chain where it ends, or that it has none.
func TestHeads(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := make(map[int]tree.Head)
		var m tree.Heads
		for range rapid.IntRange(0, 60).Draw(t, "changes") {
			i, n := rapid.IntRange(0, 40).Draw(t, "chain"), rapid.IntRange(1, 999).Draw(t, "number")
			before := m
			root := before.Root()
			m, want[i] = m.With(chain(i), head(n)), head(n)
			if before.Root() != root {
				t.Fatal("an earlier map has changed")
			}
		}
		var again tree.Heads
		for i := 40; i >= 0; i-- {
			if h, ok := want[i]; ok {
				again = again.With(chain(i), h)
			}
		}
		root := m.Root()
		if naive(want) != root {
			t.Fatal("the root is not the one of the definition")
		}
		if again.Root() != root {
			t.Fatal("the root depends on the order")
		}
		for i := range 45 {
			p := m.Prove(chain(i))
			got, err := p.Verify(root, chain(i))
			if err != nil || got != want[i] {
				t.Fatalf("chain %d ends at %v, %v, want %v", i, got, err, want[i])
			}
			if _, err := p.Verify(root, chain(i+100)); err == nil && p.Head != nil {
				t.Fatalf("the proof for chain %d is taken for another chain", i)
			}
		}
	})
}

// naive computes the root of a map from the definition.
func naive(heads map[int]tree.Head) ledger.Hash {
	leaves := make(map[[32]byte][]byte)
	for i, h := range heads {
		key := sha256.Sum256([]byte(chain(i).String()))
		leaves[key] = slices.Concat([]byte{0}, key[:], binary.BigEndian.AppendUint64(nil, h.Number), h.Hash[:])
	}
	var subtree func(depth int, in map[[32]byte][]byte) [32]byte
	subtree = func(depth int, in map[[32]byte][]byte) [32]byte {
		if len(in) == 0 {
			return [32]byte{}
		}
		halves := [2]map[[32]byte][]byte{{}, {}}
		for key, leaf := range in {
			if len(in) == 1 {
				return sha256.Sum256(leaf)
			}
			bit := new(big.Int).SetBytes(key[:]).Bit(255 - depth)
			halves[bit][key] = leaf
		}
		left, right := subtree(depth+1, halves[0]), subtree(depth+1, halves[1])
		return sha256.Sum256(slices.Concat([]byte{1}, left[:], right[:]))
	}
	return subtree(0, leaves)
}

// No changed proof is believed, and none that says a chain is not there.
func TestAttack58_ForgedHeads(t *testing.T) {
	var m tree.Heads
	for i := range 100 {
		m = m.With(chain(i), head(i+1))
	}
	root := m.Root()
	there, gone := m.Prove(chain(3)), m.Prove(chain(1000))
	for name, p := range map[string]tree.HeadProof{
		"another number":          {Siblings: there.Siblings, Head: &tree.Head{Number: there.Head.Number - 1, Hash: there.Head.Hash}},
		"another hash":            {Siblings: there.Siblings, Head: &tree.Head{Number: there.Head.Number, Hash: gone.Siblings[0]}},
		"no number":               {Siblings: there.Siblings, Head: &tree.Head{Hash: there.Head.Hash}},
		"left out":                {Siblings: there.Siblings},
		"left out from the start": {},
		"fewer siblings":          {Siblings: there.Siblings[:len(there.Siblings)-1], Head: there.Head},
		"more siblings":           {Siblings: append(there.Siblings[:len(there.Siblings):len(there.Siblings)], ledger.Hash{}), Head: there.Head},
		"too many siblings":       {Siblings: make([]ledger.Hash, 300), Head: there.Head},
		"its own key as another":  {Siblings: there.Siblings, Other: &tree.OtherHead{Key: sha256.Sum256([]byte(chain(3).String())), Head: *there.Head}},
		"another's absence":       gone,
		"both":                    {Siblings: there.Siblings, Head: there.Head, Other: &tree.OtherHead{Key: root, Head: *there.Head}},
	} {
		if got, err := p.Verify(root, chain(3)); !errors.Is(err, tree.ErrNotProven) {
			t.Errorf("%s: believed to end at %v, %v", name, got, err)
		}
	}
	bogus := m.With(chain(3), tree.Head{})
	none := bogus.Prove(chain(3))
	if got, err := none.Verify(bogus.Root(), chain(3)); !errors.Is(err, tree.ErrNotProven) {
		t.Errorf("an event without a number is believed: %v, %v", got, err)
	}
	if _, err := there.Verify(gone.Siblings[0], chain(3)); !errors.Is(err, tree.ErrNotProven) {
		t.Errorf("proven by another root: %v", err)
	}
}
