package node

import (
	"context"

	"github.com/phrledger/phr/ledger/stream"
	"github.com/phrledger/phr/projections"
)

// source is the ledger as projections read it.
type source struct{ ledger *stream.Ledger }

// Follow implements projections.Source.
func (s source) Follow(ctx context.Context, from uint64, fn func([]projections.Message) error) error {
	return s.ledger.Follow(ctx, from, nil, func(entries []stream.Entry, _ uint64) error { return fn(messages(entries)) })
}

func messages(entries []stream.Entry) []projections.Message {
	batch := make([]projections.Message, len(entries))
	for i, e := range entries {
		batch[i] = projections.Message{Sequence: e.Seq, Subject: e.Subject, Data: e.Data}
	}
	return batch
}

// Last implements projections.Source.
func (s source) Last(ctx context.Context) (uint64, error) { return s.ledger.LastSeq(ctx) }
