package client

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
)

// Change is a change of who is let into a compartment: a new grant, another form of one, or its end. It is worked out
// first, so that it can be looked at before it is made. What Preview says is what Make does, as long as nobody writes in
// between; where the grants are others by then, it fails with ErrMoved.
type Change struct {
	b             *Book
	verb          string           // of errors
	before, after *ledger.LiveTerm // nil for a new grant, and for a revocation
	also          []ledger.TermID  // that are revoked with before
	who           identity.GID     // the person named in a new grant; "" if none is
	dropped       bool
	looked        *ledger.Hash // of the policy that it was looked at by last; nil if it never was
}

// ErrMoved is returned, wrapped, for a change that was looked at, and is another by now: the grants were changed meanwhile.
var ErrMoved = errors.New("the grants were changed since you looked: look again")

// Term returns the id of the grant that the change is about.
func (c *Change) Term() ledger.TermID {
	if c.after != nil {
		return c.after.ID
	}
	return c.before.ID
}

// Dropped tells whether a branch of a new grant that everybody satisfies, such as patient@phr, is left out: the patient can
// always open.
func (c *Change) Dropped() bool { return c.dropped }

// Compartment returns where the change is made.
func (c *Change) Compartment() ledger.Compartment { return c.b.Compartment() }

// about tells whether a grant is one of those that the change is about.
func (c *Change) about(id ledger.TermID) bool { return id == c.Term() || slices.Contains(c.also, id) }

// GrantEdit says what is to become of a grant. Who it lets in, and whether the past is part of it, stays: that takes another
// grant.
type GrantEdit struct {
	Until *time.Time // the new end; the zero time for none; nil leaves it
	Write *bool      // nil leaves it
}

// EditGrant gives a grant another end or another right in place. It keeps its id, and what its holders were given. A grant
// that has ended is renewed so.
func (b *Book) EditGrant(ctx context.Context, id ledger.TermID, e GrantEdit) error {
	c, err := b.PlanEdit(ctx, id, e)
	if err != nil {
		return err
	}
	return c.Make(ctx)
}

// PlanEdit works out what an edit of a grant changes, and changes nothing. The compartment must be the caller's own.
func (b *Book) PlanEdit(ctx context.Context, id ledger.TermID, e GrantEdit) (*Change, error) {
	if !b.own() {
		return nil, errors.New("only the patient changes a grant")
	}
	before, err := b.term(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("changing a grant: %w", err)
	}
	after := *before
	if e.Write != nil {
		after.Write = *e.Write
	}
	if e.Until != nil {
		if after.Until, err = endOf(*e.Until, b.c.config.Now()); err != nil {
			return nil, err
		}
	}
	if err := b.checkEdit(ctx, before, &after); err != nil {
		return nil, err
	}
	return &Change{b: b, verb: "changing a grant", before: before, after: &after}, nil
}

// endOf returns when a term ends, as the log says it.
func endOf(until, now time.Time) (int64, error) {
	if until.IsZero() {
		return 0, nil
	}
	if !until.After(now) {
		return 0, errors.New("the end of a grant lies in the future")
	}
	return until.UnixMilli(), nil
}

func (b *Book) checkEdit(ctx context.Context, before, after *ledger.LiveTerm) error {
	switch {
	case after.Term == before.Term:
		return fmt.Errorf("grant %s is like that already: nothing changes", before.ID)
	case ended(&after.Term, b.c.config.Now()):
		return fmt.Errorf("grant %s has ended: to renew it, say until when", before.ID)
	case after.Write && !before.Write && !after.Proxy && personAlone(after):
		return fmt.Errorf("a person alone may not be given the right to write: make another grant that names their role as well, "+
			"as in 'gid:GID and %s'", b.exampleWriter(ctx))
	}
	return nil
}

// personAlone tells whether a term asks for nothing but being the person named.
func personAlone(t *ledger.LiveTerm) bool {
	attributes := t.Policy.Attributes()
	return len(attributes) == 1 && attributes[0].Authority.IsGID()
}

func ended(t *ledger.Term, at time.Time) bool { return t.Until != 0 && at.UnixMilli() >= t.Until }

// course is how a change is made on a compartment as it stands.
type course struct {
	terms []ledger.LiveTerm // in force afterwards
	epoch string            // why a new epoch is started; "" if none is
	wrap  bool              // the term gets a wrap in the epoch in force
}

