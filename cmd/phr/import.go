package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/projections/chart/fhir"
)

// recordImport writes the resources of FHIR files, all or none of them that can't be read.
func recordImport(ctx context.Context, e *env, args []string) error {
	fs := e.writing()
	t := targeted(fs)
	dry := fs.Bool("dry-run", false, "show what would be written where, and write nothing")
	files, err := e.parse(fs, args, 1, -1)
	if err != nil {
		return err
	}
	plan, err := e.plan(files, ledger.Compartment(t.compartment))
	if err != nil {
		return err
	}
	if *dry {
		return e.showPlan(plan)
	}
	c, err := e.dial(ctx)
	if err != nil {
		return err
	}
	defer hangUp(c)
	gid, err := t.gid(c)
	if err != nil {
		return err
	}
	if err := e.mayImport(ctx, c, gid, plan); err != nil {
		return err
	}
	p := e.progress("Writing", plan.Total)
	done, err := c.Import(ctx, gid, plan, p.at)
	p.done()
	if err != nil {
		return e.interrupted(err, plan, done)
	}
	reached, err := e.reach(ctx, c)
	if err != nil {
		return err
	}
	return e.showImported(gid, plan, done, reached)
}

// plan reads the files. What is wrong in any of them is told entry by entry, and then nothing is written.
func (e *env) plan(files []string, only ledger.Compartment) (*client.Plan, error) {
	if only != "" {
		if _, err := ledger.ParseCompartment(string(only)); err != nil {
			return nil, err
		}
	}
	plan := new(client.Plan)
	var bad []error
	for _, path := range files {
		var err error
		if path == "-" {
			err = plan.Add("standard input", e.stdin, only)
		} else {
			err = plan.AddFile(path, only)
		}
		bad = append(bad, spell(path, err))
	}
	if err := errors.Join(bad...); err != nil {
		return nil, &hinted{err, "nothing was written: mend the file, or leave the entry out, and import it again"}
	}
	return plan, nil
}

// spell names every bad entry of a file on a line of its own.
func spell(path string, err error) error {
	var entries *fhir.EntryErrors
	if !errors.As(err, &entries) {
		return err
	}
	var all []error
	for _, bad := range entries.First {
		all = append(all, fmt.Errorf("%s: %w", path, bad))
	}
	if more := entries.Total - len(entries.First); more > 0 {
		all = append(all, fmt.Errorf("%s: and %s more", path, thousands(more)))
	}
	return errors.Join(all...)
}

// mayImport refuses before anything is kept what could not be written.
func (e *env) mayImport(ctx context.Context, c *client.Client, gid identity.GID, plan *client.Plan) error {
	if gid == c.GID() {
		return nil
	}
	e.fetchKeys(ctx, c)
	for name := range plan.Drafts {
		b, err := c.Book(ctx, gid, name)
		if err != nil {
			return err
		}
		if err := mayWrite(ctx, c, b); err != nil {
			return err
		}
	}
	return nil
}

// showPlan shows what an import would write.
func (e *env) showPlan(plan *client.Plan) error {
	type line struct {
		Compartment ledger.Compartment `json:"compartment"`
		Type        string             `json:"type"`
		Count       int                `json:"count"`
	}
	var lines []line
	for _, name := range slices.Sorted(maps.Keys(plan.Drafts)) {
		counts := make(map[string]int)
		for _, d := range plan.Drafts[name] {
			r, err := fhir.Parse(d.Body)
			if err != nil {
				return err
			}
			summary, err := fhir.Describe(r.Raw)
			if err != nil {
				return err
			}
			counts[summary.Type]++
		}
		for _, kind := range slices.Sorted(maps.Keys(counts)) {
			lines = append(lines, line{name, kind, counts[kind]})
		}
	}
	t := e.table("COMPARTMENT", "TYPE", "COUNT")
	for _, l := range lines {
		if err := t.row(l, string(l.Compartment), l.Type, thousands(l.Count)); err != nil {
			return err
		}
	}
	e.note("%s would be written; nothing is.", plural(plan.Total, "record"))
	return t.end("")
}

// interrupted says how far an import came that failed.
func (e *env) interrupted(err error, plan *client.Plan, done *client.Imported) error {
	if done == nil {
		return err
	}
	return &hinted{
		fmt.Errorf("importing: %w", err),
		fmt.Sprintf("%s of %s are written; the same command writes the rest", thousands(done.Count()), thousands(plan.Total)),
	}
}

// showImported says what was written.
func (e *env) showImported(gid identity.GID, plan *client.Plan, done *client.Imported, reached client.Reached) error {
	if e.json {
		return e.emit(struct {
			Patient identity.GID                            `json:"patient"`
			Total   int                                     `json:"total"`
			Before  int                                     `json:"written_before"`
			Others  int                                     `json:"others_finished,omitempty"`
			Records map[ledger.Compartment][]ledger.EventID `json:"records"`
			client.Reached
		}{gid, plan.Total, done.Before, done.Others, done.IDs, reached})
	}
	if done.Others > 0 {
		e.note("finished first: %s that an earlier command had left", plural(done.Others, "record"))
	}
	if done.Resumed {
		e.note("resumed: %s of %s were written already", thousands(done.Before), thousands(plan.Total))
	}
	for _, name := range slices.Sorted(maps.Keys(plan.Drafts)) {
		e.say("%s  %s", name, plural(len(done.IDs[name]), "record"))
	}
	return nil
}
