package stream

import (
	"fmt"

	"github.com/phrledger/phr/crypto/canonical"
)

// Codes of errors that this package answers with by itself. Services have their own.
const (
	CodeBusy        = "busy"        // the service has more requests than it can take
	CodeDenied      = "denied"      // the session does not reach this subject
	CodeInternal    = "internal"    // the node failed; its log says how
	CodeUnavailable = "unavailable" // nobody serves this subject now
)

// An Error is what a service answers instead of data: canonical CBOR, under the header Phr-Error. Text and Hint are for
// the person at the other end: what happened and what to do. They never hold what the caller may not know.
type Error struct {
	Code string `cbor:"1,keyasint"`           // one lower-case word or two with '-', for programs
	Text string `cbor:"2,keyasint"`           // what happened
	Hint string `cbor:"3,keyasint,omitempty"` // what to do about it
}

// Error returns the text and the hint.
func (e *Error) Error() string {
	if e.Hint == "" {
		return e.Text
	}
	return e.Text + ": " + e.Hint
}

// hdrError marks an answer whose body is an Error.
const hdrError = "Phr-Error"

// answerOf returns the body of an answer, or the *Error it carries.
func answerOf(m *message) ([]byte, error) {
	if m.Header.Get(hdrError) == "" {
		return m.Data, nil
	}
	var e Error
	if err := canonical.Unmarshal(m.Data, &e); err != nil {
		return nil, fmt.Errorf("reading a service's error: %w", err)
	}
	return nil, &e
}
