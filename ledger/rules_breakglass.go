package ledger

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/policy"
)

// checkEmergencyTerm judges a term that opens in an emergency: it is to read, with the past, and everybody who may ask or
// approve holds an attribute of a hospital; no insurer or employer has a part in it.
func (s *State) checkEmergencyTerm(e *Entry, c *compartment, t *LiveTerm) error {
	if t.Write || !t.History || t.Proxy {
		return errors.New("an emergency term is to read, from the beginning")
	}
	if s.scope == SomeChains {
		return nil
	}
	for _, side := range []*LiveTerm{t, t.approval} {
		if err := s.checkNewTerm(e, c, side); err != nil {
			return err
		}
		if err := s.checkHelpers(side, s.at(e, AuthorityChain(RegistryName))); err != nil {
			return err
		}
	}
	return nil
}

// checkHelpers refuses a side of an emergency term that somebody satisfies without an attribute of a hospital.
func (s *State) checkHelpers(t *LiveTerm, at uint64) error {
	for _, a := range t.attributes {
		if role := s.roleOf(a, at); neverWrites(role) || a.Authority.IsGID() {
			return fmt.Errorf("%s has no part in an emergency: attributes of hospitals do", a)
		}
	}
	set, err := without(t.Policy, func(a policy.Attribute) bool { return s.roleOf(a, at) == Hospital })
	if err != nil || set == nil {
		return err
	}
	return fmt.Errorf("%s would have a part in an emergency without an attribute of a hospital", joined(set))
}

// applyBreakglass applies an event of an emergency.
func (s *State) applyBreakglass(e *Entry) error {
	asked, ok := e.Body.(*BreakglassRequested)
	if ok {
		return s.breakglassRequested(e, asked)
	}
	id, _ := RequestOf(e.Body)
	key := requestKey{e.Chain.GID(), id}
	b, ok := s.emergencies.get(key)
	if !ok {
		return fmt.Errorf("no request %s was made here", id)
	}
	var err error
	switch body := e.Body.(type) {
	case *BreakglassApproved:
		err = s.breakglassApproved(e, b, body)
	case *BreakglassOpened:
		err = s.breakglassOpened(e, b, body)
	case *BreakglassEnded:
		err = breakglassEnded(e, b, body)
	case *BreakglassReviewed:
		err = s.breakglassReviewed(e, b, body)
	}
	if err != nil {
		return err
	}
	s.emergencies.set(key, b.with(e))
	return nil
}

func (s *State) breakglassRequested(e *Entry, b *BreakglassRequested) error {
	if e.Author == e.Chain.GID() {
		return errors.New("the patient can always open their own record")
	}
	if utf8.RuneCountInString(strings.TrimSpace(b.Reason)) < MinReason || len(b.Reason) > maxSaid {
		return fmt.Errorf("a reason has at least %d characters, and at most %d bytes", MinReason, maxSaid)
	}
	if left := time.UnixMilli(b.Expires).Sub(e.LogTime); left <= 0 || left > MaxEmergency {
		return fmt.Errorf("an emergency ends within %s of when it is asked for", MaxEmergency)
	}
	if _, err := ParseCompartment(string(b.Compartment)); err != nil {
		return err
	}
	key := askerKey{RecordChain(e.Chain.GID(), b.Compartment), b.Term, e.Author}
	if id, ok := s.asked.get(key); ok && !s.isOver(requestKey{e.Chain.GID(), id}, e.LogTime) {
		return fmt.Errorf("request %s is not over: end it first", id)
	}
	next := &Breakglass{Requested: e}
	if s.scope == WholeLog {
		term, err := s.emergencyTerm(e, next)
		if err != nil {
			return err
		}
		if err := s.checkHelper(e, e.Author, term); err != nil {
			return err
		}
		next.term = term
		if c, _ := s.compartments.get(next.Chain()); c.epoch == nil || c.epoch.has(term.partNames()...) != nil {
			return errors.New("the epoch in force was started without what it takes: the patient, or whoever writes, has to start another")
		}
	}
	s.emergencies.set(requestKey{e.Chain.GID(), e.ID}, next)
	s.asked.set(key, e.ID)
	return nil
}

// emergencyTerm returns the term that a request names, if it is in force as one for emergencies.
func (s *State) emergencyTerm(e *Entry, b *Breakglass) (*LiveTerm, error) {
	c, _ := s.compartments.get(b.Chain())
	term, err := c.live(b.Term(), e.LogTime)
	if err != nil {
		return nil, err
	}
	if !term.Emergency() {
		return nil, fmt.Errorf("term %s is not for emergencies", term.ID)
	}
	return term, nil
}

// checkHelper judges whether the log shows that somebody satisfies a side of an emergency term.
func (s *State) checkHelper(e *Entry, gid identity.GID, side *LiveTerm) error {
	if _, err := s.keysAt(gid, s.at(e, PersonChain(gid))); err != nil {
		return err
	}
	held := s.heldBy(gid, e.Chain.GID(), OpRead, s.at(e, AuthorityChain(RegistryName)))
	if ok, _ := side.Policy.Satisfied(held); !ok {
		return fmt.Errorf("%s does not hold what term %s asks for", gid, side.ID)
	}
	return nil
}

