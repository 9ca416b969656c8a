package ledger

import (
	"errors"
	"fmt"
	"slices"
	"strings"

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

// termOf returns the term that an attribute of a patient's own authority belongs to.
func termOf(a policy.Attribute) (TermID, error) {
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
		live, err := s.parseTerm(e, c, t)
		if err != nil {
			return fmt.Errorf("term %s: %w", t.ID, err)
		}
		terms = append(terms, *live)
	}
	c.narrowed = c.epoch != nil && narrows(c.terms, terms)
	c.terms, c.set = terms, e
	return nil
}

// narrows tells whether a term was dropped or gives less than before.
func narrows(from, to []LiveTerm) bool {
	return slices.ContainsFunc(from, func(old LiveTerm) bool {
		i := slices.IndexFunc(to, func(t LiveTerm) bool { return t.ID == old.ID })
		if i < 0 {
			return true
		}
		earlier := to[i].Until != 0 && (old.Until == 0 || to[i].Until < old.Until)
		return earlier || old.Write && !to[i].Write
	})
}

func (s *State) parseTerm(e *Entry, c *compartment, t Term) (*LiveTerm, error) {
	p, err := policy.Parse(t.Expression)
	if err != nil {
		return nil, err
	}
	if p.String() != t.Expression {
		return nil, errors.New("its expression is not in canonical form")
	}
	for _, old := range c.terms {
		if old.ID == t.ID && (old.Expression != t.Expression || old.History != t.History) {
			return nil, errors.New("a term keeps its expression and its history: set a new one")
		}
	}
	live := &LiveTerm{t, p}
	if s.scope == SomeChains {
		return live, nil
	}
	return live, s.checkNewTerm(e, c, live)
}

// checkNewTerm judges who a term lets in.
func (s *State) checkNewTerm(e *Entry, c *compartment, t *LiveTerm) error {
	at := s.at(e, AuthorityChain(RegistryName))
	for _, a := range t.Policy.Attributes() {
		if a.Authority.IsGID() {
			if a != GrantAttribute(e.Chain.GID(), t.ID) {
				return fmt.Errorf("%s is not the attribute this patient issues for this term", a)
			}
			continue
		}
		if _, active := s.authorityAt(a.Authority, at); !active {
			return fmt.Errorf("no authority %q is endorsed", a.Authority)
		}
		if !s.attributes.has(a) {
			return fmt.Errorf("%s is not defined by its authority", a)
		}
	}
	if err := s.checkBare(t.Policy, at); err != nil || !t.Write {
		return err
	}
	return s.checkWriters(c.class, t.Policy, at)
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
func (s *State) checkBare(p *policy.Policy, at uint64) error {
	return eachSet(p, func(set []policy.Attribute) error {
		if slices.ContainsFunc(set, func(a policy.Attribute) bool { return s.roleOf(a, at) != Registry }) {
			return nil
		}
		return fmt.Errorf("%s alone satisfies it, which every patient or everybody may hold: the patient needs no term, "+
			"and others need an attribute of their own authority", joined(set))
	})
}

// checkWriters refuses a term to write that someone satisfies without an attribute of the right kind of authority.
func (s *State) checkWriters(class Class, p *policy.Policy, at uint64) error {
	role := map[Class]AuthorityKind{HealthClass: Hospital, TrainingClass: HealthClub}[class]
	for _, a := range p.Attributes() {
		if r := s.roleOf(a, at); r == Insurer || r == Employer {
			return fmt.Errorf("%s: an %s may read where granted, and never write", a, r)
		}
	}
	return eachSet(p, func(set []policy.Attribute) error {
		if slices.ContainsFunc(set, func(a policy.Attribute) bool { return s.roleOf(a, at) == role }) {
			return nil
		}
		return fmt.Errorf("%s would write %s data without an attribute of a %s: join it with one, as in "+
			"'%s and doctor@city-hospital'", joined(set), class, role, joined(set))
	})
}

func eachSet(p *policy.Policy, check func([]policy.Attribute) error) error {
	sets, err := p.MinimalSets()
	if err != nil {
		return err
	}
	for _, set := range sets {
		if err := check(set); err != nil {
			return err
		}
	}
	return nil
}

func joined(set []policy.Attribute) string {
	names := make([]string, len(set))
	for i, a := range set {
		names[i] = a.String()
	}
	return strings.Join(names, " and ")
}

// heldBy returns which attributes the log shows for a person, at a control position: a key of the version in force was
// issued to them and not taken away, by an authority in force; or the patient issued it for a term.
func (s *State) heldBy(gid, patient identity.GID, at uint64) func(policy.Attribute) bool {
	return func(a policy.Attribute) bool {
		facts, _ := s.holdings.get(holding{gid, a})
		if a.Authority.IsGID() {
			return a.Authority == policy.Authority(patient) && len(facts) > 0
		}
		if _, active := s.authorityAt(a.Authority, at); !active {
			return false
		}
		versions, _ := s.attributes.get(a)
		version, ok := versionAt(versions, at)
		held := holdingAt(facts, at)
		return ok && held.enrolled && held.version == version
	}
}
