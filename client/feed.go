package client

import (
	"context"
	"errors"
	"fmt"

	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/ledger/stream"
)

// feed reads one chain in order and judges what comes. It is not safe for concurrent use.
type feed struct {
	c        *Client
	chain    ledger.Chain
	next     uint64 // stream sequence after the newest entry that was judged
	runs     ledger.Runs
	rejected map[ledger.Hash]bool
}

func newFeed(c *Client, chain ledger.Chain) *feed { return &feed{c: c, chain: chain} }

// query asks for what comes next.
func (f *feed) query() protocol.ConsumerQuery {
	return protocol.ConsumerQuery{Chain: f.chain.String(), From: f.next}
}

// fetch delivers everything there is now, as it is stored.
func (f *feed) fetch(ctx context.Context, s *session, fn func([]stream.Entry) error) error {
	return s.read(ctx, f.query(), func(answer *protocol.Consumer) error {
		f.rejected = make(map[ledger.Hash]bool, len(answer.Rejected))
		for _, h := range answer.Rejected {
			f.rejected[h] = true
		}
		return s.conn.Fetch(ctx, answer.Name, func(entries []stream.Entry, _ uint64) error { return fn(entries) })
	})
}

// catchUp reads everything there is now, and calls fn with each entry that counts and its place in the log. After an error it goes on, the next time,
// with the first entry that was not judged.
func (f *feed) catchUp(ctx context.Context, s *session, fn func(e *ledger.Entry, sequence uint64)) error {
	f.runs = ledger.Runs{}
	return f.fetch(ctx, s, func(entries []stream.Entry) error {
		for _, raw := range entries {
			if err := f.take(ctx, raw, fn); err != nil {
				return err
			}
			if f.runs.Waiting() == 0 {
				f.next = raw.Seq + 1
			}
		}
		return nil
	})
}

// observe calls moved at once and whenever something new may stand on the chain, until the session ends or ctx does.
func (f *feed) observe(ctx context.Context, s *session, moved func() error) error {
	return s.follow(ctx, f.query(), func(answer *protocol.Consumer) error {
		if err := moved(); err != nil {
			return err
		}
		return s.conn.Tail(ctx, answer.Name, func([]stream.Entry, uint64) error { return moved() })
	})
}

func (f *feed) take(ctx context.Context, raw stream.Entry, fn func(*ledger.Entry, uint64)) error {
	e, err := ledger.ParseEntry(raw.Data)
	if err != nil {
		return fmt.Errorf("what the node delivers of %s: %w", f.chain, err)
	}
	if e.Chain != f.chain || e.Subject() != raw.Subject {
		return fmt.Errorf("the node delivers an entry of %s as one of %s", e.Chain, f.chain)
	}
	if f.rejected[e.Hash] {
		return nil
	}
	for _, run := range f.runs.Add(e) {
		if err := f.c.fold(ctx, run); err != nil {
			return fmt.Errorf("what the node delivers of %s does not hold: %w", f.chain, err)
		}
		for i, e := range run {
			fn(e, raw.Seq-uint64(len(run)-1-i)) // a run is part of one submission
		}
	}
	return nil
}

// fold judges a run. Its author is looked up if not met yet, and once more if the run does not hold: their keys may have been
// replaced.
func (c *Client) fold(ctx context.Context, run []*ledger.Entry) error {
	author := run[0].Author
	c.mu.Lock()
	_, unknown := c.state.Person(author)
	c.mu.Unlock()
	if unknown == nil {
		err := c.tryFold(run)
		if err == nil || errors.Is(err, ledger.ErrConflict) {
			return err
		}
	}
	if err := c.learn(ctx, protocol.DirIdentity, protocol.IdentityQuery{GID: author}); err != nil {
		return fmt.Errorf("asking for %s: %w", author, err)
	}
	return c.tryFold(run)
}

func (c *Client) tryFold(run []*ledger.Entry) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state.Fold(run...)
}

// head returns where a chain ends, for all the client knows.
func (c *Client) head(chain ledger.Chain) ledger.Head {
	c.mu.Lock()
	defer c.mu.Unlock()
	h, _ := c.state.Head(chain)
	return h
}
