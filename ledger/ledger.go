// Package ledger is the vocabulary of the log: events, the chains they stand on, the entries that hold them, the one
// encoding of each, and the rules by which an entry counts.
//
// An Event is what an author signs. A Chain is the sequence of events about one thing: a compartment of a patient's
// record, a person's keys, an authority, a node. An Entry is an event with its place in the log: when the node received
// it and which facts of other chains it is judged by. State is the fold of entries; State.Fold is the only judge, for the
// node that accepts an event, the projections that read it and the auditor who replays it years later. Everything it
// needs stands in the log.
//
// The integer keys of every encoded structure are listed in docs/formats.md. A byte with the format's version leads each
// encoded event and entry.
package ledger

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
)

// ErrMalformed is wrapped by every error about bytes or text that is not a valid encoding.
var ErrMalformed = errors.New("malformed")

// Hash is a SHA-256 digest: of an event (see Event.Hash), a part or a public key.
type Hash [sha256.Size]byte

// String returns the digest in hex.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// MarshalText returns the digest in hex, for JSON.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText reads the hex form, for JSON.
func (h *Hash) UnmarshalText(text []byte) (err error) {
	*h, err = ParseHash(string(text))
	return err
}

// IsZero tells whether h is unset.
func (h Hash) IsZero() bool { return h == Hash{} }

// ParseHash reads the hex form.
func ParseHash(s string) (Hash, error) {
	var h Hash
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(h) || s != hex.EncodeToString(b) {
		return h, fmt.Errorf("%w: hash %q is not 64 lower-case hex digits", ErrMalformed, Clip(s))
	}
	copy(h[:], b)
	return h, nil
}

// Clip shortens untrusted text for use in an error message.
func Clip(s string) string {
	const most = 48
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}
