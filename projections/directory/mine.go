package directory

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
)

// maxAnswer bounds the bytes of an answer: what does not fit is for the next question.
const maxAnswer = 256 << 10

// Keys returns the issuances of attribute keys to a person, oldest first, without the first skip: a caller who has n of them
// asks for the rest, and again, until there are none.
func (d *Directory) Keys(ctx context.Context, gid identity.GID, skip int) (*protocol.Keys, error) {
	rows, err := d.db.QueryContext(ctx,
		`SELECT entry FROM issued WHERE gid = ? ORDER BY sequence LIMIT -1 OFFSET ?`, string(gid), skip)
	if err != nil {
		return nil, fmt.Errorf("asking the directory for keys: %w", err)
	}
	defer rows.Close()
	keys, size := new(protocol.Keys), 0
	for size < maxAnswer && rows.Next() {
		var entry []byte
		if err := rows.Scan(&entry); err != nil {
			return nil, fmt.Errorf("asking the directory for keys: %w", err)
		}
		keys.Entries = append(keys.Entries, entry)
		size += len(entry)
	}
	return keys, rows.Err()
}

// Issued returns the issuances of one attribute to a person, newest first.
func (d *Directory) Issued(ctx context.Context, gid identity.GID, attribute policy.Attribute) (entries [][]byte, err error) {
	rows, err := d.db.QueryContext(ctx,
		`SELECT entry FROM issued WHERE gid = ? AND attribute = ? ORDER BY sequence DESC LIMIT ?`, string(gid), attribute.String(), maxIssuances)
	if err == nil {
		err = appendEntries(&entries, rows)
	}
	if err != nil {
		return nil, fmt.Errorf("asking the directory for issuances: %w", err)
	}
	return entries, nil
}

// maxIssuances is how many issuances of one attribute to one person are looked through, the newest.
const maxIssuances = 256

// Names returns the newest enrolments of each person.
func (d *Directory) Names(ctx context.Context, people ...identity.GID) (*protocol.Names, error) {
	names := new(protocol.Names)
	for _, gid := range people {
		rows, err := d.db.QueryContext(ctx, `SELECT entry FROM enrolled WHERE gid = ? ORDER BY sequence DESC LIMIT ?`, string(gid), maxEnrolments)
		if err != nil {
			return nil, fmt.Errorf("asking the directory for names: %w", err)
		}
		if err := appendEntries(&names.Entries, rows); err != nil {
			return nil, fmt.Errorf("asking the directory for names: %w", err)
		}
	}
	return names, nil
}

// maxEnrolments is how many enrolments of one person are shown, the newest.
const maxEnrolments = 4

func appendEntries(to *[][]byte, rows *sql.Rows) error {
	defer rows.Close()
	for rows.Next() {
		var entry []byte
		if err := rows.Scan(&entry); err != nil {
			return err
		}
		*to = append(*to, entry)
	}
	return rows.Err()
}

// Mine returns the terms that reach a person, by chain, for chains that come after the one named (the empty string comes
// before all): a caller asks again after the last chain of the answer, until there are none. Every chain's terms come
// together.
//
// The tables say which terms name an attribute that was issued to the person; entitled judges those, as
// ledger.State.Entitled does, on a state that has caught up.
func (d *Directory) Mine(
	ctx context.Context, gid identity.GID, after string, entitled func(ledger.Chain, ledger.TermID) bool,
) (*protocol.Mine, error) {
	tx, err := d.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, fmt.Errorf("asking the directory for terms: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // nothing was written
	mine, err := listMine(ctx, tx, gid, after, entitled)
	if err != nil {
		return nil, fmt.Errorf("asking the directory for terms: %w", err)
	}
	return mine, nil
}

func listMine(
	ctx context.Context, tx *sql.Tx, gid identity.GID, after string, entitled func(ledger.Chain, ledger.TermID) bool,
) (*protocol.Mine, error) {
	rows, err := tx.QueryContext(ctx, `SELECT DISTINCT chain, term FROM holding JOIN term USING (attribute)
		WHERE gid = ? AND chain > ? ORDER BY chain, term`, string(gid), after)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	mine, size := new(protocol.Mine), 0
	for rows.Next() {
		var term protocol.SharedTerm
		var id string
		if err := rows.Scan(&term.Chain, &id); err != nil {
			return nil, err
		}
		more := len(mine.Terms) == 0 || mine.Terms[len(mine.Terms)-1].Chain != term.Chain
		if more && size >= maxAnswer {
			break
		}
		chain, err := ledger.ParseChain(term.Chain)
		if err != nil {
			return nil, err
		}
		if term.Term, err = ledger.ParseTermID(id); err != nil {
			return nil, err
		}
		if !entitled(chain, term.Term) {
			continue
		}
		err = tx.QueryRowContext(ctx, `SELECT entry FROM policy WHERE chain = ?`, term.Chain).Scan(&term.Set)
		if err != nil {
			return nil, err
		}
		mine.Terms = append(mine.Terms, term)
		size += len(term.Set)
	}
	return mine, rows.Err()
}
