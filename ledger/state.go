package ledger

import (
	"errors"
	"time"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/policy"
)

// What callers branch on. Every error of Fold wraps ErrInvalid or ErrQuarantined; the other two say more.
var (
	// ErrInvalid means that an entry does not count.
	ErrInvalid = errors.New("not valid")
	// ErrConflict means that the chain has moved on: catch up and sign again.
	ErrConflict = errors.New("the chain has moved on")
	// ErrStale means that the epoch named is not the current one, or that a new one is due before anything is written.
	ErrStale = errors.New("a new epoch is due")
	// ErrQuarantined means that an entry must not be applied by a version of phr that does not understand it.
	ErrQuarantined = errors.New("written for a newer version of phr")
)

// Scope says how much of the log a State sees.
type Scope int

// The scopes.
const (
	// WholeLog is the whole log in order: every rule applies.
	WholeLog Scope = iota
	// SomeChains is a few chains, as a reader is given them: compartments and access logs as a whole, and of profiles, people,
	// authorities and nodes the entries that matter. Whether a session was open and an author held an attribute stands on
	// chains that the reader can't see: those rules are left to the node and the auditor. All others apply.
	SomeChains
)

// State is the fold of the log: who the people and authorities are, what each compartment's policy and epoch are, where each
// chain ends. It is not safe for concurrent use; see Fork for trying events without changing it.
type State struct {
	scope Scope
	root  identity.GID
	base  *State
	left  rules
	meta

	controls      layer[uint64, Hash] // of the control entry with that count
	heads         layer[Chain, Head]
	people        layer[identity.GID, *person]
	registrations layer[Hash, *registration]
	authorities   layer[policy.Authority, *authority]
	attributes    layer[policy.Attribute, []versionFact]
	holdings      layer[holding, []holdingFact]
	named         layer[policy.Attribute, identity.GID] // whom an attribute of a patient's own was issued to
	patients      layer[identity.GID, *ground]
	compartments  layer[Chain, *compartment]
	sessions      layer[SessionID, *Session]
	forgotten     layer[SessionID, struct{}] // the ids of sessions that nothing may name any more
	nodes         layer[identity.GID, *node]
	emergencies   layer[requestKey, *Breakglass]
	asked         layer[askerKey, EventID] // the newest request of somebody under a term
	events        layer[idKey, recordFact] // every event of a chain; the zero fact for those that are no records
	leaves        layer[leafKey, struct{}]
	learnt        layer[Hash, struct{}] // entries of chains that are seen in part

	forgetAt int // how many sessions there have to be for another look at which are forgotten
}

// meta is what a State holds one of.
type meta struct {
	count    uint64    // of control entries
	newest   time.Time // newest log time on any chain
	registry Hash      // the registration that needs no endorsement
	chains   uint32    // how many heads there are
}

// Head is where a chain ends.
type Head struct {
	Number  uint64
	Hash    Hash
	LogTime time.Time
	Control uint64 // the count of the last entry's control position
	index   uint32 // short name of the chain within this State
}

// NewState returns the fold of an empty log, for the node whose root has the given GID.
func NewState(root identity.GID, scope Scope) *State { return &State{root: root, scope: scope} }

// Fork returns a State that stands on s and starts out equal to it. What is folded into the fork leaves s as it is until
// Commit. s must not change while a fork of it is used.
func (s *State) Fork() *State {
	return &State{
		scope: s.scope, root: s.root, base: s, left: s.left, meta: s.meta,
		controls: s.controls.fork(), heads: s.heads.fork(), people: s.people.fork(), registrations: s.registrations.fork(),
		authorities: s.authorities.fork(), attributes: s.attributes.fork(), holdings: s.holdings.fork(), named: s.named.fork(),
		patients: s.patients.fork(), compartments: s.compartments.fork(), sessions: s.sessions.fork(), forgotten: s.forgotten.fork(), nodes: s.nodes.fork(),
		emergencies: s.emergencies.fork(), asked: s.asked.fork(),
		events: s.events.fork(), leaves: s.leaves.fork(), learnt: s.learnt.fork(),
	}
}

// Commit makes what was folded into the fork s part of the State it stands on. s is not to be used afterwards. It panics
// unless s is a fork.
func (s *State) Commit() {
	s.controls.absorb()
	s.heads.absorb()
	s.people.absorb()
	s.registrations.absorb()
	s.authorities.absorb()
	s.attributes.absorb()
	s.holdings.absorb()
	s.named.absorb()
	s.patients.absorb()
	s.compartments.absorb()
	s.sessions.absorb()
	s.forgotten.absorb()
	s.nodes.absorb()
	s.emergencies.absorb()
	s.asked.absorb()
	s.events.absorb()
	s.leaves.absorb()
	s.learnt.absorb()
	s.base.meta = s.meta
	if s.base.base == nil {
		s.base.forget()
	}
}

// Head returns where a chain ends; ok is false if nothing stands on it.
func (s *State) Head(c Chain) (Head, bool) { return s.heads.get(c) }

// Position returns the control position of the newest control entry folded. A State of scope SomeChains has none.
func (s *State) Position() Position {
	h, _ := s.controls.get(s.count)
	return Position{s.count, h}
}

// Knows tells whether a control position is one of the log that was folded, by a State that sees the whole of it.
func (s *State) Knows(p Position) bool {
	at, ok := s.controls.get(p.Count)
	return at == p.Hash && (ok || p.Count == 0)
}

// Stands tells whether an event with an id stands on a chain.
func (s *State) Stands(c Chain, id EventID) bool { return s.events.has(idKey{s.index(c), id}) }

// Newest returns the newest log time folded on any chain.
func (s *State) Newest() time.Time { return s.newest }

// Root returns the GID of the node's root.
func (s *State) Root() identity.GID { return s.root }
