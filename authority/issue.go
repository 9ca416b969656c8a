package authority

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/phrledger/phr/crypto/abe"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
)

// maxEarlier bounds how many earlier versions of an attribute a new representative gets keys of.
const maxEarlier = 32

// Enrol returns what the authority's chain must say, in this order and right after the roster's head, for the person to be
// enrolled: definitions of attributes that are new, the enrolment, and the attribute keys. With the version in force come
// the earlier ones of the same master key, since what is sealed to those is opened with those. There is nothing to say for an
// admission that the log shows already.
func (a *Authority) Enrol(rand io.Reader, roster *Roster, m *Admission) ([]ledger.Body, error) {
	if m.Enrolled {
		return nil, nil
	}
	if err := a.checkAdmission(m); err != nil {
		return nil, fmt.Errorf("enrolling: %w", err)
	}
	bodies := roster.Definitions(m.Attributes...)
	bodies = append(bodies, &ledger.RepresentativeEnrolled{
		GID: m.GID, Attributes: m.Attributes, Display: m.Display, Identified: m.Identified,
	})
	for _, name := range m.Attributes {
		oldest, newest, err := roster.issuable(name)
		if err != nil {
			return nil, fmt.Errorf("enrolling %s: %w", m.GID, err)
		}
		for version := oldest; version <= newest; version++ {
			key, err := issue(rand, a.master, m.GID, m.Keys, name, version)
			if err != nil {
				return nil, fmt.Errorf("enrolling %s: %w", m.GID, err)
			}
			bodies = append(bodies, key)
		}
	}
	return bodies, nil
}

// IssueGrant returns what a patient's profile chain must say for the person named in a term to hold its attribute. The master
// key is that of the patient's own authority; keys are those in force of gid.
func IssueGrant(rand io.Reader, master *abe.MasterKey, gid identity.GID, keys *identity.Keys, term ledger.TermID) (*ledger.KeyIssued, error) {
	patient := master.PublicKey().Authority()
	if !patient.IsGID() {
		return nil, fmt.Errorf("issuing for a grant: %s is not a patient", patient)
	}
	return issue(rand, master, gid, keys, ledger.GrantAttribute(identity.GID(patient), term).Name, 1)
}

func issue(rand io.Reader, master *abe.MasterKey, gid identity.GID, keys *identity.Keys, name string, version uint32) (*ledger.KeyIssued, error) {
	key, err := master.Issue(rand, string(gid), name, version)
	if err != nil {
		return nil, err
	}
	aad, err := ledger.IssueAAD(issuingChain(master.PublicKey().Authority()), gid, name, version)
	if err != nil {
		return nil, err
	}
	sealed, err := keys.SealTo(ledger.IssueInfo, aad, key.Bytes())
	if err != nil {
		return nil, fmt.Errorf("sealing attribute key: %w", err)
	}
	return &ledger.KeyIssued{GID: gid, Attribute: name, Version: version, Sealed: sealed}, nil
}

// issuingChain returns the chain on which an authority issues.
func issuingChain(a policy.Authority) ledger.Chain {
	if a.IsGID() {
		return ledger.RecordChain(identity.GID(a), ledger.Profile)
	}
	return ledger.AuthorityChain(a)
}

// OpenKey returns the attribute key that an entry of the log issues to a person, once it is sure that it is the key of the
// person, attribute and version that the entry says, and that the authority made it under one of the public keys pks: all that
// it has ever had, since a key that was issued under an earlier one opens what was sealed then. Every failure wraps ErrKey.
func OpenKey(person *identity.Identity, e *ledger.Entry, pks ...*abe.PublicKey) (*abe.AttributeKey, error) {
	body, ok := e.Body.(*ledger.KeyIssued)
	if !ok {
		return nil, fmt.Errorf("%w: %s issues none", ErrKey, e.Kind())
	}
	key, err := openKey(person, e.Chain, body, pks)
	if err != nil {
		return nil, fmt.Errorf("%w: %s@%s: %w", ErrKey, ledger.Clip(body.Attribute), e.Chain.Authority(), err)
	}
	return key, nil
}

func openKey(person *identity.Identity, c ledger.Chain, body *ledger.KeyIssued, pks []*abe.PublicKey) (*abe.AttributeKey, error) {
	if i := slices.IndexFunc(pks, func(pk *abe.PublicKey) bool { return c != issuingChain(pk.Authority()) }); i >= 0 {
		return nil, fmt.Errorf("%s does not issue there", pks[i].Authority())
	}
	if body.GID != person.GID() {
		return nil, errors.New("it is issued to somebody else")
	}
	aad, err := ledger.IssueAAD(c, body.GID, body.Attribute, body.Version)
	if err != nil {
		return nil, err
	}
	plaintext, err := person.Open(ledger.IssueInfo, aad, body.Sealed)
	if err != nil {
		return nil, err
	}
	key, err := abe.ParseAttributeKey(plaintext)
	if err != nil {
		return nil, err
	}
	attribute := policy.Attribute{Name: body.Attribute, Authority: c.Authority()}
	if key.GID() != string(body.GID) || key.Attribute() != attribute || key.Version() != body.Version {
		return nil, errors.New("inside is the key of another person, attribute or version")
	}
	err = abe.ErrKeyMismatch
	for _, pk := range pks {
		if err = key.Verify(pk); err == nil {
			return key, nil
		}
	}
	return nil, err
}
