package ingest

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/ledger/stream"
)

// words is what the node says on a chain. It is signed where its place on the chain is known, so that the node never has
// to wait for itself.
type words struct {
	chain ledger.Chain
	body  ledger.Body
	said  *ledger.Event
}

// Say appends an event by the node on a chain, and returns it when the fold shows it.
func (in *Ingest) Say(ctx context.Context, c ledger.Chain, b ledger.Body) (*ledger.Event, error) {
	const tries = 8 // another node may speak on the chain at the same time
	for try := 1; ; try++ {
		w := &words{chain: c, body: b}
		r := in.submit(ctx, &job{words: w})
		if r.err == nil {
			return w.said, in.Fold.Wait(ctx, r.seq)
		}
		var told *stream.Error
		if try == tries || !errors.As(r.err, &told) || told.Code != protocol.CodeConflict {
			return nil, r.err
		}
	}
}

// sign makes the next event of the chain as s shows it.
func (w *words) sign(node *identity.Identity, s *ledger.State, now time.Time) (*ledger.Entry, error) {
	id, err := ledger.NewEventID(rand.Reader, now)
	if err != nil {
		return nil, err
	}
	head, _ := s.Head(w.chain)
	w.said = &ledger.Event{
		ID: id, Chain: w.chain, Number: head.Number + 1, Prev: head.Hash, Author: node.GID(), Time: now, Body: w.body,
	}
	if err := w.said.Sign(node); err != nil {
		return nil, err
	}
	encoded, err := w.said.Marshal()
	if err != nil {
		return nil, err
	}
	return ledger.NewEntry(encoded, now, ledger.Position{})
}
