package ledger

import (
	"errors"
	"fmt"

	"github.com/phrledger/phr/crypto/identity"
)

// checkSpace judges whether a kind may stand on the chain, and whether its author is one who may speak there at all.
func (s *State) checkSpace(e *Entry) error {
	place, kind := e.Chain, e.Kind()
	if !kind.Known() {
		return s.checkOwner(e)
	}
	var fits bool
	switch e.Body.(type) {
	case *IdentityRegistered, *IdentityRotated, *IdentityRevoked, *IdentityEscrowed, *RecoveryRequested, *RecoveryVetoed,
		*AuthorityRegistered:
		fits = place.Space == PersonSpace
	case *AuthorityEndorsed, *AuthoritySuspended:
		fits = place == AuthorityChain(RegistryName)
	case *AuthorityHead, *AttributeDefined, *AttributeVersioned, *RepresentativeEnrolled, *RepresentativeRemoved:
		fits = place.Space == AuthoritySpace
	case *KeyIssued:
		fits = place.Space == AuthoritySpace || place.Space == RecordSpace && place.Compartment == Profile
	case *PatientRegistered, *PatientErased:
		fits = place.Space == RecordSpace && place.Compartment == Profile
	case *NodeDescribed, *Rejected, *Incident, *Checkpoint:
		fits = place.Space == NodeSpace
	case *SessionOpened, *SessionRenewed, *SessionClosed, *SessionRefused,
		*BreakglassRequested, *BreakglassApproved, *BreakglassOpened, *BreakglassEnded, *BreakglassReviewed:
		fits = place.Space == RecordSpace && place.Compartment == Access
	default:
		fits = place.Space == RecordSpace && !place.Compartment.Reserved()
	}
	if !fits {
		return fmt.Errorf("%s does not belong on this chain", kind)
	}
	return s.checkOwner(e)
}

// checkOwner judges whether the author speaks on a chain of their own, or in a session that is named.
func (s *State) checkOwner(e *Entry) error {
	switch e.Chain.Space {
	case PersonSpace:
		return only(e, e.Chain.GID())
	case AuthoritySpace:
		return s.checkFounder(e)
	case NodeSpace:
		if _, described := e.Body.(*NodeDescribed); described {
			return only(e, s.root)
		}
		if err := s.checkNode(e); err != nil {
			return err
		}
		return only(e, e.Chain.GID())
	}
	switch {
	case e.Chain.Compartment == Access:
		return s.checkAccessAuthor(e)
	case e.Chain.Compartment == Profile:
		return only(e, e.Chain.GID())
	case e.Author == e.Chain.GID():
		return only(e, e.Author)
	}
	return s.checkSession(e)
}

func only(e *Entry, author identity.GID) error {
	if e.Author != author {
		return fmt.Errorf("%s may not say it: only %s may", e.Author, author)
	}
	if !e.Session.IsZero() {
		return errors.New("an owner's event names no session")
	}
	return nil
}

// checkFounder judges who speaks for an authority: the founder whom the registry endorsed, or, on the registry's chain, the
// founder whom the first description of a node names.
func (s *State) checkFounder(e *Entry) error {
	name := e.Chain.Authority()
	a, _ := s.authorities.get(name)
	reg, active := a.at(s.at(e, AuthorityChain(RegistryName)))
	if reg == nil {
		return fmt.Errorf("no authority %q is endorsed", name)
	}
	if err := only(e, reg.founder); err != nil {
		return err
	}
	if !active {
		return fmt.Errorf("authority %q is suspended", name)
	}
	return nil
}

// checkAccessAuthor judges who writes a patient's access log: nodes, and the people who have a part in an emergency.
func (s *State) checkAccessAuthor(e *Entry) error {
	if err := s.checkPatient(e); err != nil && !s.closes(e) {
		return err
	}
	switch e.Body.(type) {
	case *BreakglassRequested, *BreakglassApproved, *BreakglassEnded, *BreakglassReviewed:
		return only(e, e.Author) // whether it is theirs to say, rules_breakglass.go judges
	}
	if err := s.checkNode(e); err != nil {
		return err
	}
	return only(e, e.Author)
}

// checkNode judges whether the author is a node that the root has described. In a part that stands elsewhere.
func (s *State) checkNode(e *Entry) error {
	n, ok := s.nodes.get(e.Author)
	if s.scope == WholeLog && (!ok || n.from > s.at(e, NodeChain(e.Author))) {
		return fmt.Errorf("%s is not a node that the root has described", e.Author)
	}
	return nil
}

// checkSignature judges the signature by the author's keys in force.
func (s *State) checkSignature(e *Entry) error {
	if e.ShowsKey() {
		return e.VerifyShown()
	}
	position := s.at(e, PersonChain(e.Author))
	if s.inPart(e.Chain) && e.Chain == PersonChain(e.Author) {
		position = s.count // of the entry itself: what came after it may be known already
	}
	keys, err := s.keysAt(e.Author, position)
	if err != nil {
		return err
	}
	return e.Verify(keys)
}

// ShowsKey tells whether an event itself shows the key that signs it: what begins or replaces an identity.
func (e *Event) ShowsKey() bool {
	switch e.Body.(type) {
	case *IdentityRegistered, *IdentityRotated, *RecoveryRequested:
		return true
	}
	return false
}

// VerifyShown checks the signature of an event that shows the key it is signed by. Whether that key may say it, the rules of
// recovery judge. It panics unless ShowsKey.
func (e *Event) VerifyShown() error {
	switch b := e.Body.(type) {
	case *IdentityRotated:
		return e.verifyRecovery(b.RecoveryUsed)
	case *RecoveryRequested:
		return e.verifyRecovery(b.RecoveryUsed)
	}
	inception, err := e.Body.(*IdentityRegistered).Inception()
	if err != nil {
		return err
	}
	return e.Verify(inception.Keys)
}

func (e *Event) verifyRecovery(public [32]byte) error {
	message, err := e.signed()
	if err != nil {
		return err
	}
	return identity.VerifyRecovery(public, signContext, message, e.Signature)
}

func (s *State) keysAt(gid identity.GID, position uint64) (*identity.Keys, error) {
	p, _ := s.people.get(gid)
	fact, ok := p.at(position)
	switch {
	case p == nil || p.keys[0].from > position:
		return nil, fmt.Errorf("%s is not registered", gid)
	case !ok:
		return nil, fmt.Errorf("the identity %s is revoked", gid)
	}
	return fact.keys, nil
}
