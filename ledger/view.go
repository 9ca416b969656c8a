package ledger

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/phrledger/phr/crypto/abe"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/policy"
)

// Keys returns the keys of a person in force at a control position count; see Position.
func (s *State) Keys(gid identity.GID, position uint64) (*identity.Keys, error) {
	return s.keysAt(gid, position)
}

// Person returns the newest keys of a person; an error says that there is none, or that the identity is revoked.
func (s *State) Person(gid identity.GID) (*identity.Keys, error) { return s.keysAt(gid, now) }

// AuthorityFact is what the log says of an authority.
type AuthorityFact struct {
	Name    policy.Authority
	Role    AuthorityKind
	Founder identity.GID
	Key     *abe.PublicKey
	Since   uint64 // count from which Key has been the key: what was issued by a control position before it counts no more
	Active  bool   // endorsed and not suspended
}

// Authority returns an authority that has a name.
func (s *State) Authority(name policy.Authority) (AuthorityFact, bool) {
	reg, active := s.authorityAt(name, now)
	if reg == nil {
		return AuthorityFact{}, false
	}
	return AuthorityFact{name, reg.role, reg.founder, reg.key, s.keySince(name, now), active}, true
}

// authorityKey returns the public key of an authority, or of a patient as one.
func (s *State) authorityKey(name policy.Authority, at uint64) (*abe.PublicKey, error) {
	if name.IsGID() {
		key, ok := s.Patient(identity.GID(name))
		if !ok {
			return nil, fmt.Errorf("%s is not registered as a patient", name)
		}
		return key, nil
	}
	reg, active := s.authorityAt(name, at)
	if !active {
		return nil, fmt.Errorf("no authority %q is in force", name)
	}
	return reg.key, nil
}

// AttributeFact is an attribute with its version in force.
type AttributeFact struct {
	Attribute policy.Attribute
	Version   uint32
}

// Attributes returns the attributes that an authority has defined, by name.
func (s *State) Attributes(name policy.Authority) []AttributeFact {
	versions := make(map[policy.Attribute]uint32)
	for a := range s.attributes.keys {
		if a.Authority == name {
			versions[a], _ = s.Version(a)
		}
	}
	all := make([]AttributeFact, 0, len(versions))
	for a, version := range versions {
		all = append(all, AttributeFact{a, version})
	}
	slices.SortFunc(all, func(a, b AttributeFact) int { return strings.Compare(a.Attribute.Name, b.Attribute.Name) })
	return all
}

// Version returns the version of an attribute in force; a patient's own are at version 1 for good.
func (s *State) Version(a policy.Attribute) (uint32, bool) { return s.versionOf(a, now) }

// Expression resolves a policy as of now: for making a wrap or a challenge.
func (s *State) Expression(p *policy.Policy) (*abe.Expression, error) {
	keys, err := s.AuthorityKeys(p)
	if err != nil {
		return nil, err
	}
	return abe.NewExpression(p, s.Version, keys...)
}

// Holds tells whether the log shows, as of now, that a person holds an attribute. For an attribute of a patient's own, the
// patient is the attribute's authority.
func (s *State) Holds(gid identity.GID, a policy.Attribute) bool {
	return s.heldBy(gid, identity.GID(a.Authority), OpRead, now)(a)
}

// Satisfies tells whether what the log shows of a person, as of now, satisfies a policy of a patient, and if not, which
// smallest additions would.
func (s *State) Satisfies(gid, patient identity.GID, p *policy.Policy) (bool, [][]policy.Attribute) {
	return p.Satisfied(s.heldBy(gid, patient, OpRead, now))
}

// Patient tells whether a person is registered as a patient, and returns the key of their own authority.
func (s *State) Patient(gid identity.GID) (*abe.PublicKey, bool) {
	p, ok := s.patients.get(gid)
	if !ok || p.erased != 0 {
		return nil, false
	}
	return p.key(), true
}

// CompartmentFact is what the log says of a compartment now. Its slices and entries are shared: read only.
type CompartmentFact struct {
	Chain Chain
	Class Class
	Set   *Entry // the policy.set in force; nil if none is
	Terms []LiveTerm
	Epoch *Epoch // the current one; nil before the first
	Past  []*Epoch
	Must  bool // the next event must start an epoch
	// Proxies are the terms that ever let somebody act for the patient, those that are over among them.
	Proxies []TermID

	// Erased means that nothing follows on the chain and no key is left. There are no terms and no epochs then.
	Erased bool
}

