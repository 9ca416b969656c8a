package projections

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"

	_ "modernc.org/sqlite" // the driver

	"github.com/phrledger/phr/ledger"
)

// ownSchema is what a Runner keeps beside the tables of its projections.
const ownSchema = `
CREATE TABLE progress (      -- one row
	sequence INTEGER NOT NULL, -- of the newest message taken in
	hash     BLOB NOT NULL,    -- over every decision up to there
	version  BLOB NOT NULL     -- of the tables: the hash of all schemas
);
CREATE TABLE rejected (      -- entries that do not count
	sequence INTEGER PRIMARY KEY,
	chain    TEXT NOT NULL,
	event    BLOB NOT NULL,
	reason   TEXT NOT NULL
);
CREATE INDEX rejected_chain ON rejected (chain);
CREATE TABLE quarantine (
	chain    TEXT PRIMARY KEY,
	sequence INTEGER NOT NULL, -- from which on nothing of the chain is applied
	reason   TEXT NOT NULL
) WITHOUT ROWID;
`

// progress is how far the tables are.
type progress struct {
	sequence uint64
	hash     ledger.Hash
}

// openDatabase opens a database file that nobody else on the machine reads, and makes it if it is not there. A lost
// power supply may cost the newest transactions, whole ones: they are made again from the log.
func openDatabase(path string, readOnly bool) (*sql.DB, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	pragmas := []string{"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(NORMAL)", "secure_delete(1)"}
	if readOnly {
		pragmas = append(pragmas, "query_only(1)")
	}
	name := url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: url.Values{"_pragma": pragmas}.Encode()}
	return sql.Open("sqlite", name.String())
}

// schemaVersion names the tables that a set of projections fills.
func schemaVersion(ps []Projection) ledger.Hash {
	h := sha256.New()
	h.Write([]byte("phr/projections/1\x00" + ownSchema))
	for _, p := range ps {
		h.Write([]byte("\x00" + p.Name() + "\x00" + p.Schema()))
	}
	return ledger.Hash(h.Sum(nil))
}

// prepare makes the tables if they are not there, or were made for other projections than these.
func (r *Runner) prepare(ctx context.Context) error {
	var tables int
	if err := r.db.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_master WHERE name = 'progress'`).Scan(&tables); err != nil {
		return err
	}
	if tables == 0 {
		return r.wipe(ctx)
	}
	version := schemaVersion(r.config.Projections)
	var stored []byte
	err := r.db.QueryRowContext(ctx, `SELECT version FROM progress`).Scan(&stored)
	if err != nil || string(stored) == string(version[:]) {
		return err
	}
	r.log.InfoContext(ctx, "projection_rebuild", "reason", "the tables were made for another version")
	return r.wipe(ctx)
}

// wipe makes all tables anew, empty.
func (r *Runner) wipe(ctx context.Context) error {
	return r.transact(ctx, func(tx *sql.Tx) error {
		names, err := tableNames(ctx, tx)
		if err != nil {
			return err
		}
		for _, name := range names {
			if _, err := tx.ExecContext(ctx, `DROP TABLE `+quoteName(name)); err != nil {
				return err
			}
		}
		if _, err := tx.ExecContext(ctx, ownSchema); err != nil {
			return err
		}
		for _, p := range r.config.Projections {
			if _, err := tx.ExecContext(ctx, p.Schema()); err != nil {
				return fmt.Errorf("making the tables of %s: %w", p.Name(), err)
			}
		}
		version := schemaVersion(r.config.Projections)
		_, err = tx.ExecContext(ctx, `INSERT INTO progress VALUES (0, ?, ?)`, make([]byte, sha256.Size), version[:])
		return err
	})
}

// transact runs fn in a transaction, which is undone if fn fails.
func (r *Runner) transact(ctx context.Context, fn func(*sql.Tx) error) error {
	tx, err := r.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := fn(tx); err != nil {
		_ = tx.Rollback() // what matters is why
		return err
	}
	return tx.Commit()
}

func loadProgress(ctx context.Context, db *sql.DB) (p progress, err error) {
	var hash []byte
	if err := db.QueryRowContext(ctx, `SELECT sequence, hash FROM progress`).Scan(&p.sequence, &hash); err != nil {
		return p, err
	}
	if len(hash) != len(p.hash) {
		return p, errors.New("the state hash is damaged")
	}
	p.hash = ledger.Hash(hash)
	return p, nil
}

func saveProgress(tx *sql.Tx, p progress) error {
	_, err := tx.Exec(`UPDATE progress SET sequence = ?, hash = ?`, p.sequence, p.hash[:])
	return err
}

// querier is a database or a transaction in it.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// tableNames returns the tables there are, sorted.
func tableNames(ctx context.Context, q querier) ([]string, error) {
	rows, err := q.QueryContext(ctx, `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var names []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, rows.Err()
}

func quoteName(name string) string { return `"` + name + `"` }
