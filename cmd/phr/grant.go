package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
)

// grant lets someone into a compartment of the caller's record.
func grant(ctx context.Context, e *env, args []string) error {
	fs := e.writing()
	t := targeted(fs)
	how := previewed(fs)
	var r client.GrantRequest
	fs.StringVar(&r.To, "to", "", "`WHOM`: attributes joined by and, or; gid:GID for a person, alone or in an and")
	fs.BoolVar(&r.Write, "write", false, "let them write, too")
	fs.BoolVar(&r.FromNow, "from-now", false, "let them read what is written from now on, and nothing earlier")
	fs.StringVar(&r.Purpose, "purpose", "", "`CODE` of the purpose of use in HL7, such as TREAT")
	until := fs.String("until", "", "`DATE`, the last day, or a time such as 30d")
	consent := fs.String("consent", "", "`FILE` for the receipt, a FHIR Consent resource")
	if _, err := e.parse(fs, args, 0, 0); err != nil {
		return err
	}
	if r.To == "" || t.compartment == "" {
		return e.misused("--to and --compartment are needed")
	}
	if *until != "" {
		var err error
		if r.Until, err = parseUntil(*until, time.Now()); err != nil {
			return e.misused("--until: " + err.Error())
		}
	}
	c, b, err := e.ownBook(ctx, t)
	if err != nil {
		return err
	}
	defer hangUp(c)
	change, err := b.PlanGrant(ctx, r)
	if err != nil {
		return err
	}
	if goOn, err := e.preview(ctx, change, how); !goOn || err != nil {
		return err
	}
	if err := change.Make(ctx); err != nil {
		return err
	}
	done, err := e.reach(ctx, c)
	if err != nil {
		return err
	}
	if err := e.showGranted(ctx, b, change, done); err != nil || *consent == "" {
		return err
	}
	return keepConsent(ctx, b, change.Term(), *consent)
}

// keepConsent writes the receipt of a grant to a file.
func keepConsent(ctx context.Context, b *client.Book, id ledger.TermID, path string) error {
	receipt, err := b.Consent(ctx, id)
	if err == nil {
		err = os.WriteFile(path, receipt, 0o600)
	}
	if err != nil {
		return &hinted{fmt.Errorf("granted, and its receipt is not written: %w", err), "phr grants --consent " + id.String() + " writes it"}
	}
	return nil
}

// ownBook opens a compartment of the caller's own record. The caller hangs up.
func (e *env) ownBook(ctx context.Context, t *target) (*client.Client, *client.Book, error) {
	c, err := e.dial(ctx)
	if err != nil {
		return nil, nil, err
	}
	books, err := e.ownBooks(ctx, c, t)
	if err != nil {
		hangUp(c)
		return nil, nil, err
	}
	return c, books[0], nil
}

// ownBooks opens what is meant of the caller's own record: only patients decide about theirs.
func (e *env) ownBooks(ctx context.Context, c *client.Client, t *target) ([]*client.Book, error) {
	gid, err := t.gid(c)
	if err != nil {
		return nil, err
	}
	if gid != c.GID() {
		return nil, fmt.Errorf("this is for the patient %s alone, and you are %s", gid, c.GID())
	}
	return e.books(ctx, c, t)
}

// showGranted prints the id of a grant, and says who is let in by it.
func (e *env) showGranted(ctx context.Context, b *client.Book, granted *client.Change, done client.Reached) error {
	x, err := b.Explain(ctx, "")
	if err != nil {
		return err
	}
	var term client.ExplainedTerm
	for _, term = range x.Terms {
		if term.ID == granted.Term() {
			break
		}
	}
	s := showTerm(x.Chain, &term)
	if e.json {
		return e.emit(struct {
			Patient identity.GID `json:"patient"`
			shownTerm
			Dropped bool `json:"dropped,omitempty"`
			client.Reached
		}{b.Patient(), s, granted.Dropped(), done})
	}
	if granted.Dropped() {
		e.note("A part of it that everybody in the registry satisfies was left out. You can always open your record yourself.")
	}
	e.note("Let in to %s: %s, who may %s, %s%s.", s.Compartment, s.To, s.may(), s.from(), s.ending())
	for _, set := range term.Coalitions {
		e.note("  %s could let in others by this grant: who is one of theirs is their word.", names(set))
	}
	e.say("%s", s.Grant)
	return nil
}

// names joins the names of authorities.
func names(set []policy.Authority) string {
	var all []string
	for _, a := range set {
		if !a.IsGID() {
			all = append(all, string(a))
		}
	}
	if len(all) == 0 {
		return "Nobody but you"
	}
	return strings.Join(all, " together with ")
}
