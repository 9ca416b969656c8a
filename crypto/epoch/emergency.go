package epoch

import (
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

	"github.com/phrledger/phr/crypto/canonical"
	"github.com/phrledger/phr/crypto/identity"
)

// Share is a third of the key that the wrap of an emergency term is sealed under. It prints as "redacted".
type Share struct {
	redacted
	secret [KeySize]byte
}

// emergencyLabel names the key that three shares make.
const emergencyLabel = "phr/emergency/1\x00"

// ApprovedInfo names a share that is passed on to who asked for it, as the info of the identity's sealing.
const ApprovedInfo = "phr/breakglass.approved/1"

func approvalPart(term string) string { return "approval-" + term }
func releasePart(term string) string  { return "release-" + term }

// DrawShare draws a share from rand.
func DrawShare(rand io.Reader) (*Share, error) {
	s := new(Share)
	if _, err := io.ReadFull(rand, s.secret[:]); err != nil {
		return nil, fmt.Errorf("drawing share: %w", err)
	}
	return s, nil
}

// ShareOf makes a share of a secret, such as an encapsulated key.
func ShareOf(secret [KeySize]byte) *Share { return &Share{secret: secret} }

// ParseShare reads what Bytes returns.
func ParseShare(b []byte) (*Share, error) {
	if len(b) != KeySize {
		return nil, ErrOpen
	}
	return &Share{secret: [KeySize]byte(b)}, nil
}

// Bytes returns the share, which is secret.
func (s *Share) Bytes() []byte { return append([]byte(nil), s.secret[:]...) }

// EmergencyKey is what the wrap of an emergency term is sealed under, by SealWrap: it takes the requester's share, which the
// term's expression opens, the approver's, and the node's. Without any one of them nothing is known of it.
func EmergencyKey(requester, approver, node *Share) ([KeySize]byte, error) {
	secret := make([]byte, 0, 3*KeySize)
	for _, s := range []*Share{requester, approver, node} {
		secret = append(secret, s.secret[:]...)
	}
	defer clear(secret)
	key, err := hkdf.Key(sha256.New, secret, nil, emergencyLabel, KeySize)
	if err != nil {
		return [KeySize]byte{}, err
	}
	return [KeySize]byte(key), nil
}

// SealApproval seals the approver's share of a term. Key is what an encapsulation under the approvers' expression gave.
func SealApproval(rand io.Reader, key [KeySize]byte, at Place, kid [sha256.Size]byte, term string, share *Share) ([]byte, error) {
	sealed, err := at.part(approvalPart(term), kid, 0).seal(rand, key, share.secret[:])
	if err != nil {
		return nil, fmt.Errorf("sealing approval: %w", err)
	}
	return sealed, nil
}

// OpenApproval is the inverse of SealApproval. It fails with ErrOpen.
func OpenApproval(key [KeySize]byte, at Place, kid [sha256.Size]byte, term string, sealed []byte) (*Share, error) {
	b, err := at.part(approvalPart(term), kid, 0).open(key, sealed)
	if err != nil {
		return nil, fmt.Errorf("opening approval: %w", err)
	}
	return ParseShare(b)
}

// SealRelease seals the node's share of a term to the node.
func SealRelease(node *identity.Keys, at Place, kid [sha256.Size]byte, term string, share *Share) ([]byte, error) {
	info, aad, err := at.release(kid, term)
	if err != nil {
		return nil, fmt.Errorf("sealing release: %w", err)
	}
	sealed, err := node.SealTo(info, aad, share.secret[:])
	if err != nil {
		return nil, fmt.Errorf("sealing release: %w", err)
	}
	return append([]byte{partFormat}, sealed...), nil
}

// OpenRelease is the inverse of SealRelease. It fails with ErrOpen.
func OpenRelease(node *identity.Identity, at Place, kid [sha256.Size]byte, term string, sealed []byte) (*Share, error) {
	info, aad, err := at.release(kid, term)
	if err != nil {
		return nil, fmt.Errorf("opening release: %w", err)
	}
	if len(sealed) == 0 || sealed[0] != partFormat {
		return nil, fmt.Errorf("opening release: %w", ErrOpen)
	}
	b, err := node.Open(info, aad, sealed[1:])
	if err != nil {
		return nil, fmt.Errorf("opening release: %w", ErrOpen)
	}
	return ParseShare(b)
}

func (p Place) release(kid [sha256.Size]byte, term string) (info string, aad []byte, err error) {
	name := releasePart(term)
	aad, err = canonical.Marshal(p.part(name, kid, 0))
	return partLabel + name, aad, err
}

// PassShare seals an opened share to the one who asked for it. Context says which request it answers: it opens for no other.
func PassShare(to *identity.Keys, context []byte, share *Share) ([]byte, error) {
	return to.SealTo(ApprovedInfo, context, share.secret[:])
}

// ReceiveShare is the inverse of PassShare. It fails with ErrOpen.
func ReceiveShare(who Opener, context, sealed []byte) (*Share, error) {
	b, err := who.Open(ApprovedInfo, context, sealed)
	switch {
	case errors.Is(err, identity.ErrOpen):
		return nil, fmt.Errorf("opening a share passed on: %w", ErrOpen)
	case err != nil: // of an agent
		return nil, fmt.Errorf("opening a share passed on: %w", err)
	}
	return ParseShare(b)
}
