package ingest

import (
	"context"
	"time"

	"github.com/phrledger/phr/ledger"
)

// markAgain is how long after a failure marking is tried again.
const markAgain = 5 * time.Second

// markLoop says on the node's chain which entries of the log do not count, and why.
func (in *Ingest) markLoop(ctx context.Context) error {
	for {
		moved := in.Fold.Moved()
		var again <-chan time.Time
		if err := in.mark(ctx); err != nil && ctx.Err() == nil {
			in.Log.Error("mark_failed", "error", err)
			moved, again = nil, time.After(markAgain)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-moved:
		case <-again:
		}
	}
}

// mark marks what is not marked yet, once the fold has caught up: after a restart the mark may stand further on in the log.
func (in *Ingest) mark(ctx context.Context) error {
	for in.Fold.isUnmarked() {
		if err := in.caughtUp(ctx); err != nil {
			return err
		}
		next, ok := in.Fold.nextUnmarked()
		if !ok {
			return nil
		}
		if _, err := in.Say(ctx, ledger.NodeChain(in.Node.GID()), &next); err != nil {
			return err
		}
	}
	return nil
}
