package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"time"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/projections/chart"
)

// target is whose record a verb is about, and which part of it.
type target struct {
	patient     string
	compartment string
}

// targeted adds the flags of verbs about a record.
func targeted(fs *flag.FlagSet) *target {
	t := new(target)
	fs.StringVar(&t.patient, "patient", "", "`ID` of the patient (yourself)")
	fs.StringVar(&t.compartment, "compartment", "", "`NAME` of a compartment of the record")
	return t
}

// gid returns the patient, by default the caller.
func (t *target) gid(c *client.Client) (identity.GID, error) {
	if t.patient == "" {
		return c.GID(), nil
	}
	gid, err := identity.ParseGID(t.patient)
	if err != nil {
		return "", fmt.Errorf("the patient %s: %w", quote(t.patient), err)
	}
	return gid, nil
}

// books opens the compartments meant: the one named, or all that the caller can read.
func (e *env) books(ctx context.Context, c *client.Client, t *target) ([]*client.Book, error) {
	gid, err := t.gid(c)
	if err != nil {
		return nil, err
	}
	if gid != c.GID() {
		e.fetchKeys(ctx, c)
	}
	if t.compartment == "" {
		books, err := c.Readable(ctx, gid)
		if errors.Is(err, client.ErrNotShared) && gid == c.GID() {
			return nil, notPatient(ctx, c)
		}
		return books, err
	}
	name, err := ledger.ParseCompartment(t.compartment)
	if err != nil {
		return nil, err
	}
	b, err := c.Book(ctx, gid, name)
	if err != nil {
		return nil, err
	}
	return []*client.Book{b}, nil
}

// chart opens the compartments meant and folds them.
func (e *env) chart(ctx context.Context, c *client.Client, t *target) (*chart.Chart, error) {
	books, err := e.books(ctx, c, t)
	if err != nil {
		return nil, err
	}
	return client.Chart(ctx, books...)
}

// records returns what a chart holds, the patient's cards not among it.
func records(c *chart.Chart) []chart.Item {
	var all []chart.Item
	for _, item := range c.List(chart.Query{}) {
		if item.Latest.Class != client.CardMedia {
			all = append(all, item)
		}
	}
	return all
}

// shownRecord is a record as lists and 'watch' tell of it.
type shownRecord struct {
	ID          chart.RecordID `json:"id"`
	Patient     identity.GID   `json:"patient"`
	Compartment string         `json:"compartment"`
	Kind        chart.Kind     `json:"kind"`
	Refers      chart.RecordID `json:"refers,omitempty"`
	Author      identity.GID   `json:"author"`
	Acting      bool           `json:"acting,omitempty"` // for the patient
	LogTime     time.Time      `json:"log_time"`
	Class       string         `json:"class"`
	Type        string         `json:"type"`
	Codes       []string       `json:"codes,omitempty"`
	Effective   string         `json:"effective,omitempty"`
	Display     string         `json:"display,omitempty"`
	Value       string         `json:"value,omitempty"`
	Status      string         `json:"status,omitempty"`
	Versions    int            `json:"versions,omitempty"`
	Retracted   string         `json:"retracted,omitempty"` // the reason
	Unreadable  string         `json:"unreadable,omitempty"`
}

// showVersion returns what lists tell of one version of a record.
func showVersion(patient identity.GID, compartment string, v *chart.Version) shownRecord {
	s := shownRecord{
		ID: v.ID, Patient: patient, Compartment: compartment, Kind: v.Kind, Author: v.Author, Acting: v.Acting, LogTime: v.Time, Class: v.Class,
		Type: v.Summary.Type, Effective: v.Summary.When, Display: v.Summary.Display, Value: v.Summary.Value, Status: v.Summary.Status,
		Unreadable: v.Unreadable,
	}
	for _, code := range v.Summary.Codes {
		s.Codes = append(s.Codes, code.String())
	}
	return s
}

// showItem returns what lists tell of a record as it stands.
func showItem(patient identity.GID, item *chart.Item) shownRecord {
	s := showVersion(patient, item.Compartment, &item.Latest)
	s.ID, s.Versions = item.ID, item.Versions
	if r := item.Retraction; r != nil {
		s.Retracted = r.Text
		if s.Retracted == "" {
			s.Retracted = "no reason is given"
		}
	}
	return s
}

// when returns when it happened; of a note, when it was logged.
func (s *shownRecord) when() string {
	if s.Class == chart.Note {
		return moment(s.LogTime)
	}
	if t, err := time.Parse(time.RFC3339, s.Effective); err == nil {
		return moment(t)
	}
	return s.Effective
}

// by returns who wrote it.
func (s *shownRecord) by() string { return by(s.Author, s.Acting) }

func by(author identity.GID, acting bool) string {
	if acting {
		return string(author) + ", acting for the patient"
	}
	return string(author)
}

// state returns what makes a record special.
func (s *shownRecord) state() string {
	state := s.standing()
	switch {
	case !s.Acting:
		return state
	case state != "":
		state += "; "
	}
	return state + "by " + s.by()
}

func (s *shownRecord) standing() string {
	switch {
	case s.Unreadable != "":
		return s.Unreadable
	case s.Retracted != "":
		return "retracted: " + s.Retracted
	case s.Versions > 1:
		return fmt.Sprintf("%s (version %d)", s.Status, s.Versions)
	}
	return s.Status
}
