package projections

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"hash"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/phrledger/phr/ledger"
)

// Fingerprint returns a hash over the content of every table. Tables that follow from the same log have the same one,
// however often and wherever the Runner was stopped.
func (r *Runner) Fingerprint(ctx context.Context) (ledger.Hash, error) {
	all, err := sums(ctx, r.read)
	if err != nil {
		return ledger.Hash{}, fmt.Errorf("reading tables: %w", err)
	}
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		fmt.Fprintf(h, "table %s %s\n", name, all[name])
	}
	return ledger.Hash(h.Sum(nil)), nil
}

// sums returns a hash of what is in each table. With an error it returns those of the tables that can be read.
func sums(ctx context.Context, db *sql.DB) (map[string]ledger.Hash, error) {
	all := make(map[string]ledger.Hash)
	tx, err := db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return all, err
	}
	defer func() { _ = tx.Rollback() }() // nothing was written
	names, err := tableNames(ctx, tx)
	for _, name := range names {
		h := sha256.New()
		if e := hashTable(ctx, tx, h, name); e != nil {
			err = errors.Join(err, fmt.Errorf("table %s: %w", name, e))
			continue
		}
		all[name] = ledger.Hash(h.Sum(nil))
	}
	return all, err
}

// hashTable adds the rows of a table, sorted by all of their columns.
func hashTable(ctx context.Context, tx *sql.Tx, h hash.Hash, name string) error {
	columns, err := columnsOf(ctx, tx, name)
	if err != nil {
		return err
	}
	order := make([]string, len(columns))
	for i := range columns {
		order[i] = strconv.Itoa(i + 1)
	}
	rows, err := tx.QueryContext(ctx, `SELECT * FROM `+quoteName(name)+` ORDER BY `+strings.Join(order, ", "))
	if err != nil {
		return err
	}
	defer rows.Close()
	values := make([]any, len(columns))
	targets := make([]any, len(columns))
	for i := range values {
		targets[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(targets...); err != nil {
			return err
		}
		for i, v := range values {
			text := fmt.Sprint(v)
			fmt.Fprintf(h, "%s %T %d:%s\n", columns[i], v, len(text), text)
		}
	}
	return rows.Err()
}

func columnsOf(ctx context.Context, tx *sql.Tx, name string) ([]string, error) {
	rows, err := tx.QueryContext(ctx, `SELECT * FROM `+quoteName(name)+` LIMIT 0`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	return rows.Columns()
}
