// Package timeline shows what was written into patients' records: when, by whom, what kind of event, how large, in which
// epoch. It knows no content, and nothing that the log does not show to whoever runs a node.
package timeline

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
)

// Line is one event in a patient's record.
type Line struct {
	Sequence    uint64             `json:"sequence"`
	Patient     identity.GID       `json:"patient"`
	Compartment ledger.Compartment `json:"compartment"`
	Number      uint64             `json:"number"` // in the compartment's chain
	Event       ledger.EventID     `json:"event"`
	Kind        ledger.Kind        `json:"kind"`
	Author      identity.GID       `json:"author"`
	Session     ledger.SessionID   `json:"session,omitzero"` // zero for the patient's own
	Logged      time.Time          `json:"logged"`
	Claimed     time.Time          `json:"claimed"`
	Epoch       uint32             `json:"epoch,omitempty"`  // of records and epoch events
	Media       string             `json:"media,omitempty"`  // media class of a record
	Bucket      uint32             `json:"bucket,omitempty"` // padded size of a record in bytes
	Refers      ledger.EventID     `json:"refers,omitzero"`  // of a record that amends or retracts another
	Acting      ledger.TermID      `json:"acting,omitzero"`  // by which the author acted for the patient
	Erased      bool               `json:"erased,omitempty"`
}

// Query asks for a page of lines, newest first.
type Query struct {
	Patient     identity.GID
	Compartment ledger.Compartment // empty for all of the patient's
	Before      uint64             // sequence of the last line of the page before; 0 for the first page
	Limit       int                // 0 is DefaultLimit; never more than MaxLimit
}

// The sizes of pages.
const (
	DefaultLimit = 50
	MaxLimit     = 1000
)

// Timeline answers queries from the tables of a Projection. It is safe for concurrent use.
type Timeline struct {
	db *sql.DB
}

// New returns the timeline in the tables of a Runner that runs a Projection.
func New(db *sql.DB) *Timeline { return &Timeline{db} }

// Page returns the lines that q asks for. There are no more if they are fewer than its limit.
func (t *Timeline) Page(ctx context.Context, q Query) ([]Line, error) {
	limit := q.Limit
	if limit <= 0 {
		limit = DefaultLimit
	}
	rows, err := t.db.QueryContext(ctx, `SELECT * FROM line
		WHERE patient = ?1 AND (?2 = '' OR compartment = ?2) AND (?3 = 0 OR sequence < ?3)
		ORDER BY sequence DESC LIMIT ?4`, string(q.Patient), string(q.Compartment), q.Before, min(limit, MaxLimit))
	if err != nil {
		return nil, fmt.Errorf("reading a timeline: %w", err)
	}
	defer rows.Close()
	var page []Line
	for rows.Next() {
		line, err := scan(rows)
		if err != nil {
			return nil, fmt.Errorf("reading a timeline: %w", err)
		}
		page = append(page, line)
	}
	return page, rows.Err()
}

func scan(rows *sql.Rows) (l Line, err error) {
	var event, session, refers, acting []byte
	var logged, claimed int64
	if err := rows.Scan(&l.Sequence, &l.Patient, &l.Compartment, &l.Number, &event, &l.Kind, &l.Author, &session,
		&logged, &claimed, &l.Epoch, &l.Media, &l.Bucket, &refers, &acting, &l.Erased); err != nil {
		return l, err
	}
	copy(l.Event[:], event)
	copy(l.Session[:], session)
	copy(l.Refers[:], refers)
	copy(l.Acting[:], acting)
	l.Logged, l.Claimed = time.UnixMilli(logged), time.UnixMilli(claimed)
	return l, nil
}
