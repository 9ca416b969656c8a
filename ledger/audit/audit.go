// Package audit replays a log from its first entry and says what is wrong with it. It needs no key that opens anything:
// signatures, chains, policies, attributes and sessions are all there to be verified by whoever has the log and the GID of
// the node's root.
//
// It judges by the rules of package ledger, as everybody does who reads the log, and shares nothing else with those who
// write it. Beside that it checks what the node has to do: every entry that does not count is marked by a rejected event,
// no other is, and log times are plausible. A few rules that matter most, about sessions and about who may ever write, it
// checks a second time in its own words.
//
// The tree over the log it makes a second time too, by transparency-dev/merkle and a map of heads of its own, and compares it with
// each checkpoint in the log, with a signed one that is shown beside it, with what somebody has kept, and with tiles on disk.
//
// # What an audit can't tell
//
// Whether log time was the true time. What is inside a wrap or a record. What was never put into the log. And, from the log
// alone, whether its end is missing, or whether others are shown another one: give it an earlier report, or a checkpoint that
// somebody else was shown, and it can.
//
// # What it holds
//
// Of a log of any length an audit holds the end of each chain, what ledger.State holds, the newest few thousand places for
// telling a replay from a fork, entries that do not count until a node marks them, what came since the newest checkpoint in the
// log (32 bytes an entry and 100 a signature), and its report. State grows with the log: by the id and the leaf of each event,
// which no later one may use again, and by the hash of each control entry, which any later entry may name as the one it is
// judged by.
package audit

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger/stream"
)

// Source delivers every entry of a log, in order from the first on, as many at once as it likes, and returns when there are
// no more, or with the error of fn. The entries are fn's to keep. An auditor's client has such a method.
type Source func(ctx context.Context, fn func([]stream.Entry) error) error

// Options are what an audit may be told. The zero value is ready.
type Options struct {
	Now      func() time.Time     // nil for time.Now: no entry can have been logged later
	Known    Kept                 // of an earlier report, or a checkpoint that was kept
	Progress func(entries uint64) // called now and then with how many have been replayed; nil for none

	Checkpoint []byte // the newest that the node showed before the log is read, a signed note; nil if it shows none
	Tiles      *Tiles // to be compared with the log, with the checkpoint there; nil if there are none
	Witnessed  []byte // the newest that the node showed with cosignatures; nil if that is the same, or there is none
	// Witnesses says why too few of them have signed that one, which the log has signed with the key; nil asks for none.
	Witnesses func(signed []byte, log note.Verifier) error

	left checks
}

// Run replays a log and returns what it found. The GID of the root is pinned: it stands in the node's address. An error
// means that the log could not be read to its end; entries missing from it are a finding instead.
func Run(ctx context.Context, root identity.GID, source Source, o Options) (*Report, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Known.Root != "" && o.Known.Root != root {
		return nil, fmt.Errorf("what was kept is of the log of %s, and this is the one of %s", o.Known.Root, root)
	}
	r := newReplay(root, o)
	r.readClaims()
	err := source(ctx, func(entries []stream.Entry) error {
		r.take(entries)
		if o.Progress != nil {
			o.Progress(r.report.Entries)
		}
		return ctx.Err()
	})
	var gap *stream.GapError
	switch {
	case errors.As(err, &gap):
		r.find(checkServed, Finding{Problem: Gap, Sequence: gap.Want, What: gap.Error()})
	case err != nil:
		return nil, fmt.Errorf("reading the log for audit: %w", err)
	}
	return r.finish(), nil
}
