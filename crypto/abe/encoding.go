package abe

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/phrledger/phr/crypto/canonical"
	"github.com/phrledger/phr/crypto/policy"
)

// encode panics on an error: its arguments are this package's fixed structs.
func encode(v any) []byte {
	b, err := canonical.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

// maxEncoding is more than the longest valid encoding of anything here: a ciphertext of policy.MaxLeaves rows.
const maxEncoding = 64 << 10

func decode(b []byte, v any) error {
	if len(b) > maxEncoding {
		return fmt.Errorf("%w: %d bytes", ErrMalformed, len(b))
	}
	if err := canonical.Unmarshal(b, v); err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return nil
}

func checkSuite(s Suite) error {
	if s != RW15BLS12381 {
		return fmt.Errorf("%w: unknown suite %d", ErrMalformed, s)
	}
	return nil
}

func validGID(gid string) bool { return policy.Authority(gid).IsGID() }

func validAuthority(a policy.Authority) bool {
	parsed, err := policy.ParseAuthority(string(a))
	return err == nil && parsed == a
}

// checkIssuer accepts the suite and the authority of a key.
func checkIssuer(s Suite, a policy.Authority) error {
	if err := checkSuite(s); err != nil {
		return err
	}
	if !validAuthority(a) {
		return fmt.Errorf("%w: not an authority", ErrMalformed)
	}
	return nil
}

func validAttribute(a policy.Attribute) bool {
	parsed, err := policy.ParseAttribute(a.String())
	return err == nil && parsed == a
}

// versionedName is what F hashes: "doctor@city-hospital#3".
func versionedName(a policy.Attribute, version uint32) string {
	return a.String() + "#" + strconv.FormatUint(uint64(version), 10)
}

// versionedText is the canonical text of p with each attribute's version behind it. It stands in ciphertexts alone and is
// never accepted from a person.
func versionedText(p *policy.Policy, version map[policy.Attribute]uint32) string {
	text := p.String()
	var b strings.Builder
	for _, leaf := range p.Leaves() {
		// Nothing but attributes holds an @, so the first match is this leaf's.
		before, after, _ := strings.Cut(text, leaf.String())
		b.WriteString(before)
		b.WriteString(versionedName(leaf, version[leaf]))
		text = after
	}
	b.WriteString(text)
	return b.String()
}

// parseVersionedText is the inverse of versionedText.
func parseVersionedText(text string) (*policy.Policy, map[policy.Attribute]uint32, error) {
	parts := strings.Split(text, "#")
	if len(parts) > policy.MaxLeaves+1 {
		return nil, nil, fmt.Errorf("%w: %d attribute versions", ErrMalformed, len(parts)-1)
	}
	plain := parts[0]
	versions := make([]uint32, len(parts)-1)
	for i, part := range parts[1:] {
		after := strings.TrimLeft(part, "0123456789")
		v, err := strconv.ParseUint(part[:len(part)-len(after)], 10, 32)
		if err != nil {
			return nil, nil, fmt.Errorf("%w: attribute version", ErrMalformed)
		}
		versions[i] = uint32(v)
		plain += after
	}
	p, err := policy.Parse(plain)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	leaves := p.Leaves()
	if len(leaves) != len(versions) {
		return nil, nil, fmt.Errorf("%w: %d versions for %d attributes", ErrMalformed, len(versions), len(leaves))
	}
	version := make(map[policy.Attribute]uint32, len(leaves))
	for i, leaf := range leaves {
		version[leaf] = versions[i]
	}
	if versionedText(p, version) != text {
		return nil, nil, fmt.Errorf("%w: policy is not in canonical form", ErrMalformed)
	}
	return p, version, nil
}
