package ledger

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/policy"
)

// Compartment names a part of a patient's record that is granted, sealed and ordered by itself.
type Compartment string

// The compartments every patient has. Profile holds the patient's own authority, Access the log of who opened what,
// written by the node; neither holds records.
const (
	Profile  Compartment = "profile"
	Access   Compartment = "access"
	Health   Compartment = "health"
	Training Compartment = "training"
)

// Reserved tells whether c is one of the compartments that hold no records.
func (c Compartment) Reserved() bool { return c == Profile || c == Access }

// ParseCompartment reads a compartment's name: a letter, then up to 30 letters, digits or hyphens, all lower case.
func ParseCompartment(s string) (Compartment, error) {
	if !isName(s) {
		return "", fmt.Errorf("%w: compartment %q: use 2 to 31 of a-z, 0-9 and -, a letter first", ErrMalformed, Clip(s))
	}
	return Compartment(s), nil
}

// isName tells whether s is a name that may stand as a token of a subject: [a-z][a-z0-9-]{1,30}.
func isName(s string) bool {
	if len(s) < 2 || len(s) > 31 || s[0] < 'a' || s[0] > 'z' {
		return false
	}
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}

// Space is the kind of thing a chain is about, and the first token of its subjects.
type Space string

// The spaces of the log.
const (
	RecordSpace    Space = "phr"  // a compartment of a patient
	PersonSpace    Space = "id"   // a person's own keys
	AuthoritySpace Space = "auth" // an attribute authority
	NodeSpace      Space = "node" // a node
)

// Chain names one chain. It is comparable; the zero Chain is no chain.
type Chain struct {
	Space       Space
	Owner       string      // a GID, or an authority's name
	Compartment Compartment // of a record chain only
}

// RecordChain returns the chain of a patient's compartment.
func RecordChain(patient identity.GID, c Compartment) Chain {
	return Chain{RecordSpace, string(patient), c}
}

// PersonChain returns the chain of a person's keys.
func PersonChain(gid identity.GID) Chain { return Chain{Space: PersonSpace, Owner: string(gid)} }

// AuthorityChain returns the chain of an authority that has a name.
func AuthorityChain(name policy.Authority) Chain {
	return Chain{Space: AuthoritySpace, Owner: string(name)}
}

// NodeChain returns the chain of a node.
func NodeChain(gid identity.GID) Chain { return Chain{Space: NodeSpace, Owner: string(gid)} }

// Shard returns the two hex digits that stand in the subjects of an owner, so that a log may be split by them later.
func Shard(owner string) string {
	sum := sha256.Sum256([]byte(owner))
	return hex.EncodeToString(sum[:1])
}

// String returns the subject prefix that all events of the chain share.
func (c Chain) String() string {
	switch c.Space {
	case RecordSpace:
		return strings.Join([]string{string(RecordSpace), Shard(c.Owner), c.Owner, string(c.Compartment)}, ".")
	case PersonSpace:
		return strings.Join([]string{string(PersonSpace), Shard(c.Owner), c.Owner}, ".")
	default:
		return string(c.Space) + "." + c.Owner
	}
}

// MarshalText returns the subject prefix, for JSON.
func (c Chain) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads the subject prefix, for JSON.
func (c *Chain) UnmarshalText(text []byte) (err error) {
	*c, err = ParseChain(string(text))
	return err
}

// Filter returns the subject filter that matches exactly the events of the chain.
func (c Chain) Filter() string { return c.String() + ".>" }

// Subject returns the subject of an event of kind k on the chain.
func (c Chain) Subject(k Kind) string { return c.String() + "." + k.token() }

// GID returns the GID of the patient, person or node that owns the chain; an authority's chain has none.
func (c Chain) GID() identity.GID {
	if c.Space == AuthoritySpace {
		return ""
	}
	return identity.GID(c.Owner)
}

// Authority returns the authority that speaks on the chain: the name's, or on a record chain the patient's own.
func (c Chain) Authority() policy.Authority { return policy.Authority(c.Owner) }

// Control tells whether entries of the chain are control entries: those that entries of other chains are judged by.
func (c Chain) Control() bool { return c.Space != RecordSpace }

// ParseChain reads what String writes.
func ParseChain(s string) (Chain, error) {
	tokens := strings.SplitN(s, ".", 5)
	c := Chain{Space: Space(tokens[0])}
	switch {
	case c.Space == RecordSpace && len(tokens) == 4:
		c.Owner, c.Compartment = tokens[2], Compartment(tokens[3])
	case c.Space == PersonSpace && len(tokens) == 3:
		c.Owner = tokens[2]
	case (c.Space == AuthoritySpace || c.Space == NodeSpace) && len(tokens) == 2:
		c.Owner = tokens[1]
	}
	if !c.valid() || c.String() != s {
		return Chain{}, fmt.Errorf("%w: chain %q", ErrMalformed, Clip(s))
	}
	return c, nil
}

// valid tells whether each token of the chain is of its type.
func (c Chain) valid() bool {
	if c.Space == AuthoritySpace {
		a, err := policy.ParseAuthority(c.Owner)
		return err == nil && string(a) == c.Owner && !a.IsGID()
	}
	if _, err := identity.ParseGID(c.Owner); err != nil {
		return false
	}
	return c.Space != RecordSpace || isName(string(c.Compartment))
}
