// Package projections folds the log into tables that can be asked: who is who, what was written when, who looked.
//
// A Projection says how one entry changes its tables. A Runner follows the log, judges each entry by the rules of package
// ledger, and applies those that count. A batch as it is fetched is one transaction, with the rows it makes, the place in
// the log it reaches and the hash of all that was decided up to there. So a crash at any point loses nothing and repeats
// nothing, and tables that are deleted and filled again from the beginning of the log are the same tables.
//
// What does not count is left out and listed. What can't be read, or must not be applied by this version of phr, or is
// refused by a projection, quarantines its chain: nothing that follows on it is applied, Health shows it, and Quarantined
// tells the gate to keep its owner's record closed. Other chains go on.
//
// Tables hold metadata only: a node has nothing else. They are never asked whether an event may be appended or a session
// opened; that is decided on a ledger.State that has caught up.
package projections

import (
	"context"
	"database/sql"

	"github.com/phrledger/phr/ledger"
)

// Projection is a fold of the log into tables.
type Projection interface {
	// Name says which projection it is, in errors and reports.
	Name() string
	// Schema is the SQL that makes the tables, the names of which no other projection uses. When its text changes, the tables
	// are made and filled anew; a comment in it with a number says that Apply changed where the tables did not.
	Schema() string
	// Apply changes the tables by an entry that counts. It depends on the tables and its arguments alone: no clock, no
	// randomness, no network. An error quarantines the entry's chain, and what Apply did is undone.
	Apply(tx *sql.Tx, e *ledger.Entry, at Place) error
}

// Place is where an entry stands in the log.
type Place struct {
	Sequence uint64 // in the stream, from 1
	Count    uint64 // among the control entries, itself included; 0 for an entry that is none
}

// Message is an entry as the stream holds it.
type Message struct {
	Sequence uint64
	Subject  string
	Data     []byte
}

// Source is the stream.
type Source interface {
	// Follow hands fn what the stream holds, in order and without gaps, from the sequence from on (the first is 1), as many
	// messages at once as are there, and goes on with new ones until ctx ends or fn fails. It returns that error.
	Follow(ctx context.Context, from uint64, fn func([]Message) error) error
	// Last returns the newest sequence there is, 0 in an empty stream.
	Last(ctx context.Context) (uint64, error)
}
