package audit

import (
	"bytes"
	"cmp"
	"fmt"
	"time"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
)

// second is a second opinion on the rules that matter most, in words of its own: who describes nodes, who opens sessions,
// what is written in them and whether its author acts for the patient, that no insurer or employer is ever let in to write,
// and that nobody's keys are replaced without them, unless after a wait. Unlike State it knows nothing of keys and signatures.
type second struct {
	root     identity.GID
	requests map[identity.GID]*ledger.Entry // the newest to recover an identity that nobody vetoed
	nodes    map[identity.GID]bool
	sessions map[ledger.SessionID]*opened         // those that may still be named
	forgetAt int                                  // how many sessions there have to be for another look at which may not
	claimed  map[ledger.Hash]ledger.AuthorityKind // registrations
	roles    map[policy.Authority]ledger.AuthorityKind
	acts     map[ledger.TermID]bool // terms by which somebody acts for a patient
	erased   map[ledger.Chain]bool  // compartments and profiles that are closed
	gone     map[recordOn]bool      // records that are erased

	emergencies map[ledger.TermID]bool  // terms by which a compartment opens in an emergency only
	glass       map[recordOn]*emergency // requests to open one
}

// recordOn names a record, or a request in an emergency: ids are unique on a chain only.
type recordOn struct {
	chain ledger.Chain
	id    ledger.EventID
}

type opened struct {
	*ledger.SessionOpened
	patient identity.GID
	expires int64
	closed  bool
}

func newSecond(root identity.GID) *second {
	return &second{
		requests: make(map[identity.GID]*ledger.Entry),
		root:     root, nodes: make(map[identity.GID]bool), sessions: make(map[ledger.SessionID]*opened),
		claimed: make(map[ledger.Hash]ledger.AuthorityKind), roles: make(map[policy.Authority]ledger.AuthorityKind),
		acts:   make(map[ledger.TermID]bool),
		erased: make(map[ledger.Chain]bool), gone: make(map[recordOn]bool),
		emergencies: make(map[ledger.TermID]bool), glass: make(map[recordOn]*emergency),
	}
}

// check says what is wrong with an entry by these rules; the problem is empty if nothing is.
func (s *second) check(e *ledger.Entry) (Problem, string) {
	if what := s.erasing(e); what != "" {
		return Erasing, what
	}
	switch b := e.Body.(type) {
	case *ledger.NodeDescribed:
		if e.Author != s.root {
			return Session, fmt.Sprintf("a node is described by %s, who is not the root", e.Author)
		}
		return "", ""
	case *ledger.SessionOpened, *ledger.SessionRenewed, *ledger.SessionClosed, *ledger.SessionRefused:
		if !s.nodes[e.Author] {
			return Session, fmt.Sprintf("%s speaks of sessions and is not a node that the root has described", e.Author)
		}
		if o, ok := e.Body.(*ledger.SessionOpened); ok && s.emergencies[o.Term] {
			return problem(Session, s.inEmergency(e, o))
		}
		return "", ""
	case *ledger.BreakglassApproved, *ledger.BreakglassOpened:
		return problem(Emergency, s.twoPeople(e))
	case *ledger.IdentityRotated:
		if what := s.rotated(e, b); what != "" {
			return Identity, what
		}
	case *ledger.PolicySet:
		if what := cmp.Or(s.writers(b), s.proxies(e, b)); what != "" {
			return Writer, what
		}
		if what := s.helpers(b); what != "" {
			return Emergency, what
		}
	}
	if e.Chain.Space == ledger.RecordSpace && !e.Chain.Compartment.Reserved() && e.Author != e.Chain.GID() {
		if what := s.inSession(e); what != "" {
			return Session, what
		}
	}
	return "", ""
}

// erasing finds what is wrong where something is erased, or was before.
func (s *second) erasing(e *ledger.Entry) string {
	if e.Chain.Space != ledger.RecordSpace {
		return ""
	}
	if s.erased[e.Chain] {
		return "it follows on a chain that was ended by an erasure"
	}
	switch b := e.Body.(type) {
	case *ledger.RecordErased, *ledger.CompartmentErased, *ledger.PatientErased:
		if e.Author != e.Chain.GID() {
			return fmt.Sprintf("%s erases what is %s's", e.Author, e.Chain.GID())
		}
	case *ledger.RecordAmended:
		return s.aboutErased(e.Chain, b.Refers)
	case *ledger.RecordRetracted:
		return s.aboutErased(e.Chain, b.Refers)
	case *ledger.CompartmentCreated, *ledger.SessionOpened:
		if s.erased[ledger.RecordChain(e.Chain.GID(), ledger.Profile)] {
			return "it belongs to a record that was erased as a whole"
		}
	}
	return ""
}

