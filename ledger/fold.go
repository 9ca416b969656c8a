package ledger

import (
	"errors"
	"fmt"
	"time"
)

const (
	// ClockSkew is how far apart the clocks of two nodes may be, and how far ahead an author's may be.
	ClockSkew = time.Minute
	// MaxSession is the longest a session may last.
	MaxSession = 15 * time.Minute
)

// fold judges one entry and applies it to s, which is a fork. The signature is left to the run's last entry.
func (s *State) fold(e *Entry, signed bool) error {
	if key, unknown := e.Critical(); unknown {
		return fmt.Errorf("%w: critical extension %d", ErrQuarantined, key)
	}
	head, known := s.heads.get(e.Chain)
	if !known {
		s.chains++
		head.index = s.chains
	}
	if err := s.checkPlace(e, head); err != nil {
		return err
	}
	if err := s.checkSpace(e); err != nil {
		return err
	}
	if signed {
		if err := s.checkSignature(e); err != nil {
			return err
		}
	}
	if err := s.checkRepeated(e, head); err != nil {
		return err
	}
	s.advance(e, head)
	return s.apply(e, head)
}

// checkPlace judges number, previous hash, log time and control position.
func (s *State) checkPlace(e *Entry, head Head) error {
	if s.scope == SomeChains && (e.Chain.Control() || e.Chain.Compartment == Profile) {
		if e.Number <= head.Number {
			return fmt.Errorf("%w: event %d came after %d", ErrConflict, e.Number, head.Number)
		}
		return nil // a reader is given the events that matter to it, each with its own signature
	}
	if e.Number != head.Number+1 || e.Prev != head.Hash {
		return fmt.Errorf("%w: it stands at event %d, this is number %d", ErrConflict, head.Number, e.Number)
	}
	if e.LogTime.Before(head.LogTime) {
		return errors.New("logged earlier than the event before it")
	}
	if e.Time.After(e.LogTime.Add(ClockSkew)) {
		return fmt.Errorf("its author's clock is ahead: it claims %s", e.Time.UTC().Format(time.RFC3339))
	}
	if s.scope == SomeChains {
		return nil
	}
	if e.LogTime.Before(s.newest.Add(-ClockSkew)) {
		return errors.New("logged earlier than others before it")
	}
	if e.Control.Count < head.Control || e.Control.Count > s.count {
		return fmt.Errorf("control position %d is not between %d and %d", e.Control.Count, head.Control, s.count)
	}
	if at, _ := s.controls.get(e.Control.Count); at != e.Control.Hash {
		return fmt.Errorf("control position %d names another history", e.Control.Count)
	}
	return nil
}

func (s *State) checkRepeated(e *Entry, head Head) error {
	if s.ids.has(idKey{head.index, e.ID}) {
		return errors.New("its id stands on the chain already")
	}
	return nil
}

// advance moves the end of the chain to e.
func (s *State) advance(e *Entry, head Head) {
	s.heads.set(e.Chain, Head{e.Number, e.Hash, e.LogTime, e.Control.Count, head.index})
	s.ids.set(idKey{head.index, e.ID}, struct{}{})
	if e.LogTime.After(s.newest) {
		s.newest = e.LogTime
	}
	if e.Chain.Control() && s.scope == WholeLog {
		s.count++
		s.controls.set(s.count, e.Hash)
	}
}

// at returns the position by which e is judged when it comes to facts that stand on chain c.
func (s *State) at(e *Entry, c Chain) uint64 {
	if c == e.Chain || c.Space == RecordSpace || s.scope == SomeChains && c.Space != PersonSpace {
		return now
	}
	return e.Control.Count
}

// Learn folds a control entry into a State of scope SomeChains, where its count among the control entries is not known from the
// order but said by whoever delivered it. A wrong count can only make signatures that do verify be refused, or accept ones
// made by keys that were in force at another time.
func (s *State) Learn(count uint64, e *Entry) error {
	if s.scope != SomeChains || !e.Chain.Control() {
		return errors.New("only control entries are learnt, and only by a state that sees a part")
	}
	was := s.count
	s.count = count
	err := s.Fold(e)
	s.count = was
	return err
}

// apply does what the entry says, if its author may say it.
func (s *State) apply(e *Entry, head Head) error {
	switch b := e.Body.(type) {
	case *IdentityRegistered:
		return s.identityRegistered(e, b)
	case *IdentityRotated:
		return s.identityRotated(e, b)
	case *IdentityRevoked:
		return s.identityRevoked(e)
	case *AuthorityRegistered:
		return s.authorityRegistered(e, b)
	case *AuthorityEndorsed:
		return s.authorityEndorsed(e, b)
	case *AuthoritySuspended:
		return s.authoritySuspended(e, b)
	case *AuthorityHead:
		return authorityHead(b, head)
	case *AttributeDefined:
		return s.attributeDefined(e, b)
	case *AttributeVersioned:
		return s.attributeVersioned(e, b)
	case *RepresentativeEnrolled:
		return s.representativeEnrolled(e, b)
	case *RepresentativeRemoved:
		return s.representativeRemoved(e, b)
	case *KeyIssued:
		return s.keyIssued(e, b)
	case *PatientRegistered:
		return s.patientRegistered(e, b)
	case *NodeDescribed:
		return s.nodeDescribed(e, b)
	case *Rejected, *Incident, *Checkpoint:
		return nil
	case *SessionOpened, *SessionRenewed, *SessionClosed, *SessionRefused:
		return s.session(e)
	case *BreakglassRequested, *BreakglassApproved, *BreakglassOpened, *BreakglassEnded, *BreakglassReviewed:
		return errors.New("the compartment has no emergency policy")
	case *Unknown:
		return nil
	default:
		return s.compartment(e, head)
	}
}
