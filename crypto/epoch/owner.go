package epoch

import (
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/phrledger/phr/crypto/canonical"
	"github.com/phrledger/phr/crypto/identity"
)

// OwnerInfo names the owner part to the identity's sealing, as its info.
const OwnerInfo = partLabel + ownerPart

// Opener opens what is sealed to a person: an *identity.Identity with the keys at hand, or an agent that has them.
type Opener interface {
	Open(info string, aad, sealed []byte) ([]byte, error)
}

// SealOwner seals both keys of an epoch to the patient, who so depends on no authority. Without the history key it fails
// with ErrNoHistory.
func SealOwner(patient *identity.Keys, at Place, keys *Keys) ([]byte, error) {
	if !keys.hasHistory {
		return nil, fmt.Errorf("sealing owner part: %w", ErrNoHistory)
	}
	aad, err := canonical.Marshal(at.part(ownerPart, keys.KID(), 0))
	if err != nil {
		return nil, fmt.Errorf("sealing owner part: %w", err)
	}
	sealed, err := patient.SealTo(OwnerInfo, aad, keys.bytes())
	if err != nil {
		return nil, fmt.Errorf("sealing owner part: %w", err)
	}
	return append([]byte{partFormat}, sealed...), nil
}

// OpenOwner opens the owner part with the patient's identity. The keys returned are those that the epoch's event
// committed to by kid and hid. Everything else is ErrOpen, but for errors of an agent, which are returned as they are.
func OpenOwner(patient Opener, at Place, kid, hid [sha256.Size]byte, sealed []byte) (*Keys, error) {
	aad, err := canonical.Marshal(at.part(ownerPart, kid, 0))
	if err != nil {
		return nil, fmt.Errorf("opening owner part: %w", err)
	}
	if len(sealed) == 0 || sealed[0] != partFormat {
		return nil, fmt.Errorf("opening owner part: %w", ErrOpen)
	}
	b, err := patient.Open(OwnerInfo, aad, sealed[1:])
	switch {
	case errors.Is(err, identity.ErrOpen):
		return nil, fmt.Errorf("opening owner part: %w", ErrOpen)
	case err != nil: // of the opener: it says nothing of the part
		return nil, fmt.Errorf("opening owner part: %w", err)
	}
	keys, err := checkedPair(b, kid, hid)
	if err != nil {
		return nil, fmt.Errorf("opening owner part: %w", err)
	}
	return keys, nil
}
