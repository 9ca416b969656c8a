package ledger

import (
	"errors"
	"fmt"
	"slices"

	"github.com/phrledger/phr/crypto/abe"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/policy"
)

func (k AuthorityKind) known() bool {
	return slices.Contains([]AuthorityKind{Hospital, HealthClub, Insurer, Employer, Registry}, k)
}

// parseAuthorityKey reads an authority's public key and checks that it is made for the name.
func parseAuthorityKey(name policy.Authority, key []byte) (*abe.PublicKey, error) {
	pk, err := abe.ParsePublicKey(key)
	if err != nil {
		return nil, err
	}
	if pk.Authority() != name {
		return nil, fmt.Errorf("the key is made for %q, not for %q", pk.Authority(), name)
	}
	return pk, nil
}

func (s *State) authorityRegistered(e *Entry, b *AuthorityRegistered) error {
	if name, err := policy.ParseAuthority(string(b.Name)); err != nil || name.IsGID() || name != b.Name {
		return fmt.Errorf("%q is not a name for an authority", Clip(string(b.Name)))
	}
	if !b.Role.known() {
		return fmt.Errorf("unknown kind of authority %q", Clip(string(b.Role)))
	}
	if (b.Role == Registry) != (b.Name == RegistryName) {
		return fmt.Errorf("the registry, and nothing else, is called %q", RegistryName)
	}
	pk, err := parseAuthorityKey(b.Name, b.Key)
	if err != nil {
		return err
	}
	reg := &registration{b.Name, b.Role, e.Author, pk, s.fact()}
	if held, _ := s.authorityAt(b.Name, s.at(e, AuthorityChain(RegistryName))); held != nil {
		if err := held.replaceable(reg); err != nil {
			return err
		}
	}
	s.registrations.set(e.Hash, reg)
	if e.Hash == s.registry {
		s.decide(e, reg, true)
	}
	return nil
}

// replaceable tells whether next may take the place of r: a name keeps its founder and its kind for good.
func (r *registration) replaceable(next *registration) error {
	switch {
	case r.founder != next.founder:
		return fmt.Errorf("the name %q belongs to %s for good: choose a different one", r.name, r.founder)
	case r.role != next.role:
		return fmt.Errorf("%q is of the kind %s and stays so", r.name, r.role)
	}
	return nil
}

// decide adds the registry's word on a registration. Where the registry's chain is seen in part, it may come late.
func (s *State) decide(e *Entry, reg *registration, active bool) {
	next := &authority{}
	if a, ok := s.authorities.get(reg.name); ok {
		next.facts = slices.Clone(a.facts)
	}
	from := s.fact()
	i := len(next.facts)
	for i > 0 && next.facts[i-1].from > from {
		i--
	}
	next.facts = slices.Insert(next.facts, i, authorityFact{from, e.LogTime, reg, active})
	s.authorities.set(reg.name, next)
}

func (s *State) authorityEndorsed(e *Entry, b *AuthorityEndorsed) error {
	reg, ok := s.registrations.get(b.Registration)
	switch {
	case !ok || reg.from > s.at(e, PersonChain(b.Founder)):
		return fmt.Errorf("no registration %s", b.Registration)
	case reg.name != b.Name || reg.founder != b.Founder:
		return errors.New("the registration is for another name or founder")
	}
	if held, _ := s.authorityAt(b.Name, now); held != nil {
		if err := held.replaceable(reg); err != nil {
			return err
		}
	}
	s.decide(e, reg, true)
	return nil
}

func (s *State) authoritySuspended(e *Entry, b *AuthoritySuspended) error {
	reg, active := s.authorityAt(b.Name, s.fact())
	if !active || b.Name == RegistryName {
		return fmt.Errorf("no authority %q that could be suspended", Clip(string(b.Name)))
	}
	s.decide(e, reg, false)
	return nil
}

// authorityHead judges an authority's statement of where its chain ended before it.
func authorityHead(e *Entry, b *AuthorityHead) error {
	if b.Number != e.Number-1 || b.Hash != e.Prev {
		return fmt.Errorf("it says that the chain ended at event %d", b.Number)
	}
	return nil
}

// own returns the attribute of that name of the authority whose chain e stands on.
func own(e *Entry, name string) (policy.Attribute, error) {
	a := policy.Attribute{Name: name, Authority: e.Chain.Authority()}
	if parsed, err := policy.ParseAttribute(a.String()); err != nil || parsed != a {
		return a, fmt.Errorf("%q is not a name for an attribute", Clip(name))
	}
	return a, nil
}

func (s *State) attributeDefined(e *Entry, b *AttributeDefined) error {
	a, err := own(e, b.Name)
	if err != nil {
		return err
	}
	if s.attributes.has(a) {
		return fmt.Errorf("%s is defined already", a)
	}
	s.attributes.set(a, []versionFact{{s.fact(), e.LogTime, 1}})
	return nil
}

