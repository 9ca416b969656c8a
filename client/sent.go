package client

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/phrledger/phr/crypto/canonical"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
)

// sent is a line of the outbox: a submission that the node has or may have, and that is not known to be sealed. What was sent is in
// a file of its own, so that it can be sent again if the node loses it.
type sent struct {
	ID      ledger.SubmissionID `cbor:"1,keyasint"`
	Subject string              `cbor:"2,keyasint"`
	Spans   []span              `cbor:"3,keyasint"`
	Count   uint32              `cbor:"4,keyasint"`           // of events
	Receipt *protocol.Receipt   `cbor:"5,keyasint,omitempty"` // nil while the node is not known to have it on disk
	Records bool                `cbor:"6,keyasint,omitempty"` // it is a chunk of records, with a file that has their drafts too
}

// span is where the events of a submission stand on one chain: they follow each other.
type span struct {
	_           struct{} `cbor:",toarray"`
	Chain       string
	First, Last uint64         // numbers
	Prev, Head  ledger.Hash    // of the event before the first, and of the last
	ID          ledger.EventID // of the last
	At          uint32         // which of the submission's events is the last
}

// posted is what was sent.
type posted struct {
	Events [][]byte            `cbor:"1,keyasint"` // encoded, in order
	Parts  []protocol.PartData `cbor:"2,keyasint,omitempty"`
	Drafts []Draft             `cbor:"3,keyasint,omitempty"` // of records: what they were sealed from
}

const sentName = "sent"

func (l *sent) file() string { return sentName + "-" + l.ID.String() }

// newSent returns the line and the contents of a submission.
func newSent(subject string, now time.Time, events []*ledger.Event, parts []protocol.PartData) (*sent, *posted, error) {
	id, err := ledger.NewSubmissionID(rand.Reader, now)
	if err != nil {
		return nil, nil, err
	}
	p := &posted{Parts: parts}
	for _, e := range events {
		encoded, err := e.Marshal()
		if err != nil {
			return nil, nil, err
		}
		p.Events = append(p.Events, encoded)
	}
	return &sent{ID: id, Subject: subject, Spans: p.spans(events), Count: uint32(len(events))}, p, nil
}

// spans returns where the events stand, which are those of p.
func (p *posted) spans(events []*ledger.Event) []span {
	var all []span
	for i, e := range events {
		chain, hash := e.Chain.String(), ledger.HashEvent(p.Events[i])
		if at := slices.IndexFunc(all, func(s span) bool { return s.Chain == chain }); at >= 0 {
			all[at].Last, all[at].Head, all[at].ID, all[at].At = e.Number, hash, e.ID, uint32(i)
			continue
		}
		all = append(all, span{Chain: chain, First: e.Number, Last: e.Number, Prev: e.Prev, Head: hash, ID: e.ID, At: uint32(i)})
	}
	return all
}

// parse returns the events.
func (p *posted) parse() ([]*ledger.Event, error) {
	events := make([]*ledger.Event, len(p.Events))
	for i, encoded := range p.Events {
		var err error
		if events[i], err = ledger.ParseEvent(encoded); err != nil {
			return nil, err
		}
	}
	return events, nil
}

// on returns where the submission stands on a chain; nil if nowhere.
func (l *sent) on(chain ledger.Chain) *span {
	for i := range l.Spans {
		if l.Spans[i].Chain == chain.String() {
			return &l.Spans[i]
		}
	}
	return nil
}

// keepSent keeps a submission that is about to be sent, or one that was, in the place of what was kept under its id: drafts, or
// another form of it.
func (h *Home) keepSent(ctx context.Context, l *sent, p *posted) error {
	contents, err := canonical.Marshal(p)
	if err != nil {
		return err
	}
	// If we were to crash between the two, the file would be a leftover as in keep.
	if err := h.write(l.file(), contents); err != nil {
		return err
	}
	return h.changeOutbox(ctx, func(box *outbox) {
		if i := slices.IndexFunc(box.Sent, func(other sent) bool { return other.ID == l.ID }); i >= 0 {
			box.Sent[i] = *l
		} else {
			box.Sent = append(box.Sent, *l)
		}
		if l.Records {
			box.Waiting = slices.DeleteFunc(box.Waiting, func(w waitingFor) bool { return w.ID == l.ID })
		}
	})
}

// acknowledge keeps the receipts of submissions.
func (h *Home) acknowledge(ctx context.Context, lines ...*sent) error {
	err := h.changeOutbox(ctx, func(box *outbox) {
		for _, l := range lines {
			for i := range box.Sent {
				if box.Sent[i].ID == l.ID {
					box.Sent[i].Receipt = l.Receipt
				}
			}
		}
	})
	if err != nil {
		return fmt.Errorf("keeping a receipt: %w", err)
	}
	return nil
}

// dropSent drops submissions that are sealed, or that the node has refused.
func (h *Home) dropSent(ctx context.Context, lines ...sent) error {
	if len(lines) == 0 {
		return nil
	}
	err := h.changeOutbox(ctx, func(box *outbox) {
		box.Sent = slices.DeleteFunc(box.Sent, func(l sent) bool {
			return slices.ContainsFunc(lines, func(gone sent) bool { return gone.ID == l.ID })
		})
	})
	if err != nil {
		return err
	}
	// If we were to crash before this, the files would be leftovers as in keep.
	for _, l := range lines {
		err = errors.Join(err, h.removeLeft(l.file()))
	}
	return err
}

// removeLeft removes a file that may be gone: another process of this home may have been faster.
func (h *Home) removeLeft(name string) error {
	if err := h.store.Remove(name); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// posted reads what was sent.
func (h *Home) posted(l *sent) (*posted, error) {
	p := new(posted)
	contents, err := h.read(l.file())
	if err == nil {
		err = canonical.Unmarshal(contents, p)
	}
	if err == nil && len(p.Events) != int(l.Count) {
		err = errors.New("it is not what the outbox says")
	}
	if err != nil {
		return nil, fmt.Errorf("reading what was sent: %w", err)
	}
	return p, nil
}

// Unsealed returns how many events the node has acknowledged and not proven to be sealed, as far as was asked, by chain.
func (h *Home) Unsealed() (map[string]int, error) {
	box, err := h.outbox()
	if err != nil {
		return nil, err
	}
	counts := make(map[string]int)
	for _, l := range box.Sent {
		for _, s := range l.Spans {
			if l.Receipt != nil {
				counts[s.Chain] += int(s.Last - s.First + 1)
			}
		}
	}
	return counts, nil
}

// drawn returns when the submission was made, by the clock of who made it.
func (l *sent) drawn() time.Time {
	var ms [8]byte
	copy(ms[2:], l.ID[:6])
	return time.UnixMilli(int64(binary.BigEndian.Uint64(ms[:])))
}
