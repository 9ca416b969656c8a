package ledger

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/phrledger/phr/crypto/canonical"
)

// MaxProxy is how far ahead of log time the right to act for a patient may end. Whoever acts for somebody is named anew at
// least once in that time, by the patient.
const MaxProxy = 366 * 24 * time.Hour

// actingKey is the extension in which an event says that its author acts for the patient: the id of the term by which they
// do. Who does not know it may pass over it.
const actingKey = 4

// Act makes the author of an event, which is not signed yet, act for the patient by a term; zero is nobody's but their own
// doing. In a session on a proxy's term it must be said, and elsewhere it must not.
func (e *Event) Act(term TermID) error {
	if term.IsZero() {
		delete(e.Extensions, actingKey)
		return nil
	}
	raw, err := canonical.Marshal(term)
	if err != nil {
		return err
	}
	if e.Extensions == nil {
		e.Extensions = make(map[uint64]canonical.RawMessage, 1)
	}
	e.Extensions[actingKey] = raw
	return nil
}

// Acting returns the term by which the author of an event says they act for the patient; zero if they do not say so.
func (e *Event) Acting() TermID {
	term, err := e.acting()
	if err != nil {
		return TermID{}
	}
	return term
}

func (e *Event) acting() (term TermID, err error) {
	raw, says := e.Extensions[actingKey]
	if !says {
		return term, nil
	}
	if err := canonical.Unmarshal(raw, &term); err != nil {
		return TermID{}, fmt.Errorf("by which term its author acts for the patient: %w", err)
	}
	if term.IsZero() {
		return term, errors.New("its author acts for the patient by no term")
	}
	return term, nil
}

// checkActing judges whether an event of a compartment says that its author acts for the patient exactly if they do. In a
// part of the log the session can't be seen; the term can.
func (s *State) checkActing(e *Entry, c *compartment) error {
	says, err := e.acting()
	if err != nil {
		return err
	}
	by := says
	if s.scope == WholeLog || e.Session.IsZero() {
		by = TermID{}
		if session, ok := s.session(e.Session, e.LogTime); ok {
			by = session.Term
		}
	}
	if t := find(c.terms, by); t == nil || !t.Proxy {
		by = TermID{}
	}
	switch {
	case says == by:
		return nil
	case says.IsZero():
		return fmt.Errorf("it does not say that its author acts for the patient, by term %s", by)
	}
	return fmt.Errorf("its author does not act for the patient by term %s", says)
}

// checkProxy judges the form of a term that lets a person act for the patient. It names that person and nobody else, asks
// for no role, and ends by itself. Old is the term as it stood before, or nil.
func checkProxy(e *Entry, old *LiveTerm, t *Term) error {
	if old != nil && old.Proxy != t.Proxy {
		return errors.New("nobody becomes a proxy, or stops being one, by a term they have: set a new one")
	}
	if !t.Proxy {
		return nil
	}
	if t.Expression != GrantAttribute(e.Chain.GID(), t.ID).String() || t.Emergency() {
		return errors.New("a proxy is one person, whom this patient names, with no role beside and nobody instead or to approve")
	}
	if old != nil && old.Until == t.Until {
		return nil
	}
	left := time.UnixMilli(t.Until).Sub(e.LogTime)
	switch {
	case t.Until == 0:
		return errors.New("the right to act for a patient has an end")
	case left > MaxProxy:
		return fmt.Errorf("the right to act for a patient ends within %d days, and is renewed", MaxProxy/(24*time.Hour))
	case old == nil && left <= 0:
		return errors.New("the right to act for the patient has ended already")
	}
	return nil
}

// rememberProxies returns the terms that ever let somebody act for the patient, with those of a new list.
func rememberProxies(known []TermID, terms []LiveTerm) []TermID {
	for _, t := range terms {
		if t.Proxy && !slices.Contains(known, t.ID) {
			known = append(slices.Clip(known), t.ID)
		}
	}
	return known
}
