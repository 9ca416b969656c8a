package main

import (
	"context"
	"fmt"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/ledger"
)

// grants lists who is let in.
func grants(ctx context.Context, e *env, args []string) error {
	fs := e.online()
	t := targeted(fs)
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
	fs := e.online()
	t := targeted(fs)
	operands, err := e.parse(fs, args, 1, 1)
	if err != nil {
		return err
	}
	id, err := ledger.ParseTermID(operands[0])
	if err != nil {
		return fmt.Errorf("the grant %s: %w", quote(operands[0]), err)
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
	b, err := holding(ctx, books, id)
	if err != nil {
		return err
	}
	if err := b.Revoke(ctx, id); err != nil {
		return err
	}
	f, err := b.Fact(ctx)
	if err != nil {
		return err
	}
	if e.json {
		return e.emit(struct {
			Grant       ledger.TermID      `json:"grant"`
			Compartment ledger.Compartment `json:"compartment"`
			Epoch       uint32             `json:"epoch"`
		}{id, b.Compartment(), f.Epoch.Number})
	}
	e.say("revoked %s", id)
	e.note("%s goes on under new keys, as epoch %d. What they opened before they may have kept.", b.Compartment(), f.Epoch.Number)
	return nil
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
