// Package chart folds a patient's decrypted records into a chart that can be asked questions: lists, problems,
// medications, series of measurements, the history of each record.
//
// It runs where the records are decrypted, on the client, in memory, and does no I/O. What it shows is a function of the
// set of records applied: their order doesn't matter, applying one twice changes nothing, and a rebuild from zero gives
// the same StateHash.
//
// Nothing applied is ever lost. An amended record keeps its earlier versions, a retracted one stays and is flagged, and
// one that can't be read stays in the list with the reason. An amendment or retraction counts only within the compartment
// of what it refers to: the right to write training data is not the right to change health data.
package chart

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/projections/chart/fhir"
)

// RecordID is the id of the event that carries a record: a lower-case ULID. No order is read from it.
type RecordID string

// Kind is what an event does to the chart.
type Kind string

// The kinds of records.
const (
	Written   Kind = "written"
	Amended   Kind = "amended"
	Retracted Kind = "retracted"
)

// The media classes that the chart reads. It keeps others as they are.
const (
	FHIR = "fhir" // an encoded fhir.Resource
	Note = "note" // UTF-8 text
)

// Record is one event of a record chain, with its body decrypted.
type Record struct {
	ID          RecordID
	Compartment string
	// Number is the event's place in the chain of its compartment: versions are ordered by it.
	Number uint64
	Author identity.GID
	// Acting is set where the author acted for the patient, as a proxy.
	Acting bool
	// Time is when the ledger logged it.
	Time  time.Time
	Class string
	Kind  Kind
	// RefersTo is what an amendment or retraction is about: a record, or any version of it.
	RefersTo RecordID
	// Body is the decrypted content: the new version whole, or the reason of a retraction.
	Body []byte
	// Unreadable says why the body could not be opened, where it could not.
	Unreadable string
}

// ErrInvalid is returned, wrapped, for a record that can't stand in any chart, which is a fault of the caller: hostile
// content alone never causes it.
var ErrInvalid = errors.New("invalid record")

// Chart holds the records of one patient. It is for one goroutine; readers change its caches too.
type Chart struct {
	records map[RecordID]*record
	items   []*item // what the records amount to, in order; nil when a record came since
}

// record is a Record after its body has been read.
type record struct {
	Version
	compartment string
	refersTo    RecordID
	locked      bool // it could not be opened, so body is of nothing
	body        [sha256.Size]byte
}

// New returns an empty chart.
func New() *Chart { return &Chart{records: map[RecordID]*record{}} }

// Apply adds a record. A body that can't be read is kept as unreadable and is no error. A record that could not be opened
// before may be applied again once it could: what is open takes the place of what was not. The chart keeps no reference
// to the body.
func (c *Chart) Apply(r Record) error {
	if r.ID == "" || r.Compartment == "" {
		return fmt.Errorf("%w: no id or no compartment", ErrInvalid)
	}
	switch r.Kind {
	case Written, Amended, Retracted:
	default:
		return fmt.Errorf("%w: %s has the unknown kind %q", ErrInvalid, r.ID, r.Kind)
	}
	if (r.Kind == Written) != (r.RefersTo == "") {
		return fmt.Errorf("%w: %s is %s and refers to %q", ErrInvalid, r.ID, r.Kind, r.RefersTo)
	}
	n := read(r)
	if old := c.records[r.ID]; old != nil {
		kept, err := merge(old, n)
		if err != nil {
			return err
		}
		n = kept
	}
	c.records[r.ID] = n
	c.items = nil
	return nil
}

// Len returns how many records were applied, versions and retractions included.
func (c *Chart) Len() int { return len(c.records) }

// merge returns which of two readings of one event stays, whichever came first.
func merge(a, b *record) (*record, error) {
	one, other := a.state(), b.state()
	switch {
	case a.locked && b.locked && b.Unreadable < a.Unreadable, a.locked && !b.locked:
		a = b
	case !a.locked && !b.locked && one.Body != other.Body:
		return nil, fmt.Errorf("%w: %s is there with other content", ErrInvalid, a.ID)
	}
	one.Body, one.Unreadable = other.Body, other.Unreadable
	if one != other {
		return nil, fmt.Errorf("%w: %s is there as another event", ErrInvalid, a.ID)
	}
	return a, nil
}

func read(r Record) *record {
	n := &record{
		Version: Version{
			ID: r.ID, Number: r.Number, Kind: r.Kind, Author: r.Author, Acting: r.Acting, Time: r.Time, Class: r.Class,
			Unreadable: fhir.Printable(r.Unreadable),
		},
		compartment: r.Compartment,
		refersTo:    r.RefersTo,
		locked:      r.Unreadable != "",
		body:        sha256.Sum256(r.Body),
	}
	n.Summary = fhir.Summary{Type: fhir.Printable(r.Class), Effective: r.Time}
	switch {
	case n.locked:
		n.Summary.Effective = time.Time{}
	case r.Class == FHIR && r.Kind != Retracted:
		n.readResource(r.Body)
	case r.Class == Note || r.Kind == Retracted:
		n.Text = string(r.Body)
		n.Summary.Display = firstLine(n.Text)
	default:
		n.Body = bytes.Clone(r.Body)
	}
	return n
}

func (n *record) readResource(body []byte) {
	resource, err := fhir.Parse(body)
	if err == nil {
		n.Resource = resource
		n.Summary, err = fhir.Describe(resource.Raw)
	}
	if err != nil {
		n.Unreadable = fhir.Printable(err.Error())
		n.Summary.Effective = time.Time{}
		n.Body = bytes.Clone(body)
	}
}
