package ledger

import (
	"github.com/phrledger/phr/crypto/abe"
	"github.com/phrledger/phr/crypto/policy"
)

// AuthorityKeys returns the public keys in force of a policy's authorities: for opening a ciphertext that names older
// attribute versions.
func (s *State) AuthorityKeys(p *policy.Policy) ([]*abe.PublicKey, error) {
	keys := make([]*abe.PublicKey, 0, len(p.Authorities()))
	for _, name := range p.Authorities() {
		key, err := s.authorityKey(name, now)
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return keys, nil
}
