package ledger

import (
	"reflect"
	"slices"
)

// Equal tells whether two States, forks or not, say the same.
func (s *State) Equal(o *State) bool { return reflect.DeepEqual(s.Copy(), o.Copy()) }

// Copy returns a State of its own that says the same as s and stays so.
func (s *State) Copy() *State {
	c := NewState(s.root, s.scope)
	for ; s != nil; s = s.base {
		if c.meta == (meta{}) {
			c.meta = s.meta
		}
		under(&c.controls, &s.controls)
		under(&c.heads, &s.heads)
		under(&c.people, &s.people)
		under(&c.registrations, &s.registrations)
		under(&c.authorities, &s.authorities)
		under(&c.attributes, &s.attributes)
		under(&c.holdings, &s.holdings)
		under(&c.named, &s.named)
		under(&c.patients, &s.patients)
		under(&c.compartments, &s.compartments)
		under(&c.sessions, &s.sessions)
		under(&c.forgotten, &s.forgotten)
		under(&c.nodes, &s.nodes)
		under(&c.emergencies, &s.emergencies)
		under(&c.asked, &s.asked)
		under(&c.events, &s.events)
		under(&c.leaves, &s.leaves)
		under(&c.learnt, &s.learnt)
	}
	return c
}

// Rule is one rule of a State, for tests that leave it out.
type Rule = rule

const RuleCount = ruleCount

const (
	RuleRun       = ruleRun
	RuleNext      = ruleNext
	RuleOrder     = ruleOrder
	RuleAhead     = ruleAhead
	RuleBack      = ruleBack
	RuleSkew      = ruleSkew
	RuleHistory   = ruleHistory
	RuleID        = ruleID
	RuleSignature = ruleSignature
	RuleCritical  = ruleCritical
	RuleSpace     = ruleSpace
	RuleSession   = ruleSession
	RuleTerm      = ruleTerm
	RuleLeaf      = ruleLeaf
)

// Without returns a fork of a State that judges without a rule.
func (s *State) Without(r Rule) *State {
	f := s.Fork()
	f.left |= 1 << r
	return f
}

// Sessions returns how many sessions a State that is no fork remembers.
func (s *State) Sessions() int { return len(s.sessions.m) }

// under adds to c what l has and c has not.
func under[K comparable, V any](c, l *layer[K, V]) {
	for k, v := range l.m {
		if _, ok := c.m[k]; !ok {
			c.set(k, v)
		}
	}
}

// Kinds are all kinds that this version knows, each with an empty body.
func Kinds() map[Kind]Body {
	kinds := make(map[Kind]Body)
	for _, k := range []Kind{
		IdentityRegisteredKind, IdentityRotatedKind, IdentityRevokedKind, IdentityEscrowedKind, RecoveryRequestedKind, RecoveryVetoedKind,
		PatientRegisteredKind, PatientErasedKind, CompartmentCreatedKind,
		CompartmentErasedKind, PolicySetKind,
		EpochStartedKind, EpochRewrappedKind, EpochConfirmedKind, EpochDisputedKind, RecordWrittenKind, RecordAmendedKind,
		RecordRetractedKind, RecordErasedKind, SessionOpenedKind, SessionRenewedKind, SessionClosedKind, SessionRefusedKind,
		BreakglassRequestedKind, BreakglassApprovedKind, BreakglassOpenedKind, BreakglassEndedKind, BreakglassReviewedKind,
		AuthorityRegisteredKind, AuthorityHeadKind, AuthorityEndorsedKind, AuthoritySuspendedKind, AttributeDefinedKind,
		AttributeVersionedKind, RepresentativeEnrolledKind, RepresentativeRemovedKind, KeyIssuedKind, NodeDescribedKind, RejectedKind,
		IncidentKind, CheckpointKind,
	} {
		kinds[k] = newBody(k)
	}
	return kinds
}

// Widen makes a term one to write, past every rule.
func (s *State) Widen(c Chain, id TermID) {
	f, _ := s.compartments.get(c)
	next := *f
	next.terms = slices.Clone(f.terms)
	find(next.terms, id).Write = true
	s.compartments.set(c, &next)
}

// Fill makes it as if the current epoch of a compartment held n records.
func (s *State) Fill(c Chain, n uint64) {
	f, _ := s.compartments.get(c)
	next, epoch := *f, *f.epoch
	epoch.Records = n
	if n >= MaxEpochRecords {
		epoch.full = s.newest
	}
	next.epoch = &epoch
	s.compartments.set(c, &next)
}
