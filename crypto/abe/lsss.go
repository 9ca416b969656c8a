package abe

import (
	"cmp"
	"math/big"
	"slices"

	"github.com/phrledger/phr/crypto/policy"
)

// The share matrix M of a policy has a row for each leaf, in depth-first order, and comes from the canonical tree so. The
// root has the vector (1). A gate with the vector v takes new columns, the next free ones in depth-first order of the
// gates, and gives its children in order (unnamed places are zero):
//
//	1 of n (or)     v to each; no new column
//	n of n (and)    n-1 new columns: (v, 1), (0, -1, 1), …, (0, …, -1): the chain of Lewko and Waters (ePrint 2010/351)
//	k of n          k-1 new columns: (v, i, i², …, i^(k-1)) to the i-th child, i from 1: Shamir's polynomial
//
// The matrix is never written down: M·v is one walk over the tree, and the coefficients that combine rows to (1, 0, …, 0)
// are products over the gates: 1 for or and and, Lagrange's coefficients at zero for k of n.

// columns is the number of columns of the matrix.
func columns(n *policy.Node) int {
	c := 1
	for _, child := range n.Children {
		c += columns(child) - 1
	}
	if len(n.Children) > 0 {
		c += n.K - 1
	}
	return c
}

// shares returns M·v, one share a row. v has one scalar a column.
func shares(root *policy.Node, v []scalar) []scalar {
	s := sharing{fresh: v[1:]}
	s.walk(root, v[0])
	return s.out
}

type sharing struct {
	fresh []scalar // columns not yet taken
	out   []scalar
}

func (s *sharing) walk(n *policy.Node, secret scalar) {
	if len(n.Children) == 0 {
		s.out = append(s.out, secret)
		return
	}
	v := s.fresh[:n.K-1]
	s.fresh = s.fresh[n.K-1:]
	for i, child := range n.Children {
		if n.K == len(n.Children) {
			s.walk(child, link(secret, v, i))
		} else {
			s.walk(child, polynomial(secret, v, uint64(i+1)))
		}
	}
}

// link is the i-th share of the chain: secret + v[0], v[1] - v[0], …, -v[n-2].
func link(secret scalar, v []scalar, i int) scalar {
	var share scalar
	if i == 0 {
		share = secret
	} else {
		share.Sub(&share, &v[i-1])
	}
	if i < len(v) {
		share.Add(&share, &v[i])
	}
	return share
}

// polynomial is secret + v[0]·x + v[1]·x² + …
func polynomial(secret scalar, v []scalar, x uint64) scalar {
	var at, sum scalar
	at.SetUint64(x)
	for _, c := range slices.Backward(v) {
		sum.Add(&sum, &c)
		sum.Mul(&sum, &at)
	}
	sum.Add(&sum, &secret)
	return sum
}

// weight is the coefficient of a row in a combination of rows.
type weight struct {
	row int
	c   *big.Rat
}

// combine returns the fewest rows among those held that satisfy the tree, with the coefficients that combine them to
// (1, 0, …, 0); nothing if they don't satisfy it. All of this is public.
func combine(root *policy.Node, held func(row int) bool) []weight {
	row := 0
	return weigh(root, &row, held)
}

func weigh(n *policy.Node, row *int, held func(int) bool) []weight {
	if len(n.Children) == 0 {
		*row++
		if !held(*row - 1) {
			return nil
		}
		return []weight{{*row - 1, big.NewRat(1, 1)}}
	}
	type branch struct {
		x    int64
		rows []weight
	}
	var open []branch
	for i, child := range n.Children {
		if rows := weigh(child, row, held); rows != nil {
			open = append(open, branch{int64(i + 1), rows})
		}
	}
	if len(open) < n.K {
		return nil
	}
	slices.SortStableFunc(open, func(a, b branch) int { return cmp.Compare(len(a.rows), len(b.rows)) })
	open = open[:n.K]
	var out []weight
	for _, b := range open {
		if n.K < len(n.Children) {
			factor := big.NewRat(1, 1)
			for _, other := range open {
				if other.x != b.x {
					factor.Mul(factor, big.NewRat(other.x, other.x-b.x))
				}
			}
			for _, w := range b.rows {
				w.c.Mul(w.c, factor)
			}
		}
		out = append(out, b.rows...)
	}
	slices.SortFunc(out, func(a, b weight) int { return cmp.Compare(a.row, b.row) })
	return out
}

// integers multiplies the coefficients by their common denominator d, so that each exponentiation in the groups is by a
// small integer and only the last by 1/d. It returns the integers, in order of ws, and d.
func integers(ws []weight) ([]*big.Int, *big.Int) {
	d := big.NewInt(1)
	for _, w := range ws {
		gcd := new(big.Int).GCD(nil, nil, d, w.c.Denom())
		d.Mul(d, new(big.Int).Quo(w.c.Denom(), gcd))
	}
	out := make([]*big.Int, len(ws))
	for i, w := range ws {
		out[i] = new(big.Int).Mul(w.c.Num(), new(big.Int).Quo(d, w.c.Denom()))
	}
	return out, d
}
