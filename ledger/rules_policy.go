package ledger

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/policy"
)

// MaxTerms bounds the live terms of a compartment: each costs a wrap an epoch.
const MaxTerms = 64

// grantPrefix begins the names of the attributes that a patient's own authority issues: one for each term that names a
// person.
const grantPrefix = "g-"

// GrantAttribute returns the attribute that a patient issues to the person named in a term.
func GrantAttribute(patient identity.GID, term TermID) policy.Attribute {
	return policy.Attribute{Name: grantPrefix + term.String(), Authority: policy.Authority(patient)}
}

// TermOf returns the term that an attribute of a patient's own authority belongs to.
func TermOf(a policy.Attribute) (TermID, error) {
	id, ok := strings.CutPrefix(a.Name, grantPrefix)
	if !ok {
		return TermID{}, fmt.Errorf("%s does not name a term", a)
	}
	return ParseID[termThing](id)
}

// policySet replaces the terms. A set that takes access away marks the compartment: a new epoch must follow at once.
func (s *State) policySet(e *Entry, c *compartment, b *PolicySet) error {
	if e.Author != e.Chain.GID() {
		return errors.New("only the patient sets a policy")
	}
	if len(b.Terms) > MaxTerms {
		return fmt.Errorf("%d terms are more than %d: revoke some, or join them with or", len(b.Terms), MaxTerms)
	}
	terms := make([]LiveTerm, 0, len(b.Terms))
	seen := make(map[TermID]bool, len(b.Terms))
	for _, t := range b.Terms {
		if t.ID.IsZero() || seen[t.ID] {
			return errors.New("a term's id is missing or stands twice")
		}
		seen[t.ID] = true
		live, err := s.term(e, c, t)
		if err != nil {
			return fmt.Errorf("term %s: %w", t.ID, err)
		}
		terms = append(terms, *live)
	}
	c.narrowed = c.epoch != nil && narrows(c.terms, terms, e.LogTime)
	c.renewed = c.renews(terms, e.LogTime)
	c.lapse(terms, e.LogTime)
	c.terms, c.set, c.proxies = terms, e, rememberProxies(c.proxies, terms)
	return nil
}

// renews returns the terms of a list that had ended and go on, and that the epoch in force holds no wrap for: it was
// started without them.
func (c *compartment) renews(to []LiveTerm, logTime time.Time) (ids []TermID) {
	for i := range to {
		old := find(c.terms, to[i].ID)
		if c.epoch == nil || old == nil || !old.ended(logTime) || to[i].ended(logTime) {
			continue
		}
		if _, there := c.epoch.Part(WrapName(old.ID)); !there {
			ids = append(ids, old.ID)
		}
	}
	return ids
}

// checkDue judges whether e is what has to follow the policy before it: a new epoch where that took access away, a wrap
// where it renewed a term that had ended.
func (c *compartment) checkDue(e *Entry) error {
	rewrapped, rewraps := e.Body.(*EpochRewrapped)
	_, starts := e.Body.(*EpochStarted)
	switch {
	case starts:
		return nil // which holds a wrap for every live term
	case c.narrowed:
		return fmt.Errorf("%w: the event before it took access away, and that is followed by a new epoch", ErrStale)
	case len(c.renewed) > 0 && !rewraps:
		return fmt.Errorf("%w: the event before it renewed term %s, and that is followed by a wrap for it", ErrStale, c.renewed[0])
	}
	for _, id := range c.renewed {
		if !slices.ContainsFunc(rewrapped.Parts, func(p Part) bool { return p.Term == id }) {
			return fmt.Errorf("%w: a wrap is due for term %s, which was renewed", ErrStale, id)
		}
	}
	return nil
}

// narrows tells whether a term that has not ended was dropped or gives less than before.
func narrows(from, to []LiveTerm, logTime time.Time) bool {
	return slices.ContainsFunc(from, func(old LiveTerm) bool {
		if old.ended(logTime) {
			return false
		}
		t := find(to, old.ID)
		return t == nil || old.widens(&t.Term)
	})
}

// term judges a term of a list. One that stood in the list before and gives no more than it did is not asked again who it
// lets in: an authority that is suspended since must not keep the patient from setting anything else. One that gives more,
// the right to write or a later end, is asked as if it were new.
func (s *State) term(e *Entry, c *compartment, t Term) (*LiveTerm, error) {
	if t.Until < 0 || t.Until > maxTime {
		return nil, errors.New("its end is no time")
	}
	old := find(c.terms, t.ID)
	if err := checkProxy(e, old, &t); err != nil {
		return nil, err
	}
	if old != nil {
		if old.Expression != t.Expression || old.History != t.History || old.Approval != t.Approval {
			return nil, errors.New("a term keeps its expression and its history: set a new one")
		}
		if t.Emergency() && t.Write {
			return nil, errors.New("an emergency term is to read")
		}
		kept := *old
		kept.Term = t
		if !kept.widens(&old.Term) {
			return &kept, nil
		}
		return &kept, s.checkNewTerm(e, c, &kept)
	}
	live, err := liveTerm(t)
	if err != nil {
		return nil, err
	}
	if live.Emergency() {
		return live, s.checkEmergencyTerm(e, c, live)
	}
	return live, s.checkNewTerm(e, c, live)
}

