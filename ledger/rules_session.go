package ledger

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/phrledger/phr/crypto/identity"
)

// checkSession judges an event by someone who does not own the chain: the session it names must have been opened for its
// author by the node, earlier in the log, and, since a node can be robbed of its keys, the term of that session must be
// satisfied by what the log itself shows of the author.
func (s *State) checkSession(e *Entry) error {
	if e.Session.IsZero() {
		return fmt.Errorf("%s may not write here without a session", e.Author)
	}
	if s.scope == SomeChains || s.left.has(ruleSession) {
		return nil
	}
	session, ok := s.session(e.Session, e.LogTime)
	switch {
	case !ok || session.Patient != e.Chain.GID() || session.Compartment != e.Chain.Compartment:
		return errors.New("the session named was not opened on this compartment")
	case session.GID != e.Author:
		return errors.New("the session named belongs to someone else")
	case session.Operation != OpWrite:
		return errors.New("the session named is for reading")
	case session.Closed:
		return fmt.Errorf("the session is closed: %s", session.Why)
	case e.LogTime.UnixMilli() >= session.Expires:
		return errors.New("the session has expired")
	}
	return s.checkTerm(e, session)
}

// checkTerm judges whether the session's term is live and satisfied by its holder, at e's place in the log.
func (s *State) checkTerm(e *Entry, session *Session) error {
	chain := RecordChain(session.Patient, session.Compartment)
	c, _ := s.compartments.get(chain)
	term, err := c.live(session.Term, e.LogTime)
	if err != nil {
		return err
	}
	at := s.at(e, AuthorityChain(RegistryName))
	if session.Operation == OpWrite && !term.Write {
		return fmt.Errorf("term %s grants reading only", term.ID)
	}
	if ok, _ := term.Policy.Satisfied(s.heldBy(session.GID, session.Patient, session.Operation, at)); !ok && !s.left.has(ruleTerm) {
		return fmt.Errorf("%s does not hold what term %s asks for", session.GID, term.ID)
	}
	if term.Emergency() {
		return s.checkEmergencySession(session, e.LogTime)
	}
	return nil
}

// applySession applies what a node says about sessions.
func (s *State) applySession(e *Entry) error {
	switch b := e.Body.(type) {
	case *SessionOpened:
		return s.sessionOpened(e, b)
	case *SessionRenewed:
		return s.changeSession(e, b.Session, func(session *Session) error {
			if e.LogTime.UnixMilli() >= session.Expires {
				return errors.New("the session has expired: a new one is opened")
			}
			if err := checkExpiry(e, b.Expires); err != nil {
				return err
			}
			session.Expires = b.Expires
			return s.checkTermIfWhole(e, session)
		})
	case *SessionClosed:
		return s.changeSession(e, b.Session, func(session *Session) error {
			session.Closed, session.Why = true, b.Reason
			return nil
		})
	case *SessionRefused:
		if b.Count == 0 {
			return errors.New("refused no time")
		}
		return checkAsked(b.GID, b.Compartment, b.Operation, OpRead, OpWrite, OpLogin)
	}
	return nil
}

// checkAsked judges the form of what somebody asked the gate for.
func checkAsked(gid identity.GID, c Compartment, op Operation, known ...Operation) error {
	if _, err := identity.ParseGID(string(gid)); err != nil {
		return err
	}
	if !slices.Contains(known, op) {
		return fmt.Errorf("no session is opened to %q", Clip(string(op)))
	}
	if op == OpLogin && c == "" {
		return nil
	}
	_, err := ParseCompartment(string(c))
	return err
}

func checkExpiry(e *Entry, expires int64) error {
	if left := time.UnixMilli(expires).Sub(e.LogTime); left <= 0 || left > MaxSession {
		return fmt.Errorf("a session ends within %s of when it is opened or renewed", MaxSession)
	}
	return nil
}

func (s *State) sessionOpened(e *Entry, b *SessionOpened) error {
	if b.Session.IsZero() || s.sessions.has(b.Session) || s.forgotten.has(b.Session) {
		return errors.New("its session id is not new")
	}
	if err := checkAsked(b.GID, b.Compartment, b.Operation, OpRead, OpWrite); err != nil {
		return err
	}
	if err := checkExpiry(e, b.Expires); err != nil {
		return err
	}
	session := &Session{SessionOpened: *b, Patient: e.Chain.GID(), Opened: e.LogTime}
	s.sessions.set(b.Session, session)
	return s.checkTermIfWhole(e, session)
}

func (s *State) checkTermIfWhole(e *Entry, session *Session) error {
	if s.scope == SomeChains {
		return nil
	}
	if _, err := s.keysAt(session.GID, s.at(e, PersonChain(session.GID))); err != nil {
		return err
	}
	return s.checkTerm(e, session)
}

func (s *State) changeSession(e *Entry, id SessionID, change func(*Session) error) error {
	before, ok := s.session(id, e.LogTime)
	if !ok || before.Patient != e.Chain.GID() || before.Closed {
		return errors.New("no such session is open")
	}
	after := *before
	if err := change(&after); err != nil {
		return err
	}
	s.sessions.set(id, &after)
	return nil
}

// session returns a session that may still be named at a log time: until an hour after it has expired.
func (s *State) session(id SessionID, at time.Time) (*Session, bool) {
	session, ok := s.sessions.get(id)
	if !ok || session.past(at) {
		return nil, false
	}
	return session, true
}

// past tells whether the session expired so long ago that nothing may name it any more.
func (s *Session) past(at time.Time) bool { return at.Sub(time.UnixMilli(s.Expires)) >= time.Hour }

// forget drops sessions that are past even for a node whose clock is behind, all but their ids. Each look at all of them is
// paid for by as many that were opened since.
func (s *State) forget() {
	if len(s.sessions.m) < s.forgetAt {
		return
	}
	for id, session := range s.sessions.m {
		if session.past(s.newest.Add(-ClockSkew)) {
			delete(s.sessions.m, id)
			s.forgotten.set(id, struct{}{})
		}
	}
	const few = 256
	s.forgetAt = 2*len(s.sessions.m) + few
}

// Session returns a session that the log shows. One that expired more than an hour ago may be forgotten.
func (s *State) Session(id SessionID) (*Session, bool) { return s.session(id, s.newest) }
