package projections

import (
	"context"
	"fmt"

	"github.com/phrledger/phr/ledger"
)

// Health is how the tables stand to the log.
type Health struct {
	Position    uint64       `json:"position"` // see Runner.Position
	Last        uint64       `json:"last"`     // newest sequence of the log
	Hash        ledger.Hash  `json:"hash"`     // over all that was decided: equal logs give equal hashes
	Rejected    uint64       `json:"rejected"` // entries in the log that do not count
	Quarantined []Quarantine `json:"quarantined,omitempty"`
}

// Health asks the tables and the source.
func (r *Runner) Health(ctx context.Context) (Health, error) {
	h := Health{Position: r.Position()}
	if err := r.health(ctx, &h); err != nil {
		return Health{}, fmt.Errorf("asking projections for their health: %w", err)
	}
	return h, nil
}

func (r *Runner) health(ctx context.Context, h *Health) (err error) {
	var hash []byte
	row := r.read.QueryRowContext(ctx, `SELECT hash, (SELECT count(*) FROM rejected) FROM progress`)
	if err := row.Scan(&hash, &h.Rejected); err != nil {
		return err
	}
	copy(h.Hash[:], hash)
	if h.Quarantined, err = listQuarantines(ctx, r.read); err != nil {
		return err
	}
	h.Last, err = r.config.Source.Last(ctx)
	return err
}

// Rejection says why an entry in the log does not count.
type Rejection struct {
	Sequence uint64      `json:"sequence"`
	Event    ledger.Hash `json:"event"`
	Reason   string      `json:"reason"`
}

// Rejected returns the entries of a chain that do not count, in the order of the log.
func (r *Runner) Rejected(ctx context.Context, c ledger.Chain) ([]Rejection, error) {
	const query = `SELECT sequence, event, reason FROM rejected WHERE chain = ? ORDER BY sequence`
	rows, err := r.read.QueryContext(ctx, query, c.String())
	if err != nil {
		return nil, fmt.Errorf("reading rejected entries: %w", err)
	}
	defer rows.Close()
	var list []Rejection
	for rows.Next() {
		var rejection Rejection
		var event []byte
		if err := rows.Scan(&rejection.Sequence, &event, &rejection.Reason); err != nil {
			return nil, fmt.Errorf("reading rejected entries: %w", err)
		}
		copy(rejection.Event[:], event)
		list = append(list, rejection)
	}
	return list, rows.Err()
}
