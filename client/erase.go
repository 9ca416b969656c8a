package client

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"

	"github.com/phrledger/phr/crypto/epoch"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
)

// ErrErased is returned, wrapped, where something was looked for whose keys are destroyed.
var ErrErased = errors.New("erased")

// Erased says what an erasure did.
type Erased struct {
	Records  int // as first written; those that were erased before are not counted
	Versions int // events whose content is gone: of the records, their amendments and their retractions
	Epochs   int // that they were written in: each is punctured once
	Drafts   int // about them, that waited at home to be written and are dropped
}

// Erase destroys the keys of records of the caller's own, for everybody and for good: of every version of each, and of the
// reasons they were retracted for. An id may name any version. The events stay, and say when something was written and by whom.
//
// What readers have kept by themselves, it does not reach. Erasing what is erased changes nothing; after an interruption it is
// called again.
func (b *Book) Erase(ctx context.Context, ids ...ledger.EventID) (*Erased, error) {
	if !b.own() {
		return nil, errors.New("only the patient erases")
	}
	release, err := b.lockOutbox(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	done := new(Erased)
	err = b.do(ctx, loginKey, func(s *session) error {
		roots, err := b.roots(ids)
		if err != nil {
			return err
		}
		// If we were to crash after the erasure, the drafts would be dropped by the next call, or refused by every node.
		if err := b.eraseOnce(ctx, s, roots, done); err != nil {
			return err
		}
		dropped, err := b.dropDrafts(ctx, func(d *Draft) bool { return roots[d.Refers] })
		done.Drafts += dropped
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("erasing: %w", err)
	}
	return done, nil
}

// roots returns the records, as first written, that ids name.
func (b *Book) roots(ids []ledger.EventID) (map[ledger.EventID]bool, error) {
	wanted, roots := make(map[ledger.EventID]bool, len(ids)), make(map[ledger.EventID]bool)
	for _, id := range ids {
		wanted[id] = true
	}
	for _, e := range b.records {
		if wanted[e.ID] {
			roots[rootOf(e)] = true
			delete(wanted, e.ID)
		}
	}
	for id := range wanted {
		return nil, fmt.Errorf("there is no record %s in %s", id, b.chain.Compartment)
	}
	return roots, nil
}

// rootOf returns the id under which the record of a record event was first written.
func rootOf(e *ledger.Entry) ledger.EventID {
	if _, _, refers := contentOf(e); !refers.IsZero() {
		return refers
	}
	return e.ID
}

// eraseOnce erases what is left of records, all in one submission with one event for each epoch.
func (b *Book) eraseOnce(ctx context.Context, s *session, roots map[ledger.EventID]bool, done *Erased) error {
	doomed := make(map[uint32][]*ledger.Entry)
	var now Erased
	for _, e := range b.records {
		if !roots[rootOf(e)] || b.erased(e) {
			continue
		}
		_, content, refers := contentOf(e)
		doomed[content.Epoch] = append(doomed[content.Epoch], e)
		now.Versions++
		if refers.IsZero() {
			now.Records++
		}
	}
	if len(doomed) == 0 {
		return nil // erased before, or by a try whose answer was lost
	}
	*done = Erased{Records: now.Records, Versions: now.Versions, Epochs: len(doomed)}
	o, err := b.opening(s)
	if err != nil {
		return err
	}
	var bodies []ledger.Body
	var parts []protocol.PartData
	for number := range o.fact.Epoch.Number {
		entries := doomed[number+1]
		if len(entries) == 0 {
			continue
		}
		body, pieces, err := o.puncture(ctx, number+1, entries)
		if err != nil {
			return err
		}
		bodies, parts = append(bodies, body), append(parts, pieces...)
	}
	return b.append(ctx, s, nil, bodies, parts)
}

// puncture makes the event that erases records of one epoch, and the pieces of its new shred.
func (o *opening) puncture(ctx context.Context, number uint32, entries []*ledger.Entry) (ledger.Body, []protocol.PartData, error) {
	if len(entries) > ledger.MaxErased {
		return nil, nil, fmt.Errorf("%d versions of epoch %d at once are more than %d: erase them in several goes", len(entries), number, ledger.MaxErased)
	}
	k, err := o.epoch(ctx, number)
	if err != nil {
		return nil, nil, fmt.Errorf("epoch %d: %w", number, err)
	}
	shred, err := epoch.ParseShred(k.shred.Bytes()) // the one in use stays as it is until this counts
	if err != nil {
		return nil, nil, err
	}
	body := &ledger.RecordErased{Epoch: number}
	leaves := make([]epoch.Leaf, len(entries))
	for i, e := range entries {
		_, content, _ := contentOf(e)
		leaves[i] = content.Leaf
		body.Records, body.Leaves = append(body.Records, e.ID), append(body.Leaves, content.Leaf)
	}
	shred.Puncture(leaves...)
	sealed, err := epoch.SealShred(rand.Reader, o.b.place(number), k.keys, shred)
	if err != nil {
		return nil, nil, err
	}
	var parts []protocol.PartData
	for piece := range slices.Chunk(sealed, ledger.MaxPart) {
		if hash := sha256.Sum256(piece); len(parts) == 0 {
			body.Shred = hash
		} else {
			body.More = append(body.More, hash)
		}
		parts = append(parts, o.b.partData(number, ledger.ShredName(len(parts)), piece))
	}
	if len(parts) > ledger.MaxPieces {
		return nil, nil, fmt.Errorf("too many records of epoch %d would be erased one by one, its key state takes %d MiB: "+
			"export what is to stay, and erase the compartment", number, len(sealed)>>20)
	}
	return body, parts, nil
}

// dropDrafts takes drafts out of the outbox, and what is on the log already. The caller has the outbox and the turn.
func (b *Book) dropDrafts(ctx context.Context, doomed func(*Draft) bool) (dropped int, err error) {
	if err := b.c.home.dropWritten(ctx, b.chain); err != nil {
		return 0, err
	}
	waiting, err := b.c.home.waiting(b.chain)
	if err != nil {
		return 0, err
	}
	for _, o := range waiting {
		kept := slices.DeleteFunc(slices.Clone(o.drafts), func(d Draft) bool { return doomed(&d) })
		written := b.written(o) != nil
		if len(kept) == len(o.drafts) && !written {
			continue
		}
		if !written && len(kept) > 0 {
			// If we were to crash after this, those that are kept would wait twice, and every node refuse the first time.
			if _, err := b.c.home.keep(ctx, b.chain, kept, ledger.Hash{}); err != nil {
				return dropped, err
			}
		}
		if err := b.c.home.done(ctx, o); err != nil {
			return dropped, err
		}
		if !written {
			dropped += len(o.drafts) - len(kept)
		}
	}
	return dropped, nil
}

// dropWritten drops the drafts of what is written to a chain and not sealed yet. If the node loses it now, it can be sent again only
// as it was sealed.
func (h *Home) dropWritten(ctx context.Context, chain ledger.Chain) error {
	box, err := h.outbox()
	if err != nil {
		return err
	}
	for _, l := range box.Sent {
		if !l.Records || l.on(chain) == nil {
			continue
		}
		p, err := h.posted(&l)
		if err != nil {
			return err
		}
		// A file of its own, so that the old one can be overwritten. If we were to crash between the two, the next erasure would find both.
		next := l
		if next.ID, err = ledger.NewSubmissionID(rand.Reader, l.drawn()); err != nil {
			return err
		}
		p.Drafts = nil
		if err := h.keepSent(ctx, &next, p); err != nil {
			return err
		}
		if err := h.dropSent(ctx, l); err != nil {
			return err
		}
	}
	return nil
}

// forget drops the keys that an event has ended: who follows the log keeps nothing that opens what is erased.
func (b *Book) forget(body ledger.Body) {
	switch body := body.(type) {
	case *ledger.RecordErased:
		b.erasures++
		delete(b.keys, body.Epoch)
		b.c.forgetShred(b.chain, body.Epoch)
	case *ledger.CompartmentErased:
		b.erasures++
		clear(b.keys)
	}
}

// forgetShred drops the key state of an epoch that came with a session. Only the book of the chain looks at it.
func (c *Client) forgetShred(chain ledger.Chain, number uint32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for key, place := range c.slots {
		if key.chain != chain || place.open == nil {
			continue
		}
		grant := place.open.grant
		grant.Parts = slices.DeleteFunc(grant.Parts, func(p protocol.PartData) bool { return p.Epoch == number && p.Name == ledger.PartShred })
	}
}
