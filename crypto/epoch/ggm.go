package epoch

import (
	"crypto/sha256"
	"slices"
	"sort"
)

// seedSize is the length of a node's value.
const seedSize = sha256.Size

// nodeLabel is 12 bytes long, so that label, node and bit fill one block of SHA-256.
const nodeLabel = "phr/shred/1\x00"

// ggm is the pseudorandom function of Goldreich, Goldwasser and Micali over leaves of depth bits, with leaves punctured:
// a binary tree whose root is random and whose children are hashes of their parent. What is held of it are the nodes
// that cover every leaf but the erased ones.
type ggm struct {
	depth  int
	erased []uint64 // ascending
	nodes  []node   // ascending, no two overlap
}

// node is a subtree by its first leaf and its level, counted from the root at 0.
type node struct {
	first uint64
	level int
	seed  [seedSize]byte
}

func child(seed *[seedSize]byte, bit byte) [seedSize]byte {
	var block [len(nodeLabel) + seedSize + 1]byte
	copy(block[:], nodeLabel)
	copy(block[len(nodeLabel):], seed[:])
	block[len(block)-1] = bit
	return sha256.Sum256(block[:])
}

// bit returns the bit of leaf that chooses the child of a node at level.
func (g *ggm) bit(leaf uint64, level int) byte {
	return byte(leaf >> (g.depth - 1 - level) & 1)
}

// covering returns the index of the node over leaf, or false if leaf is erased.
func (g *ggm) covering(leaf uint64) (int, bool) {
	i := sort.Search(len(g.nodes), func(i int) bool { return g.nodes[i].first > leaf }) - 1
	if i < 0 || (g.nodes[i].first^leaf)>>(g.depth-g.nodes[i].level) != 0 {
		return 0, false
	}
	return i, true
}

// value walks down to leaf; false if leaf is erased.
func (g *ggm) value(leaf uint64) ([seedSize]byte, bool) {
	i, ok := g.covering(leaf)
	if !ok {
		return [seedSize]byte{}, false
	}
	seed := g.nodes[i].seed
	for level := g.nodes[i].level; level < g.depth; level++ {
		seed = child(&seed, g.bit(leaf, level))
	}
	return seed, true
}

// puncture replaces the node over leaf by the siblings on the way from it to leaf. An erased leaf stays erased.
func (g *ggm) puncture(leaf uint64) {
	i, ok := g.covering(leaf)
	if !ok {
		return
	}
	at := g.nodes[i]
	var left, right []node
	for at.level < g.depth {
		bit := g.bit(leaf, at.level)
		half := uint64(1) << (g.depth - 1 - at.level)
		children := [2]node{
			{first: at.first, level: at.level + 1, seed: child(&at.seed, 0)},
			{first: at.first + half, level: at.level + 1, seed: child(&at.seed, 1)},
		}
		if bit == 1 {
			left = append(left, children[0])
		} else {
			right = append(right, children[1])
		}
		at = children[bit]
	}
	slices.Reverse(right)
	g.nodes = slices.Replace(g.nodes, i, i+1, append(left, right...)...)
	j, _ := slices.BinarySearch(g.erased, leaf)
	g.erased = slices.Insert(g.erased, j, leaf)
}

// fill appends the nodes that cover the subtree (first, level) without its erased leaves, taking their seeds in order,
// and returns the seeds that are left; false if there are too few. It never allocates more than the seeds justify.
func (g *ggm) fill(first uint64, level int, erased []uint64, seeds []byte) ([]byte, bool) {
	if len(erased) == 0 {
		if len(seeds) < seedSize {
			return nil, false
		}
		g.nodes = append(g.nodes, node{first: first, level: level, seed: [seedSize]byte(seeds)})
		return seeds[seedSize:], true
	}
	if level == g.depth {
		return seeds, true
	}
	middle := first + 1<<(g.depth-1-level)
	split, _ := slices.BinarySearch(erased, middle)
	seeds, ok := g.fill(first, level+1, erased[:split], seeds)
	if !ok {
		return nil, false
	}
	return g.fill(middle, level+1, erased[split:], seeds)
}
