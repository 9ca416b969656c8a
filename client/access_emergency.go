package client

import (
	"context"
	"time"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
)

// markEmergencies completes the lines of an access log that are about emergencies. Lines and entries go together.
func markEmergencies(log []Access, entries []*ledger.Entry) {
	byRequest := make(map[ledger.EventID]*Emergency)
	opened := make(map[asker]*Emergency)
	for _, b := range ledger.Emergencies(entries) {
		byRequest[b.ID()] = &Emergency{Breakglass: b}
	}
	for i, e := range entries {
		a := &log[i]
		id, ok := ledger.RequestOf(e.Body)
		if e.Kind() == ledger.BreakglassRequestedKind {
			id, ok = e.ID, true
		}
		if !ok {
			if em := opened[asker{a.GID, a.Compartment, a.Term}]; em != nil {
				a.Emergency = em
			}
			continue
		}
		em := byRequest[id]
		if em == nil {
			continue // the node shows what can't be there
		}
		a.Emergency, a.GID, a.Compartment, a.Term, a.Expires = em, e.Author, em.Chain().Compartment, em.Term(), em.Expires()
		switch b := e.Body.(type) {
		case *ledger.BreakglassRequested:
			a.Reason = b.Reason
		case *ledger.BreakglassOpened:
			a.GID = b.Requester
			opened[asker{b.Requester, a.Compartment, a.Term}] = em
		case *ledger.BreakglassEnded:
			a.Reason = b.Reason
		case *ledger.BreakglassReviewed:
			a.Reason = b.Finding
		}
	}
}

// asker is somebody who may have opened a compartment in an emergency.
type asker struct {
	gid         identity.GID
	compartment ledger.Compartment
	term        ledger.TermID
}

// WatchEmergencies calls told with every line of the caller's access log about an emergency from now on, as it comes, until ctx
// ends or told fails, and returns why. It misses nothing between two sessions.
func (c *Client) WatchEmergencies(ctx context.Context, told func(Access) error) error {
	w := &emergencyWatch{c: c, feed: newFeed(c, ledger.RecordChain(c.GID(), ledger.Access)), told: told}
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

// emergencyWatch is one WatchEmergencies.
type emergencyWatch struct {
	c       *Client
	feed    *feed
	entries []*ledger.Entry // of the whole log
	seen    int             // entries that need not be told of
	begun   bool
	told    func(Access) error
	failed  error // of told
}

// follow watches in one session, and stops in time for the next one.
func (w *emergencyWatch) follow(ctx context.Context, s *session) error {
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
func (w *emergencyWatch) deliver(ctx context.Context, s *session) error {
	if err := w.feed.catchUp(ctx, s, func(e *ledger.Entry) { w.entries = append(w.entries, e) }); err != nil {
		return err
	}
	if !w.begun {
		w.begun, w.seen = true, len(w.entries)
	}
	log := make([]Access, len(w.entries))
	for i, e := range w.entries {
		log[i] = Access{Time: e.LogTime, Event: e.ID, Kind: e.Kind()}
	}
	markEmergencies(log, w.entries)
	fresh := log[w.seen:]
	if err := w.c.addDisplays(ctx, fresh); err != nil {
		return err
	}
	for _, a := range fresh {
		w.seen++
		if a.Emergency == nil {
			continue
		}
		if w.failed = w.told(a); w.failed != nil {
			return w.failed
		}
	}
	return nil
}
