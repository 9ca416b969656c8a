package authority

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/phrledger/phr/crypto/abe"
	"github.com/phrledger/phr/crypto/canonical"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
)

const encodingVersion = 2

type authorityEncoding struct {
	_           struct{} `cbor:",toarray"`
	Version     uint64
	Founder     identity.GID
	Role        ledger.AuthorityKind
	Master      []byte
	Invitations []invitationEncoding // in order of ID
	After       []uint64             // of each invitation, in the same order
	Next        []byte               // the master key that is to replace Master; empty if none is
}

// firstEncoding is what version 1 was.
type firstEncoding struct {
	_           struct{} `cbor:",toarray"`
	Version     uint64
	Founder     identity.GID
	Role        ledger.AuthorityKind
	Master      []byte
	Invitations []invitationEncoding
}

type invitationEncoding struct {
	_          struct{} `cbor:",toarray"`
	ID         InvitationID
	Key        [proofKeySize]byte
	Attributes []string
	Uses       uint32
	Expires    int64 // unix milliseconds
	Note       string
	Taken      []identity.GID
}

// Bytes returns the encoding of the authority, which is secret: for a keystore and nothing else. It has the master key, but no
// code.
func (a *Authority) Bytes() []byte {
	enc := authorityEncoding{Version: encodingVersion, Founder: a.founder, Role: a.role, Master: a.master.Bytes()}
	ids := slices.SortedFunc(maps.Keys(a.invitations), compareInvitations)
	for _, id := range ids {
		inv := a.invitations[id]
		enc.Invitations = append(enc.Invitations, invitationEncoding{
			ID: id, Key: inv.key, Attributes: inv.Attributes, Uses: uint32(inv.Uses), Expires: inv.Expires.UnixMilli(),
			Note: inv.Note, Taken: inv.Taken,
		})
		enc.After = append(enc.After, inv.After)
	}
	if a.next != nil {
		enc.Next = a.next.Bytes()
	}
	b, err := canonical.Marshal(enc)
	if err != nil {
		panic(err) // strings and numbers always encode
	}
	return b
}

func compareInvitations(x, y InvitationID) int { return bytes.Compare(x[:], y[:]) }

// Parse is the inverse of Bytes, and also reads what the first version of Bytes wrote. It fails with ErrMalformed for anything else.
func Parse(b []byte) (*Authority, error) {
	enc, err := decode(b)
	if err != nil {
		return nil, fmt.Errorf("%w: authority: %w", ErrMalformed, err)
	}
	a, err := enc.authority()
	if err != nil {
		return nil, fmt.Errorf("%w: authority: %w", ErrMalformed, err)
	}
	return a, nil
}

// decode reads an encoding of this version or of the first, whose invitations let nobody in who was ever removed.
func decode(b []byte) (*authorityEncoding, error) {
	enc := new(authorityEncoding)
	err := canonical.Unmarshal(b, enc)
	if err == nil {
		return enc, nil
	}
	var first firstEncoding
	if canonical.Unmarshal(b, &first) != nil || first.Version != 1 {
		return nil, err
	}
	return &authorityEncoding{
		Version: encodingVersion, Founder: first.Founder, Role: first.Role, Master: first.Master, Invitations: first.Invitations,
		After: make([]uint64, len(first.Invitations)),
	}, nil
}

func (enc *authorityEncoding) authority() (*Authority, error) {
	if enc.Version != encodingVersion {
		return nil, fmt.Errorf("unknown version %d", enc.Version)
	}
	if len(enc.Invitations) > MaxInvitations || len(enc.After) != len(enc.Invitations) {
		return nil, fmt.Errorf("%d invitations", len(enc.Invitations))
	}
	master, err := abe.ParseMasterKey(enc.Master)
	if err != nil {
		return nil, err
	}
	a := &Authority{founder: enc.Founder, role: enc.Role, master: master, invitations: make(map[InvitationID]*invitation)}
	if err := checkNamed(a.founder, a.Name(), a.role); err != nil {
		return nil, err
	}
	if a.next, err = enc.next(); err != nil {
		return nil, err
	}
	for i := range enc.Invitations {
		next := &enc.Invitations[i]
		if i > 0 && compareInvitations(enc.Invitations[i-1].ID, next.ID) >= 0 {
			return nil, fmt.Errorf("invitation %s is out of order", next.ID)
		}
		if a.invitations[next.ID], err = next.invitation(a.Name()); err != nil {
			return nil, fmt.Errorf("invitation %s: %w", next.ID, err)
		}
		a.invitations[next.ID].After = enc.After[i]
	}
	return a, nil
}

func (enc *authorityEncoding) next() (*abe.MasterKey, error) {
	if len(enc.Next) == 0 {
		return nil, nil
	}
	next, err := abe.ParseMasterKey(enc.Next)
	if err != nil {
		return nil, err
	}
	master, err := abe.ParseMasterKey(enc.Master)
	if err != nil {
		return nil, err
	}
	if next.PublicKey().Authority() != master.PublicKey().Authority() {
		return nil, errors.New("its next master key is another authority's")
	}
	return next, nil
}

// maxTime is the year 9999 in unix milliseconds.
const maxTime = 253402300799999

func (enc *invitationEncoding) invitation(authority policy.Authority) (*invitation, error) {
	if enc.Uses > MaxUses || len(enc.Taken) > int(enc.Uses) || enc.Expires <= 0 || enc.Expires > maxTime {
		return nil, fmt.Errorf("%d of %d seats taken, expiry %d", len(enc.Taken), enc.Uses, enc.Expires)
	}
	for i, gid := range enc.Taken {
		if _, err := identity.ParseGID(string(gid)); err != nil {
			return nil, err
		}
		if i > 0 && enc.Taken[i-1] >= gid {
			return nil, fmt.Errorf("the seat of %s is out of order", gid)
		}
	}
	inv := &invitation{key: enc.Key}
	inv.ID, inv.Taken = enc.ID, enc.Taken
	inv.Offer = Offer{Attributes: enc.Attributes, Uses: int(enc.Uses), Expires: time.UnixMilli(enc.Expires), Note: enc.Note}
	return inv, inv.check(authority)
}
