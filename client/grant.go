package client

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
)

// GrantRequest says who is to be given what.
type GrantRequest struct {
	// To is a policy, in which one gid:<GID> may stand, alone or in a top-level and.
	To      string
	Write   bool      // and read
	FromNow bool      // nothing written before is opened
	Until   time.Time // zero is no end
	Purpose string    // HL7 purpose of use
}

// Granted says what was granted.
type Granted struct {
	Term    ledger.Term
	Dropped bool // a branch of To that everybody satisfies, such as patient@phr, was left out: the patient can always open
}

// ErrEverybody is returned, wrapped, for a grant that the registry's attributes alone would satisfy.
var ErrEverybody = errors.New("would let everybody in that the registry knows")

var gidPattern = regexp.MustCompile(`(?i)\bgid:([a-z2-7]+)`)

// Grant lets someone into the compartment, which must be the caller's own. The term counts as soon as it returns.
func (b *Book) Grant(ctx context.Context, r GrantRequest) (*Granted, error) {
	c, err := b.PlanGrant(ctx, r)
	if err != nil {
		return nil, err
	}
	if err := c.Make(ctx); err != nil {
		return nil, err
	}
	return &Granted{c.after.Term, c.dropped}, nil
}

// PlanGrant works out what a grant changes, and changes nothing. The compartment must be the caller's own.
func (b *Book) PlanGrant(ctx context.Context, r GrantRequest) (*Change, error) {
	if !b.own() {
		return nil, errors.New("only the patient grants")
	}
	term, who, dropped, err := b.newTerm(ctx, r)
	if err != nil {
		return nil, err
	}
	return &Change{b: b, verb: "granting", after: term, who: who, dropped: dropped}, nil
}

// newTerm makes the term that is asked for. Who is the person named in it, if one is.
func (b *Book) newTerm(ctx context.Context, r GrantRequest) (term *ledger.LiveTerm, who identity.GID, dropped bool, err error) {
	id, err := ledger.NewTermID(rand.Reader, b.c.config.Now())
	if err != nil {
		return nil, "", false, err
	}
	who, p, dropped, err := b.parseTo(r.To, id)
	if err != nil {
		return nil, "", false, err
	}
	if r.Write && who != "" && len(p.Attributes()) == 1 {
		return nil, "", false, fmt.Errorf("a person alone may not be given the right to write: name their role as well, as in '%s and %s'",
			r.To, b.exampleWriter(ctx))
	}
	term = &ledger.LiveTerm{Policy: p}
	term.Term = ledger.Term{ID: id, Expression: p.String(), Write: r.Write, History: !r.FromNow, Purpose: r.Purpose}
	if !r.Until.IsZero() {
		if !r.Until.After(b.c.config.Now()) {
			return nil, "", false, errors.New("the end of a grant lies in the future")
		}
		term.Until = r.Until.UnixMilli()
	}
	return term, who, dropped, nil
}

// exampleWriter is somebody who may be given the right to write to the compartment.
func (b *Book) exampleWriter(ctx context.Context) string {
	if f, err := b.Fact(ctx); err == nil && f.Class == ledger.TrainingClass {
		return "trainer@iron-gym"
	}
	return "doctor@city-hospital"
}

// parseTo reads who a grant is for. A person stands for the attribute that the patient's own authority issues to them.
func (b *Book) parseTo(to string, id ledger.TermID) (who identity.GID, p *policy.Policy, dropped bool, err error) {
	own := ledger.GrantAttribute(b.chain.GID(), id)
	named := gidPattern.FindAllStringSubmatch(to, -1)
	if len(named) > 1 {
		return "", nil, false, errors.New("one grant names at most one person: make a grant for each")
	}
	if len(named) == 1 {
		if who, err = identity.ParseGID(named[0][1]); err != nil {
			return "", nil, false, fmt.Errorf("whom to grant to: %w", err)
		}
		to = gidPattern.ReplaceAllLiteralString(to, own.String())
	}
	if p, err = policy.Parse(to); err != nil {
		return "", nil, false, fmt.Errorf("whom to grant to: %w", err)
	}
	if who != "" && !required(p.Root(), own) {
		return "", nil, false, errors.New("a person stands alone or in an 'and' at the top: for an 'or', make a grant for each")
	}
	kept, ok := p.Without(func(a policy.Attribute) bool { return a.Authority == ledger.RegistryName })
	if !ok {
		return "", nil, false, fmt.Errorf("%s %w: the patient can always open, and others "+
			"need an attribute of their own authority, as in doctor@city-hospital", p, ErrEverybody)
	}
	return who, kept, kept.String() != p.String(), nil
}

