package abe

import (
	"fmt"
	"math/big"
	"math/bits"
	"strings"
	"testing"

	"github.com/cloudflare/circl/ecc/bls12381"
	"pgregory.net/rapid"

	"github.com/phrledger/phr/crypto/policy"
)

var order = new(big.Int).SetBytes(bls12381.Order())

// shapes are policies of every kind, small enough to try all subsets of their rows.
var shapes = []string{
	"a@hospital",
	"a@hospital and b@club",
	"a@hospital or b@club",
	"a@hospital and b@club and c@club and d@club",
	"2 of (a@hospital, b@club, c@club)",
	"2 of (a@hospital, a@hospital, b@club)",
	"3 of (a@hospital, b@club, c@club, d@club)",
	"a@hospital or (b@club and c@club)",
	"a@hospital and (b@club or c@club)",
	"(a@hospital or b@club) and (a@hospital or c@club)",
	"2 of (a@hospital and b@club, c@club, d@club)",
	"2 of (a@hospital or b@club, c@club, d@club)",
}

// largerShapes are tried without curve work.
var largerShapes = []string{
	"3 of (a@xx, b@xx, c@xx, d@xx, e@xx)",
	"2 of (a@xx and b@xx, c@xx or d@xx, e@xx)",
	"2 of (2 of (a@xx, b@xx, c@xx), d@xx, e@xx and f@xx)",
	"a@xx and (b@xx or (c@xx and (d@xx or 2 of (e@xx, f@xx, g@xx))))",
	"2 of (2 of (a@xx, b@xx, c@xx), 2 of (a@xx, b@xx, d@xx), 2 of (a@xx, c@xx, d@xx))",
}

