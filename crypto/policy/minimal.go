package policy

import (
	"cmp"
	"fmt"
	"math/bits"
	"slices"
)

const (
	// MaxSets bounds the answers of MinimalSets, Coalitions and Widens.
	MaxSets = 4096

	maxMissing    = 16      // answers of Satisfied
	beam          = 128     // sets that Satisfied keeps at a gate while it looks for the smallest
	maxCandidates = 1 << 16 // unions formed at a gate before they are minimised
	maxTests      = 1 << 24 // inclusion tests in one enumeration
)

var errTooManySets = fmt.Errorf("%w: more than %d sets, or too much work to find them; share by several grants", ErrTooComplex, MaxSets)

// An enumeration finds the minimal sets that satisfy a formula, each as a mask of up to MaxLeaves bits.
type enumeration struct {
	mask     func(Attribute) uint64 // the bit of an attribute, or none for one that is held
	limit    int                    // sets kept at a gate
	truncate bool                   // beyond the limit keep the smallest, where otherwise it is an error
	tests    int                    // inclusion tests done
}

// sets returns the minimal sets satisfying n, in the order of compareSets.
func (e *enumeration) sets(n *Node) ([]uint64, error) {
	if n.isLeaf() {
		return []uint64{e.mask(n.Attribute)}, nil
	}
	// With the first i children seen, reached[j] are the minimal sets that satisfy at least j of them. Only those j are
	// kept from which K can still be reached, and there are never more of them than in the answer if all leaves differ.
	reached := make([][]uint64, n.K+1)
	reached[0] = []uint64{0}
	for i, c := range n.Children {
		child, err := e.sets(c)
		if err != nil {
			return nil, err
		}
		left := len(n.Children) - i - 1
		for j := min(i+1, n.K); j >= max(1, n.K-left); j-- {
			if reached[j], err = e.join(reached[j], reached[j-1], child); err != nil {
				return nil, err
			}
		}
	}
	return reached[n.K], nil
}

// join returns the minimal ones of have and of the unions of one set of a with one of b.
func (e *enumeration) join(have, a, b []uint64) ([]uint64, error) {
	if len(have)+len(a)*len(b) > maxCandidates {
		return nil, errTooManySets
	}
	candidates := make([]uint64, 0, len(have)+len(a)*len(b))
	candidates = append(candidates, have...)
	for _, x := range a {
		for _, y := range b {
			candidates = append(candidates, x|y)
		}
	}
	slices.SortFunc(candidates, compareSets)
	return e.minimise(slices.Compact(candidates))
}

// minimise drops the sets that hold another one. They are sorted by size, so that one can only hold an earlier one that
// is smaller.
func (e *enumeration) minimise(sorted []uint64) ([]uint64, error) {
	var kept []uint64
	smaller, size := 0, 0 // kept[:smaller] are smaller than size
	for _, s := range sorted {
		if n := bits.OnesCount64(s); n > size {
			smaller, size = len(kept), n
		}
		e.tests += smaller
		if slices.ContainsFunc(kept[:smaller], func(k uint64) bool { return k&^s == 0 }) {
			continue
		}
		if e.truncate && len(kept) == e.limit {
			break
		}
		if len(kept) == e.limit || !e.truncate && e.tests > maxTests {
			return nil, errTooManySets
		}
		kept = append(kept, s)
	}
	return kept, nil
}

// compareSets orders by size, then as lists of sorted names do: the lowest bit is the first name.
func compareSets(a, b uint64) int {
	return cmp.Or(cmp.Compare(bits.OnesCount64(a), bits.OnesCount64(b)), cmp.Compare(bits.Reverse64(b), bits.Reverse64(a)))
}

// members returns, for each of the sets, the names whose bits are in it.
func members[T any](sets []uint64, names []T) [][]T {
	out := make([][]T, 0, len(sets))
	for _, s := range sets {
		set := make([]T, 0, bits.OnesCount64(s))
		for ; s != 0; s &= s - 1 {
			set = append(set, names[bits.TrailingZeros64(s)])
		}
		out = append(out, set)
	}
	return out
}