func (s *second) aboutErased(c ledger.Chain, id ledger.EventID) string {
	if s.gone[recordOn{c, id}] {
		return fmt.Sprintf("it is about record %s, which is erased", id)
	}
	return ""
}

// writers finds a term that lets an insurer or employer write.
func (s *second) writers(set *ledger.PolicySet) string {
	for _, t := range set.Terms {
		p, err := policy.Parse(t.Expression)
		if !t.Write || err != nil {
			continue
		}
		for _, a := range p.Attributes() {
			if role := s.roles[a.Authority]; role == ledger.Insurer || role == ledger.Employer {
				return fmt.Sprintf("term %s lets %s write, and %s is an %s", t.ID, a, a.Authority, role)
			}
		}
	}
	return ""
}

// rotated finds what is wrong with new keys that take the place of a person's.
func (s *second) rotated(e *ledger.Entry, b *ledger.IdentityRotated) string {
	if len(b.Consent) > 0 {
		return "" // whether it holds is a matter of signatures
	}
	request := s.requests[e.Author]
	if request == nil {
		return "the keys of " + string(e.Author) + " are replaced without them, and no request to recover the identity stands"
	}
	asked := request.Body.(*ledger.RecoveryRequested)
	if asked.Sign != b.Sign || !bytes.Equal(asked.Seal, b.Seal) || asked.Recovery != b.Recovery {
		return fmt.Sprintf("the keys of %s are replaced by others than request %s is for", e.Author, request.ID)
	}
	if waited := e.LogTime.Sub(request.LogTime); waited < ledger.RecoveryWait {
		return fmt.Sprintf("the keys of %s are replaced %s after request %s", e.Author, waited, request.ID)
	}
	return ""
}

// inSession finds what is wrong with the session of an entry by someone who does not own the record.
func (s *second) inSession(e *ledger.Entry) string {
	session, ok := s.sessions[e.Session]
	switch {
	case !ok:
		return "written in a session that no node has opened"
	case session.GID != e.Author || session.patient != e.Chain.GID() || session.Compartment != e.Chain.Compartment:
		return fmt.Sprintf("written in session %s, which was opened to %s on %s of %s", e.Session, session.GID, session.Compartment, session.patient)
	case session.Operation != ledger.OpWrite:
		return fmt.Sprintf("written in session %s, which is for reading", e.Session)
	case session.closed:
		return fmt.Sprintf("written in session %s after it was closed", e.Session)
	case e.LogTime.UnixMilli() >= session.expires:
		return fmt.Sprintf("written in session %s after it expired", e.Session)
	}
	return s.acting(e, session.Term)
}

// apply takes note of an entry that counts.
func (s *second) apply(e *ledger.Entry) {
	s.applyEmergency(e)
	switch b := e.Body.(type) {
	case *ledger.RecoveryRequested:
		s.requests[e.Author] = e
	case *ledger.RecoveryVetoed, *ledger.IdentityRotated:
		delete(s.requests, e.Author)
	case *ledger.RecordErased:
		for _, id := range b.Records {
			s.gone[recordOn{e.Chain, id}] = true
		}
	case *ledger.CompartmentErased, *ledger.PatientErased:
		s.erased[e.Chain] = true
	case *ledger.NodeDescribed:
		s.nodes[e.Chain.GID()] = true
	case *ledger.AuthorityRegistered:
		s.claimed[e.Hash] = b.Role
	case *ledger.AuthorityEndorsed:
		s.roles[b.Name] = s.claimed[b.Registration]
	case *ledger.PolicySet:
		for _, t := range b.Terms {
			if t.Proxy {
				s.acts[t.ID] = true
			}
		}
	case *ledger.SessionOpened:
		s.forget(e.LogTime)
		s.sessions[b.Session] = &opened{SessionOpened: b, patient: e.Chain.GID(), expires: b.Expires}
	case *ledger.SessionRenewed:
		if session, ok := s.sessions[b.Session]; ok {
			session.expires = b.Expires
		}
	case *ledger.SessionClosed:
		if session, ok := s.sessions[b.Session]; ok {
			session.closed = true
		}
	}
}

// forget drops sessions that ended long ago. Each look at all of them is paid for by as many that were opened since.
func (s *second) forget(now time.Time) {
	const few, long = 256, 2 * time.Hour
	if len(s.sessions) < s.forgetAt {
		return
	}
	for id, session := range s.sessions {
		if now.Sub(time.UnixMilli(session.expires)) > long {
			delete(s.sessions, id)
		}
	}
	s.forgetAt = 2*len(s.sessions) + few
}
