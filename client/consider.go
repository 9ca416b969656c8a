package client

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
)

// Considered says what a grant that is not made yet, or an edit of one, would change.
type Considered struct {
	Expression string         // as it would be signed; people stand in it as PersonAttribute
	Instead    *ExplainedTerm // the grant that it would take the place of; nil for a new one
	Dropped    bool           // a branch that everybody satisfies was left out
	In         []LetIn        // who would be let in: smallest sets that are enough and were not, smallest first
	Out        [][]policy.Attribute
	Coalitions [][]policy.Authority // each of them could, all together, make keys for it
	// For the one asked about, as of ExplainedTerm:
	Satisfied bool
	Missing   [][]policy.Attribute
}

// LetIn is a set of attributes that would be enough.
type LetIn struct {
	Set     []policy.Attribute
	Already ledger.TermID // another grant that the set satisfies today; zero if there is none
}

// personName is the name of the attributes that stand for people.
const personName = "person"

// PersonAttribute stands for one person in what is explained: a grant names them by an attribute of its own, so that the
// same person has another one in each.
func PersonAttribute(gid identity.GID) policy.Attribute {
	return policy.Attribute{Name: personName, Authority: policy.Authority(gid)}
}

// PersonOf returns the person that an attribute stands for, if it stands for one.
func PersonOf(a policy.Attribute) (identity.GID, bool) {
	return identity.GID(a.Authority), a.Name == personName && a.Authority.IsGID()
}

// Consider says what would change if the compartment were granted to whom To says in GrantRequest: beside the grants in force,
// or in the place of one. As names one to ask about, as for Explain. Nothing is signed.
func (b *Book) Consider(ctx context.Context, to string, instead ledger.TermID, as string) (*Considered, error) {
	x, err := b.Explain(ctx, "")
	if err != nil {
		return nil, err
	}
	next, dropped, err := readTo(to)
	if err != nil {
		return nil, err
	}
	c := &Considered{Expression: next.String(), Dropped: dropped}
	coalitions, err := next.Coalitions()
	if err != nil {
		return nil, err
	}
	c.Coalitions = smallest(byPatient(b.chain, coalitions))
	if err := b.judge(ctx, c, next, as); err != nil {
		return nil, err
	}
	var from *policy.Policy
	if !instead.IsZero() {
		i := slices.IndexFunc(x.Terms, func(t ExplainedTerm) bool { return t.ID == instead })
		if i < 0 {
			return nil, fmt.Errorf("%s has no grant %s: see 'phr grants'", b.chain.Compartment, instead)
		}
		c.Instead = &x.Terms[i]
		if from, err = personal(b.chain, c.Instead); err != nil {
			return nil, err
		}
	}
	if err := c.compare(b.chain, from, next, x.Terms); err != nil {
		return nil, fmt.Errorf("comparing with what is in force: %w", err)
	}
	return c, nil
}

// judge says whether the one asked about would be let in.
func (b *Book) judge(ctx context.Context, c *Considered, next *policy.Policy, as string) error {
	held, err := b.heldBy(ctx, as, next)
	var nobody *nobodyError
	if errors.As(err, &nobody) {
		held, err = func(policy.Attribute) bool { return false }, nil
	}
	if held != nil && err == nil {
		c.Satisfied, c.Missing = next.Satisfied(held)
	}
	return err
}

// byPatient puts the patient, who issues what stands for people, in the place of these people.
func byPatient(chain ledger.Chain, coalitions [][]policy.Authority) [][]policy.Authority {
	for _, set := range coalitions {
		for i, name := range set {
			if name.IsGID() {
				set[i] = policy.Authority(chain.GID())
			}
		}
	}
	return coalitions
}

// readTo reads whom a grant is considered for, with people as PersonAttribute.
func readTo(to string) (next *policy.Policy, dropped bool, err error) {
	for _, named := range gidPattern.FindAllStringSubmatch(to, -1) {
		gid, err := identity.ParseGID(strings.ToLower(named[1]))
		if err != nil {
			return nil, false, fmt.Errorf("whom to let in: %w", err)
		}
		to = strings.ReplaceAll(to, named[0], PersonAttribute(gid).String())
	}
	p, err := policy.Parse(to)
	if err != nil {
		return nil, false, fmt.Errorf("whom to let in: %w", err)
	}
	kept, ok := p.Without(func(a policy.Attribute) bool { return a.Authority == ledger.RegistryName })
	if !ok {
		return nil, false, fmt.Errorf("%s would let everybody in that the registry knows, and is refused", p)
	}
	return kept, kept.String() != p.String(), nil
}

// personal returns a term's policy with the person it names as PersonAttribute.
func personal(chain ledger.Chain, t *ExplainedTerm) (*policy.Policy, error) {
	text := t.Expression
	if t.Person != "" {
		text = strings.ReplaceAll(text, ledger.GrantAttribute(chain.GID(), t.ID).String(), PersonAttribute(t.Person).String())
	}
	return policy.Parse(text)
}

// compare finds who would be let in by next and was not by from, which is nil for nobody, and the reverse.
func (c *Considered) compare(chain ledger.Chain, from, next *policy.Policy, terms []ExplainedTerm) error {
	in, err := policy.Widens(from, next)
	if err != nil {
		return err
	}
	for _, set := range in {
		already, err := c.already(chain, set, terms)
		if err != nil {
			return err
		}
		c.In = append(c.In, LetIn{set, already})
	}
	if from != nil {
		c.Out, err = policy.Widens(next, from)
	}
	return err
}

// already returns a grant in force, beside the one that is replaced, that a set satisfies.
func (c *Considered) already(chain ledger.Chain, set []policy.Attribute, terms []ExplainedTerm) (ledger.TermID, error) {
	for i := range terms {
		t := &terms[i]
		if t.Ended || t.Emergency() || c.Instead != nil && t.ID == c.Instead.ID {
			continue
		}
		p, err := personal(chain, t)
		if err != nil {
			return ledger.TermID{}, err
		}
		if ok, _ := p.Satisfied(func(a policy.Attribute) bool { return slices.Contains(set, a) }); ok {
			return t.ID, nil
		}
	}
	return ledger.TermID{}, nil
}
