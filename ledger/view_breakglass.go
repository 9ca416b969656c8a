package ledger

import (
	"cmp"
	"iter"
	"slices"
	"time"

	"github.com/phrledger/phr/crypto/identity"
)

// Emergency returns what the log says of a request on a patient's access chain.
func (s *State) Emergency(patient identity.GID, request EventID) (*Breakglass, bool) {
	return s.emergencies.get(requestKey{patient, request})
}

// OpenEmergency returns the emergency in which somebody may read a compartment by a term at a time; nil if there is none.
func (s *State) OpenEmergency(gid identity.GID, c Chain, term TermID, at time.Time) *Breakglass {
	b, _ := s.openEmergency(gid, c, term, at)
	return b
}

// AllEmergencies yields every request there is, in no order. It is not for forks.
func (s *State) AllEmergencies() iter.Seq[*Breakglass] {
	return func(yield func(*Breakglass) bool) {
		for _, b := range s.emergencies.m {
			if !yield(b) {
				return
			}
		}
	}
}

// EmergencyTerms returns the terms of a compartment by which somebody may ask to open it in an emergency at a time, as of now.
func (s *State) EmergencyTerms(gid identity.GID, c Chain, at time.Time) []LiveTerm {
	f, ok := s.compartments.get(c)
	if !ok || gid == c.GID() {
		return nil
	}
	held := s.heldBy(gid, c.GID(), OpRead, now)
	return slices.DeleteFunc(slices.Clone(f.terms), func(t LiveTerm) bool {
		if !t.Emergency() || t.ended(at) {
			return true
		}
		ok, _ := t.Policy.Satisfied(held)
		return !ok
	})
}

// MayApprove tells whether the log shows, as of now, that somebody may approve a request, as far as it is about who they are.
func (s *State) MayApprove(gid identity.GID, b *Breakglass) bool {
	if gid == b.Requester() || b.term == nil {
		return false
	}
	ok, _ := b.term.Approvers.Satisfied(s.heldBy(gid, b.Patient(), OpRead, now))
	return ok
}

// Concerns tells whether somebody has a part in a request, or may have one, as of now: the patient, who asked, who approved, and
// those who may approve or review.
func (s *State) Concerns(gid identity.GID, b *Breakglass) bool {
	return gid == b.Patient() || gid == b.Requester() || gid == b.Approver() || s.MayApprove(gid, b)
}

// untilOver returns an emergency term that ends when the emergency of somebody does.
func (s *State) untilOver(gid identity.GID, c Chain, t *LiveTerm) *LiveTerm {
	id, _ := s.asked.get(askerKey{c, t.ID, gid})
	b, ok := s.emergencies.get(requestKey{c.GID(), id})
	if !ok {
		return t
	}
	capped := *t
	expires := b.request().Expires
	capped.Until = min(cmp.Or(t.Until, expires), expires)
	return &capped
}
