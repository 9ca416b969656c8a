package client

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
)

// Explanation says who can open a compartment today, and why.
type Explanation struct {
	Chain   ledger.Chain
	Patient identity.GID // can always open
	Epoch   uint32
	Records uint64    // in the current epoch
	Stale   string    // why a new epoch is due before anything is written; "" if none is
	Since   time.Time // log time since when Stale holds
	Terms   []ExplainedTerm
	// Coalitions are the smallest sets of authorities, over all terms in force, that could together make keys that open it.
	// Terms for emergencies take a second person and the node besides, and are not among them.
	Coalitions [][]policy.Authority
	// Nobody says why the person asked about is let in by no term at all; "" if there is no such reason.
	Nobody string
}

// ExplainedTerm is a term of a compartment, and what it takes to satisfy it.
type ExplainedTerm struct {
	ledger.Term
	Ended      bool
	Person     identity.GID         // named by the term; "" if none is
	Sets       [][]policy.Attribute // each of them is enough; nil if they are too many to list
	Coalitions [][]policy.Authority // each of them could, all together, make keys that open it; nil if they are too many
	// For the one asked about:
	Held      []policy.Attribute // of what the term names
	Satisfied bool
	Missing   [][]policy.Attribute // each would be enough; nil if satisfied, or nobody was asked about
	MayRead   bool                 // what the gate says today to a session on this term
	MayWrite  bool
}

// Explain says who can open the compartment. As names one to ask about: a GID, or attributes joined by and; empty for nobody.
// Of a GID counts what the log shows them to hold, proven by the issuers' signatures; that nothing is left out, and nothing
// was taken away since, is the node's word.
func (b *Book) Explain(ctx context.Context, as string) (*Explanation, error) {
	f, err := b.Fact(ctx)
	if err != nil {
		return nil, err
	}
	persons, err := b.persons(ctx)
	if err != nil {
		return nil, err
	}
	x := &Explanation{Chain: b.chain, Patient: b.chain.GID()}
	if x.Stale, x.Since, err = b.Stale(ctx); err != nil {
		return nil, err
	}
	if f.Epoch != nil {
		x.Epoch, x.Records = f.Epoch.Number, f.Epoch.Records
	}
	policies := make([]*policy.Policy, len(f.Terms))
	for i, t := range f.Terms {
		policies[i] = t.Policy
	}
	held, err := b.heldBy(ctx, as, policies...)
	var nobody *nobodyError
	if errors.As(err, &nobody) {
		x.Nobody, held, err = nobody.why, func(policy.Attribute) bool { return false }, nil
	}
	if err != nil {
		return nil, err
	}
	var coalitions [][]policy.Authority
	for _, t := range f.Terms {
		explained, err := explainTerm(&t, persons[t.ID], held, b.c.config.Now())
		if err != nil {
			return nil, err
		}
		x.Terms = append(x.Terms, *explained)
		if !explained.Ended && !t.Emergency() {
			coalitions = append(coalitions, explained.Coalitions...)
		}
	}
	x.Coalitions = smallest(coalitions)
	return x, nil
}

func explainTerm(t *ledger.LiveTerm, person identity.GID, held func(policy.Attribute) bool, now time.Time) (*ExplainedTerm, error) {
	x := &ExplainedTerm{Term: t.Term, Person: person, Ended: t.Until != 0 && now.UnixMilli() >= t.Until}
	var err error
	if x.Sets, err = t.Policy.MinimalSets(); err != nil && !errors.Is(err, policy.ErrTooComplex) {
		return nil, err
	}
	if x.Coalitions, err = t.Policy.Coalitions(); err != nil && !errors.Is(err, policy.ErrTooComplex) {
		return nil, err
	}
	if held == nil {
		return x, nil
	}
	for _, a := range t.Policy.Attributes() {
		if held(a) {
			x.Held = append(x.Held, a)
		}
	}
	x.Satisfied, x.Missing = t.Policy.Satisfied(held)
	x.MayRead = x.Satisfied && !x.Ended && !t.Emergency()
	x.MayWrite = x.MayRead && t.Write
	return x, nil
}

// smallest returns the sets that hold no other one of them, smallest first.
func smallest(sets [][]policy.Authority) [][]policy.Authority {
	slices.SortStableFunc(sets, func(a, b []policy.Authority) int { return cmp.Or(cmp.Compare(len(a), len(b)), slices.Compare(a, b)) })
	var kept [][]policy.Authority
	for _, set := range sets {
		if !slices.ContainsFunc(kept, func(k []policy.Authority) bool {
			return !slices.ContainsFunc(k, func(a policy.Authority) bool { return !slices.Contains(set, a) })
		}) {
			kept = append(kept, set)
		}
	}
	return kept
}

// persons returns whom each term names, as far as the caller may know: the patient knows all.
func (b *Book) persons(ctx context.Context) (map[ledger.TermID]identity.GID, error) {
	if !b.own() {
		return nil, nil
	}
	return b.c.persons(ctx)
}

// persons returns whom the terms of the caller's own record name.
func (c *Client) persons(ctx context.Context) (map[ledger.TermID]identity.GID, error) {
	entries, err := c.ownEntries(ctx, ledger.RecordChain(c.GID(), ledger.Profile))
	if err != nil {
		return nil, err
	}
	named := make(map[ledger.TermID]identity.GID)
	for _, e := range entries {
		issued, ok := e.Body.(*ledger.KeyIssued)
		if !ok {
			continue
		}
		attribute := policy.Attribute{Name: issued.Attribute, Authority: e.Chain.Authority()}
		if term, err := ledger.TermOf(attribute); err == nil {
			named[term] = issued.GID
		}
	}
	return named, nil
}
