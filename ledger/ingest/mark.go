package ingest

import (
	"context"
	"crypto/rand"
	"errors"

	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/ledger/stream"
)

// markLoop says on the node's chain which entries of the log do not count, and why.
func (in *Ingest) markLoop(ctx context.Context) error {
	for {
		moved := in.Fold.Moved()
		if err := in.mark(ctx); err != nil && !errors.Is(err, context.Canceled) {
			in.Log.Error("mark_failed", "error", err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-moved:
		}
	}
}

func (in *Ingest) mark(ctx context.Context) error {
	for {
		next, ok := in.Fold.nextUnmarked()
		if !ok {
			return nil
		}
		if _, err := in.Say(ctx, ledger.NodeChain(in.Node.GID()), &next); err != nil {
			return err
		}
	}
}

func (f *Fold) nextUnmarked() (ledger.Rejected, bool) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	for _, r := range f.unmarked {
		return r, true
	}
	return ledger.Rejected{}, false
}

// Say appends an event by the node on a chain, and returns it when the fold shows it.
func (in *Ingest) Say(ctx context.Context, c ledger.Chain, b ledger.Body) (*ledger.Event, error) {
	const tries = 8
	for try := 1; ; try++ {
		e, err := in.sign(c, b)
		if err != nil {
			return nil, err
		}
		err = in.Append(ctx, e)
		if err == nil {
			return e, nil
		}
		var told *stream.Error
		if try == tries || !errors.As(err, &told) || told.Code != protocol.CodeConflict {
			return nil, err
		}
	}
}

func (in *Ingest) sign(c ledger.Chain, b ledger.Body) (*ledger.Event, error) {
	now := in.Now()
	id, err := ledger.NewEventID(rand.Reader, now)
	if err != nil {
		return nil, err
	}
	var head ledger.Head
	in.Fold.View(func(s *ledger.State) { head, _ = s.Head(c) })
	e := &ledger.Event{ID: id, Chain: c, Number: head.Number + 1, Prev: head.Hash, Author: in.Node.GID(), Time: now, Body: b}
	return e, e.Sign(in.Node)
}