// checkEpoch judges whether the epoch that an emergency opens is the current one, with all that opening it takes.
func (s *State) checkEpoch(b *Breakglass, number uint32) error {
	c, _ := s.compartments.get(b.Chain())
	current, err := c.current(number)
	if err != nil {
		return err
	}
	return current.has(b.term.partNames()...)
}

func (s *State) breakglassApproved(e *Entry, b *Breakglass, body *BreakglassApproved) error {
	switch {
	case b.Approved != nil:
		return errors.New("it is approved already")
	case b.Over(e.LogTime):
		return errors.New("the request is over")
	case e.Author == b.Requester():
		return errors.New("who asks can't approve: it takes two people")
	case len(body.Share) == 0 || len(body.Share) > maxShare:
		return errors.New("it passes on no share")
	case s.scope == SomeChains:
		return nil
	}
	if _, err := s.emergencyTerm(e, b); err != nil {
		return err
	}
	if err := s.checkEpoch(b, body.Epoch); err != nil {
		return err
	}
	return s.checkHelper(e, e.Author, b.term.approval)
}

// maxShare bounds a share that is passed on, in bytes; sealing adds 1136 to its 32.
const maxShare = 2048

func (s *State) breakglassOpened(e *Entry, b *Breakglass, body *BreakglassOpened) error {
	switch {
	case b.Approved == nil:
		return errors.New("nobody has approved it")
	case b.Opened != nil:
		return errors.New("it is opened already")
	case b.Over(e.LogTime):
		return errors.New("the request is over")
	case body.Requester != b.Requester() || body.Approver != b.Approver() || body.Expires != b.request().Expires:
		return errors.New("it names another requester, approver or end than the request")
	case s.scope == SomeChains:
		return nil
	}
	term, err := s.emergencyTerm(e, b)
	if err != nil {
		return err
	}
	if err := s.checkEpoch(b, b.Epoch()); err != nil {
		return err
	}
	if err := s.checkHelper(e, b.Requester(), term); err != nil {
		return err
	}
	if err := s.checkHelper(e, b.Approver(), term.approval); err != nil {
		return err
	}
	c, _ := s.compartments.get(b.Chain())
	after := *c
	after.broken = append(slices.Clip(c.broken), requestKey{b.Patient(), b.ID()})
	s.compartments.set(b.Chain(), &after)
	return nil
}

func breakglassEnded(e *Entry, b *Breakglass, body *BreakglassEnded) error {
	switch {
	case !slices.Contains([]identity.GID{b.Patient(), b.Requester(), b.Approver()}, e.Author):
		return errors.New("the patient, the requester and the approver may end it")
	case b.Over(e.LogTime):
		return errors.New("it is over already")
	case len(body.Reason) > maxSaid:
		return fmt.Errorf("a reason has at most %d bytes", maxSaid)
	}
	return nil
}

// breakglassReviewed judges a review. One by somebody who had no part in it is enough; the patient may always add their own.
func (s *State) breakglassReviewed(e *Entry, b *Breakglass, body *BreakglassReviewed) error {
	byPatient := e.Author == b.Patient()
	switch {
	case b.Opened == nil:
		return errors.New("nothing was opened that could be reviewed")
	case !b.Over(e.LogTime):
		return errors.New("it is not over: end it first")
	case strings.TrimSpace(body.Finding) == "" || len(body.Finding) > maxSaid:
		return fmt.Errorf("a review says what was found, in at most %d bytes", maxSaid)
	case e.Author == b.Requester() || e.Author == b.Approver():
		return errors.New("who had a part in it does not review it")
	case slices.ContainsFunc(b.Reviews, func(r *Entry) bool { return r.Author == e.Author || !byPatient && r.Author != b.Patient() }):
		return errors.New("it is reviewed already")
	case byPatient || s.scope == SomeChains:
		return nil
	}
	return s.checkHelper(e, e.Author, b.term.approval)
}

// isOver tells whether a request is over at a log time.
func (s *State) isOver(k requestKey, at time.Time) bool {
	b, ok := s.emergencies.get(k)
	return ok && b.Over(at)
}

// openEmergency returns the emergency in which somebody may read by a term at a log time.
func (s *State) openEmergency(gid identity.GID, c Chain, term TermID, at time.Time) (*Breakglass, error) {
	id, ok := s.asked.get(askerKey{c, term, gid})
	b, _ := s.emergencies.get(requestKey{c.GID(), id})
	switch {
	case !ok || b.Opened == nil:
		return nil, errors.New("the term opens in an emergency only, and none was opened")
	case b.Over(at):
		return nil, errors.New("the emergency is over")
	}
	return b, nil
}

// checkEmergencySession judges whether a session rests on an emergency that was opened to its holder, and ends with it.
func (s *State) checkEmergencySession(session *Session, at time.Time) error {
	b, err := s.openEmergency(session.GID, RecordChain(session.Patient, session.Compartment), session.Term, at)
	if err != nil {
		return err
	}
	if session.Expires > b.request().Expires {
		return errors.New("the session would last longer than the emergency")
	}
	return nil
}
