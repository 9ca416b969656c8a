package view

import (
	"context"
	"fmt"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/ledger"
)

// ownBook opens a compartment of the caller's own record.
func (v *View) ownBook(ctx context.Context, name string) (*client.Book, error) {
	c, err := ledger.ParseCompartment(name)
	if err != nil {
		return nil, misused(fmt.Sprintf("%q is no part of a record", name))
	}
	return v.config.Client.Book(ctx, v.config.Client.GID(), c)
}

// ownBooks opens all of them.
func (v *View) ownBooks(ctx context.Context) ([]*client.Book, error) {
	facts, err := v.config.Client.Compartments(ctx)
	if err != nil {
		return nil, err
	}
	books := make([]*client.Book, len(facts))
	for i, f := range facts {
		if books[i], err = v.config.Client.Book(ctx, f.Chain.GID(), f.Chain.Compartment); err != nil {
			return nil, err
		}
	}
	return books, nil
}

// placed is a grant and the book on which it stands.
type placed struct {
	book  *client.Book
	grant client.Basis
}

// chain is that of the book.
func (p *placed) chain() ledger.Chain {
	return ledger.RecordChain(p.book.Patient(), p.book.Compartment())
}

// ownGrants returns all grants that ever were on the caller's record.
func (v *View) ownGrants(ctx context.Context) ([]placed, error) {
	books, err := v.ownBooks(ctx)
	if err != nil {
		return nil, err
	}
	var all []placed
	for _, b := range books {
		grants, err := b.Grants(ctx)
		if err != nil {
			return nil, err
		}
		v.learnGrantees(ctx, grants)
		for _, g := range grants {
			all = append(all, placed{b, g})
		}
	}
	return all, nil
}

// holding finds a grant on the caller's record by its id, one that is over too.
func (v *View) holding(ctx context.Context, id string) (*placed, error) {
	all, err := v.ownGrants(ctx)
	if err != nil {
		return nil, err
	}
	for i := range all {
		if all[i].grant.ID.String() == id {
			return &all[i], nil
		}
	}
	return nil, misused("there never was such a grant")
}
