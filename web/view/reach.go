package view

import (
	"context"
	"slices"
	"strings"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
)

// asked is how many kinds of people of a policy are asked about: whoever lets in more is told nothing of what these can open besides.
const asked = 16

// reached is a compartment of the caller's record, and which of the people asked about can open it today.
type reached struct {
	name          string
	always, never bool // all of them, none of them
	writes        bool // all of them may write
	by            []client.ExplainedTerm
}

// reach returns what those who are let in by a grant of the caller's can open today by grants other than some. It is empty where they are
// too many kinds of people.
func (v *View) reach(ctx context.Context, g *client.Basis, without ...ledger.TermID) ([]reached, error) {
	sets, err := g.Holders(v.config.Client.GID())
	if err != nil || len(sets) > asked {
		return nil, nil
	}
	books, err := v.ownBooks(ctx)
	if err != nil {
		return nil, err
	}
	var all []reached
	for _, b := range books {
		r := reached{name: string(b.Compartment()), always: true, never: true, writes: true}
		for _, set := range sets {
			x, err := b.Explain(ctx, asText(set))
			if err != nil {
				return nil, err
			}
			reads, writes := r.add(x, without)
			r.always, r.never, r.writes = r.always && reads, r.never && !reads, r.writes && writes
		}
		all = append(all, r)
	}
	return all, nil
}

// add adds the terms by which one who was asked about can open it.
func (r *reached) add(x *client.Explanation, without []ledger.TermID) (reads, writes bool) {
	for _, t := range x.Terms {
		if slices.Contains(without, t.ID) {
			continue
		}
		if t.MayRead && !slices.ContainsFunc(r.by, func(o client.ExplainedTerm) bool { return o.ID == t.ID }) {
			r.by = append(r.by, t)
		}
		reads, writes = reads || t.MayRead, writes || t.MayWrite
	}
	return reads, writes
}

// asText names one who holds a set of attributes, as Explain reads it: a person by their GID, with all that they hold.
func asText(set []policy.Attribute) string {
	var texts []string
	for _, a := range set {
		if gid, person := client.PersonOf(a); person {
			return string(gid)
		}
		texts = append(texts, a.String())
	}
	return strings.Join(texts, " and ")
}
