package client

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/phrledger/phr/crypto/canonical"
	"github.com/phrledger/phr/ledger"
)

// outgoing is one submission's worth of drafts, kept at home until the node has sealed it.
type outgoing struct {
	waitingFor
	drafts []Draft
}

// outbox is the list of what waits, oldest first, how far each unfinished import has come, and what the node has and has not
// sealed.
type outbox struct {
	Waiting []waitingFor `cbor:"1,keyasint,omitempty"`
	Imports []importing  `cbor:"2,keyasint,omitempty"`
	Sent    []sent       `cbor:"3,keyasint,omitempty"`
}

// waitingFor is a line of the outbox. The drafts are in a file of their own, which never changes.
type waitingFor struct {
	_     struct{} `cbor:",toarray"`
	ID    ledger.SubmissionID
	Chain string
	Count uint32
	Plan  ledger.Hash        // of the import it belongs to; zero for none
	Tries [][]ledger.EventID // under which ids it may have been written; each try is written as a whole or not at all
}

const outboxName = "outbox"

func (w *waitingFor) file() string { return outboxName + "-" + w.ID.String() }

// keep puts drafts into the outbox, of the import of a plan or, with the zero plan, of none. The file comes first: if we were
// to crash between the two, it would be an unnamed leftover, and the caller was never told that the drafts are kept.
func (h *Home) keep(ctx context.Context, chain ledger.Chain, drafts []Draft, plan ledger.Hash) (*outgoing, error) {
	id, err := ledger.NewSubmissionID(rand.Reader, time.Now())
	if err != nil {
		return nil, err
	}
	o := &outgoing{waitingFor{ID: id, Chain: chain.String(), Count: uint32(len(drafts)), Plan: plan}, drafts}
	contents, err := canonical.Marshal(drafts)
	if err != nil {
		return nil, err
	}
	if err := h.write(o.file(), contents); err != nil {
		return nil, err
	}
	return o, h.changeOutbox(ctx, func(box *outbox) {
		box.Waiting = append(box.Waiting, o.waitingFor)
		box.advance(plan, o.Chain, o.Count)
	})
}

// promise remembers under which ids a try may be written, before it is tried.
func (h *Home) promise(ctx context.Context, o *outgoing, events []*ledger.Event) error {
	ids := make([]ledger.EventID, len(events))
	for i, e := range events {
		ids[i] = e.ID
	}
	o.Tries = append(o.Tries, ids)
	return h.changeOutbox(ctx, func(box *outbox) {
		for i := range box.Waiting {
			if box.Waiting[i].ID == o.ID {
				box.Waiting[i].Tries = o.Tries
			}
		}
	})
}

// done drops what is not to be sent any more. If we were to crash between the two, the file would be a leftover as in keep.
func (h *Home) done(ctx context.Context, o *outgoing) error {
	err := h.changeOutbox(ctx, func(box *outbox) {
		box.Waiting = slices.DeleteFunc(box.Waiting, func(w waitingFor) bool { return w.ID == o.ID })
	})
	if err != nil {
		return err
	}
	return h.store.Remove(o.file())
}

// waiting returns what is still to be written to a chain.
func (h *Home) waiting(chain ledger.Chain) ([]*outgoing, error) {
	box, err := h.outbox()
	if err != nil {
		return nil, err
	}
	var all []*outgoing
	for _, w := range box.Waiting {
		if w.Chain != chain.String() {
			continue
		}
		o := &outgoing{waitingFor: w}
		o.drafts, err = h.drafts(o)
		if errors.Is(err, fs.ErrNotExist) && !h.stillWaits(o) {
			continue // another program of this home has found it on the chain
		}
		if err != nil {
			return nil, fmt.Errorf("reading an unsent draft: %w", err)
		}
		all = append(all, o)
	}
	return all, nil
}

// drafts reads the drafts of a chunk that waits.
func (h *Home) drafts(o *outgoing) (drafts []Draft, err error) {
	contents, err := h.read(o.file())
	if err == nil {
		err = canonical.Unmarshal(contents, &drafts)
	}
	return drafts, err
}

// stillWaits tells whether a chunk is in the outbox.
func (h *Home) stillWaits(o *outgoing) bool {
	box, err := h.outbox()
	return err != nil || slices.ContainsFunc(box.Waiting, func(w waitingFor) bool { return w.ID == o.ID })
}

// Unsent returns how many drafts wait to be written, by chain.
func (h *Home) Unsent() (map[string]int, error) {
	box, err := h.outbox()
	if err != nil {
		return nil, err
	}
	counts := make(map[string]int)
	for _, w := range box.Waiting {
		counts[w.Chain] += int(w.Count)
	}
	return counts, nil
}

func (h *Home) outbox() (outbox, error) {
	var box outbox
	contents, err := h.read(outboxName)
	if errors.Is(err, fs.ErrNotExist) {
		return box, nil
	}
	if err == nil {
		err = canonical.Unmarshal(contents, &box)
	}
	if err != nil {
		return box, fmt.Errorf("reading the outbox: %w", err)
	}
	return box, nil
}

// changeOutbox changes the list in one write of one file. Nobody else changes it meanwhile.
func (h *Home) changeOutbox(ctx context.Context, change func(*outbox)) error {
	release, err := h.lock(ctx, outboxName)
	if err != nil {
		return err
	}
	defer release()
	box, err := h.outbox()
	if err != nil {
		return err
	}
	change(&box)
	contents, err := canonical.Marshal(box)
	if err != nil {
		return err
	}
	return h.write(outboxName, contents)
}

// lockOutbox waits until nobody else, in another process too, writes what waits for the book.
func (b *Book) lockOutbox(ctx context.Context) (release func(), err error) {
	release, err = b.c.home.lock(ctx, outboxName+"-"+nameOf(b.chain))
	if err != nil {
		return nil, fmt.Errorf("waiting for another phr that writes to %s from this home: %w", b.chain.Compartment, err)
	}
	return release, nil
}
