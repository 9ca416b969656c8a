package client

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
)

// Preview says what a change of grants comes to.
type Preview struct {
	Chain   ledger.Chain
	Before  *ledger.Term // nil for a new grant; the first of those that are revoked
	After   *ledger.Term // nil for a revocation
	Ended   bool         // before it, the grant has ended already: it lets nobody in
	Person  identity.GID // named by the grant; "" if none is
	Dropped bool         // a branch that everybody satisfies, such as patient@phr, is left out of a new grant

	// Who can do after the change what they could not before, counting every other grant, and the other way round.
	Gains, Loses Holders
	Coalitions   [][]policy.Authority // each could, all together, make keys that satisfy the grant

	Records uint64 // versions of records in the compartment that are not erased
	Opened  uint64 // of them, how many holders of the grant can open by it afterwards

	Epoch     uint32          // in force afterwards
	Reason    string          // why it is a new one; "" if it is the one in force now
	Wraps     []ledger.TermID // grants whose holders are given its keys by the change
	Unwrapped []ledger.TermID // grants that a new epoch leaves out: an authority they rest on is not in force
	Asleep    []Asleep        // authorities of those given keys all the same, of which nothing was heard for long

	Sessions []OpenSession // on the grant, or the grants that are revoked, now
}

// Grant returns the grant as the change leaves it; of a revocation, as it was.
func (p *Preview) Grant() *Basis {
	term := p.After
	if term == nil {
		term = p.Before
	}
	return basisOf(p.Chain, term, p.Person)
}

// Holders are those who hold all attributes of one of the sets. An attribute that the patient issued stands for the person
// named in that grant.
type Holders struct{ Read, Write [][]policy.Attribute }

// OpenSession is a session that is open under a grant, and what becomes of it by a change.
type OpenSession struct {
	ID        ledger.SessionID
	GID       identity.GID
	Display   string // as of Access
	Operation ledger.Operation
	Until     time.Time // when it ends at the latest, after the change
	Ends      bool      // the change ends it at once
}

// Preview works out what the change comes to, as things stand. It fails for what the node would refuse.
func (c *Change) Preview(ctx context.Context) (*Preview, error) {
	persons, err := c.b.persons(ctx)
	if err != nil {
		return nil, err
	}
	if c.who != "" {
		persons[c.after.ID] = c.who
	}
	f, way, err := c.now(ctx)
	if err != nil {
		return nil, err
	}
	looked := policyOf(f)
	c.looked = &looked
	now := c.b.c.config.Now()
	p := &Preview{Chain: c.b.chain, Person: persons[c.Term()], Dropped: c.dropped}
	if c.before != nil {
		p.Before, p.Ended = &c.before.Term, ended(&c.before.Term, now)
	}
	if c.after != nil {
		p.After = &c.after.Term
		if p.Coalitions, err = c.after.Policy.Coalitions(); err != nil {
			return nil, err
		}
	}
	if err := c.check(ctx, way); err != nil {
		return nil, err
	}
	s := shift{persons: persons, now: now}
	if p.Gains, err = s.holders(f.Terms, way.terms); err != nil {
		return nil, err
	}
	if p.Loses, err = s.holders(way.terms, f.Terms); err != nil {
		return nil, err
	}
	if err := c.previewKeys(ctx, p, f, way); err != nil {
		return nil, err
	}
	if p.Asleep = c.b.asleep(c.wraps(way)); c.gives() {
		if err := c.b.awake(c.wraps(way)); err != nil {
			return nil, fmt.Errorf("%s: %w", c.verb, err)
		}
	}
	return p, c.previewSessions(ctx, p)
}

// now returns how things stand, and how the change would be made.
func (c *Change) now(ctx context.Context) (*ledger.CompartmentFact, *course, error) {
	var f ledger.CompartmentFact
	var way course
	err := c.b.do(ctx, loginKey, func(s *session) (err error) {
		if f, err = c.b.existing(); err != nil {
			return err
		}
		due, err := c.b.due(ctx, s)
		way = c.course(&f, due)
		return err
	})
	return &f, &way, err
}

// check judges a policy as the node will.
func (c *Change) check(ctx context.Context, way *course) error {
	if len(way.terms) > ledger.MaxTerms {
		return fmt.Errorf("%s: %d grants are more than %d: revoke some, or join them with or", c.verb, len(way.terms), ledger.MaxTerms)
	}
	if c.after == nil || c.before != nil && !narrower(&c.after.Term, &c.before.Term) {
		return nil
	}
	if _, err := c.b.c.expression(ctx, c.after.Policy); err != nil {
		return fmt.Errorf("%s: %w", c.verb, err)
	}
	c.b.c.mu.Lock()
	defer c.b.c.mu.Unlock()
	if err := c.b.c.state.Acceptable(c.b.chain, c.after, c.b.c.config.Now()); err != nil {
		return fmt.Errorf("%s: %w", c.verb, err)
	}
	return nil
}

// shift finds who gains by another list of terms.
type shift struct {
	persons map[ledger.TermID]identity.GID
	now     time.Time
}

func (s *shift) holders(from, to []ledger.LiveTerm) (h Holders, err error) {
	if h.Read, err = s.gains(from, to, func(*ledger.LiveTerm) bool { return true }); err != nil {
		return h, err
	}
	h.Write, err = s.gains(from, to, func(t *ledger.LiveTerm) bool { return t.Write })
	return h, err
}

