package view

import (
	"context"
	"errors"
	"strings"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/keystore"
	"github.com/phrledger/phr/ledger/stream"
	"github.com/phrledger/phr/ledger/tree"
	"github.com/phrledger/phr/projections/chart/fhir"
)

// said is what a person is told of an error that wraps another. Without a message it is told in its own words.
type said struct {
	of error
	Error
}

// saying is what persons are told, the graver first: of an error that wraps several, the first counts.
var saying = []said{
	{client.ErrLost, Error{
		CodeLost, "The server shows less than this device saw before, or something else.",
		"What you have seen here is kept, and nothing is sent.", "Don't write anything now. Ask whoever runs the server what happened.",
	}},
	{identity.ErrSignature, Error{
		CodeSignature, "Something that the server sent is not signed as it should be. It is not shown.",
		"Your record is as it was: nobody can change it without a key.", "Ask whoever runs the server what happened.",
	}},
	{tree.ErrNotProven, Error{
		CodeSignature, "The server could not prove what it sent. It is not shown.",
		"Your record is as it was: nobody can change it without a key.", "Ask whoever runs the server what happened.",
	}},
	{client.ErrErased, Error{CodeErased, "This was erased. Nobody can open it from the ledger any more.", "", ""}},
	{client.ErrNotShared, Error{CodeSealed, "This is not shared with you, or not any more.", "", "Ask the patient to share it with you."}},
	{client.ErrUnproven, Error{
		CodeUnproven, "The server has not proven lately that this is all there is, so no keys are given to others now.",
		"You can go on reading and writing, and you can stop sharing.", "Try again in a few minutes.",
	}},
	{client.ErrAsleep, Error{
		CodeAsleep, "Nothing was heard of this organisation for more than two days. It may have removed people since.",
		"Nobody was given anything.", "Try again when the organisation is back.",
	}},
	{client.ErrMoved, Error{CodeMoved, "Who can open this was changed since you looked.", "Nothing was changed now.", "Look again, and decide then."}},
	{client.ErrUnsealed, Error{CodeOther, "It is written, and not sealed yet.", "It will not get lost.", "Try again in a moment."}},
	{keystore.ErrPassphrase, Error{CodePassphrase, "This passphrase does not open it, or the file is damaged.", "", "Check the passphrase."}},
	{keystore.ErrRecovery, Error{
		CodePassphrase, "These words do not open it, or the file is damaged.", "", "Check that the sheet is the newest one of this identity.",
	}},
	{client.ErrCode, Error{
		CodePassphrase, "The identity does not answer to these words.", "", "Check that the sheet is the newest one of this identity.",
	}},
	{context.Canceled, Error{CodeOther, "This was stopped.", "", ""}},
}

var unreached = Error{
	CodeOffline, "The server can't be reached.", "What was opened stays readable here, and what you write waits on this device, sealed.",
	"It is sent when the server is back.",
}

// errorOf says to a person what went wrong.
func errorOf(err error) *Error {
	var told *Error
	if errors.As(err, &told) {
		return told
	}
	for _, s := range saying {
		if errors.Is(err, s.of) {
			return &s.Error
		}
	}
	if client.Unreached(err) {
		return &unreached
	}
	e := &Error{Code: CodeOther}
	text := err.Error()
	var answered *stream.Error
	if errors.As(err, &answered) && answered.Hint != "" {
		e.Todo = fhir.Printable(answered.Hint)
		text = strings.Replace(text, answered.Error(), answered.Text, 1)
	}
	e.Message = fhir.Printable(text)
	return e
}

// misused says what is wrong with what was asked.
func misused(message string) *Error { return &Error{Code: CodeInput, Message: message} }

// Say returns what a person is told of an error: what a View and the vault fail with.
func Say(err error) *Error { return errorOf(err) }
