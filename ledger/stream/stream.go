// Package stream is the ledger in NATS JetStream: appending entries in atomic batches, reading and following them, the
// erasable parts beside them, the services a node offers to people, and the connection a person has to a node.
//
// To this package an entry is bytes under a subject. What they mean, who signed them and whether they may stand there is
// decided above it; it vouches for order, durability and completeness only. What Append acknowledged is on disk. What
// Follow delivers has no holes, or Follow ends with a *GapError.
//
// # Two accounts
//
// The ledger, its consumers and every service live in one NATS account, people in another one that has no JetStream.
// Between them stands a table of service imports, Imports. The reason is that NATS checks no permission on a reply
// subject, and JetStream answers with the power of the account it runs in: a reader that shared the ledger's account
// could delete the ledger by naming its delete call as the place for a reply. A service import rewrites the reply
// subject, so that a reply can only go back to the account the request came from.
//
// # What this does not protect
//
// Whoever holds the keys of the ledger's account can delete it. JetStream's own sequence numbers and timestamps change
// when a stream is restored, so nothing here identifies an entry for good: its hash does. One damaged bit on disk loses
// acknowledged messages silently; readers notice the hole, and a copy elsewhere repairs it.
package stream

import (
	"errors"
	"fmt"
	"strings"
)

// Names of the two streams in the ledger's account.
const (
	LedgerName = "LEDGER" // append-only: every event there is
	KeysName   = "KEYS"   // erasable: wraps, links and shreds, one message a subject
)

// MaxBatch is the largest number of messages one Append takes. It is the server's own limit for atomic batches.
const MaxBatch = 1000

// ErrConflict is returned, wrapped, when a chain has moved on since the caller read its head. Nothing was appended. The
// caller catches up, signs again and tries again.
var ErrConflict = errors.New("the chain has moved on")

// ErrDuplicate is returned, wrapped, when an ID of the batch is in the ledger already with other bytes, or with other
// neighbours. Nothing was appended. Appending the very same messages again is no error: it returns where they are.
var ErrDuplicate = errors.New("an entry of this id is in the ledger already")

// ErrNotFound is returned, wrapped, for a part that is not there: never stored, or erased.
var ErrNotFound = errors.New("no such part")

// A GapError says that entries which were acknowledged are missing. Retrying does not help: the stream was damaged,
// truncated or made anew, and has to be repaired from another copy before this node serves anybody.
type GapError struct {
	Want    uint64 // the sequence that should have come next, or 0 if it is not known which are missing
	Got     uint64 // the one that came, or 0 if the ledger ends before Want
	Last    uint64 // the newest sequence that was read or is known
	Missing uint64 // without Want: how many of those up to Last
}

// Error says what is missing.
func (e *GapError) Error() string {
	switch {
	case e.Want == 0:
		return fmt.Sprintf("%d entries of the ledger up to %d are missing", e.Missing, e.Last)
	case e.Got == 0:
		return fmt.Sprintf("the ledger ends at %d, before entry %d", e.Last, e.Want)
	}
	return fmt.Sprintf("entries %d to %d of the ledger are missing", e.Want, e.Got-1)
}

// An UnsafeError lists why a server, an account or a stream can't be trusted with the ledger.
type UnsafeError struct {
	What   string   // "stream LEDGER", "server", "account CLIENTS"
	Faults []string // each in words, never empty
}

// Error joins the faults.
func (e *UnsafeError) Error() string {
	return fmt.Sprintf("unsafe configuration of %s: %s", e.What, strings.Join(e.Faults, "; "))
}