func parsePolicy(t testing.TB, text string) *policy.Policy {
	t.Helper()
	p, err := policy.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// matrix writes the share matrix down, column by column: the shares of the unit vectors.
func matrix(root *policy.Node) [][]*big.Int {
	n := columns(root)
	var m [][]*big.Int
	for c := range n {
		v := make([]scalar, n)
		v[c].SetOne()
		for r, share := range shares(root, v) {
			if c == 0 {
				m = append(m, make([]*big.Int, n))
			}
			m[r][c] = new(big.Int).SetBytes(appendScalar(nil, &share))
		}
	}
	return m
}

// spans reports, by Gauss's elimination modulo r, whether (1, 0, …, 0) is a combination of rows. It eliminates the other
// columns first: what is then left in the first one alone decides.
func spans(rows [][]*big.Int) bool {
	var left [][]*big.Int
	for _, row := range rows {
		left = append(left, append([]*big.Int(nil), row...))
	}
	for c := 1; len(left) > 0 && c < len(left[0]); c++ {
		for i, pivot := range left {
			if pivot[c].Sign() == 0 {
				continue
			}
			left = append(left[:i], left[i+1:]...)
			inverse := new(big.Int).ModInverse(pivot[c], order)
			for _, row := range left {
				f := new(big.Int).Mul(row[c], inverse)
				for j := range row {
					row[j] = new(big.Int).Mod(new(big.Int).Sub(row[j], new(big.Int).Mul(f, pivot[j])), order)
				}
			}
			break
		}
	}
	for _, row := range left {
		if row[0].Sign() != 0 {
			return true
		}
	}
	return false
}

// satisfied decides by the meaning of the gates, from the rows held alone.
func satisfied(n *policy.Node, row *int, held func(int) bool) bool {
	if len(n.Children) == 0 {
		*row++
		return held(*row - 1)
	}
	count := 0
	for _, child := range n.Children {
		if satisfied(child, row, held) {
			count++
		}
	}
	return count >= n.K
}

// checkRows compares meaning, matrix and combine for one set of rows, and returns how many rows combine took.
func checkRows(t fatal, p *policy.Policy, m [][]*big.Int, held func(int) bool) int {
	row := 0
	want := satisfied(p.Root(), &row, held)
	var rows [][]*big.Int
	for i := range m {
		if held(i) {
			rows = append(rows, m[i])
		}
	}
	if got := spans(rows); got != want {
		t.Fatalf("%s: spanned %t, satisfied %t", p, got, want)
	}
	ws := combine(p.Root(), held)
	if (ws != nil) != want {
		t.Fatalf("%s: combined %t, satisfied %t", p, ws != nil, want)
	}
	if !want {
		return 0
	}
	exponents, d := integers(ws)
	for c := range m[0] {
		sum := new(big.Int)
		for i, w := range ws {
			if !held(w.row) {
				t.Fatalf("%s: took row %d, which is not held", p, w.row)
			}
			sum.Add(sum, new(big.Int).Mul(exponents[i], m[w.row][c]))
		}
		if c == 0 {
			sum.Sub(sum, d)
		}
		if sum.Mod(sum, order).Sign() != 0 {
			t.Fatalf("%s: column %d of the combination is wrong", p, c)
		}
	}
	return len(ws)
}

type fatal interface{ Fatalf(string, ...any) }

func TestShareMatrix(t *testing.T) {
	for _, text := range append(shapes, largerShapes...) {
		p := parsePolicy(t, text)
		m := matrix(p.Root())
		fewest := make(map[uint]int) // rows taken, by set held
		for set := range uint(1) << len(m) {
			fewest[set] = checkRows(t, p, m, func(i int) bool { return set>>i&1 == 1 })
			for i := range m {
				if without := set &^ (1 << i); without != set && fewest[without] != 0 && fewest[without] < fewest[set] {
					t.Errorf("%s: %d rows taken of %b, %d of %b", p, fewest[set], set, fewest[without], without)
				}
			}
			if n := fewest[set]; n > bits.OnesCount(set) {
				t.Errorf("%s: %d rows taken of %b", p, n, set)
			}
		}
	}
}

// TestShareMatrixRows pins the algorithm of lsss.go.
func TestShareMatrixRows(t *testing.T) {
	minus1 := new(big.Int).Sub(order, big.NewInt(1)).String()
	for text, want := range map[string]string{
		"a@xx":                                  "1",
		"a@xx or b@xx":                          "1; 1",
		"a@xx and b@xx and c@xx":                "1 1 0; 0 - 1; 0 0 -",
		"3 of (a@xx, b@xx, c@xx, d@xx)":         "1 1 1; 1 2 4; 1 3 9; 1 4 16",
		"a@xx and 2 of (b@xx, c@xx, d@xx)":      "1 1 0; 0 - 1; 0 - 2; 0 - 3",
		"2 of (a@xx, b@xx, c@xx and d@xx)":      "1 1 0; 1 2 0; 1 3 1; 0 0 -",
		"a@xx or (b@xx and (c@xx or d@xx))":     "1 0; 1 1; 0 -; 0 -",
		"(a@xx and b@xx) or (c@xx and d@xx)":    "1 1 0; 0 - 0; 1 0 1; 0 0 -",
		"a@xx and (b@xx or (c@xx and d@xx))":    "1 1 0; 0 - 0; 0 - 1; 0 0 -",
		"a@xx and b@xx and (c@xx or d@xx)":      "1 1 0; 0 - 1; 0 0 -; 0 0 -",
		"(a@xx or b@xx) and (c@xx and d@xx)":    "1 1 0; 0 - 1; 0 0 -; 0 0 -",
		"2 of (a@xx or b@xx, c@xx, d@xx, e@xx)": "1 1; 1 2; 1 3; 1 4; 1 4",
	} {
		var rows []string
		for _, row := range matrix(parsePolicy(t, text).Root()) {
			rows = append(rows, strings.ReplaceAll(strings.Trim(fmt.Sprint(row), "[]"), minus1, "-"))
		}
		if got := strings.Join(rows, "; "); got != want {
			t.Errorf("%s: rows %s, want %s", text, got, want)
		}
	}
}

// TestThresholdCoefficients: they are fractions; integers and a denominator come out.
func TestThresholdCoefficients(t *testing.T) {
	five := parsePolicy(t, "3 of (a@xx, b@xx, c@xx, d@xx, e@xx)")
	ws := combine(five.Root(), func(row int) bool { return row%2 == 0 })
	exponents, d := integers(ws)
	if got := fmt.Sprint(exponents, d); got != "[15 -10 3] 8" {
		t.Errorf("rows 1, 3, 5 of 3 of 5: %s", got)
	}

	var leaves []string
	for i := range policy.MaxLeaves {
		leaves = append(leaves, fmt.Sprintf("a%d@xx", i))
	}
	for k := 2; k < len(leaves); k += 5 {
		p := parsePolicy(t, fmt.Sprintf("%d of (%s)", k, strings.Join(leaves, ", ")))
		checkRows(t, p, matrix(p.Root()), func(row int) bool { return row%3 != 0 || k > len(leaves)/2 })
	}
}

// anyPolicy draws a policy of up to 4 levels.
func anyPolicy(t *rapid.T, depth int) *policy.Policy {
	if depth == 0 || rapid.IntRange(0, 3).Draw(t, "leaf") == 0 {
		name := rapid.SampledFrom([]string{"a", "b", "c", "d", "e"}).Draw(t, "name")
		return policy.Leaf(policy.Attribute{Name: name, Authority: "xx"})
	}
	var children []*policy.Policy
	for range rapid.IntRange(1, 4).Draw(t, "children") {
		children = append(children, anyPolicy(t, depth-1))
	}
	p, err := policy.Threshold(rapid.IntRange(1, len(children)).Draw(t, "k"), children...)
	if err != nil {
		t.Skip(err)
	}
	return p
}

func TestShareMatrixOfAnyPolicy(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := anyPolicy(t, 3)
		held := rapid.SliceOfN(rapid.Bool(), policy.MaxLeaves, policy.MaxLeaves).Draw(t, "held")
		checkRows(t, p, matrix(p.Root()), func(i int) bool { return held[i] })
	})
}
