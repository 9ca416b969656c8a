package client

import (
	"context"
	"math"
	"sort"
	"time"

	"github.com/phrledger/phr/projections/chart"
)

// Watch calls fn with every record event from now on, decrypted as it comes, until ctx ends, access does, or fn fails, and
// returns why. When a session ends it goes on in the next one, and misses nothing in between. Fn may use the book.
func (b *Book) Watch(ctx context.Context, fn func(chart.Record) error) error {
	return b.WatchAfter(ctx, math.MaxUint64, fn)
}

// WatchAfter is Watch that begins with what came after an event, by its number on the chain.
func (b *Book) WatchAfter(ctx context.Context, number uint64, fn func(chart.Record) error) error {
	w := &watcher{b: b, fn: fn}
	if err := b.do(ctx, b.readKey(), func(*session) error {
		w.seen = sort.Search(len(b.records), func(i int) bool { return b.records[i].Number > number })
		return nil
	}); err != nil {
		return err
	}
	for {
		err := b.c.attempt(ctx, b.readKey(), func(s *session) error { return w.follow(ctx, s) })
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case w.told != nil:
			return w.told
		case err != nil:
			return err
		}
	}
}

// watcher is one Watch.
type watcher struct {
	b    *Book
	seen int // records that need not be told
	fn   func(chart.Record) error
	told error // by fn
}

// follow watches in one session, and stops in time for the next one.
func (w *watcher) follow(ctx context.Context, s *session) error {
	left := s.renew.Sub(w.b.c.config.Now())
	inner, cancel := context.WithTimeout(ctx, max(left, time.Millisecond))
	defer cancel()
	f, err := w.feed(inner)
	if err == nil {
		err = f.observe(inner, s, func() error { return w.deliver(inner) })
	}
	if w.told != nil || ctx.Err() == nil && inner.Err() != nil {
		return nil
	}
	return err
}

// feed returns a feed of its own that begins where the book's has come to.
func (w *watcher) feed(ctx context.Context) (*feed, error) {
	f := newFeed(w.b.c, w.b.chain)
	if err := w.b.turn.take(ctx); err != nil {
		return nil, err
	}
	defer w.b.turn.give()
	f.next = w.b.feed.next
	return f, nil
}

// deliver tells what is new.
func (w *watcher) deliver(ctx context.Context) error {
	fresh, err := w.b.recordsFrom(ctx, w.seen)
	if err != nil {
		return err
	}
	for _, r := range fresh {
		w.seen++
		if w.told = w.fn(r); w.told != nil {
			return w.told
		}
	}
	return nil
}
