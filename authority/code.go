package authority

import (
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"io"
	"strings"

	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
)

const (
	secretSize = 16
	maxCode    = 256 // characters of a code as typed; as printed it has at most 71
)

// Code is what an invited person types: the authority's name, a secret of 128 bits and a checksum over both. The invitation's
// id and the key of the proof are derived from the secret, so that the authority keeps no code. It is comparable, prints as
// "redacted", and has no useful zero value.
type Code struct {
	redacted
	authority policy.Authority
	secret    [secretSize]byte
}

func newCode(rand io.Reader, authority policy.Authority) (Code, error) {
	c := Code{authority: authority}
	if _, err := io.ReadFull(rand, c.secret[:]); err != nil {
		return Code{}, fmt.Errorf("drawing a code: %w", err)
	}
	return c, nil
}

// ParseCode reads what Text writes, in upper or lower case, with or without the hyphens between the groups, and with white
// space anywhere. A mistyped character goes unnoticed once in four billion times. The error, ErrMalformed, shows nothing of
// the secret.
func ParseCode(s string) (Code, error) {
	if len(s) > maxCode {
		return Code{}, fmt.Errorf("%w: an invitation code has at most %d characters", ErrMalformed, maxCode)
	}
	before, b, err := ungroup(s)
	if err != nil {
		return Code{}, fmt.Errorf("invitation code: %w", err)
	}
	name, found := strings.CutSuffix(strings.TrimSpace(before), "-")
	if !found {
		return Code{}, fmt.Errorf("%w: the invitation code does not begin with an authority's name and a hyphen", ErrMalformed)
	}
	authority, err := policy.ParseAuthority(name)
	if err != nil || authority.IsGID() {
		return Code{}, fmt.Errorf("%w: the invitation code does not begin with an authority's name", ErrMalformed)
	}
	c := Code{authority: authority, secret: [secretSize]byte(b[:])}
	if subtle.ConstantTimeCompare(c.checksum(), b[secretSize:]) != 1 {
		return Code{}, fmt.Errorf("%w: the invitation code is mistyped: compare it character by character", ErrMalformed)
	}
	return c, nil
}

// Text returns the code as it is handed over, such as city-hospital-7K3M-…, and is secret.
func (c Code) Text() string {
	b := append(c.secret[:], c.checksum()...)
	return string(c.authority) + "-" + group([groupedSize]byte(b))
}

// Authority returns who invites.
func (c Code) Authority() policy.Authority { return c.authority }

// Invitation returns the id of the invitation, which is not secret.
func (c Code) Invitation() InvitationID {
	return InvitationID(c.derive("phr/enrol/id", len(InvitationID{})))
}

// key is what possession of the code is proved with.
func (c Code) key() []byte { return c.derive("phr/enrol/key", proofKeySize) }

func (c Code) derive(name string, size int) []byte {
	b, err := hkdf.Key(sha256.New, c.secret[:], nil, name+"\x00"+string(c.authority), size)
	if err != nil {
		panic(err) // only for lengths beyond HKDF's
	}
	return b
}

func (c Code) checksum() []byte {
	h := sha256.New()
	h.Write([]byte("phr/enrol/code\x00" + string(c.authority) + "\x00"))
	h.Write(c.secret[:])
	return h.Sum(nil)[:groupedSize-secretSize]
}

// InvitationID names an invitation, on the log and to the authority. It is not secret.
type InvitationID = ledger.ID[invitationThing]

type invitationThing struct{}

// ParseInvitationID reads the text form: see ledger.ParseID.
func ParseInvitationID(s string) (InvitationID, error) { return ledger.ParseID[invitationThing](s) }
