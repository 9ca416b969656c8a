package client

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/phrledger/phr/authority"
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

var gidPattern = regexp.MustCompile(`(?i)\bgid:([a-z2-7]+)`)

// Grant lets someone into the compartment, which must be the caller's own. The term counts as soon as it returns.
func (b *Book) Grant(ctx context.Context, r GrantRequest) (*Granted, error) {
	if b.chain.GID() != b.c.GID() {
		return nil, errors.New("only the patient grants")
	}
	id, err := ledger.NewTermID(rand.Reader, b.c.config.Now())
	if err != nil {
		return nil, err
	}
	who, p, dropped, err := b.parseTo(r.To, id)
	if err != nil {
		return nil, err
	}
	term := ledger.Term{ID: id, Expression: p.String(), Write: r.Write, History: !r.FromNow, Purpose: r.Purpose}
	if !r.Until.IsZero() {
		term.Until = r.Until.UnixMilli()
	}
	if r.Write && who != "" && len(p.Attributes()) == 1 {
		return nil, fmt.Errorf("a person alone may not be given the right to write: name their role as well, as in '%s and %s'", r.To,
			map[ledger.Class]string{ledger.HealthClass: "doctor@city-hospital", ledger.TrainingClass: "trainer@iron-gym"}[b.class(ctx)])
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	var last error
	for try := range tries {
		s, err := b.catchUp(ctx, ledger.OpLogin)
		if err != nil {
			return nil, err
		}
		if last = b.setTerm(ctx, s, term, p, who); last == nil {
			return &Granted{term, dropped}, nil
		}
		if !b.c.again(ctx, s, try, last) {
			break
		}
	}
	return nil, fmt.Errorf("granting: %w", last)
}

func (b *Book) class(ctx context.Context) ledger.Class {
	f, err := b.Fact(ctx)
	if err != nil {
		return ledger.HealthClass
	}
	return f.Class
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
		return "", nil, false, fmt.Errorf("%s would let everybody in that the registry knows: the patient can always open, and others "+
			"need an attribute of their own authority, as in doctor@city-hospital", p)
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

// setTerm submits the policy with one more term, the wrap that makes it true, and the key of a person named in it.
func (b *Book) setTerm(ctx context.Context, s *session, term ledger.Term, p *policy.Policy, who identity.GID) error {
	f, ok := b.fact()
	if !ok || f.Epoch == nil {
		return fmt.Errorf("there is no compartment %q", b.chain.Compartment)
	}
	if err := b.c.learnPolicy(ctx, p); err != nil {
		return err
	}
	live := ledger.LiveTerm{Term: term, Policy: p}
	set := &ledger.PolicySet{Terms: append(plain(f.Terms), term)}
	var issued []*ledger.Event
	if who != "" {
		var err error
		if issued, err = b.issue(ctx, s, term.ID, who); err != nil {
			return err
		}
	}
	if !term.History || b.stale() != "" {
		return b.submitEpoch(ctx, s, &f, set, append(f.Terms[:len(f.Terms):len(f.Terms)], live), issued, "granted from now on")
	}
	keys, err := b.epochKeys(ctx, f.Epoch.Number)
	if err != nil {
		return err
	}
	part, data, err := b.wrap(ctx, f.Epoch.Number, keys.keys, &live)
	if err != nil {
		return err
	}
	rewrapped := &ledger.EpochRewrapped{Epoch: f.Epoch.Number, Parts: []ledger.Part{*part}}
	parts := []protocol.PartData{{Chain: b.chain.String(), Epoch: f.Epoch.Number, Name: part.Name, Data: data}}
	return b.submitWith(ctx, s, issued, []ledger.Body{set, rewrapped}, parts)
}

func plain(terms []ledger.LiveTerm) []ledger.Term {
	all := make([]ledger.Term, len(terms), len(terms)+1)
	for i, t := range terms {
		all[i] = t.Term
	}
	return all
}

func (b *Book) stale() string {
	b.c.mu.Lock()
	defer b.c.mu.Unlock()
	return b.c.state.Stale(b.chain, b.c.config.Now())
}

// submitEpoch submits a policy and the epoch that makes it true.
func (b *Book) submitEpoch(ctx context.Context, s *session, f *ledger.CompartmentFact, set *ledger.PolicySet, terms []ledger.LiveTerm,
	issued []*ledger.Event, reason string,
) error {
	number, previous, err := b.currentEpoch(ctx, f)
	if err != nil {
		return err
	}
	now := b.c.config.Now().UnixMilli()
	terms = slices.DeleteFunc(slices.Clone(terms), func(t ledger.LiveTerm) bool { return t.Until != 0 && now >= t.Until })
	next, err := b.makeEpoch(ctx, number+1, terms, previous, reason)
	if err != nil {
		return fmt.Errorf("starting an epoch: %w", err)
	}
	return b.submitWith(ctx, s, issued, []ledger.Body{set, next.body}, next.parts)
}

// submitWith submits events of the profile chain together with bodies for the compartment's.
func (b *Book) submitWith(ctx context.Context, s *session, issued []*ledger.Event, bodies []ledger.Body, parts []protocol.PartData) error {
	events, err := b.events(s, bodies)
	if err != nil {
		return err
	}
	subject := protocol.Ingest(b.chain)
	if len(issued) > 0 {
		subject = protocol.IngestOwner(b.chain.Owner)
	}
	if _, err := submit(ctx, s.conn, subject, b.c.config.Now(), append(issued, events...), parts); err != nil {
		return err
	}
	_, err = b.catchUp(ctx, b.writeOp())
	return err
}

// issue signs the event that gives a person the attribute of a term.
func (b *Book) issue(ctx context.Context, s *session, term ledger.TermID, who identity.GID) ([]*ledger.Event, error) {
	keys, err := b.c.Person(ctx, who)
	if err != nil {
		return nil, fmt.Errorf("the person to grant to: %w", err)
	}
	master, err := b.c.home.master()
	if err != nil {
		return nil, err
	}
	profile := ledger.RecordChain(b.c.GID(), ledger.Profile)
	body, err := authority.IssueGrant(rand.Reader, master, who, keys, term)
	if err != nil {
		return nil, err
	}
	head, err := b.c.headOf(ctx, s, profile)
	if err != nil {
		return nil, err
	}
	return b.c.extend(profile, head, body)
}

// Revoke takes a term away: the sessions that rest on it end, and what is written afterwards is sealed under keys that its
// holders were never given.
func (b *Book) Revoke(ctx context.Context, id ledger.TermID) error {
	if b.chain.GID() != b.c.GID() {
		return errors.New("only the patient revokes")
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	var last error
	for try := range tries {
		s, err := b.catchUp(ctx, ledger.OpLogin)
		if err != nil {
			return err
		}
		f, _ := b.fact()
		kept := slices.DeleteFunc(slices.Clone(f.Terms), func(t ledger.LiveTerm) bool { return t.ID == id })
		if len(kept) == len(f.Terms) {
			return fmt.Errorf("%s has no grant %s: see 'phr grants'", b.chain.Compartment, id)
		}
		last = b.submitEpoch(ctx, s, &f, &ledger.PolicySet{Terms: plain(kept)}, kept, nil, "revoked "+id.String())
		if last == nil {
			return nil
		}
		if !b.c.again(ctx, s, try, last) {
			break
		}
	}
	return fmt.Errorf("revoking: %w", last)
}
