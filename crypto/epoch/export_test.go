package epoch

import (
	"io"

	"github.com/phrledger/phr/crypto/canonical"
)

// What black-box tests reach inside for: frames and parts that the package never makes, and the tree at a depth that can be written out.

var (
	Frame      = frame
	Unframe    = unframe
	Inflate    = inflate
	Padme      = padme
	SealFrame  = seal
	Unseal     = unseal
	Dictionary = dictionary
)

const (
	MaxFrame    = maxFrame
	FrameHead   = frameHead
	Stored      = stored
	Dictionary1 = dictionary1
)

// SealPart seals any contents as a part.
func SealPart(
	rand io.Reader, key [KeySize]byte, at Place, name string, kid [32]byte, version uint64, contents []byte,
) ([]byte, error) {
	return at.part(name, kid, version).seal(rand, key, contents)
}

// OwnerContext is the additional data of an owner part.
func OwnerContext(at Place, kid [32]byte) ([]byte, error) {
	return canonical.Marshal(at.part(ownerPart, kid, 0))
}

// Tree is the puncturable function at a depth of the test's choice.
type Tree struct{ g ggm }

func NewTree(depth int, root [32]byte) *Tree {
	return &Tree{ggm{depth: depth, nodes: []node{{seed: root}}}}
}

func (t *Tree) Value(leaf uint64) ([32]byte, bool) { return t.g.value(leaf) }
func (t *Tree) Puncture(leaf uint64)               { t.g.puncture(leaf) }
func (t *Tree) Erased() []uint64                   { return t.g.erased }

// Seeds returns the remaining nodes as they are stored.
func (t *Tree) Seeds() []byte {
	var b []byte
	for _, n := range t.g.nodes {
		b = append(b, n.seed[:]...)
	}
	return b
}

// FillTree rebuilds a tree from what is stored of it.
func FillTree(depth int, erased []uint64, seeds []byte) (*Tree, bool) {
	t := &Tree{ggm{depth: depth, erased: erased}}
	rest, ok := t.g.fill(0, 0, erased, seeds)
	return t, ok && len(rest) == 0
}
