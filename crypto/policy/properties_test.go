package policy_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/phrledger/phr/crypto/policy"
	"pgregory.net/rapid"
)

// A formula is the model: a policy before anything is made canonical, whose meaning is counting.
type formula struct {
	attribute int // of a leaf
	k         int // of a gate
	operands  []formula
}

// names are the attributes of all formulas; 2^len(names) sets of them are few enough to try all.
var names = []string{"a@xx", "b@xx", "c@yy", "d@yy", "e@zz", "f@" + gid}

func drawFormula(t *rapid.T, depth int) formula {
	if depth == 0 || rapid.IntRange(0, 3).Draw(t, "kind") == 0 {
		return formula{attribute: rapid.IntRange(0, len(names)-1).Draw(t, "attribute")}
	}
	f := formula{}
	for range rapid.IntRange(1, 3).Draw(t, "operands") {
		f.operands = append(f.operands, drawFormula(t, depth-1))
	}
	f.k = rapid.IntRange(1, len(f.operands)).Draw(t, "k")
	return f
}

func (f formula) satisfied(set uint) bool {
	if f.operands == nil {
		return set>>f.attribute&1 == 1
	}
	count := 0
	for _, o := range f.operands {
		if o.satisfied(set) {
			count++
		}
	}
	return count >= f.k
}

// write gives the formula one of its texts: any order, case, spacing and of the ways to say and and or.
func (f formula) write(t *rapid.T) string {
	if f.operands == nil {
		return rapid.SampledFrom([]string{names[f.attribute], strings.ToUpper(names[f.attribute])}).Draw(t, "case")
	}
	var parts []string
	for _, o := range rapid.Permutation(f.operands).Draw(t, "order") {
		parts = append(parts, o.write(t))
	}
	word := ""
	switch {
	case f.k == 1:
		word = rapid.SampledFrom([]string{"", " or ", "\tOR\n"}).Draw(t, "or")
	case f.k == len(parts):
		word = rapid.SampledFrom([]string{"", " and ", "  And "}).Draw(t, "and")
	}
	if word == "" {
		return fmt.Sprintf("%d of(%s )", f.k, strings.Join(parts, " , "))
	}
	return "(" + strings.Join(parts, word) + ")"
}

// build makes the policy by the constructors instead of from text.
func (f formula) build(t *rapid.T) *policy.Policy {
	if f.operands == nil {
		a, err := policy.ParseAttribute(names[f.attribute])
		if err != nil {
			t.Fatal(err)
		}
		return policy.Leaf(a)
	}
	var ps []*policy.Policy
	for _, o := range f.operands {
		ps = append(ps, o.build(t))
	}
	p, err := policy.Threshold(f.k, ps...)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// minimal returns the minimal sets on top of held for which want is true, by trying all.
func minimal(held uint, want func(set uint) bool) (sets []uint) {
	for set := range uint(1) << len(names) {
		if set&held != 0 || !want(set|held) {
			continue
		}
		least := true
		for rest := set; rest != 0; rest &= rest - 1 {
			least = least && !want(held|set&^(rest&-rest))
		}
		if least {
			sets = append(sets, set)
		}
	}
	return sets
}

// same reports whether two lists hold the same sets, and got is sorted by size.
func same(got [][]policy.Attribute, want []uint) bool {
	wanted := map[uint]bool{}
	for _, set := range want {
		wanted[set] = true
	}
	size := 0
	for _, set := range got {
		if !wanted[number(set)] || len(set) < size {
			return false
		}
		delete(wanted, number(set))
		size = len(set)
	}
	return len(wanted) == 0
}

func number(set []policy.Attribute) (n uint) {
	for _, a := range set {
		for i, name := range names {
			if a.String() == name {
				n |= 1 << i
			}
		}
	}
	return n
}

func in(set uint) func(policy.Attribute) bool {
	return func(a policy.Attribute) bool { return set&number([]policy.Attribute{a}) != 0 }
}

func parse(t *rapid.T, f formula) *policy.Policy {
	text := f.write(t)
	p, err := policy.Parse(text)
	if err != nil {
		t.Fatalf("Parse(%q): %v", text, err)
	}
	return p
}

func TestCanonicalFormKeepsTheMeaning(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := drawFormula(t, 3)
		p := parse(t, f)
		for set := range uint(1) << len(names) {
			if ok, _ := p.Satisfied(in(set)); ok != f.satisfied(set) {
				t.Fatalf("%q with %06b is %v, want %v", p, set, ok, !ok)
			}
		}
		if other := parse(t, f); other.Hash() != p.Hash() {
			t.Errorf("two texts of one formula are %q and %q", p, other)
		}
		if built := f.build(t); built.Hash() != p.Hash() {
			t.Errorf("parsed %q, built %q", p, built)
		}
		if again, err := policy.Parse(p.String()); err != nil || again.String() != p.String() {
			t.Errorf("%q reads as %v, %v", p, again, err)
		}
	})
}

func TestSatisfiedAndMinimalSetsAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := drawFormula(t, 3)
		p := parse(t, f)
		sets, err := p.MinimalSets()
		if err != nil || !same(sets, minimal(0, f.satisfied)) {
			t.Fatalf("%q has the minimal sets %q, %v", p, list(sets), err)
		}
		held := rapid.UintRange(0, 1<<len(names)-1).Draw(t, "held")
		ok, missing := p.Satisfied(in(held))
		if ok {
			return
		}
		want := minimal(held, f.satisfied)
		if len(want) <= 16 && !same(missing, want) {
			t.Errorf("%q with %06b misses %q", p, held, list(missing))
		}
	})
}

func TestCoalitionsAgreeWithBruteForce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := drawFormula(t, 3)
		p := parse(t, f)
		authorities := p.Authorities()
		issued := func(coalition uint) (set uint) { // all that these authorities can issue
			for i, name := range names {
				for j, authority := range authorities {
					if coalition>>j&1 == 1 && strings.HasSuffix(name, "@"+string(authority)) {
						set |= 1 << i
					}
				}
			}
			return set
		}
		reads := func(coalition uint) bool { return f.satisfied(issued(coalition)) }
		want := minimal(0, reads)
		got, err := p.Coalitions()
		if err != nil || len(got) != len(want) {
			t.Fatalf("%q has the coalitions %q, %v, want %b", p, list(got), err, want)
		}
		for _, coalition := range got {
			held := func(a policy.Attribute) bool {
				return strings.Contains(" "+list([][]policy.Authority{coalition})+" ", " "+string(a.Authority)+" ")
			}
			if ok, _ := p.Satisfied(held); !ok {
				t.Errorf("%q can't be read by %v", p, coalition)
			}
		}
	})
}

func TestWidensAgreesWithBruteForce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f, g := drawFormula(t, 2), drawFormula(t, 2)
		from, to := parse(t, f), parse(t, g)
		got, err := policy.Widens(from, to)
		if err != nil {
			t.Fatal(err)
		}
		added := func(set uint) bool { return g.satisfied(set) && !f.satisfied(set) }
		var want []uint
		for _, set := range minimal(0, g.satisfied) {
			if added(set) {
				want = append(want, set)
			}
		}
		if !same(got, want) {
			t.Errorf("from %q to %q: %q", from, to, list(got))
		}
		for set := range uint(1) << len(names) {
			if added(set) && len(got) == 0 {
				t.Errorf("from %q to %q: %06b is not shown", from, to, set)
			}
		}
	})
}
