package client

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/phrledger/phr/crypto/canonical"
	"github.com/phrledger/phr/ledger"
)

// outgoing is one submission's worth of drafts, kept at home until the node has acknowledged it.
type outgoing struct {
	ID     ledger.SubmissionID `cbor:"1,keyasint"`
	Chain  string              `cbor:"2,keyasint"`
	Drafts []Draft             `cbor:"3,keyasint"`
	IDs    []ledger.EventID    `cbor:"4,keyasint,omitempty"` // under which the newest try may have been written

	plan ledger.Hash // as the outbox says
}

const outboxIndex = "outbox"

// outbox is the list of what waits, oldest first, and how far each unfinished import has come.
type outbox struct {
	Waiting []waitingFor `cbor:"1,keyasint,omitempty"`
	Imports []importing  `cbor:"2,keyasint,omitempty"`
}

type waitingFor struct {
	_     struct{} `cbor:",toarray"`
	ID    ledger.SubmissionID
	Chain string
	Count uint32
	Plan  ledger.Hash // of the import it belongs to; zero for none
}

func (o *outgoing) file() string { return outboxIndex + "-" + o.ID.String() }

// keep puts drafts into the outbox, of the import of a plan or, with the zero plan, of none. The file comes first: if we were
// to crash between the two, it would be an unnamed leftover, and the caller was never told that the drafts are kept.
func (h *Home) keep(chain ledger.Chain, drafts []Draft, plan ledger.Hash) (*outgoing, error) {
	id, err := ledger.NewSubmissionID(rand.Reader, time.Now())
	if err != nil {
		return nil, err
	}
	o := &outgoing{ID: id, Chain: chain.String(), Drafts: drafts, plan: plan}
	if err := h.save(o); err != nil {
		return nil, err
	}
	return o, h.changeOutbox(func(box *outbox) {
		box.Waiting = append(box.Waiting, waitingFor{ID: id, Chain: o.Chain, Count: uint32(len(drafts)), Plan: plan})
		box.advance(plan, o.Chain, uint32(len(drafts)))
	})
}

func (h *Home) save(o *outgoing) error {
	contents, err := canonical.Marshal(o)
	if err != nil {
		return err
	}
	return h.write(o.file(), contents)
}

// promise remembers under which ids a try may be written, before it is tried.
func (h *Home) promise(o *outgoing, events []*ledger.Event) error {
	o.IDs = make([]ledger.EventID, len(events))
	for i, e := range events {
		o.IDs[i] = e.ID
	}
	return h.save(o)
}

// done drops what has been acknowledged.
func (h *Home) done(o *outgoing) error {
	err := h.changeOutbox(func(box *outbox) {
		box.Waiting = slices.DeleteFunc(box.Waiting, func(w waitingFor) bool { return w.ID == o.ID })
	})
	if err != nil {
		return err
	}
	return h.remove(o.file())
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
		o := &outgoing{ID: w.ID, plan: w.Plan}
		contents, err := h.read(o.file())
		if err != nil {
			return nil, fmt.Errorf("reading an unsent draft: %w", err)
		}
		if err := canonical.Unmarshal(contents, o); err != nil {
			return nil, fmt.Errorf("reading an unsent draft: %w", err)
		}
		all = append(all, o)
	}
	return all, nil
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
	contents, err := h.read(outboxIndex)
	if errors.Is(err, fs.ErrNotExist) {
		return box, nil
	}
	if err != nil {
		return box, fmt.Errorf("reading the outbox: %w", err)
	}
	return box, canonical.Unmarshal(contents, &box)
}

func (h *Home) changeOutbox(change func(*outbox)) error {
	box, err := h.outbox()
	if err != nil {
		return err
	}
	change(&box)
	contents, err := canonical.Marshal(box)
	if err != nil {
		return err
	}
	return h.write(outboxIndex, contents)
}