// required tells whether an attribute stands alone or in a top-level and.
func required(n *policy.Node, a policy.Attribute) bool {
	if len(n.Children) == 0 {
		return n.Attribute == a
	}
	return n.K == len(n.Children) && slices.ContainsFunc(n.Children, func(child *policy.Node) bool {
		return len(child.Children) == 0 && child.Attribute == a
	})
}

// rewrap is a policy with one more wrap of the current epoch.
func (b *Book) rewrap(ctx context.Context, s *session, set *ledger.PolicySet, term ledger.LiveTerm) ([]ledger.Body, []protocol.PartData, error) {
	o, err := b.opening(s)
	if err != nil {
		return nil, nil, err
	}
	before, parts, _, err := o.care(ctx)
	if err != nil {
		return nil, nil, err
	}
	number := o.fact.Epoch.Number
	keys, err := o.secrets(ctx, number)
	if err != nil {
		return nil, nil, err
	}
	wrapped, err := b.wraps(ctx, number, keys, &term)
	if err != nil {
		return nil, nil, err
	}
	rewrapped := &ledger.EpochRewrapped{Epoch: number}
	for _, p := range wrapped {
		p.Hash = sha256.Sum256(p.data)
		rewrapped.Parts = append(rewrapped.Parts, p.Part)
		parts = append(parts, b.partData(number, p.Name, p.data))
	}
	return append(before, set, rewrapped), parts, nil
}

func plain(terms []ledger.LiveTerm) []ledger.Term {
	all := make([]ledger.Term, len(terms))
	for i, t := range terms {
		all[i] = t.Term
	}
	return all
}

// issue signs the events that give a person the attributes of terms.
func (c *Client) issue(ctx context.Context, s *session, who identity.GID, terms ...ledger.TermID) ([]*ledger.Event, error) {
	keys, err := c.Person(ctx, who)
	if err != nil {
		return nil, fmt.Errorf("the person to grant to: %w", err)
	}
	bodies := make([]ledger.Body, len(terms))
	for i, term := range terms {
		if bodies[i], err = c.home.Keys().IssueGrant(who, keys, term); err != nil {
			return nil, err
		}
	}
	profile := ledger.RecordChain(c.GID(), ledger.Profile)
	entries, err := c.entries(ctx, s, profile)
	if err != nil {
		return nil, err
	}
	return c.extend(profile, headAfter(entries), ledger.SessionID{}, bodies)
}

// Revoke takes a term away: the sessions that rest on it end, and what is written afterwards is sealed under keys that its
// holders were never given.
func (b *Book) Revoke(ctx context.Context, id ledger.TermID) error {
	c, err := b.PlanRevoke(ctx, id)
	if err != nil {
		return err
	}
	return c.Make(ctx)
}

// PlanRevoke works out what the revocation of a grant, with others at once, changes, and changes nothing. The compartment must be the
// caller's own.
func (b *Book) PlanRevoke(ctx context.Context, id ledger.TermID, also ...ledger.TermID) (*Change, error) {
	if !b.own() {
		return nil, errors.New("only the patient revokes")
	}
	before, err := b.term(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("revoking: %w", err)
	}
	for _, other := range also {
		if _, err := b.term(ctx, other); err != nil {
			return nil, fmt.Errorf("revoking: %w", err)
		}
	}
	return &Change{b: b, verb: "revoking", before: before, also: also}, nil
}

// term returns a term of the compartment, one that has ended too.
func (b *Book) term(ctx context.Context, id ledger.TermID) (*ledger.LiveTerm, error) {
	f, err := b.Fact(ctx)
	if err != nil {
		return nil, err
	}
	t := termOf(f.Terms, id)
	if t == nil {
		return nil, fmt.Errorf("%s has no grant %s: see 'phr grants'", b.chain.Compartment, id)
	}
	return t, nil
}

// termOf returns the term with an id, or nil.
func termOf(terms []ledger.LiveTerm, id ledger.TermID) *ledger.LiveTerm {
	i := slices.IndexFunc(terms, func(t ledger.LiveTerm) bool { return t.ID == id })
	if i < 0 {
		return nil
	}
	return &terms[i]
}
