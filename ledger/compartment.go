package ledger

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/phrledger/phr/crypto/epoch"
	"github.com/phrledger/phr/crypto/policy"
)

// compartment is the fold of a compartment's chain. It is immutable; a change replaces it.
type compartment struct {
	class    Class
	set      *Entry // the policy.set in force; nil before the first
	terms    []LiveTerm
	narrowed bool   // the next event must start an epoch
	epoch    *Epoch // the current one; nil before the first
	past     []*Epoch
}

// LiveTerm is a term in force with its expression parsed.
type LiveTerm struct {
	Term
	Policy *policy.Policy
}

// Epoch is what the log says of one epoch of a compartment.
type Epoch struct {
	Number    uint32
	KID, HID  Hash
	Parts     []Part
	Started   time.Time // log time
	Records   uint64
	Confirmed bool
	Disputed  bool
}

// Part returns the part with a name, as the log names it now.
func (e *Epoch) Part(name string) (Part, bool) {
	for _, p := range slices.Backward(e.Parts) {
		if p.Name == name {
			return p, true
		}
	}
	return Part{}, false
}

// The longest an epoch lasts before it must be followed by another.
const (
	MaxEpochAge     = 30 * 24 * time.Hour
	MaxEpochRecords = 1 << 20
)

// ended tells whether the term's own end has come.
func (t *Term) ended(at time.Time) bool { return t.Until != 0 && at.UnixMilli() >= t.Until }

// live returns a term that is in force at a log time.
func (c *compartment) live(id TermID, at time.Time) (*LiveTerm, error) {
	if c == nil {
		return nil, errors.New("there is no such compartment")
	}
	for i := range c.terms {
		if c.terms[i].ID != id {
			continue
		}
		if c.terms[i].ended(at) {
			return nil, fmt.Errorf("term %s ended %s", id, time.UnixMilli(c.terms[i].Until).UTC().Format(time.RFC3339))
		}
		return &c.terms[i], nil
	}
	return nil, fmt.Errorf("term %s is not in force", id)
}

// compartment applies an event on a compartment's chain.
func (s *State) compartment(e *Entry, head Head) error {
	before, exists := s.compartments.get(e.Chain)
	if created, ok := e.Body.(*CompartmentCreated); ok {
		return s.compartmentCreated(e, created)
	}
	if !exists {
		return errors.New("the compartment is not created yet")
	}
	after := *before
	if _, starts := e.Body.(*EpochStarted); before.narrowed && !starts {
		return fmt.Errorf("%w: the event before it took access away, and that is followed by a new epoch", ErrStale)
	}
	var err error
	switch b := e.Body.(type) {
	case *PolicySet:
		err = s.policySet(e, &after, b)
	case *EpochStarted:
		err = s.epochStarted(e, &after, b)
	case *EpochRewrapped:
		err = s.epochRewrapped(e, &after, b)
	case *EpochConfirmed:
		err = after.change(b.Epoch, func(current *Epoch) { current.Confirmed = true })
		if e.Author != e.Chain.GID() {
			err = errors.New("only the patient confirms an epoch")
		}
	case *EpochDisputed:
		err = after.change(b.Epoch, func(current *Epoch) { current.Disputed = true })
	case *RecordWritten:
		err = s.record(e, &after, head, &b.Content)
	case *RecordAmended:
		err = s.recordAbout(e, &after, head, &b.Content, b.Refers)
	case *RecordRetracted:
		err = s.recordAbout(e, &after, head, &b.Content, b.Refers)
	case *RecordErased:
		err = s.recordErased(e, &after, head, b)
	default:
		err = fmt.Errorf("%s does not belong on this chain", e.Kind())
	}
	if err != nil {
		return err
	}
	s.compartments.set(e.Chain, &after)
	return nil
}