// Compartment returns a compartment that has been created.
func (s *State) Compartment(c Chain) (CompartmentFact, bool) {
	f, ok := s.compartments.get(c)
	if !ok {
		return CompartmentFact{}, false
	}
	return CompartmentFact{c, f.class, f.set, f.terms, f.epoch, f.past, f.narrowed, f.proxies, f.erased}, true
}

// Compartments yields every compartment there is, in no order. It is not for forks.
func (s *State) Compartments() iter.Seq[CompartmentFact] {
	return func(yield func(CompartmentFact) bool) {
		for c := range s.compartments.m {
			if f, _ := s.Compartment(c); !yield(f) {
				return
			}
		}
	}
}

// Stale says why a compartment needs a new epoch before anything is written at a time, and since what log time; why is empty
// while it needs none. Of several reasons it is the one that came first. A State of scope SomeChains knows of authorities what
// it was shown.
func (s *State) Stale(c Chain, at time.Time) (why string, since time.Time) {
	f, ok := s.compartments.get(c)
	if !ok {
		return "there is no such compartment", time.Time{}
	}
	return s.staleAt(f, at, now, true)
}

// Wrapped returns the terms of a compartment that an epoch started at a time holds wraps for: those that have not ended and
// whose authorities are in force.
func (s *State) Wrapped(c Chain, at time.Time) []LiveTerm {
	f, ok := s.compartments.get(c)
	if !ok {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(f.terms), func(t LiveTerm) bool { return !s.wrapped(&t, at, now) })
}

// Live returns a term that is in force at a time.
func (s *State) Live(c Chain, id TermID, at time.Time) (*LiveTerm, error) {
	f, _ := s.compartments.get(c)
	return f.live(id, at)
}

// Acceptable judges, as of now, whom a term lets in: what is asked of one that a policy adds at a time, or gives more than
// before. A State of scope SomeChains judges by the authorities that it has learnt of.
func (s *State) Acceptable(c Chain, t *LiveTerm, at time.Time) error {
	f, ok := s.compartments.get(c)
	if !ok {
		return errors.New("there is no such compartment")
	}
	e := &Entry{Event: &Event{Chain: c}, LogTime: at}
	if err := checkProxy(e, find(f.terms, t.ID), &t.Term); err != nil {
		return err
	}
	judged := *t
	judged.attributes, judged.authorities = t.Policy.Attributes(), t.Policy.Authorities()
	return s.acceptable(c.GID(), f.class, &judged, now)
}

// Entitled judges, as of now, whether a person may have a session on a term: what the gate asks before a challenge, and
// again before it opens the session. The error says what is missing. An emergency term comes back ending when the emergency
// does.
func (s *State) Entitled(gid identity.GID, c Chain, op Operation, id TermID, at time.Time) (*LiveTerm, error) {
	if _, err := s.keysAt(gid, now); err != nil {
		return nil, err
	}
	session := &Session{Patient: c.GID()}
	session.GID, session.Operation, session.Compartment, session.Term = gid, op, c.Compartment, id
	e := &Entry{Event: &Event{Chain: RecordChain(c.GID(), Access)}, LogTime: at, Control: Position{Count: now}}
	if err := s.checkTerm(e, session); err != nil {
		return nil, err
	}
	term, err := s.Live(c, id, at)
	if err != nil || !term.Emergency() {
		return term, err
	}
	return s.untilOver(gid, c, term), nil
}

// Node returns the root's newest description of a node.
func (s *State) Node(gid identity.GID) (*NodeFact, bool) {
	n, ok := s.nodes.get(gid)
	if !ok {
		return nil, false
	}
	return &n.NodeFact, true
}

// Nodes returns the nodes that the root has described, in the order of their GIDs.
func (s *State) Nodes() []identity.GID {
	var all []identity.GID
	for l := &s.nodes; l != nil; l = l.base {
		for gid := range l.m {
			if !slices.Contains(all, gid) {
				all = append(all, gid)
			}
		}
	}
	slices.Sort(all)
	return all
}

// At returns an epoch by number.
func (f *CompartmentFact) At(n uint32) (*Epoch, bool) {
	if f.Epoch != nil && f.Epoch.Number == n {
		return f.Epoch, true
	}
	i := slices.IndexFunc(f.Past, func(e *Epoch) bool { return e.Number == n })
	if i < 0 {
		return nil, false
	}
	return f.Past[i], true
}