// course decides how the change is made. Whoever loses something must not have the keys of what is written next: an epoch is
// started. Whoever is let in anew is given the keys of the epoch in force, if these are not too many: they open all that was
// written under them.
func (c *Change) course(f *ledger.CompartmentFact, due string) course {
	if c.after == nil {
		kept := slices.DeleteFunc(slices.Clone(f.Terms), func(t ledger.LiveTerm) bool { return c.about(t.ID) })
		why := "revoked " + c.before.ID.String()
		for _, id := range c.also {
			why += ", " + id.String()
		}
		return course{terms: kept, epoch: why}
	}
	terms := append(f.Terms[:len(f.Terms):len(f.Terms)], *c.after)
	if c.before != nil {
		terms = slices.Clone(f.Terms)
		*termOf(terms, c.before.ID) = *c.after
	}
	_, there := f.Epoch.Part(ledger.WrapName(c.after.ID))
	switch {
	case c.before != nil && narrower(&c.before.Term, &c.after.Term):
		return course{terms: terms, epoch: "narrowed " + c.before.ID.String()}
	case there:
		return course{terms: terms}
	case due != "":
		return course{terms: terms, epoch: due}
	case !c.after.History:
		return course{terms: terms, epoch: "granted from now on"}
	}
	return course{terms: terms, wrap: true}
}

// narrower tells whether a term gives less in one respect than it did before.
func narrower(before, after *ledger.Term) bool {
	return before.Write && !after.Write || after.Until != 0 && (before.Until == 0 || after.Until < before.Until)
}

// Make makes the change. It counts as soon as it returns without an error.
func (c *Change) Make(ctx context.Context) error {
	tried := false
	err := c.b.do(ctx, loginKey, func(s *session) error {
		f, err := c.b.existing()
		if err != nil {
			return err
		}
		made, err := c.made(&f, tried)
		if made || err != nil {
			return err
		}
		tried = true
		return c.submit(ctx, s, &f)
	})
	if err != nil {
		return fmt.Errorf("%s: %w", c.verb, err)
	}
	return nil
}

// made tells whether a try before counts after all, and fails if the grant is not what it was.
func (c *Change) made(f *ledger.CompartmentFact, tried bool) (bool, error) {
	now := termOf(f.Terms, c.Term())
	is := func(t *ledger.LiveTerm) bool {
		return t == nil && now == nil || t != nil && now != nil && t.Term == now.Term
	}
	switch {
	case is(c.after) && (tried || c.after != nil):
		return true, nil
	case is(c.before) && c.looked != nil && *c.looked != policyOf(f):
		return false, fmt.Errorf("%s: %w", c.b.chain.Compartment, ErrMoved)
	case is(c.before):
		return false, nil
	case now == nil:
		return false, fmt.Errorf("%s has no grant %s any more: see 'phr grants'", c.b.chain.Compartment, c.Term())
	}
	return false, fmt.Errorf("grant %s was changed meanwhile: see 'phr grants', and decide again", c.Term())
}

// policyOf returns which policy a compartment has; zero if it has none.
func policyOf(f *ledger.CompartmentFact) (h ledger.Hash) {
	if f.Set != nil {
		h = f.Set.Hash
	}
	return h
}

// submit submits the change, and the key of a person whom a new grant names.
func (c *Change) submit(ctx context.Context, s *session, f *ledger.CompartmentFact) error {
	var issued []*ledger.Event
	if c.who != "" {
		var err error
		if issued, err = c.b.c.issue(ctx, s, c.who, c.after.ID); err != nil {
			return err
		}
	}
	bodies, parts, err := c.bodies(ctx, s, f)
	if err != nil {
		return err
	}
	return c.b.append(ctx, s, issued, bodies, parts)
}

// bodies is the policy with what makes it true: keys for those who are let in, other keys for what is written after somebody
// was not any more.
func (c *Change) bodies(ctx context.Context, s *session, f *ledger.CompartmentFact) ([]ledger.Body, []protocol.PartData, error) {
	due, err := c.b.due(ctx, s)
	if err != nil {
		return nil, nil, err
	}
	way := c.course(f, due)
	if c.gives() {
		if err := c.b.c.fresh(ctx, s, c.b.chain); err != nil {
			return nil, nil, err
		}
	}
	bodies, parts, err := c.wrapped(ctx, s, &way)
	if err == nil && c.gives() {
		err = c.b.awake(c.wraps(&way))
	}
	return bodies, parts, err
}

// gives tells whether the change lets somebody do more than before. What only takes away is not held up by anything.
func (c *Change) gives() bool {
	return c.after != nil && (c.before == nil || !narrower(&c.before.Term, &c.after.Term) || narrower(&c.after.Term, &c.before.Term))
}

// wraps returns the terms whose holders are given keys by the change.
func (c *Change) wraps(way *course) []ledger.LiveTerm {
	switch {
	case way.epoch != "":
		return way.terms
	case way.wrap:
		return []ledger.LiveTerm{*c.after}
	}
	return nil
}

// wrapped makes the policy, and the wraps and epochs with it.
func (c *Change) wrapped(ctx context.Context, s *session, way *course) ([]ledger.Body, []protocol.PartData, error) {
	set := &ledger.PolicySet{Terms: plain(way.terms)}
	switch {
	case way.epoch != "":
		r, err := c.b.rotation(ctx, s, way.terms, way.epoch)
		if err != nil {
			return nil, nil, err
		}
		return append(r.before, set, r.started), r.parts, nil
	case way.wrap:
		return c.b.rewrap(ctx, s, set, *c.after)
	}
	return []ledger.Body{set}, nil, nil
}
