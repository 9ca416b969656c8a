// Package policy is the language in which a patient says who may read: attributes vouched for by authorities, joined by
// and, or, and k-of-n.
//
//	policy     = and-expr { "or" and-expr }
//	and-expr   = primary { "and" primary }                      and binds tighter than or
//	primary    = attribute | "(" policy ")" | k "of" "(" policy { "," policy } ")"
//	attribute  = name "@" authority                             doctor@city-hospital
//	name       = [a-z] [a-z0-9.-]{0,62}                         no two dots in a row, none at the end
//	authority  = [a-z] [a-z0-9-]{1,30} | GID                    a GID is 32 characters of a-z2-7: a patient
//
// Upper case is read as lower case; spaces, tabs and line ends separate words. There is no negation, and a version
// (doctor@city-hospital#3) is never typed. A text is at most MaxText bytes with MaxLeaves attributes and MaxDepth levels.
//
// # Canonical form
//
// A Policy is kept in one canonical form, and String, Hash and the tree are of that form. These write the same policy:
// other case, spacing or redundant parentheses; another order; and in and, or in or; a repeated operand of and or or;
// 1-of-n for or, n-of-n for and; an operand that another one makes superfluous, as in a or (a and b), a and (a or b).
//
// Equal meaning beyond that is not recognised: nothing is distributed or factored (a and (b or c) is not (a and b) or
// (a and c)), and a k-of-n between keeps its operands as they are written, sorted. An operand written twice there counts
// twice: 2 of (a, a, b) is satisfied by a alone. MinimalSets tells the meaning of any of them.
//
// # What it does not do
//
// An attribute says that its authority vouches for a person, not how many persons: 2 of (doctor@x, nurse@y) is one
// person who is both. An authority can give its attributes to anyone, so a policy is worth what the weakest of its
// Coalitions is worth. Nothing here is secret, and nothing here runs in constant time.
package policy

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
)

// The limits of a policy, in its text and in its canonical form alike.
const (
	MaxText   = 4096 // bytes
	MaxLeaves = 64   // attributes, counted with repetitions
	MaxDepth  = 8    // parentheses inside one another, and operators above an attribute
)

var (
	// ErrMalformed is wrapped by every error about a text that is not a policy, attribute or authority, with the byte
	// position and what to do.
	ErrMalformed = errors.New("malformed policy")

	// ErrTooComplex is wrapped where a policy, or the answer to a question about it, would exceed a limit.
	ErrTooComplex = errors.New("too complex")
)

// hashLabel keeps a policy's hash apart from every other SHA-256 in the system.
const hashLabel = "phr/policy/1\x00"

// A Policy is a monotone formula over attributes in canonical form. It is immutable, may be used by several goroutines,
// and is made by Parse, Leaf, And, Or and Threshold: the zero value is not a policy.
type Policy struct {
	root *Node
}

// Parse reads a policy. Errors wrap ErrMalformed, and ErrTooComplex too where a limit is exceeded. Time and memory are
// linear in a text within MaxText, and a longer one is refused unread.
func Parse(text string) (*Policy, error) {
	text, err := lower(text)
	if err != nil {
		return nil, err
	}
	p := parser{text: text}
	p.next()
	root, err := p.policy()
	if err != nil {
		return nil, err
	}
	if p.token != "" {
		return nil, p.unexpected(`"and", "or" or the end`)
	}
	return within(root)
}

// Leaf returns the policy that one attribute satisfies. It panics unless a is one that ParseAttribute returns.
func Leaf(a Attribute) *Policy {
	if parsed, err := ParseAttribute(a.String()); err != nil || parsed != a {
		panic(fmt.Sprintf("policy: leaf of the invalid attribute %+q", a.String()))
	}
	return &Policy{leaf(a)}
}

// And returns the policy satisfied where all of ps are. Without ps, or beyond the limits, it fails as Parse does.
func And(ps ...*Policy) (*Policy, error) { return Threshold(len(ps), ps...) }

// Or returns the policy satisfied where at least one of ps is. Without ps, or beyond the limits, it fails as Parse does.
func Or(ps ...*Policy) (*Policy, error) { return Threshold(1, ps...) }

// Threshold returns the policy satisfied where at least k of ps are, 1 ≤ k ≤ len(ps). It fails as Parse does.
func Threshold(k int, ps ...*Policy) (*Policy, error) {
	if k < 1 || k > len(ps) {
		return nil, fmt.Errorf("%w: %d of %d operands; k is a number from 1 to n", ErrMalformed, k, len(ps))
	}
	if len(ps) > MaxLeaves {
		return nil, fmt.Errorf("%w: %w: %d operands; the limit is %d attributes", ErrMalformed, ErrTooComplex, len(ps), MaxLeaves)
	}
	children := make([]*Node, len(ps))
	for i, p := range ps {
		children[i] = p.root
	}
	return within(gate(k, children))
}

// within holds a canonical tree to the limits, so that its text can be parsed again.
func within(root *Node) (*Policy, error) {
	p := &Policy{root}
	n, depth := len(p.Leaves()), root.depth()
	switch {
	case n > MaxLeaves:
		return nil, fmt.Errorf("%w: %w: %d attributes; the limit is %d", ErrMalformed, ErrTooComplex, n, MaxLeaves)
	case depth > MaxDepth:
		return nil, fmt.Errorf("%w: %w: %d operators inside one another; the limit is %d", ErrMalformed, ErrTooComplex, depth, MaxDepth)
	case len(root.text) > MaxText:
		return nil, fmt.Errorf("%w: %w: %d bytes in canonical form; the limit is %d", ErrMalformed, ErrTooComplex, len(root.text), MaxText)
	}
	return p, nil
}

// String returns the canonical text; parsing it gives the same policy.
func (p *Policy) String() string { return p.root.text }

// Hash returns the SHA-256 of a domain label and the canonical text.
func (p *Policy) Hash() [32]byte { return sha256.Sum256([]byte(hashLabel + p.root.text)) }

// Root returns the canonical tree, which the caller must not change.
func (p *Policy) Root() *Node { return p.root }

// Leaves returns the attributes in depth-first order, with repetitions: one a row of the share-generating matrix.
func (p *Policy) Leaves() []Attribute { return p.root.leaves(nil) }

// Attributes returns the distinct attributes, sorted by their text.
func (p *Policy) Attributes() []Attribute {
	all := p.Leaves()
	slices.SortFunc(all, compareAttributes)
	return slices.Compact(all)
}

// Authorities returns the distinct authorities, sorted.
func (p *Policy) Authorities() []Authority {
	var all []Authority
	for _, a := range p.Leaves() {
		all = append(all, a.Authority)
	}
	slices.Sort(all)
	return slices.Compact(all)
}
