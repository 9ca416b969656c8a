package ledger

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/phrledger/phr/crypto/policy"
)

// compartment is the fold of a compartment's chain. It is immutable; a change replaces it.
type compartment struct {
	class    Class
	created  time.Time
	set      *Entry // the policy.set in force; nil before the first
	terms    []LiveTerm
	narrowed bool         // the next event must start an epoch
	renewed  []TermID     // the next event must hold a wrap for each
	epoch    *Epoch       // the current one; nil before the first
	past     []*Epoch     // by number, from 1
	proxies  []TermID     // of every term that ever let somebody act for the patient
	erased   bool         // nothing follows
	broken   []requestKey // emergency accesses that opened the current epoch
}

// LiveTerm is a term in force with its expressions parsed.
type LiveTerm struct {
	Term
	Policy    *policy.Policy
	Approvers *policy.Policy // of an emergency term; nil for others

	attributes  []policy.Attribute // of Policy
	authorities []policy.Authority
	approval    *LiveTerm // of an emergency term: Approvers as the policy of a term of their own
}

// Epoch is what the log says of one epoch of a compartment.
type Epoch struct {
	Number       uint32
	KID, HID     Hash
	Parts        []Part
	Started      time.Time // log time
	Records      uint64    // written, amended and retracted
	Erased       uint64    // leaves punctured: the version of the shred in force
	Confirmed    bool      // the patient has started it, or opened what is there for the patient before anybody disputed it
	Linked       bool      // the patient has made the link, or opened it
	Disputed     bool      // of a part somebody said that it does not hold what it should
	LinkDisputed bool      // of the link that it has now

	// Since when a term that it is wrapped for is gone, it is disputed, its link is, it holds all it may; zero while not.
	lapsed, disputed, linkDisputed, full time.Time
}

// Part returns the part with a name, as the log names it now.
func (e *Epoch) Part(name string) (Part, bool) {
	i := slices.IndexFunc(e.Parts, func(p Part) bool { return p.Name == name })
	if i < 0 {
		return Part{}, false
	}
	return e.Parts[i], true
}

// The longest an epoch lasts before it must be followed by another.
const (
	MaxEpochAge     = 30 * 24 * time.Hour
	MaxEpochRecords = 1 << 20
)

// ended tells whether the term's own end has come.
func (t *Term) ended(at time.Time) bool { return t.Until != 0 && at.UnixMilli() >= t.Until }

// widens tells whether the term gives its holders more than it did as old: the right to write, or a later end.
func (t *Term) widens(old *Term) bool {
	return t.Write && !old.Write || old.Until != 0 && (t.Until == 0 || t.Until > old.Until)
}

// live returns a term that is in force at a log time.
func (c *compartment) live(id TermID, at time.Time) (*LiveTerm, error) {
	if c == nil {
		return nil, errors.New("there is no such compartment")
	}
	t := find(c.terms, id)
	switch {
	case t == nil:
		return nil, fmt.Errorf("term %s is not in force", id)
	case t.ended(at):
		return nil, fmt.Errorf("term %s ended %s", id, time.UnixMilli(t.Until).UTC().Format(time.RFC3339))
	}
	return t, nil
}

// find returns the term with an id, or nil.
func find(terms []LiveTerm, id TermID) *LiveTerm {
	i := slices.IndexFunc(terms, func(t LiveTerm) bool { return t.ID == id })
	if i < 0 {
		return nil
	}
	return &terms[i]
}

// compartment applies an event on a compartment's chain.
func (s *State) compartment(e *Entry) error {
	before, exists := s.compartments.get(e.Chain)
	if created, ok := e.Body.(*CompartmentCreated); ok {
		return s.compartmentCreated(e, created)
	}
	if !exists {
		return errors.New("the compartment is not created yet")
	}
	if before.erased {
		return errors.New("the compartment is erased: nothing follows on its chain")
	}
	if err := s.checkActing(e, before); err != nil {
		return err
	}
	after := *before
	if err := before.checkDue(e); err != nil {
		return err
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
		err = epochConfirmed(e, &after, b)
	case *EpochDisputed:
		err = epochDisputed(e, &after, b)
	case *RecordWritten:
		err = s.record(e, &after, &b.Content, EventID{})
	case *RecordAmended:
		err = s.recordAbout(e, &after, &b.Content, b.Refers)
	case *RecordRetracted:
		err = s.recordAbout(e, &after, &b.Content, b.Refers)
	case *RecordErased:
		err = s.recordErased(e, &after, b)
	case *CompartmentErased:
		err = s.compartmentErased(e, &after)
	default:
		err = fmt.Errorf("%s does not belong on this chain", e.Kind())
	}
	if err != nil {
		return err
	}
	s.compartments.set(e.Chain, &after)
	return nil
}

// current returns a copy of the current epoch to change and put in its place, if that has the number.
func (c *compartment) current(number uint32) (Epoch, error) {
	if c.epoch == nil || c.epoch.Number != number {
		return Epoch{}, fmt.Errorf("%w: epoch %d is not the current one", ErrStale, number)
	}
	return *c.epoch, nil
}

// begun returns a copy of an epoch that was started, to change and hand to replace.
func (c *compartment) begun(number uint32) (Epoch, error) {
	switch {
	case c.epoch == nil || number == 0 || number > c.epoch.Number:
		return Epoch{}, fmt.Errorf("%w: epoch %d is not the current one", ErrStale, number)
	case number == c.epoch.Number:
		return *c.epoch, nil
	}
	return *c.past[number-1], nil
}

// replace puts a changed epoch in the place of the one with its number.
func (c *compartment) replace(e *Epoch) {
	if e.Number == c.epoch.Number {
		c.epoch = e
		return
	}
	c.past = slices.Clone(c.past)
	c.past[e.Number-1] = e
}

func (s *State) compartmentCreated(e *Entry, b *CompartmentCreated) error {
	if e.Number != 1 {
		return errors.New("a compartment is created once")
	}
	if err := s.checkPatient(e); err != nil {
		return err
	}
	if b.Class != HealthClass && b.Class != TrainingClass {
		return fmt.Errorf("a compartment's class is health or training, not %q", Clip(string(b.Class)))
	}
	if e.Author != e.Chain.GID() {
		return errors.New("only the patient creates a compartment")
	}
	s.compartments.set(e.Chain, &compartment{class: b.Class, created: e.LogTime})
	s.countCompartments(e, 1)
	return nil
}