// change replaces the current epoch by a changed copy.
func (c *compartment) change(number uint32, change func(*Epoch)) error {
	if c.epoch == nil || c.epoch.Number != number {
		return fmt.Errorf("%w: epoch %d is not the current one", ErrStale, number)
	}
	next := *c.epoch
	change(&next)
	c.epoch = &next
	return nil
}

func (s *State) compartmentCreated(e *Entry, b *CompartmentCreated) error {
	if e.Number != 1 {
		return errors.New("a compartment is created once")
	}
	if !s.patients.has(e.Chain.GID()) && s.scope == WholeLog {
		return fmt.Errorf("%s is not registered as a patient", e.Chain.GID())
	}
	if b.Class != HealthClass && b.Class != TrainingClass {
		return fmt.Errorf("a compartment's class is health or training, not %q", Clip(string(b.Class)))
	}
	if e.Author != e.Chain.GID() {
		return errors.New("only the patient creates a compartment")
	}
	s.compartments.set(e.Chain, &compartment{class: b.Class})
	return nil
}

// record judges a record's content.
func (s *State) record(e *Entry, c *compartment, head Head, b *Content) error {
	if c.epoch == nil || b.Epoch != c.epoch.Number {
		return fmt.Errorf("%w: it is sealed for epoch %d, which is not the current one", ErrStale, b.Epoch)
	}
	if why := s.stale(e, c); why != "" {
		return fmt.Errorf("%w: %s", ErrStale, why)
	}
	if _, err := ParseCompartment(b.Media); err != nil {
		return fmt.Errorf("media class %q", Clip(b.Media))
	}
	if bucket, err := epoch.Bucket(b.Sealed); err != nil || uint32(bucket) != b.Bucket {
		return fmt.Errorf("a sealed body of %d bytes is not one of the bucket of %d", len(b.Sealed), b.Bucket)
	}
	key := leafKey{head.index, b.Epoch, b.Leaf}
	if s.leaves.has(key) {
		return errors.New("its leaf is used in this epoch already: draw another")
	}
	s.leaves.set(key, struct{}{})
	s.records.set(idKey{head.index, e.ID}, recordFact{b.Epoch, b.Leaf, false})
	return c.change(b.Epoch, func(current *Epoch) { current.Records++ })
}

func (s *State) recordAbout(e *Entry, c *compartment, head Head, b *Content, refers EventID) error {
	fact, ok := s.records.get(idKey{head.index, refers})
	if !ok {
		return fmt.Errorf("there is no record %s in this compartment", refers)
	}
	if fact.erased {
		return fmt.Errorf("record %s is erased", refers)
	}
	return s.record(e, c, head, b)
}

func (s *State) recordErased(e *Entry, c *compartment, head Head, b *RecordErased) error {
	if e.Author != e.Chain.GID() {
		return errors.New("only the patient erases")
	}
	if len(b.Records) == 0 || len(b.Records) != len(b.Leaves) || b.Shred.IsZero() {
		return errors.New("it names no records, not their leaves, or no new key state")
	}
	for i, id := range b.Records {
		key := idKey{head.index, id}
		fact, ok := s.records.get(key)
		if !ok || fact.erased || fact.epoch != b.Epoch || fact.leaf != b.Leaves[i] {
			return fmt.Errorf("there is no record %s with that leaf in epoch %d", id, b.Epoch)
		}
		fact.erased = true
		s.records.set(key, fact)
	}
	shred := Part{Name: PartShred, Hash: b.Shred}
	if c.epoch != nil && c.epoch.Number == b.Epoch {
		return c.change(b.Epoch, func(current *Epoch) { current.Parts = append(slices.Clip(current.Parts), shred) })
	}
	c.past = slices.Clone(c.past)
	for i, past := range c.past {
		if past.Number == b.Epoch {
			next := *past
			next.Parts = append(slices.Clip(next.Parts), shred)
			c.past[i] = &next
			return nil
		}
	}
	return fmt.Errorf("there is no epoch %d", b.Epoch)
}
