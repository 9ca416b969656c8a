// Package disclosures answers the question every patient has: who looked? It lists the sessions that were opened on a
// record, by whom, to do what, under which grant and for how long, and the attempts that were refused.
package disclosures

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
)

// Disclosure is a session on a patient's record, or attempts that were refused one.
type Disclosure struct {
	Sequence    uint64             `json:"sequence"`
	Patient     identity.GID       `json:"patient"`
	GID         identity.GID       `json:"gid"`
	Names       []Name             `json:"names,omitempty"` // of a professional; none for others
	Operation   ledger.Operation   `json:"operation"`
	Compartment ledger.Compartment `json:"compartment"`
	Session     ledger.SessionID   `json:"session,omitzero"` // zero for refusals
	Term        ledger.TermID      `json:"term,omitzero"`    // the grant it was opened under
	How         How                `json:"how,omitempty"`    // by more than a grant; empty for refusals too
	At          time.Time          `json:"at"`
	Ends        time.Time          `json:"ends,omitzero"`     // when it expires or was closed
	Closed      bool               `json:"closed,omitempty"`  // before it expired
	Refused     uint32             `json:"refused,omitempty"` // how many attempts; 0 for a session
	Reason      string             `json:"reason,omitempty"`  // of the refusal or of closing
}

// How says by what kind of a term a session was opened.
type How string

// The kinds. A proxy acts for the patient; in an emergency two people have opened what the patient put ready.
const (
	ByGrant     How = ""
	AsProxy     How = "proxy"
	InEmergency How = "emergency"
)

// Lasts returns for how long the session was open, as of a time.
func (d *Disclosure) Lasts(now time.Time) time.Duration {
	if d.Refused > 0 {
		return 0
	}
	end := d.Ends
	if now.Before(end) {
		end = now
	}
	return max(end.Sub(d.At), 0)
}

// Name is how an authority calls one of its representatives.
type Name struct {
	Authority string `json:"authority"`
	Display   string `json:"display"`
}

// Query asks for a page of disclosures, newest first.
type Query struct {
	Patient identity.GID
	Before  uint64 // sequence of the last one of the page before; 0 for the first page
	Limit   int    // 0 is DefaultLimit; never more than MaxLimit
}

// The sizes of pages.
const (
	DefaultLimit = 50
	MaxLimit     = 1000
)

// Disclosures answers queries from the tables of a Projection. It is safe for concurrent use.
type Disclosures struct {
	db *sql.DB
}

// New returns the disclosures in the tables of a Runner that runs a Projection.
func New(db *sql.DB) *Disclosures { return &Disclosures{db} }

// Page returns the disclosures that q asks for. There are no more if they are fewer than its limit.
func (d *Disclosures) Page(ctx context.Context, q Query) ([]Disclosure, error) {
	limit := q.Limit
	if limit <= 0 {
		limit = DefaultLimit
	}
	rows, err := d.db.QueryContext(ctx, `SELECT * FROM disclosure WHERE patient = ?1 AND (?2 = 0 OR sequence < ?2)
		ORDER BY sequence DESC LIMIT ?3`, string(q.Patient), q.Before, min(limit, MaxLimit))
	if err != nil {
		return nil, fmt.Errorf("reading disclosures: %w", err)
	}
	defer rows.Close()
	var page []Disclosure
	for rows.Next() {
		disclosure, err := scan(rows)
		if err != nil {
			return nil, fmt.Errorf("reading disclosures: %w", err)
		}
		page = append(page, disclosure)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("reading disclosures: %w", err)
	}
	return page, d.name(ctx, page)
}

func scan(rows *sql.Rows) (d Disclosure, err error) {
	var session, term []byte
	var at, ends int64
	if err := rows.Scan(&d.Sequence, &d.Patient, &d.GID, &d.Operation, &d.Compartment, &session, &term, &at, &ends,
		&d.Closed, &d.Refused, &d.Reason, &d.How); err != nil {
		return d, err
	}
	copy(d.Session[:], session)
	copy(d.Term[:], term)
	d.At = time.UnixMilli(at)
	if ends != 0 {
		d.Ends = time.UnixMilli(ends)
	}
	return d, nil
}

// name adds the names of those who looked.
func (d *Disclosures) name(ctx context.Context, page []Disclosure) error {
	known := make(map[identity.GID][]Name)
	for i := range page {
		gid := page[i].GID
		names, ok := known[gid]
		if !ok {
			var err error
			if names, err = d.Names(ctx, gid); err != nil {
				return err
			}
			known[gid] = names
		}
		page[i].Names = names
	}
	return nil
}

// Names returns how authorities call a person, by authority. A person who was removed keeps the name.
func (d *Disclosures) Names(ctx context.Context, gid identity.GID) ([]Name, error) {
	rows, err := d.db.QueryContext(ctx, `SELECT authority, display FROM name WHERE gid = ? ORDER BY authority`, string(gid))
	if err != nil {
		return nil, fmt.Errorf("reading names: %w", err)
	}
	defer rows.Close()
	var names []Name
	for rows.Next() {
		var n Name
		if err := rows.Scan(&n.Authority, &n.Display); err != nil {
			return nil, fmt.Errorf("reading names: %w", err)
		}
		names = append(names, n)
	}
	return names, rows.Err()
}
