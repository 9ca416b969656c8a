package authority

import (
	"crypto/hmac"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/phrledger/phr/crypto/identity"
)

// Admission is a person whom the authority takes in. Admit makes one from a request; an authority that knows somebody anyway
// may fill one in by hand.
type Admission struct {
	GID        identity.GID
	Keys       *identity.Keys // in force, of that GID
	Attributes []string       // names, in ascending order
	Display    string         // display name, if any
	Identified string         // how the person was identified
	Enrolled   bool           // the log shows it already: there is nothing left to do
}

// invited begins the Identified of those who came in by an invitation.
const invited = "invitation "

func identifiedBy(id InvitationID) string { return invited + id.String() }

func invitationOf(identified string) (InvitationID, bool) {
	text, ok := strings.CutPrefix(identified, invited)
	if !ok {
		return InvitationID{}, false
	}
	id, err := ParseInvitationID(text)
	return id, err == nil
}

// Admit judges a sealed request by the roster of everything on the authority's chain, and takes a seat of the invitation for
// the person. The same request gives the same result however often it comes: until the log shows the enrolment, the seat is
// that person's, and then the Admission is marked Enrolled. The founder is the authority's; lookup returns the keys in force of
// a person, is asked only about those who proved possession of a code, and wraps ErrRefused for an identity that does not
// exist or is revoked.
//
// Save the authority before what Enrol returns is appended: the log alone keeps an invitation from being used twice, but a
// seat that is saved does so even for a node that hides the end of the chain.
//
// ErrRefused is final; any other error, as one of lookup, leaves everything as it was and the request to be tried again.
func (a *Authority) Admit(now time.Time, founder *identity.Identity, roster *Roster,
	lookup func(identity.GID) (*identity.Keys, error), sealed []byte,
) (*Admission, error) {
	if founder.GID() != a.founder || roster.name != a.Name() {
		return nil, errors.New("admitting: the founder or the roster is another authority's")
	}
	r, err := openRequest(a.Name(), founder, sealed)
	if err != nil {
		return nil, err
	}
	inv, err := a.proved(r)
	if err != nil {
		return nil, err
	}
	keys, err := lookup(r.GID)
	if err != nil {
		return nil, fmt.Errorf("admitting %s: %w", r.GID, err)
	}
	if err := r.verify(keys); err != nil {
		return nil, fmt.Errorf("%w: %s by invitation %s: %w", ErrRefused, r.GID, inv.ID, err)
	}
	enrolled, err := inv.seat(now, r.GID, roster)
	if err != nil {
		return nil, fmt.Errorf("%w: %s by invitation %s: %w", ErrRefused, r.GID, inv.ID, err)
	}
	return &Admission{
		GID: r.GID, Keys: keys, Attributes: slices.Clone(inv.Attributes), Display: r.Display,
		Identified: identifiedBy(inv.ID), Enrolled: enrolled,
	}, nil
}

// proved returns the invitation whose code the request proves possession of. It does the same work for an id that is unknown.
func (a *Authority) proved(r *request) (*invitation, error) {
	inv, known := a.invitations[r.Invitation]
	if !known {
		inv = new(invitation)
	}
	if !hmac.Equal(r.Proof, r.proof(inv.key[:])) || !known {
		return nil, ErrRefused
	}
	return inv, nil
}

// seat gives the person a seat, unless the log shows that it was used.
func (inv *invitation) seat(now time.Time, gid identity.GID, roster *Roster) (enrolled bool, err error) {
	if roster.removedAfter(inv.After, gid, inv.Attributes) {
		return false, errors.New("was removed since it was opened: it takes a new invitation")
	}
	if roster.Used(inv.ID, gid) {
		if !roster.holds(gid, inv.Attributes) {
			return false, errors.New("came in by it before, and was removed")
		}
		return true, nil
	}
	i, seated := slices.BinarySearch(inv.Taken, gid)
	switch {
	case len(roster.used[inv.ID]) >= inv.Uses: // whoever has a seat: it may have been given by an older roster, after a crash
		return false, errors.New("it is used up")
	case seated:
		return false, nil
	case inv.expired(now):
		return false, errors.New("it has expired")
	case inv.taken(roster) >= inv.Uses:
		return false, errors.New("its seats are taken")
	}
	inv.Taken = slices.Insert(inv.Taken, i, gid)
	return false, nil
}

// taken counts the people who have a seat, or are shown by the log to have come in.
func (inv *invitation) taken(roster *Roster) int {
	n := len(inv.Taken)
	for gid := range roster.used[inv.ID] {
		if _, seated := slices.BinarySearch(inv.Taken, gid); !seated {
			n++
		}
	}
	return n
}

// checkAdmission judges what may have been filled in by hand.
func (a *Authority) checkAdmission(m *Admission) error {
	if _, err := identity.ParseGID(string(m.GID)); err != nil || m.Keys == nil {
		return fmt.Errorf("%w: no GID with its keys", ErrMalformed)
	}
	if err := checkNames(a.Name(), m.Attributes); err != nil {
		return err
	}
	if err := checkText("a display name", m.Display); err != nil {
		return err
	}
	return checkText("how the person was identified", m.Identified)
}