func (s *State) attributeVersioned(e *Entry, b *AttributeVersioned) error {
	a, err := own(e, b.Name)
	if err != nil {
		return err
	}
	facts, _ := s.attributes.get(a)
	if version, ok := versionAt(facts, now); !ok || b.Version != version+1 {
		return fmt.Errorf("%s is at version %d, the next is not %d", a, version, b.Version)
	}
	s.attributes.set(a, append(slices.Clip(facts), versionFact{s.fact(), e.LogTime, b.Version}))
	return nil
}

func (s *State) representativeEnrolled(e *Entry, b *RepresentativeEnrolled) error {
	if len(b.Attributes) == 0 {
		return errors.New("enrolled for no attribute")
	}
	if _, err := s.keysAt(b.GID, s.at(e, PersonChain(b.GID))); err != nil && s.scope == WholeLog {
		return err
	}
	for _, name := range b.Attributes {
		a, err := own(e, name)
		if err != nil {
			return err
		}
		if !s.attributes.has(a) {
			return fmt.Errorf("%s is not defined", a)
		}
		facts, _ := s.holdings.get(holding{b.GID, a})
		if !holdingAt(facts, now).enrolled { // who is keeps the key they hold
			s.hold(b.GID, a, holdingFact{from: s.fact(), enrolled: true})
		}
	}
	return nil
}

func (s *State) representativeRemoved(e *Entry, b *RepresentativeRemoved) error {
	if len(b.Attributes) == 0 {
		return errors.New("removed from no attribute")
	}
	for _, name := range b.Attributes {
		a, err := own(e, name)
		if err != nil {
			return err
		}
		facts, _ := s.holdings.get(holding{b.GID, a})
		if !holdingAt(facts, now).enrolled {
			return fmt.Errorf("%s does not hold %s", b.GID, a)
		}
		s.hold(b.GID, a, holdingFact{from: s.fact()})
	}
	return nil
}

func (s *State) hold(gid identity.GID, a policy.Attribute, fact holdingFact) {
	facts, _ := s.holdings.get(holding{gid, a})
	s.holdings.set(holding{gid, a}, append(slices.Clip(facts), fact))
}

// keyIssued applies an issuance. One for an earlier version opens old wraps and counts for no verdict.
func (s *State) keyIssued(e *Entry, b *KeyIssued) error {
	a, err := own(e, b.Attribute)
	if err != nil {
		return err
	}
	if len(b.Sealed) == 0 {
		return errors.New("it carries no key")
	}
	if e.Chain.Space == RecordSpace {
		return s.grantIssued(e, a, b)
	}
	facts, _ := s.attributes.get(a)
	version, ok := versionAt(facts, now)
	if !ok || b.Version == 0 || b.Version > version {
		return fmt.Errorf("%s has no version %d", a, b.Version)
	}
	held, _ := s.holdings.get(holding{b.GID, a})
	if !holdingAt(held, now).enrolled {
		return fmt.Errorf("%s is not enrolled for %s", b.GID, a)
	}
	if b.Version == version {
		s.hold(b.GID, a, holdingFact{s.fact(), true, version, e.Control.Count})
	}
	return nil
}

// grantIssued applies the issuance of a patient's own attribute to the person named in a term.
func (s *State) grantIssued(e *Entry, a policy.Attribute, b *KeyIssued) error {
	if _, err := TermOf(a); err != nil {
		return err
	}
	if b.Version != 1 {
		return fmt.Errorf("%s has version 1 only", a)
	}
	if err := s.checkPatient(e); err != nil {
		return err
	}
	if s.scope == WholeLog {
		if _, err := s.keysAt(b.GID, s.at(e, PersonChain(b.GID))); err != nil {
			return err
		}
	}
	if who, named := s.named.get(a); named && who != b.GID {
		return fmt.Errorf("%s is %s for good: a term names one person", a, who)
	}
	s.named.set(a, b.GID)
	s.holdings.set(holding{b.GID, a}, []holdingFact{{enrolled: true, version: 1}})
	return nil
}

func (s *State) patientRegistered(e *Entry, b *PatientRegistered) error {
	pk, err := parseAuthorityKey(e.Chain.Authority(), b.Key)
	if err != nil {
		return err
	}
	next := ground{}
	if before, ok := s.patients.get(e.Author); ok {
		next = *before
	}
	i := len(next.keys)
	for i > 0 && next.keys[i-1].number > e.Number { // seen in part, the newer one came first
		i--
	}
	if next.erased != 0 && e.Number > next.erased {
		return errErasedPatient(e.Author)
	}
	next.keys = slices.Insert(slices.Clone(next.keys), i, groundFact{e.Number, e.LogTime, pk})
	s.patients.set(e.Author, &next)
	return nil
}

// checkPatient judges whether the owner of a record chain is a patient.
func (s *State) checkPatient(e *Entry) error {
	p, ok := s.patients.get(e.Chain.GID())
	switch {
	case s.scope != WholeLog:
		return nil
	case !ok:
		return fmt.Errorf("%s is not registered as a patient", e.Chain.GID())
	case p.erased != 0:
		return errErasedPatient(e.Chain.GID())
	}
	return nil
}
