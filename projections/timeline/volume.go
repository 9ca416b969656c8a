package timeline

import (
	"context"
	"fmt"
	"time"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
)

// Volume is what a compartment amounts to.
type Volume struct {
	Compartment ledger.Compartment `json:"compartment"`
	Events      uint64             `json:"events"`
	Records     uint64             `json:"records"` // written, amended or retracted; erased ones too
	Bytes       uint64             `json:"bytes"`   // their padded sizes
	Erased      uint64             `json:"erased"`
	Epoch       uint32             `json:"epoch"` // the current one; 0 before the first
	Newest      time.Time          `json:"newest"`
}

// Volumes returns what a patient's compartments amount to, by name.
func (t *Timeline) Volumes(ctx context.Context, patient identity.GID) ([]Volume, error) {
	rows, err := t.db.QueryContext(ctx, `SELECT compartment, events, records, bytes, erased, epoch, newest FROM volume
		WHERE patient = ? ORDER BY compartment`, string(patient))
	if err != nil {
		return nil, fmt.Errorf("reading volumes: %w", err)
	}
	defer rows.Close()
	var volumes []Volume
	for rows.Next() {
		var v Volume
		var newest int64
		if err := rows.Scan(&v.Compartment, &v.Events, &v.Records, &v.Bytes, &v.Erased, &v.Epoch, &newest); err != nil {
			return nil, fmt.Errorf("reading volumes: %w", err)
		}
		v.Newest = time.UnixMilli(newest)
		volumes = append(volumes, v)
	}
	return volumes, rows.Err()
}

// Total is what all records of a node amount to, for its operator.
type Total struct {
	Patients uint64    `json:"patients"`
	Records  uint64    `json:"records"`
	Bytes    uint64    `json:"bytes"`
	Newest   time.Time `json:"newest,omitzero"` // when anything was last written
}

// Total adds up.
func (t *Timeline) Total(ctx context.Context) (Total, error) {
	var total Total
	var newest int64
	err := t.db.QueryRowContext(ctx, `SELECT count(DISTINCT patient), coalesce(sum(records), 0), coalesce(sum(bytes), 0),
		coalesce(max(newest), 0) FROM volume`).Scan(&total.Patients, &total.Records, &total.Bytes, &newest)
	if err != nil {
		return Total{}, fmt.Errorf("adding up volumes: %w", err)
	}
	if newest != 0 {
		total.Newest = time.UnixMilli(newest)
	}
	return total, nil
}
