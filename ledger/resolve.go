package ledger

import (
	"fmt"

	"github.com/phrledger/phr/crypto/abe"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/policy"
)

// AuthorityKeys returns the public keys in force of a policy's authorities.
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

// NamedKeys returns the public keys with given hashes of a policy's authorities, in order of its Authorities, in force or
// not: for opening what was sealed before a key was replaced or an authority suspended. Nothing is sealed to them any more.
func (s *State) NamedKeys(p *policy.Policy, hashes [][32]byte) ([]*abe.PublicKey, error) {
	names := p.Authorities()
	if len(hashes) != len(names) {
		return nil, fmt.Errorf("%d keys are named for %d authorities", len(hashes), len(names))
	}
	keys := make([]*abe.PublicKey, 0, len(names))
	for i, name := range names {
		key := s.keyNamed(name, hashes[i])
		if key == nil {
			return nil, fmt.Errorf("the log shows no key %s of %q", Hash(hashes[i]), name)
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// keyNamed returns the key with a hash of those that an authority or a patient has ever had; nil if there is none.
func (s *State) keyNamed(name policy.Authority, hash Hash) *abe.PublicKey {
	for _, key := range s.EveryKey(name) {
		if key.Hash() == hash {
			return key
		}
	}
	return nil
}

// EveryKey returns the public keys that an authority, or a patient as one, has ever had, the newest last: an attribute key that
// was issued under an earlier one opens what was sealed then. A key that was endorsed again stands there again.
func (s *State) EveryKey(name policy.Authority) (keys []*abe.PublicKey) {
	if g, ok := s.patients.get(identity.GID(name)); ok && name.IsGID() {
		for _, f := range g.keys {
			keys = append(keys, f.key)
		}
	}
	if a, ok := s.authorities.get(name); ok {
		for _, f := range a.facts {
			keys = append(keys, f.reg.key)
		}
	}
	return keys
}
