package client

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
)

// Imported says what an import did.
type Imported struct {
	IDs     map[ledger.Compartment][]ledger.EventID // of the plan, written by this call
	Before  int                                     // of the plan, written by an earlier call that was interrupted
	Resumed bool                                    // there was such a call
	Others  int                                     // that other interrupted calls had left to these compartments, written first
}

// Count returns how many records of the plan are written by now.
func (i *Imported) Count() int {
	n := i.Before
	for _, ids := range i.IDs {
		n += len(ids)
	}
	return n
}

// Import writes a plan into a patient's record. If it is interrupted, by a crash too, calling it again with the same plan
// from the same home writes the rest and nothing twice; a plan that was written to its end is forgotten. Progress, if not nil,
// is called with how many of the plan are written. With an error, what is returned says how far it came; nil is nowhere.
func (c *Client) Import(ctx context.Context, patient identity.GID, p *Plan, progress func(written int)) (*Imported, error) {
	names := slices.Sorted(maps.Keys(p.Drafts))
	books := make([]*Book, len(names))
	for i, name := range names {
		var err error
		if books[i], err = c.Book(ctx, patient, name); err != nil {
			return nil, err
		}
		if err := fit(p.Drafts[name]); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	plan := p.hash()
	done, err := c.before(books, plan)
	if err != nil {
		return nil, err
	}
	report := func() {
		if progress != nil {
			progress(done.Count())
		}
	}
	report()
	for _, b := range books {
		if err := b.importPlan(ctx, p.Drafts[b.Compartment()], plan, done, report); err != nil {
			return done, err
		}
	}
	// If we were to crash before this, the next call would find everything written, and forget the plan then.
	return done, c.home.forgetImport(ctx, plan)
}

// before finds out how far an earlier call came.
func (c *Client) before(books []*Book, plan ledger.Hash) (*Imported, error) {
	done := &Imported{IDs: make(map[ledger.Compartment][]ledger.EventID)}
	box, err := c.home.outbox()
	if err != nil {
		return nil, err
	}
	for _, b := range books {
		kept, waits := box.kept(plan, b.chain.String())
		done.Before += kept - waits
		done.Resumed = done.Resumed || kept > 0
	}
	return done, nil
}

// importPlan writes what is left of a plan's drafts for one book, after what waits in the outbox.
func (b *Book) importPlan(ctx context.Context, drafts []Draft, plan ledger.Hash, done *Imported, report func()) error {
	release, err := b.lockOutbox(ctx)
	if err != nil {
		return err
	}
	defer release()
	box, err := b.c.home.outbox()
	if err != nil {
		return err
	}
	kept, _ := box.kept(plan, b.chain.String())
	if kept > len(drafts) {
		return errors.New("the outbox has more of this import than there is: it is damaged")
	}
	waiting, err := b.c.home.waiting(b.chain)
	if err != nil {
		return err
	}
	for _, chunk := range chunks(drafts[kept:]) {
		o, err := b.c.home.keep(ctx, b.chain, chunk, plan)
		if err != nil {
			return fmt.Errorf("keeping the drafts until they are written: %w", err)
		}
		waiting = append(waiting, o)
	}
	for _, o := range waiting {
		written, err := b.send(ctx, []*outgoing{o}, nil)
		if err != nil {
			return err
		}
		if o.Plan == plan {
			done.IDs[b.Compartment()] = append(done.IDs[b.Compartment()], written...)
		} else {
			done.Others += len(written)
		}
		report()
	}
	return nil
}

// hash names a plan by what it writes where.
func (p *Plan) hash() ledger.Hash {
	h := sha256.New()
	number := func(n int) { h.Write(binary.BigEndian.AppendUint64(nil, uint64(n))) }
	text := func(s string) {
		number(len(s))
		h.Write([]byte(s))
	}
	for _, name := range slices.Sorted(maps.Keys(p.Drafts)) {
		text(string(name))
		number(len(p.Drafts[name]))
		for _, d := range p.Drafts[name] {
			text(string(d.Kind))
			text(d.Media)
			text(string(d.Body))
		}
	}
	return ledger.Hash(h.Sum(nil))
}

// importing is an unfinished import: how many drafts of a plan for one chain were ever put into the outbox. They are the
// first ones. The number changes together with the outbox, in one write of one file, so that none is written twice or left out.
type importing struct {
	_     struct{} `cbor:",toarray"`
	Plan  ledger.Hash
	Chain string
	Kept  uint32
}

// advance counts drafts of an import that are put into the outbox.
func (box *outbox) advance(plan ledger.Hash, chain string, n uint32) {
	if plan.IsZero() {
		return
	}
	for i := range box.Imports {
		if im := &box.Imports[i]; im.Plan == plan && im.Chain == chain {
			im.Kept += n
			return
		}
	}
	box.Imports = append(box.Imports, importing{Plan: plan, Chain: chain, Kept: n})
}

// kept returns how many drafts of an import were ever put into the outbox, and how many of them still wait.
func (box *outbox) kept(plan ledger.Hash, chain string) (kept, waits int) {
	for _, im := range box.Imports {
		if im.Plan == plan && im.Chain == chain {
			kept = int(im.Kept)
		}
	}
	for _, w := range box.Waiting {
		if w.Plan == plan && w.Chain == chain {
			waits += int(w.Count)
		}
	}
	return kept, waits
}

// forgetImport forgets a plan that is written.
func (h *Home) forgetImport(ctx context.Context, plan ledger.Hash) error {
	return h.changeOutbox(ctx, func(box *outbox) {
		box.Imports = slices.DeleteFunc(box.Imports, func(im importing) bool { return im.Plan == plan })
	})
}
