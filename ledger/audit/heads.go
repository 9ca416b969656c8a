package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"sort"

	"github.com/phrledger/phr/ledger"
)

// heads is the map of where each chain ends, whose root a checkpoint names: a sparse Merkle tree over the SHA-256 of the chain's
// prefix. Here it is lists of leaves in the order of their keys, one for each beginning that a key may have. A root is computed
// from the lists that have changed, and from the sums of the others.
type heads struct {
	lists [1 << listBits][]headLeaf
	sums  [1 << listBits]sum
	stale [1 << listBits]bool
}

// listBits is how many bits of its key say in which list a leaf stands.
const listBits = 12

type headLeaf struct {
	key  [sha256.Size]byte
	hash ledger.Hash
}

// sum is what a subtree comes to, and how many leaves it has.
type sum struct {
	hash   ledger.Hash
	leaves int
}

// set says where a chain ends now.
func (h *heads) set(c ledger.Chain, head Head) {
	leaf := headLeaf{key: sha256.Sum256([]byte(c.String()))}
	text := append([]byte{0}, leaf.key[:]...)
	text = binary.BigEndian.AppendUint64(text, head.Number)
	leaf.hash = sha256.Sum256(append(text, head.Hash[:]...))

	list := binary.BigEndian.Uint16(leaf.key[:]) >> (16 - listBits)
	at, found := slices.BinarySearchFunc(h.lists[list], leaf, func(a, b headLeaf) int { return bytes.Compare(a.key[:], b.key[:]) })
	if found {
		h.lists[list][at] = leaf
	} else {
		h.lists[list] = slices.Insert(h.lists[list], at, leaf)
	}
	h.stale[list] = true
}

// root returns the hash of the whole map.
func (h *heads) root() ledger.Hash {
	for i, stale := range h.stale {
		if stale {
			h.sums[i], h.stale[i] = sumOf(h.lists[i], listBits), false
		}
	}
	row := slices.Clone(h.sums[:])
	for len(row) > 1 {
		for i := range len(row) / 2 {
			row[i] = join(row[2*i], row[2*i+1])
		}
		row = row[:len(row)/2]
	}
	return row[0].hash
}

// sumOf sums up sorted leaves whose keys are alike up to a depth.
func sumOf(leaves []headLeaf, depth int) sum {
	switch len(leaves) {
	case 0:
		return sum{}
	case 1:
		return sum{leaves[0].hash, 1}
	}
	half := sort.Search(len(leaves), func(i int) bool { return leaves[i].key[depth/8]<<(depth%8)&0x80 != 0 })
	return join(sumOf(leaves[:half], depth+1), sumOf(leaves[half:], depth+1))
}

// join sums up two halves. A leaf that is alone stands for the whole, however deep its key would lead.
func join(left, right sum) sum {
	switch n := left.leaves + right.leaves; {
	case n == left.leaves && n < 2:
		return left
	case n == right.leaves && n < 2:
		return right
	default:
		return sum{sha256.Sum256(slices.Concat([]byte{1}, left.hash[:], right.hash[:])), n}
	}
}
