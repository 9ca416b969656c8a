package chart

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/projections/chart/fhir"
)

// Version is one state of a record, or its retraction: who said it, when, and what.
type Version struct {
	ID     RecordID
	Number uint64
	Kind   Kind
	Author identity.GID
	// Acting is set where the author acted for the patient, as a proxy.
	Acting bool
	// Time is when the ledger logged it. When it happened is Summary.Effective.
	Time  time.Time
	Class string
	// Summary is what lists show; its texts are safe to print. Records that are not FHIR have their class as Type.
	Summary fhir.Summary
	// Resource is the content of a FHIR record.
	Resource fhir.Resource
	// Text is the content of a note, or the reason of a retraction, as it was written: not safe to print.
	Text string
	// Body is the content of other classes, and of what can't be read as its class. It is not to be changed.
	Body []byte
	// Unreadable says why there is no content, or is empty.
	Unreadable string
}

// Item is a record as it stands: its latest version.
type Item struct {
	// ID is of the record as first written.
	ID          RecordID
	Compartment string
	Latest      Version
	// Versions counts the versions there are, retractions not among them.
	Versions int
	// Retraction says who withdrew the record and why, or is nil. It is the newest word on the record: an amendment
	// after a retraction puts the record back.
	Retraction *Version
	// Dangling is set on an amendment or retraction of something that isn't here.
	Dangling bool
}

// item is a record with everything that refers to it.
type item struct {
	root     *record
	versions []*record // in order of Number
}

// all returns the items, in order of when they happened; what has no date comes first. Ties are in log order.
func (c *Chart) all() []*item {
	if c.items != nil {
		return c.items
	}
	roots := make(map[RecordID]*item, len(c.records))
	for _, r := range c.records {
		root := c.root(r)
		it := roots[root.ID]
		if it == nil {
			it = &item{root: root}
			roots[root.ID] = it
		}
		it.versions = append(it.versions, r)
	}
	c.items = make([]*item, 0, len(roots))
	for _, it := range roots {
		slices.SortFunc(it.versions, inLog)
		c.items = append(c.items, it)
	}
	slices.SortFunc(c.items, func(a, b *item) int {
		return cmp.Or(a.latest().Summary.Effective.Compare(b.latest().Summary.Effective), inLog(a.root, b.root))
	})
	return c.items
}

// root follows references to the record as first written, or as far as they lead. Each step must go back in the same
// chain, so that references make no circles and change nothing in another compartment.
func (c *Chart) root(r *record) *record {
	for r.refersTo != "" {
		to := c.records[r.refersTo]
		if to == nil || to.compartment != r.compartment || to.Number >= r.Number {
			break
		}
		r = to
	}
	return r
}

func inLog(a, b *record) int {
	return cmp.Or(strings.Compare(a.compartment, b.compartment), cmp.Compare(a.Number, b.Number), strings.Compare(string(a.ID), string(b.ID)))
}

// latest returns the newest version that isn't a retraction, or a retraction of nothing that is here.
func (it *item) latest() *record {
	for _, r := range slices.Backward(it.versions) {
		if r.Kind != Retracted {
			return r
		}
	}
	return it.root
}

func (it *item) retraction() *record {
	if newest := it.versions[len(it.versions)-1]; newest.Kind == Retracted {
		return newest
	}
	return nil
}

// current tells whether the record is to be counted as true.
func (it *item) current() bool {
	return it.retraction() == nil && it.latest().Summary.Status != "entered-in-error"
}

func (it *item) export() Item {
	out := Item{
		ID: it.root.ID, Compartment: it.root.compartment, Latest: it.latest().Version, Dangling: it.root.Kind != Written,
	}
	for _, r := range it.versions {
		if r.Kind != Retracted {
			out.Versions++
		}
	}
	if r := it.retraction(); r != nil {
		v := r.Version
		out.Retraction = &v
	}
	return out
}

// Item returns the record that id names, whichever of its versions that is.
func (c *Chart) Item(id RecordID) (Item, bool) {
	if it := c.find(id); it != nil {
		return it.export(), true
	}
	return Item{}, false
}

// History returns every version of the record that id names and its retractions, oldest first, or nil.
func (c *Chart) History(id RecordID) []Version {
	it := c.find(id)
	if it == nil {
		return nil
	}
	versions := make([]Version, len(it.versions))
	for i, r := range it.versions {
		versions[i] = r.Version
	}
	return versions
}

func (c *Chart) find(id RecordID) *item {
	r := c.records[id]
	if r == nil {
		return nil
	}
	root := c.root(r)
	for _, it := range c.all() {
		if it.root == root {
			return it
		}
	}
	return nil
}

// firstLine returns the first line of a text with anything in it, safe to print.
func firstLine(s string) string {
	for line := range strings.Lines(s) {
		if line = strings.TrimSpace(fhir.Printable(line)); line != "" {
			return line
		}
	}
	return ""
}
