package ledger

import (
	"errors"
	"fmt"
	"time"
)

const (
	// ClockSkew is how far apart the clocks of two nodes may be, and how far ahead an author's may be.
	ClockSkew = time.Minute
	// MaxBehind is how far what a node knows may be behind the log when it accepts something.
	MaxBehind = 5 * time.Second
	// MaxSession is the longest a session may last.
	MaxSession = 15 * time.Minute
)

// Fold judges a run of entries that stand next to each other on one chain, signed by the last of them, and adds them. A
// single entry is a run of one. An error says why they do not count; s is then unchanged. An entry of a chain that s sees
// in part may be folded again, which changes nothing.
func (s *State) Fold(run ...*Entry) error {
	if len(run) == 0 || len(run) == 1 && s.learnt.has(run[0].Hash) {
		return nil
	}
	f := s.Fork()
	if e, err := f.fold(run); err != nil {
		return invalid(e, err)
	}
	f.Commit()
	return nil
}

func invalid(e *Entry, err error) error {
	if errors.Is(err, ErrQuarantined) {
		return fmt.Errorf("%s %s on %s: %w", e.Kind(), e.ID, e.Chain, err)
	}
	return fmt.Errorf("%w: %s %s on %s: %w", ErrInvalid, e.Kind(), e.ID, e.Chain, err)
}

// fold judges a run and applies it to s, which is a fork. With an error it returns the entry that the error is about. What
// this version can't understand is quarantined only once it is known to be signed: nobody else's word closes a chain.
func (s *State) fold(run []*Entry) (*Entry, error) {
	for i, e := range run {
		if i > 0 {
			if err := sameRun(run[i-1], e); err != nil && !s.left.has(ruleRun) {
				return run[i-1], err
			}
		}
		if err := s.place(e); err != nil {
			return e, err
		}
	}
	last := run[len(run)-1]
	if err := s.checkSignature(last); err != nil && !s.left.has(ruleSignature) {
		return last, err
	}
	for _, e := range run {
		if key, unknown := e.Critical(); unknown && !s.left.has(ruleCritical) {
			return e, fmt.Errorf("%w: critical extension %d", ErrQuarantined, key)
		}
		if err := s.checkSpace(e); err != nil && !s.left.has(ruleSpace) {
			return e, err
		}
		if err := s.apply(e); err != nil {
			return e, err
		}
	}
	return nil, nil
}

// sameRun tells whether b goes on with the run that a, which is not signed itself, belongs to.
func sameRun(a, b *Entry) error {
	if !a.Kind().IsRecord() || !b.Kind().IsRecord() || a.Chain != b.Chain || a.Author != b.Author || a.Session != b.Session ||
		len(a.Signature) != 0 {
		return errors.New("unsigned, and not part of a run that is signed")
	}
	return nil
}

// inPart tells whether s sees only some entries of a chain.
func (s *State) inPart(c Chain) bool {
	return s.scope == SomeChains && (c.Control() || c.Compartment == Profile)
}

// place judges where e stands, and moves the end of its chain to it.
func (s *State) place(e *Entry) error {
	head, known := s.heads.get(e.Chain)
	if !known {
		s.chains++
		head.index = s.chains
	}
	if !s.inPart(e.Chain) {
		if err := s.checkPlace(e, head); err != nil {
			return err
		}
	}
	key := idKey{head.index, e.ID}
	if s.events.has(key) && !s.left.has(ruleID) {
		return errors.New("its id stands on the chain already")
	}
	s.events.set(key, recordFact{})
	s.advance(e, head)
	return nil
}

