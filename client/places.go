package client

import (
	"cmp"
	"context"
	"fmt"

	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
)

// places are the numbers of the consumers of a session that nobody reads from. Readers take turns at some; whoever follows a chain
// keeps one of the others for as long as that takes.
type places struct{ reading, following chan uint32 }

// readers is how many read at a time in a session.
const readers = 3

func newPlaces(op ledger.Operation) *places {
	n := protocol.SessionConsumers
	if op == ledger.OpLogin {
		n = protocol.LoginConsumers
	}
	p := &places{make(chan uint32, readers), make(chan uint32, n-readers)}
	for at := range uint32(n) {
		if at < readers {
			p.reading <- at
		} else {
			p.following <- at
		}
	}
	return p
}

// read calls fn with a consumer that is its own until it returns. It waits while too many others read.
func (s *session) read(ctx context.Context, q protocol.ConsumerQuery, fn func(*protocol.Consumer) error) error {
	select {
	case q.Place = <-s.places.reading:
		defer func() { s.places.reading <- q.Place }()
		return s.consume(ctx, q, fn)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// follow is read for who goes on as long as the session does. It fails if too many others do.
func (s *session) follow(ctx context.Context, q protocol.ConsumerQuery, fn func(*protocol.Consumer) error) error {
	select {
	case q.Place = <-s.places.following:
		defer func() { s.places.following <- q.Place }()
		return s.consume(ctx, q, fn)
	default:
		return fmt.Errorf("%d chains are watched in this session, and no more can be: watch fewer at once", cap(s.places.following))
	}
}

func (s *session) consume(ctx context.Context, q protocol.ConsumerQuery, fn func(*protocol.Consumer) error) error {
	answer, err := ask[protocol.Consumer](ctx, s.conn, protocol.GateConsumer, q)
	if err != nil {
		return fmt.Errorf("asking to read %s: %w", cmp.Or(q.Chain, "the whole log"), err)
	}
	return fn(answer)
}