// liveTerm parses what a term says.
func liveTerm(t Term) (*LiveTerm, error) {
	p, err := policy.Parse(t.Expression)
	if err != nil {
		return nil, err
	}
	if p.String() != t.Expression {
		return nil, errors.New("its expression is not in canonical form")
	}
	live := &LiveTerm{Term: t, Policy: p, attributes: p.Attributes(), authorities: p.Authorities()}
	if t.Approval == "" {
		return live, nil
	}
	live.approval, err = liveTerm(Term{ID: t.ID, Expression: t.Approval})
	if err != nil {
		return nil, fmt.Errorf("who approves: %w", err)
	}
	live.Approvers = live.approval.Policy
	return live, nil
}

// checkNewTerm judges who a term lets in.
func (s *State) checkNewTerm(e *Entry, c *compartment, t *LiveTerm) error {
	if s.scope == SomeChains {
		return nil
	}
	return s.acceptable(e.Chain.GID(), c.class, t, s.at(e, AuthorityChain(RegistryName)))
}

func (s *State) acceptable(patient identity.GID, class Class, t *LiveTerm, at uint64) error {
	for _, a := range t.attributes {
		if a.Authority.IsGID() {
			if a != GrantAttribute(patient, t.ID) {
				return fmt.Errorf("%s is not the attribute this patient issues for this term", a)
			}
			continue
		}
		if _, active := s.authorityAt(a.Authority, at); !active {
			return fmt.Errorf("no authority %q is endorsed", a.Authority)
		}
		if _, defined := s.versionOf(a, at); !defined {
			return fmt.Errorf("%s is not defined by its authority", a)
		}
	}
	if err := s.checkBare(t, at); err != nil || !t.Write || t.Proxy {
		return err
	}
	return s.checkWriters(class, t, at)
}

func (s *State) authorityAt(name policy.Authority, at uint64) (*registration, bool) {
	a, _ := s.authorities.get(name)
	return a.at(at)
}

// roleOf returns the kind of the authority of an attribute; none for a patient's own.
func (s *State) roleOf(a policy.Attribute, at uint64) AuthorityKind {
	reg, _ := s.authorityAt(a.Authority, at)
	if reg == nil {
		return ""
	}
	return reg.role
}

// checkBare refuses a term that attributes of the registry alone satisfy: everybody may hold those.
func (s *State) checkBare(t *LiveTerm, at uint64) error {
	set, err := without(t.Policy, func(a policy.Attribute) bool { return s.roleOf(a, at) != Registry })
	if err != nil || set == nil {
		return err
	}
	return fmt.Errorf("%s alone satisfies it, which every patient or everybody may hold: the patient needs no term, "+
		"and others need an attribute of their own authority", joined(set))
}

// checkWriters refuses a term to write that someone satisfies without an attribute of the right kind of authority.
func (s *State) checkWriters(class Class, t *LiveTerm, at uint64) error {
	for _, a := range t.attributes {
		if role := s.roleOf(a, at); neverWrites(role) {
			return fmt.Errorf("%s: an %s may read where granted, and never write", a, role)
		}
	}
	role, example := Hospital, "doctor@city-hospital"
	if class == TrainingClass {
		role, example = HealthClub, "trainer@city-club"
	}
	set, err := without(t.Policy, func(a policy.Attribute) bool { return s.roleOf(a, at) == role })
	if err != nil || set == nil {
		return err
	}
	return fmt.Errorf("%s would write %s data without an attribute of a %s: join it with one, as in '%s and %s'",
		joined(set), class, role, joined(set), example)
}

// neverWrites tells whether no representative of an authority of a kind may write anything.
func neverWrites(role AuthorityKind) bool { return role == Insurer || role == Employer }

// without returns a smallest set that satisfies a policy and has none of the attributes asked for; nil if there is none.
func without(p *policy.Policy, asked func(policy.Attribute) bool) ([]policy.Attribute, error) {
	if ok, _ := p.Satisfied(func(a policy.Attribute) bool { return !asked(a) }); !ok {
		return nil, nil
	}
	sets, err := p.MinimalSets()
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(sets, func(set []policy.Attribute) bool { return !slices.ContainsFunc(set, asked) })
	return sets[i], nil
}

func joined(set []policy.Attribute) string {
	names := make([]string, len(set))
	for i, a := range set {
		names[i] = a.String()
	}
	return strings.Join(names, " and ")
}

// heldBy returns which attributes the log shows for a person, at a control position: a key of the version in force was
// issued to them, by the authority's key in force, and not taken away, by an authority in force; or the patient issued it for a term. To write, the
// attributes of those who never do count for nothing, whatever a term says.
func (s *State) heldBy(gid, patient identity.GID, op Operation, at uint64) func(policy.Attribute) bool {
	return func(a policy.Attribute) bool {
		facts, _ := s.holdings.get(holding{gid, a})
		if a.Authority.IsGID() {
			return a.Authority == policy.Authority(patient) && len(facts) > 0 && !s.PatientErased(patient)
		}
		reg, active := s.authorityAt(a.Authority, at)
		if !active || op == OpWrite && neverWrites(reg.role) {
			return false
		}
		versions, _ := s.attributes.get(a)
		version, ok := versionAt(versions, at)
		held := holdingAt(facts, at)
		return ok && held.enrolled && held.version == version && held.control >= s.keySince(a.Authority, at)
	}
}

// keySince returns the count from which the key in force of an authority has been its key. What was issued by a position
// before it was made by another one, and counts no more even where the version has not moved yet.
func (s *State) keySince(name policy.Authority, at uint64) (since uint64) {
	reg, _ := s.authorityAt(name, at)
	a, _ := s.authorities.get(name)
	for i := len(a.facts) - 1; i >= 0; i-- {
		f := &a.facts[i]
		if f.from > at {
			continue
		}
		if f.reg.key.Hash() != reg.key.Hash() {
			break
		}
		since = f.from
	}
	return since
}
