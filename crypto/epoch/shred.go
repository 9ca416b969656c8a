package epoch

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/phrledger/phr/crypto/canonical"
)

// leafBits is the depth of the tree. Among 2^20 records of an epoch two share a random leaf with probability 2^-9; a
// repeated leaf is refused by whoever validates and drawn again by whoever writes.
const leafBits = 48

// shredFormat is the only format of an encoded Shred so far.
const shredFormat = 1

// Leaf names a record within the Shred of its epoch: 48 random bits, public.
type Leaf [leafBits / 8]byte

// DrawLeaf draws a leaf for a new record.
func DrawLeaf(rand io.Reader) (Leaf, error) {
	var l Leaf
	if _, err := io.ReadFull(rand, l[:]); err != nil {
		return Leaf{}, fmt.Errorf("drawing leaf: %w", err)
	}
	return l, nil
}

func (l Leaf) number() uint64 {
	var b [8]byte
	copy(b[8-len(l):], l[:])
	return binary.BigEndian.Uint64(b[:])
}

func leafOf(number uint64) Leaf {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], number)
	return Leaf(b[8-len(Leaf{}):])
}

// Shred is the puncturable key of an epoch: it gives a secret for every leaf but the punctured ones, and no state after
// a puncture leads back to them. It prints as "redacted". Reading it from several goroutines is safe, puncturing it
// meanwhile is not. After k punctures it holds about k·(48 - log2 k) nodes of 32 bytes.
type Shred struct {
	redacted
	tree ggm
}

// NewShred draws the 32-byte root of a Shred with no leaf punctured.
func NewShred(rand io.Reader) (*Shred, error) {
	root := node{}
	if _, err := io.ReadFull(rand, root.seed[:]); err != nil {
		return nil, fmt.Errorf("drawing shred: %w", err)
	}
	return &Shred{tree: ggm{depth: leafBits, nodes: []node{root}}}, nil
}

// Leaf returns the secret of a leaf, or ErrErased if it was punctured.
func (s *Shred) Leaf(leaf Leaf) ([seedSize]byte, error) {
	value, ok := s.tree.value(leaf.number())
	if !ok {
		return value, ErrErased
	}
	return value, nil
}

// Puncture erases the secrets of leaves for ever. What is erased already stays so. Erasure is complete when every older
// copy of the Shred is destroyed, sealed ones included.
func (s *Shred) Puncture(leaves ...Leaf) {
	for _, l := range leaves {
		s.tree.puncture(l.number())
	}
}

// Version is the number of leaves punctured so far. It grows with every erasure, and is what the log says it is.
func (s *Shred) Version() uint64 {
	return uint64(len(s.tree.erased))
}

// shredState is a Shred on its way to storage. The erased leaves imply which nodes the seeds belong to.
type shredState struct {
	_      struct{} `cbor:",toarray"`
	Format uint8
	Erased []byte // leaves of 6 bytes, ascending
	Seeds  []byte // seeds of 32 bytes, in the order of the leaves they cover
}

// Bytes returns the one encoding of the Shred, a secret: the punctured leaves in order, then the remaining nodes.
func (s *Shred) Bytes() []byte {
	state := shredState{Format: shredFormat}
	for _, number := range s.tree.erased {
		leaf := leafOf(number)
		state.Erased = append(state.Erased, leaf[:]...)
	}
	for i := range s.tree.nodes {
		state.Seeds = append(state.Seeds, s.tree.nodes[i].seed[:]...)
	}
	b, err := canonical.Marshal(state)
	if err != nil {
		panic(err) // a struct of a number and two byte strings
	}
	return b
}

// ParseShred is the inverse of Bytes. Anything else fails with canonical.ErrMalformed.
func ParseShred(b []byte) (*Shred, error) {
	var state shredState
	if err := canonical.Unmarshal(b, &state); err != nil {
		return nil, fmt.Errorf("parsing shred: %w", err)
	}
	s := &Shred{tree: ggm{depth: leafBits}}
	if state.Format != shredFormat || !s.readErased(state.Erased) {
		return nil, fmt.Errorf("parsing shred: %w", canonical.ErrMalformed)
	}
	rest, ok := s.tree.fill(0, 0, s.tree.erased, state.Seeds)
	if !ok || len(rest) != 0 {
		return nil, fmt.Errorf("parsing shred: %w", canonical.ErrMalformed)
	}
	return s, nil
}

// readErased takes whole leaves in strictly ascending order.
func (s *Shred) readErased(b []byte) bool {
	const size = len(Leaf{})
	for ; len(b) >= size; b = b[size:] {
		number := Leaf(b[:size]).number()
		if n := len(s.tree.erased); n > 0 && s.tree.erased[n-1] >= number {
			return false
		}
		s.tree.erased = append(s.tree.erased, number)
	}
	return len(b) == 0
}
