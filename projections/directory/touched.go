package directory

import (
	"context"
	"fmt"

	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
)

// maxTouched is how many terms an answer lists, but for those that follow on the chain of the last one.
const maxTouched = 500

// Touched returns the terms whose expressions name an attribute, by chain, for chains that come after the one named: a caller
// asks again after the last chain of the answer, until there are none. Every chain's terms come together.
//
// The tables say which terms there are; live says of each whether it is in force, and since when its compartment has been
// stale, on a state that has caught up.
func (d *Directory) Touched(
	ctx context.Context, a policy.Attribute, after string, live func(ledger.Chain, ledger.TermID) (since int64, live bool),
) (*protocol.Touched, error) {
	rows, err := d.db.QueryContext(ctx, `SELECT chain, term FROM term WHERE attribute = ? AND chain > ? ORDER BY chain, term`, a.String(), after)
	if err != nil {
		return nil, fmt.Errorf("asking the directory what rests on %s: %w", a, err)
	}
	defer rows.Close()
	touched := new(protocol.Touched)
	for rows.Next() {
		var term protocol.TouchedTerm
		var id string
		if err := rows.Scan(&term.Chain, &id); err != nil {
			return nil, fmt.Errorf("asking the directory what rests on %s: %w", a, err)
		}
		n := len(touched.Terms)
		if n >= maxTouched && touched.Terms[n-1].Chain != term.Chain {
			break
		}
		chain, err := ledger.ParseChain(term.Chain)
		if err != nil {
			return nil, err
		}
		if term.Term, err = ledger.ParseTermID(id); err != nil {
			return nil, err
		}
		var ok bool
		if term.Since, ok = live(chain, term.Term); ok {
			touched.Terms = append(touched.Terms, term)
		}
	}
	return touched, rows.Err()
}
