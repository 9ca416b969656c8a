package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/ledger"
)

// grants lists who is let in.
func grants(ctx context.Context, e *env, args []string) error {
	fs := e.online()
	t := targeted(fs)
	consent := fs.String("consent", "", "`GRANT` whose receipt to write, as a FHIR Consent resource; of one that is over, too")
	if _, err := e.parse(fs, args, 0, 0); err != nil {
		return err
	}
	c, err := e.dial(ctx)
	if err != nil {
		return err
	}
	defer hangUp(c)
	books, err := e.ownBooks(ctx, c, t)
	if err != nil {
		return err
	}
	if *consent != "" {
		return e.showConsent(ctx, books, *consent)
	}
	var all []shownTerm
	for _, b := range books {
		x, err := b.Explain(ctx, "")
		if err != nil {
			return err
		}
		for _, term := range x.Terms {
			all = append(all, showTerm(x.Chain, &term))
		}
	}
	e.tellUnproven(c.Unproven())
	if err := e.showTerms(all); err != nil {
		return err
	}
	return e.alarmOverdue(ctx, c)
}

func (e *env) showTerms(all []shownTerm) error {
	t := e.table("GRANT", "COMPARTMENT", "MAY", "FROM", "UNTIL", "PURPOSE", "TO")
	for _, s := range all {
		if err := t.row(s, append(s.cells(), s.To)...); err != nil {
			return err
		}
	}
	return t.end("Nobody but you can read your record: 'phr grant' lets someone in.")
}

// revoke takes a grant back.
func revoke(ctx context.Context, e *env, args []string) error {
	fs := e.writing()
	t := targeted(fs)
	how := previewed(fs)
	operands, err := e.parse(fs, args, 1, 1)
	if err != nil {
		return err
	}
	return e.changeGrant(ctx, t, operands[0], how, func(b *client.Book, id ledger.TermID) (*client.Change, error) {
		return b.PlanRevoke(ctx, id)
	}, e.showRevoked)
}

// showConsent writes the receipt of a grant.
func (e *env) showConsent(ctx context.Context, books []*client.Book, grant string) error {
	id, err := ledger.ParseTermID(grant)
	if err != nil {
		return fmt.Errorf("the grant %s: %w", quote(grant), err)
	}
	for _, b := range books {
		receipt, err := b.Consent(ctx, id)
		if errors.Is(err, client.ErrNoGrant) {
			continue
		}
		if err == nil {
			_, err = e.stdout.Write(harmless(receipt))
		}
		return err
	}
	return &hinted{fmt.Errorf("there never was a grant %s", id), "phr grants lists those in force"}
}

// holding returns the book in which a grant is in force.
func holding(ctx context.Context, books []*client.Book, id ledger.TermID) (*client.Book, error) {
	for _, b := range books {
		f, err := b.Fact(ctx)
		if err != nil {
			return nil, err
		}
		for _, term := range f.Terms {
			if term.ID == id {
				return b, nil
			}
		}
	}
	return nil, &hinted{fmt.Errorf("no grant %s is in force", id), "phr grants lists those that are"}
}
