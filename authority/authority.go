// Package authority is an attribute authority: whom it invites, whom it enrols, and the attribute keys that it issues.
//
// A hospital, health club, insurer, employer, or the registry of them all, is an [Authority]: a master key that issues
// attribute keys, and the invitations that are open. Its founder is a person with an identity, who keeps it in a keystore
// and signs what it says. Everything here is state and computation: operations return the bodies of events, and the caller
// signs them, appends them to the authority's chain and brings requests from the node.
//
// # From an invitation to a key
//
//	authority   Invite → code, handed to a person outside of the system
//	person      NewRequest(code, identity, founder's keys) → sealed request → the node → the authority
//	authority   Admit(request, roster) → Admission → Enrol → attribute.defined, representative.enrolled, key.issued
//	person      OpenKey(identity, entry, authority's public key) → attribute key, verified
//
// A request proves possession of the code and of the identity key, and is sealed to the founder. Neither the node nor whoever
// sees it learns the code, and it serves no other person.
//
// # Uses are counted on the log
//
// What is on the authority's chain has happened: representative.enrolled names the invitation, and a [Roster], the fold of the
// chain, knows who came in by which. Admit takes a seat of the invitation besides, so that one that is not on the log yet is
// not given away twice. A chain is linear, so events made from a roster that the chain has passed are refused as a conflict:
// catch up and ask Admit again. A crash at any point therefore costs nothing and enrols nobody twice.
//
// # Taking attributes away
//
// Revoke removes a person and moves the attribute to its next version; Rotate moves it for everybody. Whoever is enrolled and
// has no key of the version in force is owed one: Owed is a fold of the chain, so that a crash between two chunks of Reissue is
// made good by asking again. Rekey replaces the master key itself. See revoke.go, reissue.go and rekey.go.
//
// # What it does not protect
//
// Whoever has the code is taken for the one invited: hand it over as carefully as the attribute deserves. The founder's
// keystore is the authority: who opens it can issue its attributes to anyone, though no others. A sealed request shows the
// node that somebody asks to join, not who.
package authority

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/phrledger/phr/crypto/abe"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
)

var (
	// ErrMalformed is wrapped by every error about text or bytes that are not a valid encoding.
	ErrMalformed = errors.New("malformed")

	// ErrRefused is what a request gets that enrols nobody. It stands alone for a request that proves no knowledge of an open
	// invitation's code, whatever is wrong with it, and is wrapped with the reason for one that does.
	ErrRefused = errors.New("enrolment refused")

	// ErrKey is wrapped by every error about an issued key that must not be used.
	ErrKey = errors.New("issued key refused")
)

// Authority is the secret state of an attribute authority that has a name. It prints as "redacted", has no useful zero
// value, and is not safe for concurrent use.
type Authority struct {
	redacted
	founder     identity.GID
	role        ledger.AuthorityKind
	master      *abe.MasterKey
	next        *abe.MasterKey // that is to replace master; nil if none is
	invitations map[InvitationID]*invitation
}

// New draws the master key of a new authority of the person founder. It counts once Registration stands on the founder's
// chain and the registry has endorsed it. The name "phr" and the role of registry go together.
func New(rand io.Reader, founder identity.GID, name policy.Authority, role ledger.AuthorityKind) (*Authority, error) {
	if err := checkNamed(founder, name, role); err != nil {
		return nil, fmt.Errorf("founding authority: %w", err)
	}
	master, err := abe.GenerateMasterKey(rand, name)
	if err != nil {
		return nil, fmt.Errorf("founding authority: %w", err)
	}
	return &Authority{founder: founder, role: role, master: master, invitations: make(map[InvitationID]*invitation)}, nil
}

func checkNamed(founder identity.GID, name policy.Authority, role ledger.AuthorityKind) error {
	if _, err := identity.ParseGID(string(founder)); err != nil {
		return err
	}
	parsed, err := policy.ParseAuthority(string(name))
	if err != nil {
		return err
	}
	if parsed != name || name.IsGID() {
		return fmt.Errorf("%w: %q is not a name for an authority: write it in lower case, at most 31 characters", ErrMalformed, name)
	}
	if !slices.Contains(roles, role) {
		return fmt.Errorf("%w: %q is no kind of authority", ErrMalformed, role)
	}
	if (role == ledger.Registry) != (name == ledger.RegistryName) {
		return fmt.Errorf("%w: the registry, and nothing else, is called %q", ErrMalformed, ledger.RegistryName)
	}
	return nil
}

var roles = []ledger.AuthorityKind{ledger.Hospital, ledger.HealthClub, ledger.Insurer, ledger.Employer, ledger.Registry}

// ParseRole reads what an authority is: hospital, health-club, insurer, employer or registry.
func ParseRole(s string) (ledger.AuthorityKind, error) {
	role := ledger.AuthorityKind(strings.ToLower(s))
	if !slices.Contains(roles, role) {
		return "", fmt.Errorf("%w: %q is no kind of authority: write hospital, health-club, insurer, employer or registry",
			ErrMalformed, ledger.Clip(s))
	}
	return role, nil
}

// Name returns the authority's name.
func (a *Authority) Name() policy.Authority { return a.master.PublicKey().Authority() }

// Role returns what the authority is.
func (a *Authority) Role() ledger.AuthorityKind { return a.role }

// Founder returns the person who speaks for the authority.
func (a *Authority) Founder() identity.GID { return a.founder }

// PublicKey returns the key under which attribute keys of the authority verify.
func (a *Authority) PublicKey() *abe.PublicKey { return a.master.PublicKey() }

// WithoutInvitations returns the authority as it is but for its invitations, which are all closed in it. Who has lost the rest
// goes on with it.
func (a *Authority) WithoutInvitations() *Authority {
	closed := *a
	closed.invitations = make(map[InvitationID]*invitation)
	return &closed
}

// Registration returns what the founder's chain must say for the registry to endorse it: of the key that is to replace the one
// in use, if one is.
func (a *Authority) Registration() *ledger.AuthorityRegistered {
	key := a.PublicKey()
	if a.next != nil {
		key = a.next.PublicKey()
	}
	return &ledger.AuthorityRegistered{Name: a.Name(), Role: a.role, Key: key.Bytes()}
}
