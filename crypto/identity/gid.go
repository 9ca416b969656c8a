package identity

import (
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"strings"
)

// GID is the global identifier of a person, authority or node, and names a patient's record: 32 characters of a-z2-7,
// which carry 160 bits of the hash of an Inception. A GID from outside goes through ParseGID.
type GID string

const (
	gidSize     = 32
	gidAlphabet = "abcdefghijklmnopqrstuvwxyz234567"
)

var gidEncoding = base32.NewEncoding(gidAlphabet).WithPadding(base32.NoPadding)

// ParseGID returns s as a GID, or ErrMalformed. It changes nothing: upper case is refused. That some Inception has this
// GID is not checked here.
func ParseGID(s string) (GID, error) {
	if len(s) != gidSize || strings.Trim(s, gidAlphabet) != "" {
		return "", fmt.Errorf("%w: %.40q is not a GID, which is 32 characters of a-z and 2-7", ErrMalformed, s)
	}
	return GID(s), nil
}

// Inception is what a GID commits to: the first public keys of someone, and the hash of the public key that may replace
// them.
type Inception struct {
	Keys     *Keys
	Recovery [32]byte
}

// ParseInception checks the two public keys as ParseKeys does, and that there is a recovery key: 32 bytes that are not all
// zero. It fails with ErrMalformed.
func ParseInception(sign, seal, recovery []byte) (*Inception, error) {
	keys, err := ParseKeys(sign, seal)
	if err != nil {
		return nil, err
	}
	hash, err := parseRecoveryHash(recovery)
	if err != nil {
		return nil, err
	}
	return &Inception{Keys: keys, Recovery: hash}, nil
}

// GID returns base32(SHA-256("phr/gid/1" ‖ signing key ‖ sealing key ‖ recovery hash)), cut to 32 characters.
func (i *Inception) GID() GID {
	h := sha256.New()
	h.Write([]byte("phr/gid/1"))
	h.Write(i.Keys.Sign[:])
	h.Write(i.Keys.Seal)
	h.Write(i.Recovery[:])
	return GID(gidEncoding.EncodeToString(h.Sum(nil))[:gidSize])
}
