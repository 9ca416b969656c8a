package client

import (
	"context"
	"fmt"

	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/ledger/stream"
)

// entries reads a whole chain of the caller's own, in order, as it stands now. The links from each entry to the one before are
// checked; what the entries say is for the reader to judge.
func (c *Client) entries(ctx context.Context, s *session, chain ledger.Chain) ([]*ledger.Entry, error) {
	f := newFeed(c, chain)
	name, err := f.consumer(ctx, s)
	if err != nil {
		return nil, err
	}
	var all []*ledger.Entry
	var head ledger.Head
	err = s.conn.Fetch(ctx, name, func(raw []stream.Entry, _ uint64) error {
		for _, r := range raw {
			e, err := ledger.ParseEntry(r.Data)
			if err != nil {
				return err
			}
			if f.rejected[e.Hash] {
				continue
			}
			if e.Chain != chain || e.Number != head.Number+1 || e.Prev != head.Hash {
				return fmt.Errorf("event %d of %s does not follow event %d", e.Number, e.Chain, head.Number)
			}
			head = ledger.Head{Number: e.Number, Hash: e.Hash}
			all = append(all, e)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", chain, err)
	}
	return all, nil
}

// headOf returns where a chain of the caller's own ends now.
func (c *Client) headOf(ctx context.Context, s *session, chain ledger.Chain) (ledger.Head, error) {
	all, err := c.entries(ctx, s, chain)
	if err != nil || len(all) == 0 {
		return ledger.Head{}, err
	}
	last := all[len(all)-1]
	return ledger.Head{Number: last.Number, Hash: last.Hash}, nil
}

// say signs bodies as the next events of a chain that the caller owns, and submits them until nobody else is faster. Make is
// asked for the bodies anew at each try, with the chain as it then stands.
func (c *Client) say(ctx context.Context, chain ledger.Chain, make func([]*ledger.Entry) ([]ledger.Body, error)) ([]*ledger.Event, error) {
	var last error
	for try := range tries {
		s, err := c.login(ctx)
		if err != nil {
			return nil, err
		}
		events, err := c.sayOnce(ctx, s, chain, make)
		if err == nil {
			return events, nil
		}
		if last = err; !c.again(ctx, s, try, err) {
			break
		}
	}
	return nil, last
}

func (c *Client) sayOnce(ctx context.Context, s *session, chain ledger.Chain, make func([]*ledger.Entry) ([]ledger.Body, error)) ([]*ledger.Event, error) {
	all, err := c.entries(ctx, s, chain)
	if err != nil {
		return nil, err
	}
	bodies, err := make(all)
	if err != nil || len(bodies) == 0 {
		return nil, err
	}
	var head ledger.Head
	if len(all) > 0 {
		last := all[len(all)-1]
		head = ledger.Head{Number: last.Number, Hash: last.Hash}
	}
	events, err := c.extend(chain, head, bodies...)
	if err != nil {
		return nil, err
	}
	_, err = submit(ctx, s.conn, protocol.IngestOwner(chain.Owner), c.config.Now(), events, nil)
	return events, err
}
