package client

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
)

// writing is the writing of one chunk. In the same epoch, the same sealed events are numbered and signed anew after a conflict; in a
// new epoch they are sealed anew, under new ids. What any try has written, also one of an earlier run whose answer was lost,
// stands on the chain under ids that were promised before, and is not written again.
type writing struct {
	b      *Book
	o      *outgoing
	events []*ledger.Event
	again  bool             // it was on the log, and the node has lost it: it keeps its ids, by which others may refer to it
	ids    []ledger.EventID // once it is written

	sealedFor, refusedFor uint32 // epochs
}

// commit writes one chunk.
func (b *Book) commit(ctx context.Context, o *outgoing) ([]ledger.EventID, error) {
	w := &writing{b: b, o: o}
	err := b.do(ctx, b.writeKey(), func(s *session) error { return w.try(ctx, s) })
	return w.ids, err
}

// rewriting writes a chunk that the node has lost, as it was sealed, or if it has to be sealed for another epoch, as it was drafted.
func (b *Book) rewriting(l *sent) (*writing, error) {
	p, err := b.c.home.posted(l)
	if err != nil {
		return nil, err
	}
	o := &outgoing{waitingFor{ID: l.ID, Chain: l.Spans[0].Chain, Count: l.Count}, p.Drafts}
	w := &writing{b: b, o: o, again: true}
	if w.events, err = p.parse(); err != nil {
		return nil, err
	}
	ids := make([]ledger.EventID, len(w.events))
	for i, e := range w.events {
		ids[i] = e.ID
	}
	o.Tries = [][]ledger.EventID{ids}
	_, content, _ := contentOf(&ledger.Entry{Event: w.events[0]})
	w.sealedFor = content.Epoch
	return w, nil
}

// try writes the chunk in a session, unless it is written.
func (w *writing) try(ctx context.Context, s *session) error {
	b := w.b
	if ids := b.written(w.o); ids != nil {
		w.ids = ids
		return b.found(ctx, w.o, ids)
	}
	number, err := b.readyEpoch(ctx, s, w.refusedFor)
	if err != nil {
		return err
	}
	if w.sealedFor != number {
		if err := w.seal(ctx, s); err != nil {
			return err
		}
		w.sealedFor = number
	}
	if err := b.sign(s, w.events); err != nil {
		return err
	}
	line, p, err := newSent(protocol.Ingest(b.chain), b.c.config.Now(), w.events, nil)
	if err != nil {
		return err
	}
	line.Receipt, err = b.c.post(ctx, s.conn, line.Subject, p)
	if codeOf(err) == protocol.CodeStale {
		w.refusedFor = number
	}
	if err != nil {
		return err
	}
	w.ids = w.o.Tries[len(w.o.Tries)-1]
	if err := b.accepted(ctx, w.o, line, p); err != nil || w.again {
		return err
	}
	b.tend(ctx, s)
	return nil
}

// seal seals the drafts for the epoch in force.
func (w *writing) seal(ctx context.Context, s *session) (err error) {
	switch {
	case w.again && w.o.drafts == nil:
		return fmt.Errorf("it would have to be sealed anew, and its drafts went with what you erased: %w", errGone)
	case w.again:
		w.events, err = w.b.seal(ctx, s, w.o.drafts, w.o.Tries[0])
		return err
	}
	if w.events, err = w.b.seal(ctx, s, w.o.drafts, nil); err != nil {
		return err
	}
	return w.b.c.home.promise(ctx, w.o, w.events)
}

// written returns the ids under which a chunk stands on the chain; nil if it does not.
func (b *Book) written(o *outgoing) []ledger.EventID {
	for _, ids := range o.Tries {
		if b.ids[ids[0]] != 0 {
			return ids
		}
	}
	return nil
}

// adopt keeps the chunks that stand on the chain and whose receipts never came.
func (b *Book) adopt(ctx context.Context) error {
	for _, w := range b.seen.waiting {
		o := &outgoing{waitingFor: w}
		ids := b.written(o)
		if ids == nil {
			continue
		}
		var err error
		if o.drafts, err = b.c.home.drafts(o); errors.Is(err, fs.ErrNotExist) {
			continue // another program of this home was faster
		}
		if err == nil {
			err = b.found(ctx, o, ids)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// found keeps a chunk that stands on the chain, until it is sealed.
func (b *Book) found(ctx context.Context, o *outgoing, ids []ledger.EventID) error {
	at := slices.IndexFunc(b.records, func(e *ledger.Entry) bool { return e.ID == ids[0] })
	p := new(posted)
	var events []*ledger.Event
	for _, e := range b.records[at : at+len(ids)] {
		p.Events, events = append(p.Events, e.Raw), append(events, e.Event)
	}
	last := b.records[at+len(ids)-1]
	return b.accepted(ctx, o, &sent{
		Subject: protocol.Ingest(b.chain), Spans: p.spans(events), Count: uint32(len(ids)),
		Receipt: &protocol.Receipt{Committed: true, LogTime: last.LogTime.UnixMilli(), Control: last.Control, Sequence: b.ids[last.ID]},
	}, p)
}

// accepted keeps a chunk that is on the node's disk, until it is sealed. If we were to crash before this, the next try would find
// that it is written.
func (b *Book) accepted(ctx context.Context, o *outgoing, line *sent, p *posted) error {
	line.ID, line.Records, p.Drafts = o.ID, true, o.drafts
	if err := b.c.home.keepSent(ctx, line, p); err != nil {
		return fmt.Errorf("keeping what is written until it is sealed: %w", err)
	}
	// If we were to crash before this, the file would be a leftover as in keep.
	if err := b.c.home.removeLeft(o.file()); err != nil {
		return err
	}
	b.c.accepted(line)
	return nil
}
