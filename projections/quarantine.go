package projections

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"strings"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/phrledger/phr/ledger"
)

// Quarantine says that a chain holds something that was not understood.
type Quarantine struct {
	Chain    string `json:"chain"`    // or the subject, where not even that is a chain's
	Sequence uint64 `json:"sequence"` // from which on nothing of the chain is applied
	Reason   string `json:"reason"`
}

// Quarantined tells whether c, or another chain of the same owner, is quarantined: then nothing more of the owner's record
// is to be opened to anybody. It tells what there is up to Position.
func (r *Runner) Quarantined(c ledger.Chain) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for text := range r.quarantined {
		if chain, err := ledger.ParseChain(text); err == nil && chain.Owner == c.Owner {
			return true
		}
	}
	return false
}

// closed tells whether a chain is quarantined at a sequence.
func (p *pass) closed(chain string, sequence uint64) bool {
	p.mu.RLock()
	defer p.mu.RUnlock()
	from, ok := p.quarantined[chain]
	return ok && from <= sequence
}

// quarantine closes a chain from a sequence on. Without tx the tables say so already.
func (p *pass) quarantine(ctx context.Context, tx *sql.Tx, chain string, sequence uint64, reason error) error {
	if tx == nil || p.closed(chain, sequence) {
		return nil
	}
	p.mu.Lock()
	p.quarantined[chain] = sequence
	p.mu.Unlock()
	p.log.ErrorContext(ctx, "projection_quarantine", "chain", chain, "sequence", sequence)
	_, err := tx.ExecContext(ctx, `REPLACE INTO quarantine VALUES (?, ?, ?)`, chain, sequence, reason.Error())
	return err
}

func listQuarantines(ctx context.Context, q querier) ([]Quarantine, error) {
	rows, err := q.QueryContext(ctx, `SELECT chain, sequence, reason FROM quarantine ORDER BY sequence, chain`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []Quarantine
	for rows.Next() {
		var q Quarantine
		if err := rows.Scan(&q.Chain, &q.Sequence, &q.Reason); err != nil {
			return nil, err
		}
		list = append(list, q)
	}
	return list, rows.Err()
}

// chainOf returns the chain that a subject belongs to, as text, or the subject itself if it is none's.
func chainOf(subject string) string {
	if i := strings.LastIndexByte(subject, '.'); i >= 0 {
		if c, err := ledger.ParseChain(subject[:i]); err == nil {
			return c.String()
		}
	}
	return subject
}

// poison tells an entry that a projection can't apply, now or ever, from a database that fails just now.
func poison(err error) bool {
	var failure *sqlite.Error
	if errors.As(err, &failure) {
		switch failure.Code() & 0xff {
		case sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_RANGE:
			return true
		}
		return false
	}
	for _, passing := range []error{
		context.Canceled, context.DeadlineExceeded, sql.ErrConnDone, sql.ErrTxDone, driver.ErrBadConn,
	} {
		if errors.Is(err, passing) {
			return false
		}
	}
	return true
}
