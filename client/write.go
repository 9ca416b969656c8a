package client

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"runtime"

	"golang.org/x/sync/errgroup"

	"github.com/phrledger/phr/crypto/epoch"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/projections/chart"
)

// Draft is a record that is not written yet.
type Draft struct {
	Kind   chart.Kind     `cbor:"1,keyasint"`
	Media  string         `cbor:"2,keyasint"`          // media class: chart.FHIR, chart.Note, …
	Body   []byte         `cbor:"3,keyasint"`          // the content, or the reason of a retraction
	Refers ledger.EventID `cbor:"4,keyasint,omitzero"` // of an amendment or retraction
}

// maxChunk bounds the content of one atomic submission, in bytes before sealing.
const maxChunk = 12 << 20

// chunks cuts drafts into submissions.
func chunks(drafts []Draft) [][]Draft {
	var all [][]Draft
	size := 0
	for i, d := range drafts {
		size += len(d.Body)
		if i == 0 || size > maxChunk || len(all[len(all)-1]) == protocol.MaxEvents {
			all, size = append(all, nil), len(d.Body)
		}
		last := &all[len(all)-1]
		*last = append(*last, d)
	}
	return all
}

// Write writes drafts and returns their ids, in order. Up to 900 of ordinary size are written all or none; more go in
// several submissions, each all or none, of which an error may leave the last ones unwritten: what is returned is on the
// log. Progress, if not nil, is called with how many are written.
//
// Every draft is first kept at home, sealed. An interrupted Write is finished by Resume.
func (b *Book) Write(ctx context.Context, drafts []Draft, progress func(written int)) ([]ledger.EventID, error) {
	release, err := b.lockOutbox(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	waiting, err := b.keep(ctx, drafts)
	if err != nil {
		return nil, err
	}
	return b.send(ctx, waiting, progress)
}

// Keep keeps drafts at home, sealed, until Resume writes them: for when the node can't be reached.
func (b *Book) Keep(ctx context.Context, drafts []Draft) error {
	release, err := b.lockOutbox(ctx)
	if err != nil {
		return err
	}
	defer release()
	_, err = b.keep(ctx, drafts)
	return err
}

func (b *Book) keep(ctx context.Context, drafts []Draft) ([]*outgoing, error) {
	if err := fit(drafts); err != nil {
		return nil, err
	}
	var waiting []*outgoing
	for _, chunk := range chunks(drafts) {
		o, err := b.c.home.keep(ctx, b.chain, chunk, ledger.Hash{})
		if err != nil {
			return nil, fmt.Errorf("keeping the drafts until they are written: %w", err)
		}
		waiting = append(waiting, o)
	}
	return waiting, nil
}

// fit tells which draft is too large for a record.
func fit(drafts []Draft) error {
	for i, d := range drafts {
		if len(d.Body) > epoch.MaxBody {
			return fmt.Errorf("record %d has %d bytes, and one holds at most %d KiB", i+1, len(d.Body), epoch.MaxBody>>10)
		}
	}
	return nil
}

// Resume writes what an interrupted Write has left, and returns the ids.
func (b *Book) Resume(ctx context.Context, progress func(written int)) ([]ledger.EventID, error) {
	release, err := b.lockOutbox(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	waiting, err := b.c.home.waiting(b.chain)
	if err != nil {
		return nil, err
	}
	return b.send(ctx, waiting, progress)
}

// send writes what waits, in order.
func (b *Book) send(ctx context.Context, waiting []*outgoing, progress func(int)) ([]ledger.EventID, error) {
	var ids []ledger.EventID
	for _, o := range waiting {
		written, err := b.commit(ctx, o)
		if code := codeOf(err); (code == protocol.CodeInvalid || code == protocol.CodeBad) && o.Plan.IsZero() || errors.Is(err, ErrErased) {
			// It never will count, and whoever is told has the drafts: they must not stand in the way of others.
			err = errors.Join(err, b.c.home.done(ctx, o))
		}
		if err != nil {
			return ids, b.unsent(err)
		}
		ids = append(ids, written...)
		if progress != nil {
			progress(len(ids))
		}
	}
	return ids, nil
}

// unsent explains why drafts stay in the outbox.
func (b *Book) unsent(err error) error {
	if errors.Is(err, ErrNotShared) || codeOf(err) == protocol.CodeRefused {
		return fmt.Errorf("not sent, access ended: %w", err)
	}
	return fmt.Errorf("writing to %s: %w", b.chain.Compartment, err)
}

// readyEpoch returns the number of the epoch to write in, and starts a new one if that is due: by what the caller sees, or
// because the node has refused to write in this one, or because the caller can't open it for a fault of its parts.
func (b *Book) readyEpoch(ctx context.Context, s *session, refused uint32) (uint32, error) {
	f, err := b.existing()
	if err != nil {
		return 0, err
	}
	why, err := b.due(ctx, s)
	if err != nil {
		return 0, err
	}
	if why == "" && f.Epoch.Number == refused {
		why = "an attribute or authority it rests on has changed"
	}
	if why == "" {
		return f.Epoch.Number, nil
	}
	if err := b.startEpoch(ctx, s, why); err != nil {
		return 0, err
	}
	f, err = b.existing()
	return f.Epoch.Number, err
}

// due says why a new epoch has to be started before anything rests on the current one: it is stale, or a part that the caller
// opens it by is broken. It is empty while none is.
func (b *Book) due(ctx context.Context, s *session) (string, error) {
	if why, _ := b.stale(); why != "" {
		return why, nil
	}
	o, err := b.opening(s)
	if err != nil {
		return "", err
	}
	var broken *brokenPart
	if _, err := o.current(ctx); errors.As(err, &broken) {
		return broken.Error(), nil
	} else if err != nil {
		return "", err
	}
	return "", nil
}

// seal seals drafts for the current epoch, under the ids given, or new ones if none are.
func (b *Book) seal(ctx context.Context, s *session, drafts []Draft, ids []ledger.EventID) ([]*ledger.Event, error) {
	o, err := b.opening(s)
	if err != nil {
		return nil, err
	}
	keys, err := o.current(ctx)
	if err != nil {
		return nil, err
	}
	events := make([]*ledger.Event, len(drafts))
	g := new(errgroup.Group)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, d := range drafts {
		g.Go(func() (err error) {
			var id ledger.EventID
			if ids != nil {
				id = ids[i]
			}
			events[i], err = b.sealOne(keys, o.fact.Epoch.Number, d, id)
			return err
		})
	}
	return events, g.Wait()
}

func (b *Book) sealOne(keys *openEpoch, number uint32, d Draft, id ledger.EventID) (*ledger.Event, error) {
	leaf, err := epoch.DrawLeaf(rand.Reader)
	if err != nil {
		return nil, err
	}
	body, content, err := d.body()
	if err != nil {
		return nil, err
	}
	content.Epoch, content.Leaf, content.Media = number, leaf, d.Media
	e, err := b.c.event(b.chain, body)
	if err != nil {
		return nil, err
	}
	if !id.IsZero() {
		e.ID = id
	}
	if content.Sealed, err = epoch.Seal(rand.Reader, keys.keys, keys.shred, headerOf(e), d.Body); err != nil {
		return nil, err
	}
	bucket, err := epoch.Bucket(content.Sealed)
	content.Bucket = uint32(bucket)
	return e, err
}

// body returns an empty event body of the draft's kind, and where its content goes.
func (d *Draft) body() (ledger.Body, *ledger.Content, error) {
	switch d.Kind {
	case chart.Written:
		r := &ledger.RecordWritten{}
		return r, &r.Content, nil
	case chart.Amended:
		r := &ledger.RecordAmended{Refers: d.Refers}
		return r, &r.Content, nil
	case chart.Retracted:
		r := &ledger.RecordRetracted{Refers: d.Refers}
		return r, &r.Content, nil
	}
	return nil, nil, fmt.Errorf("there is no kind of record %q", d.Kind)
}
