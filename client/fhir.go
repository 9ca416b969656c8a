package client

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/projections/chart"
	"github.com/phrledger/phr/projections/chart/fhir"
)

// Plan is what an import would write: drafts by compartment, in the order of the files.
type Plan struct {
	Drafts map[ledger.Compartment][]Draft
	Total  int
}

// Add reads one FHIR file into the plan. Only says which compartment everything goes to; empty sorts each resource where it
// belongs. If any entry is bad, all bad ones are named and nothing of the file is added.
func (p *Plan) Add(name string, r io.Reader, only ledger.Compartment) error {
	entries, err := fhir.ReadAll(r, fhir.Limits{})
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	drafts := make([]Draft, len(entries))
	for i, e := range entries {
		body, err := e.Resource.Marshal()
		if err != nil {
			return fmt.Errorf("%s: entry %d: %w", name, e.Number, err)
		}
		drafts[i] = Draft{Kind: chart.Written, Media: chart.FHIR, Body: body}
	}
	if p.Drafts == nil {
		p.Drafts = make(map[ledger.Compartment][]Draft)
	}
	for i, d := range drafts {
		to := only
		if to == "" {
			to = ledger.Compartment(fhir.Compartment(entries[i].Resource.Raw))
		}
		p.Drafts[to] = append(p.Drafts[to], d)
	}
	p.Total += len(drafts)
	return nil
}

// AddFile reads a file from disk; see Add.
func (p *Plan) AddFile(path string, only ledger.Compartment) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return p.Add(path, f, only)
}

// ExportFHIR writes the FHIR records of a chart as one collection Bundle, each resource with the very bytes it came in with, and
// returns how many there are. Of an amended record the newest version is written; retracted ones are left out, and so are
// records of other kinds.
func ExportFHIR(w io.Writer, c *chart.Chart) (int, error) {
	enc := fhir.NewEncoder(w)
	written := 0
	for _, item := range c.List(chart.Query{}) {
		if item.Latest.Class != chart.FHIR || item.Retraction != nil || item.Latest.Unreadable != "" {
			continue
		}
		if err := enc.Encode(item.Latest.Resource); err != nil {
			return written, err
		}
		written++
	}
	return written, enc.Close()
}

// Record is a record that the caller can read, and the book it stands in.
type Record struct {
	chart.Item
	Book *Book
}

// Find returns the record that an id names among books.
func Find(ctx context.Context, id chart.RecordID, books ...*Book) (*Record, []chart.Version, error) {
	for _, b := range books {
		folded, err := Chart(ctx, b)
		if err != nil {
			return nil, nil, err
		}
		if item, ok := folded.Item(id); ok {
			return &Record{item, b}, folded.History(id), nil
		}
	}
	return nil, nil, fmt.Errorf("there is no record %s that you can read", id)
}

// Readable opens the compartments of a patient's record that the caller can read: all of their own, or what is shared.
func (c *Client) Readable(ctx context.Context, gid identity.GID) ([]*Book, error) {
	var names []ledger.Compartment
	if gid == c.GID() {
		facts, err := c.Compartments(ctx)
		if err != nil {
			return nil, err
		}
		for _, f := range facts {
			names = append(names, f.Chain.Compartment)
		}
	} else {
		shared, err := c.Shared(ctx)
		if err != nil {
			return nil, err
		}
		seen := make(map[ledger.Compartment]bool)
		for _, s := range shared {
			if s.Chain.GID() == gid && !seen[s.Chain.Compartment] {
				seen[s.Chain.Compartment] = true
				names = append(names, s.Chain.Compartment)
			}
		}
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("nothing of the record of %s: %w", gid, ErrNotShared)
	}
	books := make([]*Book, len(names))
	for i, name := range names {
		var err error
		if books[i], err = c.Book(ctx, gid, name); err != nil {
			return nil, err
		}
	}
	return books, nil
}
