package epoch

import (
	"crypto/sha256"
	"fmt"

	"github.com/phrledger/phr/crypto/canonical"
	"github.com/phrledger/phr/crypto/identity"
)

// ownerInfo names the owner part to the identity's sealing, as its info.
const ownerInfo = partLabel + ownerPart

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
	sealed, err := patient.SealTo(ownerInfo, aad, keys.bytes())
	if err != nil {
		return nil, fmt.Errorf("sealing owner part: %w", err)
	}
	return append([]byte{partFormat}, sealed...), nil
}

// OpenOwner opens the owner part with the patient's identity. The keys returned are those that the epoch's event
// committed to by kid and hid. Everything else is ErrOpen.
func OpenOwner(patient *identity.Identity, at Place, kid, hid [sha256.Size]byte, sealed []byte) (*Keys, error) {
	aad, err := canonical.Marshal(at.part(ownerPart, kid, 0))
	if err != nil {
		return nil, fmt.Errorf("opening owner part: %w", err)
	}
	if len(sealed) == 0 || sealed[0] != partFormat {
		return nil, fmt.Errorf("opening owner part: %w", ErrOpen)
	}
	b, err := patient.Open(ownerInfo, aad, sealed[1:])
	if err != nil {
		return nil, fmt.Errorf("opening owner part: %w", ErrOpen)
	}
	keys, err := checkedPair(b, kid, hid)
	if err != nil {
		return nil, fmt.Errorf("opening owner part: %w", err)
	}
	return keys, nil
}