// checkPlace judges number, previous hash, log time and control position.
func (s *State) checkPlace(e *Entry, head Head) error {
	if (e.Number != head.Number+1 || e.Prev != head.Hash) && !s.left.has(ruleNext) {
		return fmt.Errorf("%w: it stands at event %d, this is number %d", ErrConflict, head.Number, e.Number)
	}
	if e.LogTime.Before(head.LogTime) && !s.left.has(ruleOrder) {
		return errors.New("logged earlier than the event before it")
	}
	if e.Time.After(e.LogTime.Add(ClockSkew)) && !s.left.has(ruleAhead) {
		return fmt.Errorf("its author's clock is ahead: it claims %s", e.Time.UTC().Format(time.RFC3339))
	}
	if e.Control.Count < head.Control && !s.left.has(ruleBack) {
		return fmt.Errorf("control position %d goes back behind %d", e.Control.Count, head.Control)
	}
	if s.scope == SomeChains {
		return nil
	}
	if e.LogTime.Before(s.newest.Add(-ClockSkew)) && !s.left.has(ruleSkew) {
		return errors.New("logged earlier than others before it")
	}
	if !s.Knows(e.Control) && !s.left.has(ruleHistory) {
		return fmt.Errorf("control position %d names another history", e.Control.Count)
	}
	return nil
}

// advance moves the end of the chain to e. Where entries are seen in part they come in any order.
func (s *State) advance(e *Entry, head Head) {
	if s.inPart(e.Chain) {
		s.learnt.set(e.Hash, struct{}{})
	}
	if e.Number > head.Number {
		s.heads.set(e.Chain, Head{e.Number, e.Hash, e.LogTime, e.Control.Count, head.index})
	} else {
		s.heads.set(e.Chain, head)
	}
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

// fact is the count from which what the control entry being applied says is seen. advance has counted it already, except
// in a part, where Learn was told.
func (s *State) fact() uint64 { return s.count }

// Learn folds a control entry into a State of scope SomeChains, where its count among the control entries is not known from the
// order but said by whoever delivered it. Entries about one thing come in their order; learning one again changes nothing.
// A wrong count can only make signatures that do verify be refused, or accept ones made by keys that were in force at
// another time.
func (s *State) Learn(count uint64, e *Entry) error {
	if s.scope != SomeChains || !e.Chain.Control() {
		return errors.New("only control entries are learnt, and only by a state that sees a part")
	}
	if count <= e.Control.Count {
		return fmt.Errorf("%w: count %d of an entry that is judged by %d before it", ErrInvalid, count, e.Control.Count)
	}
	was := s.count
	s.count = count
	err := s.Fold(e)
	s.count = was
	return err
}

// apply does what the entry says, if its author may say it.
func (s *State) apply(e *Entry) error {
	switch b := e.Body.(type) {
	case *IdentityRegistered:
		return s.identityRegistered(e, b)
	case *IdentityRotated:
		return s.identityRotated(e, b)
	case *IdentityRevoked:
		return s.identityRevoked(e)
	case *IdentityEscrowed:
		return s.identityEscrowed(e, b)
	case *RecoveryRequested:
		return s.recoveryRequested(e, b)
	case *RecoveryVetoed:
		return s.recoveryVetoed(e, b)
	case *AuthorityRegistered:
		return s.authorityRegistered(e, b)
	case *AuthorityEndorsed:
		return s.authorityEndorsed(e, b)
	case *AuthoritySuspended:
		return s.authoritySuspended(e, b)
	case *AuthorityHead:
		return authorityHead(e, b)
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
	case *PatientErased:
		return s.patientErased(e)
	case *NodeDescribed:
		return s.nodeDescribed(e, b)
	case *Rejected:
		_, err := ParseChain(b.Chain)
		return err
	case *Incident, *Checkpoint:
		return nil
	case *SessionOpened, *SessionRenewed, *SessionClosed, *SessionRefused:
		return s.applySession(e)
	case *BreakglassRequested, *BreakglassApproved, *BreakglassOpened, *BreakglassEnded, *BreakglassReviewed:
		return s.applyBreakglass(e)
	case *Unknown:
		return nil
	default:
		return s.compartment(e)
	}
}
