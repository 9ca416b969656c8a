package client

import (
	"context"
	"fmt"
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
}

// ExplainedTerm is a term of a compartment, and what it takes to satisfy it.
type ExplainedTerm struct {
	ledger.Term
	Ended      bool
	Person     identity.GID         // named by the term; "" if none is
	Sets       [][]policy.Attribute // each of them is enough
	Coalitions [][]policy.Authority // each of them could, all together, make keys that open it
	// For the one asked about:
	Satisfied bool
	Missing   [][]policy.Attribute // each would be enough; nil if satisfied, or nobody was asked about
}

// Explain says who can open the compartment. As names one to ask about: a GID, or attributes joined by and; empty for nobody.
// What attributes a person holds from authorities is not for a patient to see: of a GID, only what the patient issued is
// counted, and what the person would need besides is in Missing.
func (b *Book) Explain(ctx context.Context, as string) (*Explanation, error) {
	f, err := b.Fact(ctx)
	if err != nil {
		return nil, err
	}
	persons, err := b.persons(ctx)
	if err != nil {
		return nil, err
	}
	held, err := heldBy(as, b.chain.GID(), persons)
	if err != nil {
		return nil, err
	}
	x := &Explanation{Chain: b.chain, Patient: b.chain.GID()}
	x.Stale, x.Since = b.stale()
	if f.Epoch != nil {
		x.Epoch, x.Records = f.Epoch.Number, f.Epoch.Records
	}
	for _, t := range f.Terms {
		explained, err := explainTerm(&t, persons[t.ID], held, b.c.config.Now())
		if err != nil {
			return nil, err
		}
		x.Terms = append(x.Terms, *explained)
	}
	return x, nil
}

func explainTerm(t *ledger.LiveTerm, person identity.GID, held func(policy.Attribute) bool, now time.Time) (*ExplainedTerm, error) {
	x := &ExplainedTerm{Term: t.Term, Person: person, Ended: t.Until != 0 && now.UnixMilli() >= t.Until}
	var err error
	if x.Sets, err = t.Policy.MinimalSets(); err != nil {
		return nil, err
	}
	if x.Coalitions, err = t.Policy.Coalitions(); err != nil {
		return nil, err
	}
	if held != nil {
		x.Satisfied, x.Missing = t.Policy.Satisfied(held)
	}
	return x, nil
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

// heldBy reads whom an explanation is about.
func heldBy(as string, patient identity.GID, persons map[ledger.TermID]identity.GID) (func(policy.Attribute) bool, error) {
	if as == "" {
		return nil, nil
	}
	if gid, err := identity.ParseGID(as); err == nil {
		return func(a policy.Attribute) bool {
			term, err := ledger.TermOf(a)
			return err == nil && a.Authority == policy.Authority(patient) && persons[term] == gid
		}, nil
	}
	p, err := policy.Parse(as)
	if err != nil {
		return nil, fmt.Errorf("whom to explain for: a GID, or attributes joined by 'and': %w", err)
	}
	attributes := p.Attributes()
	return func(a policy.Attribute) bool { return slices.Contains(attributes, a) }, nil
}
