package view

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/projections/chart"
	"github.com/phrledger/phr/projections/chart/fhir"
)

// Bounds of an import's preview.
const (
	maxImport   = 64 << 20 // bytes of a file
	sampleRows  = 8
	maxBad      = 20
	nothingLost = "Nothing was written."
)

// planned is an import that was looked at.
type planned struct {
	patient identity.GID
	plan    *client.Plan
}

// PreviewImport reads a file, and says what it would add. Nothing is written.
func (v *View) PreviewImport(ctx context.Context, f File) (ImportPreview, error) {
	p := ImportPreview{Sorted: []ImportCount{}, Sample: []Row{}}
	gid, err := v.gid(f.Patient)
	if err != nil {
		return p, err
	}
	if len(f.Bytes) > maxImport {
		return p, misused(fmt.Sprintf("A file has at most %d MB: split it.", maxImport>>20))
	}
	var only ledger.Compartment
	if f.Compartment != "" {
		if only, err = ledger.ParseCompartment(f.Compartment); err != nil {
			return p, misused("There is no such part of a record.")
		}
	}
	plan := new(client.Plan)
	if err := plan.Add(fhir.Printable(f.Name), bytes.NewReader(f.Bytes), only); err != nil {
		return p, p.refuse(err)
	}
	if plan.Total == 0 {
		return p, misused("There are no records in this file.")
	}
	s, err := v.shelf(ctx, f.Patient)
	if err != nil {
		return p, err
	}
	if err := s.mayImport(plan); err != nil {
		return p, err
	}
	if err := v.describePlan(&p, plan); err != nil {
		return p, err
	}
	p.Token = v.shown.keep(planned{gid, plan}, v.config.Now())
	return p, nil
}

// refuse names the entries that can't be taken. What is no file of records at all is an error.
func (p *ImportPreview) refuse(err error) error {
	var entries *fhir.EntryErrors
	if !errors.As(err, &entries) {
		return &Error{CodeInput, fhir.Printable("This is not a FHIR file in JSON: " + err.Error()), nothingLost, "Ask for an export as FHIR."}
	}
	p.BadTotal = entries.Total
	for _, bad := range entries.First[:min(len(entries.First), maxBad)] {
		p.Bad = append(p.Bad, fhir.Printable(bad.Error()))
	}
	return nil
}

// mayImport fails if the caller may not write where an import goes.
func (s *shelf) mayImport(plan *client.Plan) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name := range plan.Drafts {
		i := slices.IndexFunc(s.volumes, func(o *volume) bool { return o.book.Compartment() == name })
		if i < 0 {
			return &Error{CodeSealed, fmt.Sprintf("Some of it goes into %q, which is not open to you.", name), nothingLost, "Choose a part that you may write into."}
		}
		if err := s.mayWrite(s.volumes[i]); err != nil {
			return err
		}
	}
	return nil
}

// describePlan says what an import would write where, with the first records as they would stand in lists.
func (v *View) describePlan(p *ImportPreview, plan *client.Plan) error {
	p.Total = plan.Total
	for _, name := range slices.Sorted(maps.Keys(plan.Drafts)) {
		counts := make(map[string]int)
		folded := chart.New()
		for i, d := range plan.Drafts[name] {
			r := chart.Record{
				ID: chart.RecordID(fmt.Sprintf("%s-%d", name, i)), Compartment: string(name), Number: uint64(i) + 1, Author: v.config.Client.GID(),
				Time: v.config.Now(), Class: d.Media, Kind: d.Kind, Body: d.Body,
			}
			if err := folded.Apply(r); err != nil {
				return err
			}
		}
		items := folded.List(chart.Query{})
		for _, item := range items {
			counts[item.Latest.Summary.Type]++
		}
		for _, kind := range slices.Sorted(maps.Keys(counts)) {
			p.Sorted = append(p.Sorted, ImportCount{Compartment: string(name), Type: kind, N: counts[kind]})
		}
		p.sample(v, items)
	}
	slices.SortStableFunc(p.Sample, func(a, b Row) int { return newestFirst(&a, &b) })
	return nil
}

// sample adds the newest of some items, as long as there are few.
func (p *ImportPreview) sample(v *View, items []chart.Item) {
	o := &volume{shelf: &shelf{v: v}}
	for _, item := range slices.Backward(items) {
		if len(p.Sample) == sampleRows {
			return
		}
		r := o.row(&item)
		r.New = false
		p.Sample = append(p.Sample, r)
	}
}

// MakeImport writes what was looked at. After an interruption the same file is imported again: nothing is written twice.
func (v *View) MakeImport(ctx context.Context, args Token) (Written, error) {
	p, err := redeem[planned](&v.shown, args.Token, v.config.Now())
	if err != nil {
		return Written{}, err
	}
	progress := func(n int) { v.post("progress", Progress{Call: "import.make", Done: n, Total: p.plan.Total}) }
	done, err := v.config.Client.Import(ctx, p.patient, p.plan, progress)
	if client.Unreached(err) && done != nil {
		return Written{}, &Error{
			CodeOffline, fmt.Sprintf("The server went away: %d of %d records are written.", done.Count(), p.plan.Total), "Nothing will be written twice.",
			"Import the same file again when the server is back.",
		}
	}
	if err != nil {
		return Written{}, err
	}
	var ids []ledger.EventID
	for _, name := range slices.Sorted(maps.Keys(done.IDs)) {
		ids = append(ids, done.IDs[name]...)
		v.post("changed", Changed{What: "records", Patient: string(p.patient), Compartment: string(name)})
	}
	return written(ids), nil
}

// Export returns the FHIR records of a record as one Bundle.
func (v *View) Export(ctx context.Context, args Of) (Download, error) {
	s, err := v.shelf(ctx, args.Patient)
	if err != nil {
		return Download{}, err
	}
	var books []*client.Book
	for _, o := range s.open() {
		books = append(books, o.book)
	}
	folded, err := client.Chart(ctx, books...)
	if err != nil {
		return Download{}, err
	}
	var out bytes.Buffer
	if _, err := client.ExportFHIR(&out, folded); err != nil {
		return Download{}, fmt.Errorf("exporting: %w", err)
	}
	name := "record-" + v.config.Now().Format("2006-01-02") + ".json"
	return Download{Name: name, Media: "application/fhir+json", Bytes: out.Bytes()}, nil
}
