//go:build !js

package stream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// A Part is an erasable piece of key material beside the ledger, stored once under a subject that ends in its hash.
type Part struct {
	Subject string
	Data    []byte
	Stored  time.Time // when this node stored it; for collecting what no event names, never for a verdict
}

// PutParts stores parts, each for itself, and returns when all are on disk. A part that is there already with the same
// bytes is left alone; with other bytes, PutParts fails with ErrConflict. After any error some may have been stored:
// put them again.
//
// They are not staged as a batch: that would leave a copy in a file that erasing does not reach.
func (l *Ledger) PutParts(ctx context.Context, parts ...Part) error {
	for _, p := range parts {
		l.copy(p)
	}
	ctx, cancel := context.WithTimeout(ctx, ackTimeout)
	defer cancel()
	acks := make([]jetstream.PubAckFuture, len(parts))
	for i, p := range parts {
		var err error
		acks[i], err = l.js.PublishMsgAsync(&nats.Msg{Subject: p.Subject, Data: p.Data},
			jetstream.WithExpectStream(KeysName), jetstream.WithExpectLastSequencePerSubject(0))
		if err != nil {
			return fmt.Errorf("storing a part: %w", err)
		}
	}
	var failed error
	for i, ack := range acks {
		if err := l.stored(ctx, parts[i], ack); err != nil && failed == nil {
			failed = fmt.Errorf("storing a part: %w", err)
		}
	}
	return failed
}

// copy keeps the second copy of a part. If that fails the part is stored all the same: nobody's revocation waits for the other disk.
func (l *Ledger) copy(p Part) {
	if l.copies == nil {
		return
	}
	if err := l.copies.Keep(p.Subject, p.Data); err != nil {
		l.log.Error("part_not_copied", "error", err)
	}
}

// stored waits for the acknowledgement of p, or finds p in its place already.
func (l *Ledger) stored(ctx context.Context, p Part, ack jetstream.PubAckFuture) error {
	var err error
	select {
	case <-ack.Ok():
		return nil
	case err = <-ack.Err():
	case <-ctx.Done():
		return ctx.Err()
	}
	there, lookup := l.Part(ctx, p.Subject)
	switch {
	case errors.Is(lookup, ErrNotFound):
		return err
	case lookup != nil:
		return lookup
	case !bytes.Equal(there, p.Data):
		return ErrConflict
	}
	return nil
}

// Part returns the bytes stored under subject, or ErrNotFound.
func (l *Ledger) Part(ctx context.Context, subject string) ([]byte, error) {
	m, err := l.rawPart(ctx, subject)
	if err != nil {
		return nil, err
	}
	return m.Data, nil
}

func (l *Ledger) rawPart(ctx context.Context, subject string) (*jetstream.RawStreamMsg, error) {
	m, err := l.keys.GetLastMsgForSubject(ctx, subject)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil, fmt.Errorf("reading a part: %w", ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("reading a part: %w", err)
	}
	return m, nil
}

// DeletePart erases what is stored under subject: its bytes are overwritten on disk, those of its second copy first. Erasing what is not there is no
// error. With replicas, the log they share keeps a copy until it is compacted.
func (l *Ledger) DeletePart(ctx context.Context, subject string) error {
	if l.copies != nil {
		if err := l.copies.Erase(subject); err != nil {
			return err
		}
	}
	m, err := l.rawPart(ctx, subject)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if err = l.keys.SecureDeleteMsg(ctx, m.Sequence); err == nil {
		return nil
	}
	if _, left := l.rawPart(ctx, subject); errors.Is(left, ErrNotFound) {
		return nil // somebody else was faster
	}
	return fmt.Errorf("erasing a part: %w", err)
}

// Parts calls fn with every part whose subject matches filter, in the order they were stored, until fn fails.
func (l *Ledger) Parts(ctx context.Context, filter string, fn func(Part) error) error {
	c, err := l.keys.CreateConsumer(ctx, jetstream.ConsumerConfig{
		FilterSubject:     filter,
		AckPolicy:         jetstream.AckNonePolicy,
		InactiveThreshold: idleConsumer,
		MemoryStorage:     true,
		Replicas:          1,
	})
	if err != nil {
		return fmt.Errorf("listing parts: %w", err)
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = l.keys.DeleteConsumer(ctx, c.CachedInfo().Name) // it idles out in two minutes if this fails
	}()
	p, err := newPuller(l.conn, "$JS.API.CONSUMER.MSG.NEXT."+KeysName+"."+c.CachedInfo().Name)
	if err != nil {
		return fmt.Errorf("listing parts: %w", err)
	}
	defer p.close()
	p.pending, p.erasable = c.CachedInfo().NumPending, true
	return p.drain(ctx, func(entries []Entry, _ uint64) error {
		for _, e := range entries {
			if err := fn(Part{Subject: e.Subject, Data: e.Data, Stored: e.stored}); err != nil {
				return err
			}
		}
		return nil
	})
}
