package client

import (
	"context"
	"errors"
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
	var seen int // records that need not be told
	if err := b.do(ctx, b.readKey(), func(*session) error {
		seen = sort.Search(len(b.records), func(i int) bool { return b.records[i].Number > number })
		return nil
	}); err != nil {
		return err
	}
	var told error
	err := b.Follow(ctx, func(ctx context.Context) error {
		fresh, err := b.recordsFrom(ctx, seen)
		if err != nil {
			return err
		}
		for _, r := range fresh {
			seen++
			if told = fn(r); told != nil {
				return &enough{told}
			}
		}
		return nil
	})
	if told != nil {
		return told
	}
	return err
}

// Follow calls moved at once, and whenever something new may stand on the book's chain: a record, or anything else. It goes on until ctx
// ends, access does, or moved fails for good, and returns why; in another session too, and then it calls moved first. Moved may use the book.
func (b *Book) Follow(ctx context.Context, moved func(context.Context) error) error {
	w := &watcher{b: b, moved: moved}
	for {
		err := b.c.attempt(ctx, b.readKey(), func(s *session) error { return w.follow(ctx, s) })
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case w.told != nil:
			return w.told.error
		case err != nil:
			return err
		}
	}
}

// watcher is one Watch.
type watcher struct {
	b     *Book
	moved func(context.Context) error
	told  *enough
}

// enough is an error after which nothing is tried again.
type enough struct{ error }

func (e *enough) Unwrap() error { return e.error }

// follow watches in one session, and stops in time for the next one.
func (w *watcher) follow(ctx context.Context, s *session) error {
	left := s.renew.Sub(w.b.c.config.Now())
	inner, cancel := context.WithTimeout(ctx, max(left, time.Millisecond))
	defer cancel()
	f, err := w.feed(inner)
	if err == nil {
		err = f.observe(inner, s, func() error { return w.moved(inner) })
	}
	if errors.As(err, &w.told) || ctx.Err() == nil && inner.Err() != nil {
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