// gains returns the smallest sets of attributes that satisfy a term of to and none of from, of those that count.
func (s *shift) gains(from, to []ledger.LiveTerm, counts func(*ledger.LiveTerm) bool) (sets [][]policy.Attribute, err error) {
	for i := range to {
		t := &to[i]
		if !counts(t) || t.Emergency() || ended(&t.Term, s.now) {
			continue // in an emergency it takes two, and not by this alone
		}
		minimal, err := t.Policy.MinimalSets()
		if err != nil {
			return nil, err
		}
		for _, set := range minimal {
			held := s.held(set)
			if !slices.ContainsFunc(from, func(old ledger.LiveTerm) bool {
				ok, _ := old.Policy.Satisfied(held)
				return ok && counts(&old) && !old.Emergency() && !ended(&old.Term, s.now)
			}) {
				sets = append(sets, set)
			}
		}
	}
	return sets, nil
}

// held tells which attributes somebody holds who holds a set: a person who is named in one grant is the same one when they
// are named in another.
func (s *shift) held(set []policy.Attribute) func(policy.Attribute) bool {
	var who []identity.GID
	for _, a := range set {
		if term, err := ledger.TermOf(a); err == nil && a.Authority.IsGID() && s.persons[term] != "" {
			who = append(who, s.persons[term])
		}
	}
	return func(a policy.Attribute) bool {
		if slices.Contains(set, a) {
			return true
		}
		term, err := ledger.TermOf(a)
		return err == nil && a.Authority.IsGID() && slices.Contains(who, s.persons[term])
	}
}

// previewKeys says which epoch follows, who is given its keys, and how far back holders of the term come.
func (c *Change) previewKeys(ctx context.Context, p *Preview, f *ledger.CompartmentFact, way *course) error {
	p.Epoch, p.Reason = f.Epoch.Number, way.epoch
	for _, e := range epochsOf(f) {
		p.Records += e.Records - e.Erased
	}
	switch {
	case way.epoch != "":
		p.Epoch++
		for i := range way.terms {
			t := &way.terms[i]
			if ended(&t.Term, c.b.c.config.Now()) {
				continue
			}
			switch err := c.resolves(ctx, t); {
			case errors.Is(err, errSuspended):
				p.Unwrapped = append(p.Unwrapped, t.ID)
			case err != nil:
				return err
			default:
				p.Wraps = append(p.Wraps, t.ID)
			}
		}
	case way.wrap:
		p.Wraps = []ledger.TermID{c.after.ID}
	}
	if c.after != nil && !slices.Contains(p.Unwrapped, c.after.ID) {
		p.Opened = c.opened(f, way)
	}
	return nil
}

// epochsOf returns all epochs of a compartment, by number.
func epochsOf(f *ledger.CompartmentFact) []*ledger.Epoch {
	return slices.Concat(f.Past, []*ledger.Epoch{f.Epoch})
}

// resolves tells whether a wrap can be made for a term.
func (c *Change) resolves(ctx context.Context, t *ledger.LiveTerm) error {
	_, err := c.b.c.expression(ctx, t.Policy)
	if err == nil && t.Approvers != nil {
		_, err = c.b.c.expression(ctx, t.Approvers)
	}
	return err
}

// opened counts the records that a holder of the term can open after the change. Whenever the patient gives keys to somebody, the
// links that are missing are made.
func (c *Change) opened(f *ledger.CompartmentFact, way *course) (n uint64) {
	for _, e := range reach(f, &c.after.Term, c.after.History, way.wrap || way.epoch != "") {
		n += e.Records - e.Erased
	}
	return n
}

// reach returns the epochs that a holder of a term can open: by links back from the one in force, if the past is part of the grant and
// they are given that one, and where the term has a wrap that is kept. Mended says whether the links that are missing are made.
func reach(f *ledger.CompartmentFact, t *ledger.Term, linked, mended bool) (all []*ledger.Epoch) {
	epochs := epochsOf(f)
	for i, e := range slices.Backward(epochs) {
		if e != f.Epoch && !mended {
			_, there := epochs[i+1].Part(ledger.PartLink)
			linked = linked && there && !epochs[i+1].LinkDisputed
		}
		wrapped := kept(f, e, t.ID)
		if linked || wrapped {
			all = append(all, e)
		}
		linked = linked || wrapped && t.History
	}
	return all
}

// kept tells whether a term has a wrap in an epoch, which a node has not erased because others stand for it.
func kept(f *ledger.CompartmentFact, e *ledger.Epoch, id ledger.TermID) bool {
	name := ledger.WrapName(id)
	_, there := e.Part(name)
	return there && !slices.ContainsFunc(f.Obsolete(), func(p ledger.EpochPart) bool {
		return p.Epoch == e.Number && p.Part.Name == name
	})
}

// previewSessions says which sessions are open on the term, and which of them the change ends.
func (c *Change) previewSessions(ctx context.Context, p *Preview) error {
	if c.before == nil {
		return nil
	}
	log, err := c.b.c.AccessLog(ctx)
	if err != nil {
		return err
	}
	for _, a := range openSessions(log, c.b.c.config.Now()) {
		if !c.about(a.Term) || a.Compartment != c.b.chain.Compartment {
			continue
		}
		s := OpenSession{ID: a.Session, GID: a.GID, Display: a.Display, Operation: a.Operation, Until: a.Expires}
		s.Ends = c.after == nil || a.Operation == ledger.OpWrite && !c.after.Write
		if c.after != nil && c.after.Until != 0 && s.Until.UnixMilli() > c.after.Until {
			s.Until = time.UnixMilli(c.after.Until)
		}
		p.Sessions = append(p.Sessions, s)
	}
	return nil
}
