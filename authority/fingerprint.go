package authority

import (
	"fmt"
	"strings"

	"github.com/phrledger/phr/crypto/abe"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
)

// Fingerprint is the first 160 bits of the hash of a registration event, for people to compare. It pins the founder, the
// name, the role and the key.
type Fingerprint [groupedSize]byte

// FingerprintOf returns the fingerprint of the registration with the given event hash.
func FingerprintOf(registration ledger.Hash) Fingerprint {
	return Fingerprint(registration[:groupedSize])
}

// ParseFingerprint reads what String writes, in upper or lower case and with or without hyphens. It fails with ErrMalformed.
func ParseFingerprint(s string) (Fingerprint, error) {
	before, b, err := ungroup(s)
	if err != nil {
		return Fingerprint{}, fmt.Errorf("fingerprint: %w", err)
	}
	if strings.Trim(before, "- \t\r\n") != "" {
		return Fingerprint{}, fmt.Errorf("%w: a fingerprint has %d characters, this has more", ErrMalformed, symbolCount)
	}
	return b, nil
}

// String returns the fingerprint as 8 groups of 4 characters.
func (f Fingerprint) String() string { return group(f) }

// Endorse returns what the registry says to give a name to the founder of a registration. The fingerprint comes from the
// founder by a way that the node has no part in. It fails unless the entry registers that name and has that fingerprint, and
// for a key without proof that the founder made it.
func Endorse(name policy.Authority, f Fingerprint, registration *ledger.Entry) (*ledger.AuthorityEndorsed, error) {
	body, ok := registration.Body.(*ledger.AuthorityRegistered)
	if !ok || body.Name != name {
		return nil, fmt.Errorf("endorsing %s: the event does not register it", name)
	}
	if FingerprintOf(registration.Hash) != f {
		return nil, fmt.Errorf("endorsing %s: the registration has the fingerprint %s, not %s: ask the founder which is theirs",
			name, FingerprintOf(registration.Hash), f)
	}
	key, err := abe.ParsePublicKey(body.Key)
	if err != nil {
		return nil, fmt.Errorf("endorsing %s: %w", name, err)
	}
	if key.Authority() != name {
		return nil, fmt.Errorf("endorsing %s: the key is made for %s", name, key.Authority())
	}
	return &ledger.AuthorityEndorsed{Name: name, Founder: registration.Author, Registration: registration.Hash}, nil
}
