package projections

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"hash"
	"strconv"
	"strings"

	"github.com/phrledger/phr/ledger"
)

// Fingerprint returns a hash over the content of every table. Tables that follow from the same log have the same one,
// however often and wherever the Runner was stopped.
func (r *Runner) Fingerprint(ctx context.Context) (ledger.Hash, error) {
	tx, err := r.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return ledger.Hash{}, fmt.Errorf("reading tables: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // nothing was written
	names, err := tableNames(ctx, tx)
	if err != nil {
		return ledger.Hash{}, fmt.Errorf("reading tables: %w", err)
	}
	h := sha256.New()
	for _, name := range names {
		fmt.Fprintf(h, "table %s\n", name)
		if err := hashTable(ctx, tx, h, name); err != nil {
			return ledger.Hash{}, fmt.Errorf("reading table %s: %w", name, err)
		}
	}
	return ledger.Hash(h.Sum(nil)), nil
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
