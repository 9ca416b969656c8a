package policy

import (
	"fmt"
	"slices"
	"strings"
)

// A Node is a part of a canonical policy: a leaf with an attribute, or a gate over two or more children.
type Node struct {
	// Attribute is that of a leaf, and zero in a gate.
	Attribute Attribute

	// K of the children must be satisfied: 1 is or, len(Children) is and. Zero in a leaf.
	K int

	// Children are in canonical order, leaves before gates and each by their text. Empty in a leaf.
	Children []*Node

	text string // canonical, so that equal nodes have equal texts
}

func leaf(a Attribute) *Node { return &Node{Attribute: a, text: a.String()} }

// gate returns the canonical node for k of the canonical nodes children, 1 ≤ k ≤ len(children). It does not keep the
// slice.
func gate(k int, children []*Node) *Node {
	children = slices.Clone(children)
	or, and := k == 1, k == len(children)
	if or || and {
		children = flatten(children, or)
	}
	slices.SortFunc(children, compareNodes)
	if or || and {
		children = slices.CompactFunc(children, equalNodes)
		children = absorb(children, or)
		if len(children) == 1 {
			return children[0]
		}
		k = len(children)
		if or {
			k = 1
		}
	}
	n := &Node{K: k, Children: children}
	n.text = n.format()
	return n
}

// flatten replaces each or (or each and) among the operands of the same kind of gate by its children.
func flatten(children []*Node, or bool) []*Node {
	var flat []*Node
	for _, c := range children {
		if or && c.isOr() || !or && c.isAnd() {
			flat = append(flat, c.Children...)
		} else {
			flat = append(flat, c)
		}
	}
	return flat
}

// absorb drops the operands of an or (or of an and) that another one makes superfluous: a or (a and b) is a, and so is
// a and (a or b).
func absorb(children []*Node, or bool) []*Node {
	terms := func(n *Node) []*Node {
		if or && n.isAnd() || !or && n.isOr() {
			return n.Children
		}
		return []*Node{n}
	}
	var kept []*Node
	for _, c := range children {
		superfluous := slices.ContainsFunc(children, func(d *Node) bool {
			return d != c && subset(terms(d), terms(c))
		})
		if !superfluous {
			kept = append(kept, c)
		}
	}
	return kept
}

func subset(a, b []*Node) bool {
	for _, n := range a {
		if !slices.ContainsFunc(b, func(m *Node) bool { return equalNodes(n, m) }) {
			return false
		}
	}
	return true
}

func (n *Node) isLeaf() bool { return len(n.Children) == 0 }
func (n *Node) isOr() bool   { return !n.isLeaf() && n.K == 1 }
func (n *Node) isAnd() bool  { return !n.isLeaf() && n.K == len(n.Children) }

func equalNodes(a, b *Node) bool { return a.text == b.text }

// compareNodes orders leaves before gates, as a person would write them.
func compareNodes(a, b *Node) int {
	switch {
	case a.isLeaf() && !b.isLeaf():
		return -1
	case !a.isLeaf() && b.isLeaf():
		return 1
	}
	return strings.Compare(a.text, b.text)
}

// format writes a gate. An and within an or stands in parentheses too, so that nobody has to know which binds tighter.
func (n *Node) format() string {
	parts := make([]string, len(n.Children))
	for i, c := range n.Children {
		parts[i] = c.text
		if (n.isOr() || n.isAnd()) && (c.isOr() || c.isAnd()) {
			parts[i] = "(" + c.text + ")"
		}
	}
	switch {
	case n.isOr():
		return strings.Join(parts, " or ")
	case n.isAnd():
		return strings.Join(parts, " and ")
	}
	return fmt.Sprintf("%d of (%s)", n.K, strings.Join(parts, ", "))
}

// leaves appends the attributes below n, depth first.
func (n *Node) leaves(to []Attribute) []Attribute {
	if n.isLeaf() {
		return append(to, n.Attribute)
	}
	for _, c := range n.Children {
		to = c.leaves(to)
	}
	return to
}

// depth is the number of gates above the deepest leaf.
func (n *Node) depth() int {
	if n.isLeaf() {
		return 0
	}
	deepest := 0
	for _, c := range n.Children {
		deepest = max(deepest, c.depth())
	}
	return deepest + 1
}
