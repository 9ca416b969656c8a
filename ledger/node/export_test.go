package node

import (
	"context"
	"time"

	"github.com/phrledger/phr/ledger/tree"
	"golang.org/x/mod/sumdb/note"

	"github.com/phrledger/phr/ledger/ingest"
	"github.com/phrledger/phr/ledger/sealer"
	"github.com/phrledger/phr/ledger/stream"
)

// Interrupt has a first start end before a step.
func (c *Config) Interrupt(at func(step int) error) { c.interrupt = at }

// Fold is what the node knows.
func (n *Node) Fold() *ingest.Fold { return n.fold }

// Ledger is the node's side of the log.
func (n *Node) Ledger() *stream.Ledger { return n.server.Ledger() }

// Sealer is what seals the node's log.
func (n *Node) Sealer() *sealer.Sealer { return n.sealer }

// Kick closes the connections of an nkey, as the gate does.
func (n *Node) Kick(nkey string) error { return n.server.Kick(nkey) }

// Interrupt has a repair end before a step.
func (o *RepairOptions) Interrupt(at func(step string) error) { o.interrupt = at }

// Settle waits until the node shows all that is in its log.
func (n *Node) Settle(ctx context.Context) error { return n.settle(ctx) }

// LogSigner signs checkpoints of the node in dir.
func LogSigner(dir string) (note.Signer, error) {
	k, err := openKeys(dir, true)
	if err != nil {
		return nil, err
	}
	return tree.NewSigner(tree.Origin(k.root), k.log)
}

// ScrubEvery has the node look at everything in such a time.
func (c *Config) ScrubEvery(d time.Duration) { c.scrubEvery = d }
