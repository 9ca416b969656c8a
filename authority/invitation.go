package authority

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/policy"
)

// The limits of invitations.
const (
	DefaultExpiry  = 14 * 24 * time.Hour // of an offer that names none
	MaxExpiry      = 366 * 24 * time.Hour
	MaxUses        = 1000
	MaxAttributes  = 16   // of one invitation
	MaxInvitations = 4096 // open at once
	MaxText        = 120  // bytes of a note or a display name
)

const proofKeySize = 32

// Offer is what an invitation gives, and to how many.
type Offer struct {
	Attributes []string  // names, as doctor; doctor@city-hospital is read too
	Uses       int       // how many people may come in by it; 0 is one
	Expires    time.Time // 0 is DefaultExpiry from now
	Note       string    // for the authority itself: whom it is for
	After      uint64    // number of the newest event of the chain: whoever is removed by a later one does not come in
}

// Invitation is an open invitation, as the authority sees it. The code can't be had from it.
type Invitation struct {
	ID InvitationID
	Offer
	Taken []identity.GID // who took a seat, on the log yet or not, in order of GID
}

type invitation struct {
	Invitation
	key [proofKeySize]byte
}

// Invite opens an invitation and returns the code to hand over, which is kept nowhere. It forgets invitations that have
// expired. The Authority must be saved before the code is given away.
func (a *Authority) Invite(rand io.Reader, now time.Time, o Offer) (Code, *Invitation, error) {
	offer, err := a.complete(now, o)
	if err != nil {
		return Code{}, nil, fmt.Errorf("inviting: %w", err)
	}
	maps.DeleteFunc(a.invitations, func(_ InvitationID, inv *invitation) bool { return inv.expired(now) })
	if len(a.invitations) >= MaxInvitations {
		return Code{}, nil, fmt.Errorf("inviting: %d invitations are open: withdraw some first", len(a.invitations))
	}
	code, err := newCode(rand, a.Name())
	if err != nil {
		return Code{}, nil, fmt.Errorf("inviting: %w", err)
	}
	inv := &invitation{Invitation{ID: code.Invitation(), Offer: offer}, [proofKeySize]byte(code.key())}
	a.invitations[inv.ID] = inv
	return code, inv.copy(), nil
}

// Invitations returns the open invitations, the one that expires first before the others. Those that have expired are among
// them until the next Invite.
func (a *Authority) Invitations() []*Invitation {
	list := make([]*Invitation, 0, len(a.invitations))
	for _, inv := range a.invitations {
		list = append(list, inv.copy())
	}
	slices.SortFunc(list, func(x, y *Invitation) int {
		return cmp.Or(x.Expires.Compare(y.Expires), bytes.Compare(x.ID[:], y.ID[:]))
	})
	return list
}

// Withdraw closes an invitation: nobody comes in by it any more. Who came in by it stays.
func (a *Authority) Withdraw(id InvitationID) error {
	if a.invitations[id] == nil {
		return fmt.Errorf("withdrawing invitation: none called %s is open", id)
	}
	delete(a.invitations, id)
	return nil
}

// Shut closes the invitations through which a person came in for one of the named attributes, or has a seat, and returns them.
// What the person knows may be known to others by now, and nobody else should come in by it.
func (a *Authority) Shut(roster *Roster, gid identity.GID, names ...string) []*Invitation {
	var shut []*Invitation
	for _, inv := range a.Invitations() {
		offers := slices.ContainsFunc(names, func(name string) bool { return slices.Contains(inv.Attributes, name) })
		if offers && (roster.Used(inv.ID, gid) || slices.Contains(inv.Taken, gid)) {
			delete(a.invitations, inv.ID)
			shut = append(shut, inv)
		}
	}
	return shut
}

// complete returns the offer with its defaults filled in and its attributes in order, or says what is wrong with it.
func (a *Authority) complete(now time.Time, o Offer) (Offer, error) {
	if o.Uses == 0 {
		o.Uses = 1
	}
	if o.Expires.IsZero() {
		o.Expires = now.Add(DefaultExpiry)
	}
	o.Expires = o.Expires.Truncate(time.Millisecond)
	if !o.Expires.After(now) || o.Expires.After(now.Add(MaxExpiry)) {
		return Offer{}, errors.New("an invitation expires later than now, and within a year")
	}
	names := make([]string, 0, len(o.Attributes))
	for _, text := range o.Attributes {
		name, err := a.attribute(text)
		if err != nil {
			return Offer{}, err
		}
		names = append(names, name)
	}
	slices.Sort(names)
	o.Attributes = slices.Compact(names)
	return o, o.check(a.Name())
}

// attribute reads a name, or an attribute of this authority, and returns the name.
func (a *Authority) attribute(text string) (string, error) {
	if !strings.Contains(text, "@") {
		text += "@" + string(a.Name())
	}
	attribute, err := policy.ParseAttribute(text)
	if err != nil {
		return "", err
	}
	if attribute.Authority != a.Name() {
		return "", fmt.Errorf("%s is not for %s to give", attribute, a.Name())
	}
	return attribute.Name, nil
}

// check judges a complete offer.
func (o *Offer) check(authority policy.Authority) error {
	if o.Uses < 1 || o.Uses > MaxUses {
		return fmt.Errorf("%w: an invitation is for 1 to %d people", ErrMalformed, MaxUses)
	}
	if err := checkNames(authority, o.Attributes); err != nil {
		return err
	}
	return checkText("a note", o.Note)
}

// checkNames accepts a list of names of attributes in ascending order.
func checkNames(authority policy.Authority, names []string) error {
	if len(names) < 1 || len(names) > MaxAttributes {
		return fmt.Errorf("%w: people are enrolled for 1 to %d attributes", ErrMalformed, MaxAttributes)
	}
	for i, name := range names {
		want := policy.Attribute{Name: name, Authority: authority}
		if parsed, err := policy.ParseAttribute(want.String()); err != nil || parsed != want {
			return fmt.Errorf("%w: %.40q is not a name for an attribute", ErrMalformed, name)
		}
		if i > 0 && names[i-1] >= name {
			return fmt.Errorf("%w: attributes stand in order, and once each", ErrMalformed)
		}
	}
	return nil
}

// checkText accepts a line of text that is harmless on a terminal. It may be empty.
func checkText(what, s string) error {
	unprintable := func(r rune) bool { return !unicode.IsPrint(r) }
	if len(s) > MaxText || !utf8.ValidString(s) || strings.ContainsFunc(s, unprintable) || strings.TrimSpace(s) != s {
		return fmt.Errorf("%w: %s is one line of at most %d bytes, without control characters or spaces around it",
			ErrMalformed, what, MaxText)
	}
	return nil
}

func (inv *invitation) expired(now time.Time) bool { return !now.Before(inv.Expires) }

func (inv *invitation) copy() *Invitation {
	c := inv.Invitation
	c.Attributes, c.Taken = slices.Clone(c.Attributes), slices.Clone(c.Taken)
	return &c
}
