package ledger

import (
	"errors"
	"fmt"
	"slices"

	"github.com/phrledger/phr/crypto/identity"
)

// Inception returns what the GID is the hash of.
func (b *IdentityRegistered) Inception() (*identity.Inception, error) {
	keys, err := identity.ParseKeys(b.Sign[:], b.Seal)
	if err != nil {
		return nil, err
	}
	return &identity.Inception{Keys: keys, Recovery: b.Recovery}, nil
}

func (s *State) identityRegistered(e *Entry, b *IdentityRegistered) error {
	inception, err := b.Inception()
	if err != nil {
		return err
	}
	if inception.GID() != e.Author {
		return errors.New("the keys are not those the GID is made of")
	}
	if e.Number != 1 {
		return errors.New("an identity is registered once")
	}
	s.people.set(e.Author, &person{keys: []keysFact{{s.fact(), e.LogTime, inception.Keys, b.Recovery}}})
	return nil
}

func (s *State) identityRotated(e *Entry, b *IdentityRotated) error {
	p, held, err := s.registered(e)
	if err != nil {
		return err
	}
	keys, err := (&next{b.Sign, b.Seal, b.Recovery, b.RecoveryUsed}).parse(&held)
	if err != nil {
		return err
	}
	if err := p.checkRotation(e, b, &held); err != nil {
		return err
	}
	s.people.set(e.Author, &person{keys: append(slices.Clip(p.keys), keysFact{s.fact(), e.LogTime, keys, b.Recovery})})
	return nil
}

func (s *State) identityRevoked(e *Entry) error {
	p, _ := s.people.get(e.Author)
	if _, ok := p.at(now); !ok {
		return errors.New("the identity is not registered, or is revoked already")
	}
	s.people.set(e.Author, &person{keys: p.keys, revoked: s.fact()})
	return nil
}

// nodeDescribed applies the root's description of a node.
func (s *State) nodeDescribed(e *Entry, b *NodeDescribed) error {
	gid := e.Chain.GID()
	before, known := s.nodes.get(gid)
	if known && b.Sequence <= before.Sequence {
		return fmt.Errorf("its sequence number %d is not above %d", b.Sequence, before.Sequence)
	}
	if err := s.nameRegistry(e, b.Registry); err != nil {
		return err
	}
	next := &node{NodeFact{*b, gid}, s.fact()}
	if known {
		next.from = before.from
	}
	s.nodes.set(gid, next)
	return nil
}

// nameRegistry lets the first description of a node name the one registration that needs no endorsement.
func (s *State) nameRegistry(e *Entry, registration Hash) error {
	switch {
	case s.registry.IsZero() && registration.IsZero():
		return errors.New("the first description of a node names the registration of the registry")
	case s.registry.IsZero():
		s.registry = registration
		if reg, ok := s.registrations.get(registration); ok {
			s.decide(e, reg, true)
		}
	case !registration.IsZero() && registration != s.registry:
		return fmt.Errorf("the registry's registration is %s, for good", s.registry)
	}
	return nil
}
