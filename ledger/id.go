package ledger

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"
)

// ID is a ULID that names one kind of thing; the type parameter keeps a term's id from being used as an event's. Its text
// is lower case. Order and time never come from it: the time inside is its author's claim.
type ID[thing any] [16]byte

// What an ID may name.
type (
	EventID      = ID[eventThing]
	TermID       = ID[termThing]
	SessionID    = ID[sessionThing]
	SubmissionID = ID[submissionThing]
)

type (
	eventThing      struct{}
	termThing       struct{}
	sessionThing    struct{}
	submissionThing struct{}
)

// NewID draws an id at time now.
func NewID[thing any](rand io.Reader, now time.Time) (ID[thing], error) {
	u, err := ulid.New(ulid.Timestamp(now), rand)
	if err != nil {
		return ID[thing]{}, fmt.Errorf("drawing an id: %w", err)
	}
	return ID[thing](u), nil
}

// ParseID reads the text form: 26 lower-case characters of Crockford's base 32 that do not overflow 128 bits.
func ParseID[thing any](s string) (ID[thing], error) {
	var id ID[thing]
	if len(s) != ulid.EncodedSize || s != strings.ToLower(s) {
		return id, fmt.Errorf("%w: id %q is not a lower-case ULID of 26 characters", ErrMalformed, Clip(s))
	}
	u, err := ulid.ParseStrict(strings.ToUpper(s))
	if err != nil {
		return id, fmt.Errorf("%w: id %q: %w", ErrMalformed, Clip(s), err)
	}
	if id = ID[thing](u); id.String() != s {
		return ID[thing]{}, fmt.Errorf("%w: id %q is not in canonical form", ErrMalformed, Clip(s))
	}
	return id, nil
}

// String returns the lower-case ULID.
func (id ID[thing]) String() string { return strings.ToLower(ulid.ULID(id).String()) }

// MarshalText returns the lower-case ULID, for JSON.
func (id ID[thing]) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads the lower-case ULID, for JSON.
func (id *ID[thing]) UnmarshalText(text []byte) (err error) {
	*id, err = ParseID[thing](string(text))
	return err
}

// IsZero tells whether id is unset.
func (id ID[thing]) IsZero() bool { return id == ID[thing]{} }

// NewEventID draws an event's id. See NewID.
func NewEventID(rand io.Reader, now time.Time) (EventID, error) { return NewID[eventThing](rand, now) }

// NewTermID draws a term's id. See NewID.
func NewTermID(rand io.Reader, now time.Time) (TermID, error) { return NewID[termThing](rand, now) }

// NewSessionID draws a session's id. See NewID.
func NewSessionID(rand io.Reader, now time.Time) (SessionID, error) {
	return NewID[sessionThing](rand, now)
}

// NewSubmissionID draws a submission's id. See NewID.
func NewSubmissionID(rand io.Reader, now time.Time) (SubmissionID, error) {
	return NewID[submissionThing](rand, now)
}

// ParseEventID reads an event's id. See ParseID.
func ParseEventID(s string) (EventID, error) { return ParseID[eventThing](s) }

// ParseTermID reads a term's id. See ParseID.
func ParseTermID(s string) (TermID, error) { return ParseID[termThing](s) }
