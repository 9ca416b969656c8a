package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/projections/chart"
)

// recordShow shows one record with its history.
func recordShow(ctx context.Context, e *env, args []string) error {
	fs := e.online()
	t := targeted(fs)
	raw := fs.Bool("raw", false, "write the very bytes that were written")
	operands, err := e.parse(fs, args, 1, 1)
	if err != nil {
		return err
	}
	c, err := e.dial(ctx)
	if err != nil {
		return err
	}
	defer hangUp(c)
	found, history, err := e.find(ctx, c, t, operands[0])
	if err != nil {
		return err
	}
	switch {
	case *raw:
		return e.showRaw(&found.Latest)
	case e.json:
		return e.emit(fullRecord(found, history))
	}
	return e.showRecord(found, history)
}

// find returns a record that the caller can read.
func (e *env) find(ctx context.Context, c *client.Client, t *target, id string) (*client.Record, []chart.Version, error) {
	books, err := e.books(ctx, c, t)
	if err != nil {
		return nil, nil, err
	}
	found, history, err := client.Find(ctx, chart.RecordID(id), books...)
	if err != nil {
		return nil, nil, &hinted{fmt.Errorf("there is no record %s that you can read", quote(id)), "phr record list shows the ids; --patient names whose record it is"}
	}
	return found, history, nil
}

// content returns the bytes that a version was written with.
func content(v *chart.Version) ([]byte, error) {
	switch {
	case v.Unreadable != "":
		return nil, errors.New(v.Unreadable)
	case v.Class == chart.FHIR:
		return v.Resource.Raw, nil
	case v.Text != "":
		return []byte(v.Text), nil
	}
	return v.Body, nil
}

// showRaw writes the content of a version as it is. A terminal gets nothing that would act on it.
func (e *env) showRaw(v *chart.Version) error {
	body, err := content(v)
	if err != nil {
		return err
	}
	if isTerminal(e.stdout) && !bytes.Equal(harmless(body), body) {
		return &hinted{errors.New("it holds characters that a terminal would act on"), "send it to a file, with > FILE"}
	}
	_, err = e.stdout.Write(body)
	return err
}

// fullVersion is a version of a record with its content, for programs.
type fullVersion struct {
	shownRecord
	Resource json.RawMessage `json:"resource,omitempty"`
	FullURL  string          `json:"full_url,omitempty"`
	Text     string          `json:"text,omitempty"`
}

// fullRecord returns a record with its content and history.
func fullRecord(found *client.Record, history []chart.Version) any {
	full := func(s shownRecord, v *chart.Version) fullVersion {
		return fullVersion{s, v.Resource.Raw, v.Resource.FullURL, v.Text}
	}
	patient := found.Book.Patient()
	versions := make([]fullVersion, len(history))
	for i, v := range history {
		versions[i] = full(showVersion(patient, found.Compartment, &v), &v)
	}
	return struct {
		fullVersion
		History []fullVersion `json:"history"`
	}{full(showItem(patient, &found.Item), &found.Latest), versions}
}

func (e *env) showRecord(found *client.Record, history []chart.Version) error {
	s := showItem(found.Book.Patient(), &found.Item)
	e.say("%s  %s", s.Type, s.Display)
	for _, field := range []struct{ name, value string }{
		{"id", string(s.ID)},
		{"patient", string(s.Patient)},
		{"compartment", s.Compartment},
		{"when", s.when()},
		{"value", s.Value},
		{"status", s.Status},
		{"written by", s.by()},
		{"logged", moment(s.LogTime)},
		{"retracted", s.Retracted},
		{"unreadable", s.Unreadable},
	} {
		if field.value != "" {
			e.say("  %-12s %s", field.name, field.value)
		}
	}
	for _, code := range s.Codes {
		e.say("  %-12s %s", "code", code)
	}
	for i, v := range history {
		if len(history) > 1 {
			e.say("  %-12s %s %s by %s: %s", fmt.Sprintf("version %d", i+1), moment(v.Time), v.Kind, by(v.Author, v.Acting), cmp.Or(v.Summary.Display, v.Text))
		}
	}
	if found.Latest.Class == chart.Note {
		e.say("")
		for line := range strings.Lines(found.Latest.Text) {
			e.say("%s", strings.TrimRight(line, "\r\n"))
		}
		return nil
	}
	return e.showJSON(found.Latest.Resource.Raw)
}

// showJSON writes a resource for people: indented, and safe on a terminal.
func (e *env) showJSON(raw []byte) error {
	if len(raw) == 0 {
		return nil
	}
	indented, err := json.MarshalIndent(json.RawMessage(raw), "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(e.stdout, "\n%s\n", harmless(indented))
	return err
}
