package chart

import (
	"cmp"
	"slices"
	"strings"
)

// Problems returns the conditions that are there now: neither resolved, inactive, in remission nor refuted.
func (c *Chart) Problems() []Item {
	return c.lasting([]string{"Condition"}, "resolved", "inactive", "remission", "refuted")
}

// Medications returns the prescriptions and statements of medicines that are in use or meant to be.
func (c *Chart) Medications() []Item {
	return c.lasting([]string{"MedicationRequest", "MedicationStatement"},
		"stopped", "completed", "ended", "cancelled", "not-taken", "draft")
}

func (c *Chart) lasting(types []string, over ...string) []Item {
	var items []Item
	for _, it := range c.all() {
		s := it.latest().Summary
		if slices.Contains(types, s.Type) && !slices.Contains(over, s.Status) && it.current() {
			items = append(items, it.export())
		}
	}
	return items
}

// Count is how many items of a type happened in a year; Year is 0 for those without a date.
type Count struct {
	Type string
	Year int
	N    int
}

// Counts returns the numbers of items by type and year, sorted by both. What was retracted or entered in error is not
// among them.
func (c *Chart) Counts() []Count {
	type key struct {
		kind string
		year int
	}
	n := map[key]int{}
	for _, it := range c.all() {
		if !it.current() {
			continue
		}
		k := key{kind: it.latest().Summary.Type}
		if t := it.latest().Summary.Effective; !t.IsZero() {
			k.year = t.Year()
		}
		n[k]++
	}
	counts := make([]Count, 0, len(n))
	for k, n := range n {
		counts = append(counts, Count{Type: k.kind, Year: k.year, N: n})
	}
	slices.SortFunc(counts, func(a, b Count) int {
		return cmp.Or(strings.Compare(a.Type, b.Type), cmp.Compare(a.Year, b.Year))
	})
	return counts
}
