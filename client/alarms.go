package client

import (
	"context"
	"time"

	"github.com/phrledger/phr/ledger"
)

// WatchAlarms calls told with every line of the caller's access log that must not be overlooked, from now on and as it comes: what is
// said of an emergency, and the first access of somebody new, unless Newcomers has told of it before. It goes on until ctx ends or
// told fails, and returns why. It misses nothing between two sessions.
func (c *Client) WatchAlarms(ctx context.Context, told func(Access) error) error {
	return c.watchAccess(ctx, told, func(ctx context.Context, a *Access, told func(Access) error) error {
		switch {
		case a.First:
			return c.introduce(ctx, nil, []Access{*a}, told)
		case a.Emergency != nil && a.Session.IsZero():
			return told(*a)
		}
		return nil
	})
}

// WatchAccess is WatchAlarms for every line.
func (c *Client) WatchAccess(ctx context.Context, told func(Access) error) error {
	return c.watchAccess(ctx, told, func(_ context.Context, a *Access, told func(Access) error) error { return told(*a) })
}

// tellAccess tells of a line of the access log, if it is one that is wanted.
type tellAccess func(ctx context.Context, a *Access, told func(Access) error) error

func (c *Client) watchAccess(ctx context.Context, told func(Access) error, tell tellAccess) error {
	w := &accessWatch{c: c, feed: newFeed(c, ledger.RecordChain(c.GID(), ledger.Access)), told: told, tell: tell}
	for {
		err := c.attempt(ctx, loginKey, func(s *session) error { return w.follow(ctx, s) })
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case w.failed != nil:
			return w.failed
		case err != nil:
			return err
		}
	}
}

// accessWatch is one WatchAccess, or WatchAlarms.
type accessWatch struct {
	c       *Client
	feed    *feed
	entries []*ledger.Entry // of the whole log
	seen    int             // entries that need not be told of
	begun   bool
	told    func(Access) error
	tell    tellAccess
	failed  error // of told
}

// follow watches in one session, and stops in time for the next one.
func (w *accessWatch) follow(ctx context.Context, s *session) error {
	inner, cancel := context.WithTimeout(ctx, max(s.renew.Sub(w.c.config.Now()), time.Millisecond))
	defer cancel()
	tail := newFeed(w.c, w.feed.chain)
	tail.next = w.feed.next
	err := tail.observe(inner, s, func() error { return w.deliver(inner, s) })
	if w.failed != nil || ctx.Err() == nil && inner.Err() != nil {
		return nil
	}
	return err
}

// deliver tells what is new.
func (w *accessWatch) deliver(ctx context.Context, s *session) error {
	if err := w.feed.catchUp(ctx, s, func(e *ledger.Entry, _ uint64) { w.entries = append(w.entries, e) }); err != nil {
		return err
	}
	if !w.begun {
		w.begun, w.seen = true, len(w.entries)
	}
	log := accesses(w.entries, w.c.config.Now())
	markEmergencies(log, w.entries)
	fresh := log[w.seen:]
	if err := w.c.addDisplays(ctx, fresh); err != nil {
		return err
	}
	for i := range fresh {
		w.seen++
		if err := w.tell(ctx, &fresh[i], w.pass); err != nil {
			return err
		}
	}
	return nil
}

// pass tells of a line, and remembers that this failed.
func (w *accessWatch) pass(a Access) error {
	w.failed = w.told(a)
	return w.failed
}
