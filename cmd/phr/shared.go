package main

import (
	"context"
	"slices"
	"time"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/crypto/identity"
)

// shownShare is something that was shared with the caller.
type shownShare struct {
	Patient identity.GID `json:"patient"`
	Name    string       `json:"name,omitempty"`
	shownTerm
}

// patientsVerb lists what has been shared with the caller. Looking at names opens sessions, which the patients see; so that is
// on request.
func patientsVerb(ctx context.Context, e *env, args []string) error {
	fs := e.online()
	withNames := fs.Bool("names", false, "open each record to see the patient's name; their access log shows it")
	if _, err := e.parse(fs, args, 0, 0); err != nil {
		return err
	}
	c, err := e.dial(ctx)
	if err != nil {
		return err
	}
	defer hangUp(c)
	if err := c.RegisterIdentity(ctx); err != nil {
		return err
	}
	e.fetchKeys(ctx, c)
	shared, err := c.Shared(ctx)
	if err != nil {
		return err
	}
	var all []shownShare
	for _, s := range shared {
		ended := s.Term.Until != 0 && time.Now().UnixMilli() >= s.Term.Until
		share := shownShare{Patient: s.Chain.GID(), shownTerm: showTerm(s.Chain, &client.ExplainedTerm{Term: s.Term, Ended: ended})}
		if *withNames {
			share.Name = e.nameOf(ctx, c, &share)
		}
		all = append(all, share)
	}
	e.tellUnproven(c.Unproven())
	return e.showShares(all)
}

// nameOf reads the patient's card.
func (e *env) nameOf(ctx context.Context, c *client.Client, s *shownShare) string {
	b, err := c.Book(ctx, s.Patient, s.Compartment)
	if err == nil {
		var name string
		if name, err = b.Name(ctx); err == nil {
			return name
		}
	}
	e.note("note: %s of %s: %v", s.Compartment, s.Patient, err)
	return ""
}

func (e *env) showShares(all []shownShare) error {
	t := e.table("PATIENT", "GRANT", "COMPARTMENT", "MAY", "FROM", "UNTIL", "PURPOSE", "NAME")
	for _, s := range all {
		if err := t.row(s, slices.Concat([]string{string(s.Patient)}, s.cells(), []string{s.Name})...); err != nil {
			return err
		}
	}
	return t.end("Nothing has been shared with you, or your keys are not those it takes: see 'phr keys'.")
}
