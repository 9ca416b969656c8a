//go:build !js

package stream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// idleConsumer is how long the server keeps a consumer nobody pulls from.
const idleConsumer = 2 * time.Minute

// errCaughtUp ends a Read from within.
var errCaughtUp = errors.New("caught up")

// Read delivers every entry from the sequence from (the first is 1) to the newest there is, and returns. See Follow.
func (l *Ledger) Read(ctx context.Context, from uint64, fn func([]Entry) error) error {
	err := l.Follow(ctx, from, nil, func(entries []Entry, pending uint64) error {
		if len(entries) > 0 {
			if err := fn(entries); err != nil {
				return err
			}
		}
		if pending == 0 {
			return errCaughtUp
		}
		return nil
	})
	if errors.Is(err, errCaughtUp) {
		return nil
	}
	return err
}

// Follow delivers every entry from the sequence from (the first is 1) that matches one of filters, or all of them
// without filters, and goes on with new ones until ctx ends or fn fails; it returns that error.
//
// fn gets entries in order, as many at once as are there, and how many more matching ones the stream held when the last
// was read: 0 means caught up. If there is nothing to read at first, fn is called once with no entries. Calls don't
// overlap, and the entries are fn's to keep.
//
// It fails with a *GapError when entries are missing, wherever they were. With filters it can't tell whether they would
// have matched, and which ones they are only within the bounds the error gives.
func (l *Ledger) Follow(ctx context.Context, from uint64, filters []string, fn func(entries []Entry, pending uint64) error) error {
	from = max(from, 1)
	if err := l.checkWhole(ctx, from); err != nil {
		return err
	}
	c, err := l.entries.CreateConsumer(ctx, jetstream.ConsumerConfig{
		DeliverPolicy:     jetstream.DeliverByStartSequencePolicy,
		OptStartSeq:       from,
		FilterSubjects:    filters,
		AckPolicy:         jetstream.AckNonePolicy,
		InactiveThreshold: idleConsumer,
		MemoryStorage:     true,
		Replicas:          1,
	})
	if err != nil {
		return fmt.Errorf("following the ledger: %w", err)
	}
	name := c.CachedInfo().Name
	defer l.forget(ctx, name)
	p, err := newPuller(l.conn, "$JS.API.CONSUMER.MSG.NEXT."+LedgerName+"."+name)
	if err != nil {
		return fmt.Errorf("following the ledger: %w", err)
	}
	defer p.close()
	p.seq, p.pending = from-1, c.CachedInfo().NumPending
	if p.pending == 0 {
		if err := fn(nil, 0); err != nil {
			return err
		}
	}
	if len(filters) == 0 {
		fn = l.contiguous(from, fn)
	}
	if err := p.drain(ctx, fn); err != nil {
		return err
	}
	return p.tail(ctx, fn)
}

// forget deletes a consumer whose reader is done, with or without ctx.
func (l *Ledger) forget(ctx context.Context, name string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_ = l.entries.DeleteConsumer(ctx, name) // it idles out in two minutes if this fails
}

// checkWhole fails if the ledger has holes anywhere, or ends before from.
func (l *Ledger) checkWhole(ctx context.Context, from uint64) error {
	info, err := l.entries.Info(ctx, jetstream.WithDeletedDetails(true))
	if err != nil {
		return fmt.Errorf("reading the ledger's state: %w", err)
	}
	s := info.State
	switch {
	case from > s.LastSeq+1:
		return &GapError{Want: from, Last: s.LastSeq}
	case s.LastSeq > 0 && s.FirstSeq > 1:
		return &GapError{Want: 1, Got: s.FirstSeq, Last: s.LastSeq}
	case s.Msgs != s.LastSeq:
		return holeIn(s)
	}
	return nil
}

// holeIn finds the first hole in a stream that has one.
func holeIn(s jetstream.StreamState) error {
	gap := &GapError{Want: s.LastSeq, Last: s.LastSeq}
	for i, seq := range s.Deleted {
		if i > 0 && seq != gap.Got {
			break
		}
		if i == 0 {
			gap.Want = seq
		}
		gap.Got = seq + 1
	}
	return gap
}

// contiguous wraps fn with the check that every sequence comes, one after the other.
func (l *Ledger) contiguous(from uint64, fn func([]Entry, uint64) error) func([]Entry, uint64) error {
	return func(entries []Entry, pending uint64) error {
		for i, e := range entries {
			if e.Seq != from {
				if i > 0 {
					if err := fn(entries[:i], pending); err != nil {
						return err
					}
				}
				return &GapError{Want: from, Got: e.Seq, Last: entries[len(entries)-1].Seq}
			}
			from++
		}
		return fn(entries, pending)
	}
}
