package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"strings"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/client/agent"
	"github.com/phrledger/phr/crypto/keystore"
	"github.com/phrledger/phr/crypto/recovery"
	"github.com/phrledger/phr/ledger/stream"
	"github.com/phrledger/phr/projections/chart/fhir"
)

// The exit codes.
const (
	failed  = 1 // refused, or gone wrong
	misused = 2 // not a command line that can be run
)

// usageError is a command line that can't be run as it stands.
type usageError struct{ text, hint string }

func (u *usageError) Error() string { return u.text }

// hinted is an error with what to do about it.
type hinted struct {
	error
	hint string
}

func (h *hinted) Unwrap() error { return h.error }

// report tells a person what went wrong and what to do, and returns the exit code.
func (e *env) report(err error) int {
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return 0
	}
	text, hint := err.Error(), hintOf(err)
	var told *stream.Error
	if errors.As(err, &told) && told.Hint != "" {
		text = strings.Replace(text, told.Error(), told.Text, 1)
	}
	for line := range strings.Lines(text) {
		fmt.Fprintln(e.stderr, "phr:", fhir.Printable(strings.TrimSuffix(line, "\n")))
	}
	if hint != "" {
		fmt.Fprintln(e.stderr, "hint:", fhir.Printable(hint))
	}
	var usage *usageError
	if errors.As(err, &usage) {
		return misused
	}
	return failed
}

// hintOf says what to do about an error, where that helps.
func hintOf(err error) string {
	var usage *usageError
	var more *hinted
	var told *stream.Error
	switch {
	case errors.As(err, &usage):
		return usage.hint
	case errors.As(err, &more):
		return more.hint
	case errors.As(err, &told) && told.Hint != "":
		return told.Hint
	case errors.Is(err, keystore.ErrPassphrase):
		return "check the passphrase, or the file that --passphrase-file names"
	case errors.Is(err, keystore.ErrRecovery):
		return "check that the sheet is that of this home; a newer sheet takes the place of an older one"
	case errors.Is(err, client.ErrCode):
		return "check that the sheet is that of this identity; a newer sheet takes the place of an older one"
	case errors.Is(err, recovery.ErrShares):
		return "check each against its sheet; shares of words that were replaced since open nothing any more"
	case errors.Is(err, client.ErrAgent):
		return "name the passphrase's file with --passphrase-file, or end the agent"
	case errors.Is(err, agent.ErrLocked):
		return "phr agent unlock"
	case errors.Is(err, agent.ErrAway):
		return "start it again with 'phr agent', or end it, and do this again"
	case errors.Is(err, client.ErrUnsealed):
		return "try again in a moment"
	case errors.Is(err, client.ErrNotShared):
		return "phr patients lists what is shared with you; more is the patient's to grant"
	case errors.Is(err, context.DeadlineExceeded):
		return "what was asked for may still happen: look before doing it again"
	}
	return ""
}

// quote shows what somebody typed.
func quote(s string) string { return `"` + fhir.Printable(s) + `"` }
