package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/projections/chart"
)

// recordAmend writes a new version of a record, of the same class as the one before.
func recordAmend(ctx context.Context, e *env, args []string) error {
	fs := e.writing()
	t := targeted(fs)
	file := fs.String("file", "", "`FILE` with the new version, whole; - is standard input")
	note := fs.String("note", "", "`TEXT` of the new version of a note")
	operands, err := e.parse(fs, args, 1, 1)
	if err != nil {
		return err
	}
	if (*file == "") == (*note == "") {
		return e.misused("one of --file and --note says what is new")
	}
	d := client.Draft{Kind: chart.Amended, Media: chart.Note, Body: []byte(*note)}
	if *file != "" {
		p, err := e.one(*file, "")
		if err != nil {
			return err
		}
		d.Media, d.Body = p.Media, p.Body
	}
	return e.about(ctx, t, operands[0], d)
}

// recordRetract marks a record as withdrawn.
func recordRetract(ctx context.Context, e *env, args []string) error {
	fs := e.writing()
	t := targeted(fs)
	reason := fs.String("reason", "", "`TEXT`: why, for those who can read the record")
	operands, err := e.parse(fs, args, 1, 1)
	if err != nil {
		return err
	}
	if *reason == "" {
		return e.misused("--reason is missing")
	}
	return e.about(ctx, t, operands[0], client.Draft{Kind: chart.Retracted, Media: chart.Note, Body: []byte(*reason)})
}

// about writes a draft about a record that is there, and prints its id.
func (e *env) about(ctx context.Context, t *target, id string, d client.Draft) error {
	c, err := e.dial(ctx)
	if err != nil {
		return err
	}
	defer hangUp(c)
	found, _, err := e.find(ctx, c, t, id)
	if err != nil {
		return err
	}
	if d.Kind == chart.Amended && d.Media != found.Latest.Class {
		return fmt.Errorf("%s is a %s, and the new version a %s", id, found.Latest.Class, d.Media)
	}
	if err := d.Refers.UnmarshalText([]byte(found.ID)); err != nil {
		return err
	}
	if err := mayWrite(ctx, c, found.Book); err != nil {
		return err
	}
	return e.write(ctx, c, found.Book, d)
}

// write writes one draft, prints its id, and waits until it is as durable as was asked for.
func (e *env) write(ctx context.Context, c *client.Client, b *client.Book, d client.Draft) error {
	ids, err := b.Write(ctx, []client.Draft{d}, nil)
	if err != nil {
		return err
	}
	if !e.json {
		e.say("%s", ids[0])
	}
	done, err := e.reach(ctx, c)
	if err != nil || !e.json {
		return err
	}
	s := shownDraft{ID: ids[0].String(), Patient: b.Patient(), Compartment: b.Compartment(), Kind: d.Kind, Reached: done}
	if !d.Refers.IsZero() {
		s.Refers = d.Refers.String()
	}
	return e.emit(s)
}

// mayWrite tells whether a session to write could be opened at all: a draft that never had a chance is not kept.
func mayWrite(ctx context.Context, c *client.Client, b *client.Book) error {
	if b.Patient() == c.GID() {
		return nil
	}
	shared, err := c.Shared(ctx)
	if err != nil {
		return err
	}
	for _, s := range shared {
		if s.Chain.GID() == b.Patient() && s.Chain.Compartment == b.Compartment() && s.Term.Write {
			return nil
		}
	}
	return fmt.Errorf("writing to %s of %s: %w for writing", b.Compartment(), b.Patient(), client.ErrNotShared)
}

// read returns the bytes of a file, or of standard input for "-".
func (e *env) read(path string, limit int64) ([]byte, error) {
	from := e.stdin
	if path == "-" && isTerminal(e.stdin) {
		e.note("Reading from standard input; Ctrl-D ends it.")
	}
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		from = f
	}
	data, err := io.ReadAll(io.LimitReader(from, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = errors.New("too large")
	}
	return data, err
}
