package client

import (
	"context"
	"slices"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/projections/chart"
)

// Grants returns every grant that the compartment ever had, in the order in which they were made: those in force, those whose
// time is up, and those that were revoked. Whom each names the patient knows, and the person themselves.
func (b *Book) Grants(ctx context.Context) ([]Basis, error) {
	var stories []*grantStory
	if err := b.do(ctx, b.readKey(), func(*session) error {
		stories = nil
		for _, id := range termsIn(b.sets) {
			stories = append(stories, storyOf(b.sets, id))
		}
		return nil
	}); err != nil {
		return nil, err
	}
	person, err := b.named(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]Basis, len(stories))
	for i, s := range stories {
		all[i] = *s.basis(b.chain, person(s.term.ID))
	}
	return all, nil
}

// Policy returns which policy was in force as far as the book was read: another one once the grants are changed.
func (b *Book) Policy() ledger.Hash {
	f, _ := b.fact()
	return policyOf(&f)
}

// named tells whom grants name, as far as the caller may know.
func (b *Book) named(ctx context.Context) (func(ledger.TermID) identity.GID, error) {
	if b.own() {
		persons, err := b.c.persons(ctx)
		return func(id ledger.TermID) identity.GID { return persons[id] }, err
	}
	held, err := b.c.home.Keys().Attributes()
	return func(id ledger.TermID) identity.GID {
		if slices.ContainsFunc(held, func(k HeldKey) bool { return k.Attribute == ledger.GrantAttribute(b.chain.GID(), id) }) {
			return b.c.GID()
		}
		return ""
	}, err
}

// termsIn returns the grants that policies hold, each once, in the order in which they come.
func termsIn(sets []*ledger.Entry) (ids []ledger.TermID) {
	for _, e := range sets {
		for _, t := range e.Body.(*ledger.PolicySet).Terms {
			if !slices.Contains(ids, t.ID) {
				ids = append(ids, t.ID)
			}
		}
	}
	return ids
}

// Satisfied tells whether somebody who holds attributes, and no others, satisfies the grant. The person whom it names holds
// PersonAttribute.
func (g *Basis) Satisfied(patient identity.GID, held ...policy.Attribute) (bool, error) {
	p, err := policy.Parse(g.Expression)
	if err != nil {
		return false, err
	}
	own := ledger.GrantAttribute(patient, g.ID)
	ok, _ := p.Satisfied(func(a policy.Attribute) bool {
		return slices.Contains(held, a) || a == own && g.Person != "" && slices.Contains(held, PersonAttribute(g.Person))
	})
	return ok, nil
}

// RecordsOf returns the record events that a holder of one of some grants in force can open by it, decrypted by what the caller can open.
func (b *Book) RecordsOf(ctx context.Context, ids ...ledger.TermID) (all []chart.Record, err error) {
	err = b.do(ctx, b.readKey(), func(s *session) error {
		f, err := b.existing()
		if err != nil {
			return err
		}
		opens := make(map[uint32]bool)
		for _, id := range ids {
			if t := termOf(f.Terms, id); t != nil {
				for _, e := range reach(&f, &t.Term, false, false) {
					opens[e.Number] = true
				}
			}
		}
		all, err = b.decrypt(ctx, s, slices.DeleteFunc(slices.Clone(b.records), func(e *ledger.Entry) bool {
			_, content, _ := contentOf(e)
			return !opens[content.Epoch]
		}))
		return err
	})
	return all, err
}

// Holders returns who satisfies the grant: whoever holds all attributes of one of the sets, in which PersonAttribute stands for the person
// whom it names.
func (g *Basis) Holders(patient identity.GID) ([][]policy.Attribute, error) {
	p, err := policy.Parse(g.Expression)
	if err != nil {
		return nil, err
	}
	sets, err := p.MinimalSets()
	own := ledger.GrantAttribute(patient, g.ID)
	for _, set := range sets {
		if i := slices.Index(set, own); i >= 0 && g.Person != "" {
			set[i] = PersonAttribute(g.Person)
		}
	}
	return sets, err
}
