package tree

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"github.com/phrledger/phr/ledger"
)

// Heads is a verifiable map of where each chain ends: a sparse Merkle tree over the SHA-256 of the chain's prefix. Its root goes
// into the log with each checkpoint event, so that whoever is told "these are all the events of this chain" can demand a proof.
//
// A subtree without a key hashes to zeros; one with a single key to that key's leaf, however deep the key would lead; any other to
// the hash of its halves. Leaf and inner node are told apart by a first byte, and a leaf holds the whole key, so a root decides what
// each key leads to.
//
// Heads is immutable: With returns another map that shares what did not change. The zero value is empty. Root computes what hashes
// there are not yet; once it has returned, the map is safe for concurrent use, and for being extended meanwhile.
type Heads struct{ root *headNode }

// headNode is a leaf if it has no halves. A nil node is an empty subtree.
type headNode struct {
	halves [2]*headNode
	inner  bool
	hash   ledger.Hash // zero until it is asked for
	key    headKey
	head   Head
}

type headKey [sha256.Size]byte

func keyOf(c ledger.Chain) headKey { return sha256.Sum256([]byte(c.String())) }

// bit returns which half the key is in at a depth.
func (k headKey) bit(depth int) int { return int(k[depth/8]>>(7-depth%8)) & 1 }

// With returns the map with another head of a chain.
func (h Heads) With(c ledger.Chain, head Head) Heads {
	return Heads{h.root.with(0, &headNode{key: keyOf(c), head: head})}
}

func (n *headNode) with(depth int, leaf *headNode) *headNode {
	switch {
	case n == nil, !n.inner && n.key == leaf.key:
		return leaf
	case !n.inner:
		split := &headNode{inner: true}
		split.halves[n.key.bit(depth)] = n
		n = split
	}
	next := &headNode{inner: true, halves: n.halves}
	side := leaf.key.bit(depth)
	next.halves[side] = n.halves[side].with(depth+1, leaf)
	return next
}

// Root returns the hash that commits to the whole map.
func (h Heads) Root() ledger.Hash { return h.root.sum() }

func (n *headNode) sum() ledger.Hash {
	switch {
	case n == nil:
		return ledger.Hash{}
	case !n.hash.IsZero():
	case n.inner:
		n.hash = hashHalves(n.halves[0].sum(), n.halves[1].sum())
	default:
		n.hash = hashHead(n.key, n.head)
	}
	return n.hash
}

func hashHead(key headKey, head Head) ledger.Hash {
	b := append([]byte{0}, key[:]...)
	b = binary.BigEndian.AppendUint64(b, head.Number)
	return sha256.Sum256(append(b, head.Hash[:]...))
}

func hashHalves(left, right ledger.Hash) ledger.Hash {
	return sha256.Sum256(append(append([]byte{1}, left[:]...), right[:]...))
}

// Head is where a chain ends: the number and hash of its last event that counts.
type Head struct {
	Number uint64      `cbor:"1,keyasint"`
	Hash   ledger.Hash `cbor:"2,keyasint"`
}

// HeadProof shows where a chain ends by a map, or that the map does not have it.
type HeadProof struct {
	Siblings []ledger.Hash `cbor:"1,keyasint,omitempty"` // from the root's half down
	Head     *Head         `cbor:"2,keyasint,omitempty"` // none if the map does not have the chain
	Other    *OtherHead    `cbor:"3,keyasint,omitempty"` // what then stands where the chain would, if something does
}

// OtherHead is a leaf of the map that stands where another key would lead.
type OtherHead struct {
	Key  ledger.Hash `cbor:"1,keyasint"`
	Head Head        `cbor:"2,keyasint"`
}

// Prove returns the proof of where a chain ends.
func (h Heads) Prove(c ledger.Chain) HeadProof {
	var p HeadProof
	key, n := keyOf(c), h.root
	for depth := 0; n != nil && n.inner; depth++ {
		side := key.bit(depth)
		p.Siblings = append(p.Siblings, n.halves[1-side].sum())
		n = n.halves[side]
	}
	switch {
	case n == nil:
	case n.key == key:
		p.Head = &n.head
	default:
		p.Other = &OtherHead{Key: ledger.Hash(n.key), Head: n.head}
	}
	return p
}

// Verify checks the proof against the root of a map, and returns where the chain ends by it: the zero Head if the map does not
// have the chain. It fails with ErrNotProven.
func (p *HeadProof) Verify(root ledger.Hash, c ledger.Chain) (Head, error) {
	key := keyOf(c)
	if len(p.Siblings) > 8*len(key) {
		return Head{}, fmt.Errorf("%w: the head of %s: %d siblings", ErrNotProven, c, len(p.Siblings))
	}
	var head Head
	var sum ledger.Hash
	switch {
	case p.Head != nil && p.Other != nil, p.Head != nil && p.Head.Number == 0, p.Other != nil && !p.Other.stands(key, len(p.Siblings)):
		return Head{}, fmt.Errorf("%w: the head of %s: the proof contradicts itself", ErrNotProven, c)
	case p.Head != nil:
		head = *p.Head
		sum = hashHead(key, head)
	case p.Other != nil:
		sum = hashHead(headKey(p.Other.Key), p.Other.Head)
	}
	for depth := len(p.Siblings) - 1; depth >= 0; depth-- {
		if key.bit(depth) == 0 {
			sum = hashHalves(sum, p.Siblings[depth])
		} else {
			sum = hashHalves(p.Siblings[depth], sum)
		}
	}
	if sum != root {
		return Head{}, fmt.Errorf("%w: the head of %s is another in the map with root %s", ErrNotProven, c, root)
	}
	return head, nil
}

// stands tells whether a leaf may stand where a key leads at a depth: it is another, and shares the way there.
func (o *OtherHead) stands(key headKey, depth int) bool {
	other := headKey(o.Key)
	if other == key {
		return false
	}
	for i := range depth {
		if other.bit(i) != key.bit(i) {
			return false
		}
	}
	return true
}
