package recovery

import (
	"crypto/hkdf"
	"crypto/sha256"
)

// IdentitySeed returns the seed, 32 bytes, of the Ed25519 key that may replace the keys of an identity.
func (s *Secret) IdentitySeed() []byte { return s.derive("phr/recovery/identity/1") }

// KeystoreSecret returns the secret, 32 bytes, of a keystore's slot that the recovery words open.
func (s *Secret) KeystoreSecret() []byte { return s.derive("phr/recovery/keystore/1") }

// EscrowSeed returns the seed, 32 bytes, of the X-Wing key to which a person's machine seals what the person needs after
// everything else is lost. Its public half is kept on the machine, so that the words are not needed for sealing.
func (s *Secret) EscrowSeed() []byte { return s.derive("phr/recovery/escrow/1") }

func (s *Secret) derive(name string) []byte {
	key, err := hkdf.Key(sha256.New, s.open(), nil, name, 32)
	if err != nil {
		panic(err) // 32 bytes are never too many
	}
	return key
}
