package node

import (
	"context"

	"github.com/phrledger/phr/ledger/sealer"
	"github.com/phrledger/phr/projections"
)

// Health is how a node is.
type Health struct {
	Sequence uint64             `json:"sequence"`          // of the newest entry that the fold has followed
	Sealed   sealer.Status      `json:"sealed"`            // how far the sealed copy of the log is
	Sessions int                `json:"sessions"`          // that are live
	Stale    []Stale            `json:"stale,omitempty"`   // compartments, those that have been for longest first
	Damaged  []string           `json:"damaged,omitempty"` // what the scrub has found since the start
	Tables   projections.Health `json:"tables"`            // with the newest entry of the log, and the chains that are quarantined
}

// Health asks the parts of the node. It fails while the ledger can't be reached.
func (n *Node) Health(ctx context.Context) (Health, error) {
	tables, err := n.tables.Health(ctx)
	return Health{Sequence: n.fold.Sequence(), Sealed: n.sealer.Status(), Sessions: n.gate.Sessions(), Damaged: n.scrubbed.list(), Stale: n.stale(), Tables: tables}, err
}
