package main

import (
	"bytes"
	"context"
	"fmt"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/projections/chart"
	"github.com/phrledger/phr/projections/chart/fhir"
)

// shownDraft is a record that was just written, for programs.
type shownDraft struct {
	ID          string             `json:"id"`
	Patient     identity.GID       `json:"patient"`
	Compartment ledger.Compartment `json:"compartment"`
	Kind        chart.Kind         `json:"kind"`
	Refers      string             `json:"refers,omitempty"`
	client.Reached
}

// recordAdd writes one record.
func recordAdd(ctx context.Context, e *env, args []string) error {
	fs := e.writing()
	t := targeted(fs)
	note := fs.String("note", "", "`TEXT` of a note")
	file := fs.String("file", "-", "`FILE` with one FHIR resource; - is standard input")
	if _, err := e.parse(fs, args, 0, 0); err != nil {
		return err
	}
	d := draft{Draft: client.Draft{Kind: chart.Written, Media: chart.Note, Body: []byte(*note)}, to: ledger.Compartment(t.compartment)}
	if *note == "" {
		var err error
		if d, err = e.one(*file, d.to); err != nil {
			return err
		}
	}
	c, err := e.dial(ctx)
	if err != nil {
		return err
	}
	defer hangUp(c)
	b, err := e.destination(ctx, c, t, d.to)
	if err != nil {
		return err
	}
	return e.write(ctx, c, b, d.Draft)
}

// draft is a draft with where it belongs; empty if nothing says where.
type draft struct {
	client.Draft
	to ledger.Compartment
}

// one reads a file with one FHIR resource.
func (e *env) one(path string, only ledger.Compartment) (draft, error) {
	data, err := e.read(path, 16<<20)
	if err != nil {
		return draft{}, fmt.Errorf("reading %s: %w", path, err)
	}
	var p client.Plan
	if err := p.Add(path, bytes.NewReader(data), only); err != nil {
		return draft{}, err
	}
	if p.Total != 1 {
		return draft{}, &hinted{fmt.Errorf("%s holds %s, not one", path, plural(p.Total, "resource")), "phr record import writes them all"}
	}
	for to, drafts := range p.Drafts {
		return draft{drafts[0], to}, nil
	}
	panic("a plan of one draft has one compartment")
}

// destination opens the compartment to write to: the one named; the one that the content belongs to; or, in somebody else's
// record, the only one that the caller may write to.
func (e *env) destination(ctx context.Context, c *client.Client, t *target, to ledger.Compartment) (*client.Book, error) {
	gid, err := t.gid(c)
	if err != nil {
		return nil, err
	}
	if gid != c.GID() {
		e.fetchKeys(ctx, c)
	}
	if t.compartment == "" && gid != c.GID() {
		if only, err := onlyWritable(ctx, c, gid); err != nil {
			return nil, err
		} else if only != "" {
			to = only
		}
	}
	if to == "" {
		to = fhir.Health
	}
	b, err := c.Book(ctx, gid, to)
	if err != nil {
		return nil, err
	}
	return b, mayWrite(ctx, c, b)
}

// onlyWritable returns the one compartment of a patient that the caller may write to; none if there are several or none.
func onlyWritable(ctx context.Context, c *client.Client, gid identity.GID) (ledger.Compartment, error) {
	shared, err := c.Shared(ctx)
	if err != nil {
		return "", err
	}
	var only ledger.Compartment
	for _, s := range shared {
		name := s.Chain.Compartment
		if s.Chain.GID() != gid || !s.Term.Write || name == only {
			continue
		}
		if only != "" {
			return "", nil
		}
		only = name
	}
	return only, nil
}
