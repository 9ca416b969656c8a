package policy

import (
	"cmp"
	"fmt"
	"slices"
)

// Satisfied reports whether the attributes for which held is true satisfy p. If not, missing are the smallest sets of
// attributes that would have to come on top, smallest first and at most 16. For a policy with very many minimal sets
// they are enough to satisfy it, and small, but perhaps not the smallest.
//
// That each satisfying set holds an attribute of some kind needs no enumeration: it is so exactly if all attributes of
// the other kinds together do not satisfy p.
func (p *Policy) Satisfied(held func(Attribute) bool) (ok bool, missing [][]Attribute) {
	if p.root.satisfied(held) {
		return true, nil
	}
	names := p.Attributes()
	e := enumeration{limit: beam, truncate: true, mask: func(a Attribute) uint64 {
		if held(a) {
			return 0
		}
		return bit(names, a, compareAttributes)
	}}
	sets, err := e.sets(p.root)
	if err != nil {
		panic(err) // unreachable: a truncated enumeration stays within beam² candidates
	}
	sets = sets[:min(len(sets), maxMissing)]
	return false, members(sets, names)
}

func (n *Node) satisfied(held func(Attribute) bool) bool {
	if n.isLeaf() {
		return held(n.Attribute)
	}
	count := 0
	for _, c := range n.Children {
		if c.satisfied(held) {
			count++
		}
	}
	return count >= n.K
}

// MinimalSets returns every set of attributes that satisfies p and would not with one attribute less, smallest first.
// It fails with ErrTooComplex if p or a part of it has more than MaxSets, or would take more than bounded work; for one
// policy always or never.
func (p *Policy) MinimalSets() ([][]Attribute, error) {
	names := p.Attributes()
	e := enumeration{limit: MaxSets, mask: func(a Attribute) uint64 { return bit(names, a, compareAttributes) }}
	sets, err := e.sets(p.root)
	if err != nil {
		return nil, fmt.Errorf("enumerating the minimal sets of a policy with %d attributes: %w", len(names), err)
	}
	return members(sets, names), nil
}

// Coalitions returns the minimal sets of authorities that could read together, by issuing their attributes to someone of
// their choice, smallest first. It fails as MinimalSets does.
func (p *Policy) Coalitions() ([][]Authority, error) {
	names := p.Authorities()
	e := enumeration{limit: MaxSets, mask: func(a Attribute) uint64 { return bit(names, a.Authority, cmp.Compare) }}
	sets, err := e.sets(p.root)
	if err != nil {
		return nil, fmt.Errorf("enumerating the coalitions of %d authorities: %w", len(names), err)
	}
	return members(sets, names), nil
}

// bit is that of x in the sorted names.
func bit[T any](names []T, x T, compare func(T, T) int) uint64 {
	i, _ := slices.BinarySearchFunc(names, x, compare)
	return 1 << i
}

// Widens returns the minimal sets of attributes that satisfy to and did not satisfy from: who may read in addition after
// the change. From is nil where nobody could before. No set is returned exactly if to gives nobody anything new. It fails
// as MinimalSets of to does.
func Widens(from, to *Policy) ([][]Attribute, error) {
	sets, err := to.MinimalSets()
	if err != nil || from == nil {
		return sets, err
	}
	// Whoever satisfies to and not from holds a minimal set of to, which can't satisfy from either.
	return slices.DeleteFunc(sets, func(set []Attribute) bool {
		return from.root.satisfied(func(a Attribute) bool { return slices.Contains(set, a) })
	}), nil
}

// Without returns p without those of its top-level alternatives that the dropped attributes satisfy on their own:
// patient@phr or doctor@city-hospital, without patient@phr, is doctor@city-hospital. If nothing is left it returns false.
func (p *Policy) Without(drop func(Attribute) bool) (*Policy, bool) {
	alternatives := []*Node{p.root}
	if p.root.isOr() {
		alternatives = slices.Clone(p.root.Children)
	}
	left := slices.DeleteFunc(alternatives, func(n *Node) bool { return n.satisfied(drop) })
	if len(left) == 0 {
		return nil, false
	}
	return &Policy{gate(1, left)}, true
}
