package client

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"

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
	if err := fit(drafts); err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	var waiting []*outgoing
	for _, chunk := range chunks(drafts) {
		o, err := b.c.home.keep(b.chain, chunk, ledger.Hash{})
		if err != nil {
			return nil, fmt.Errorf("keeping the drafts until they are written: %w", err)
		}
		waiting = append(waiting, o)
	}
	return b.send(ctx, waiting, progress)
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
	b.mu.Lock()
	defer b.mu.Unlock()
	waiting, err := b.c.home.waiting(b.chain)
	if err != nil {
		return nil, err
	}
	return b.send(ctx, waiting, progress)
}

func (b *Book) send(ctx context.Context, waiting []*outgoing, progress func(int)) ([]ledger.EventID, error) {
	var ids []ledger.EventID
	for _, o := range waiting {
		written, err := b.commit(ctx, o)
		if err != nil {
			return ids, err
		}
		ids = append(ids, written...)
		if err := b.c.home.done(o); err != nil {
			return ids, err
		}
		if progress != nil {
			progress(len(ids))
		}
	}
	return ids, nil
}

// commit writes one chunk. This is the one place where an append is tried again: in the same epoch the same sealed events are
// numbered and signed anew; in a new epoch they are sealed anew, under new ids.
func (b *Book) commit(ctx context.Context, o *outgoing) ([]ledger.EventID, error) {
	var events []*ledger.Event
	var sealedFor uint32
	var last error
	for try := range tries {
		s, err := b.catchUp(ctx, b.writeOp())
		if err != nil {
			return nil, b.refused(err, last)
		}
		if len(o.IDs) > 0 && b.ids[o.IDs[0]] {
			return o.IDs, nil // an earlier try was written after all
		}
		if err := b.rotateIfStale(ctx, last); err != nil {
			if last = err; b.c.again(ctx, s, try, err) {
				continue
			}
			return nil, err
		}
		f, _ := b.fact()
		if events == nil || sealedFor != f.Epoch.Number {
			if events, err = b.seal(ctx, f.Epoch.Number, o.Drafts); err != nil {
				return nil, err
			}
			sealedFor = f.Epoch.Number
			if err := b.c.home.promise(o, events); err != nil {
				return nil, err
			}
		}
		if err := b.sign(events, s); err != nil {
			return nil, err
		}
		_, last = submit(ctx, s.conn, protocol.Ingest(b.chain), b.c.config.Now(), events, nil)
		if last == nil {
			return o.IDs, nil
		}
		if !b.c.again(ctx, s, try, last) {
			return nil, fmt.Errorf("writing to %s: %w", b.chain.Compartment, last)
		}
	}
	return nil, fmt.Errorf("writing to %s, tried %d times: %w", b.chain.Compartment, tries, last)
}

// refused explains what it means that no session could be opened for drafts that are ready.
func (b *Book) refused(err, last error) error {
	if errors.Is(err, ErrNotShared) || codeOf(err) == protocol.CodeRefused {
		return fmt.Errorf("not sent, access ended: %w", err)
	}
	if last != nil {
		return fmt.Errorf("%w (before that: %w)", err, last)
	}
	return err
}

// seal seals drafts for an epoch, under new event ids.
func (b *Book) seal(ctx context.Context, number uint32, drafts []Draft) ([]*ledger.Event, error) {
	keys, err := b.epochKeys(ctx, number)
	if err != nil {
		return nil, err
	}
	events := make([]*ledger.Event, len(drafts))
	for i, d := range drafts {
		if events[i], err = b.sealOne(keys, number, d); err != nil {
			return nil, err
		}
	}
	return events, nil
}

func (b *Book) sealOne(keys *epochKeys, number uint32, d Draft) (*ledger.Event, error) {
	leaf, err := epoch.DrawLeaf(rand.Reader)
	if err != nil {
		return nil, err
	}
	body, content, err := d.body()
	if err != nil {
		return nil, err
	}
	content.Epoch, content.Leaf, content.Media = number, leaf, d.Media
	e, err := b.c.event(b.chain, ledger.Head{}, body)
	if err != nil {
		return nil, err
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

// sign gives sealed events their places on the chain as it stands, and signs the last one for all.
func (b *Book) sign(events []*ledger.Event, s *session) error {
	head := b.c.head(b.chain)
	for i, e := range events {
		e.Number, e.Prev, e.Signature = head.Number+1, head.Hash, nil
		if b.chain.GID() != b.c.GID() {
			e.Session = s.id
		}
		if i == len(events)-1 {
			return e.Sign(b.c.home.Identity())
		}
		encoded, err := e.Marshal()
		if err != nil {
			return err
		}
		head = ledger.Head{Number: e.Number, Hash: ledger.HashEvent(encoded)}
	}
	return nil
}

// rotateIfStale starts a new epoch if one is due: by what the client sees, or because the node said so in last.
func (b *Book) rotateIfStale(ctx context.Context, last error) error {
	b.c.mu.Lock()
	why := b.c.state.Stale(b.chain, b.c.config.Now())
	b.c.mu.Unlock()
	if why == "" && codeOf(last) == protocol.CodeStale {
		why = "an attribute or authority it rests on has changed"
	}
	if why == "" {
		return nil
	}
	return b.startEpoch(ctx, nil, nil, why)
}

// startEpoch submits bodies and, after them, the start of the next epoch, in one submission. Terms are those in force once the
// bodies count; nil for those in force now. Whoever else starts an epoch at the same time may win: the keys drawn here are
// then forgotten.
func (b *Book) startEpoch(ctx context.Context, before []ledger.Body, terms []ledger.LiveTerm, reason string) error {
	s, err := b.catchUp(ctx, b.writeOp())
	if err != nil {
		return err
	}
	f, _ := b.fact()
	number, previous, err := b.currentEpoch(ctx, &f)
	if err != nil {
		return err
	}
	if terms == nil {
		terms = f.Terms
	}
	now := b.c.config.Now()
	terms = slices.DeleteFunc(slices.Clone(terms), func(t ledger.LiveTerm) bool { return t.Until != 0 && now.UnixMilli() >= t.Until })
	next, err := b.makeEpoch(ctx, number+1, terms, previous, reason)
	if err != nil {
		return fmt.Errorf("starting an epoch: %w", err)
	}
	return b.append(ctx, s, append(before, next.body), next.parts)
}

// currentEpoch returns the number of the current epoch, 0 for none, and its keys as far as the caller has them.
func (b *Book) currentEpoch(ctx context.Context, f *ledger.CompartmentFact) (uint32, *epochKeys, error) {
	if f.Epoch == nil {
		return 0, nil, nil
	}
	keys, err := b.epochKeys(ctx, f.Epoch.Number)
	if errors.Is(err, errSealed) {
		return f.Epoch.Number, nil, nil // without its keys the link stays pending
	}
	return f.Epoch.Number, keys, err
}

// writeOp is the operation that appending to the book takes.
func (b *Book) writeOp() ledger.Operation {
	if b.chain.GID() == b.c.GID() {
		return ledger.OpLogin
	}
	return ledger.OpWrite
}

// append signs bodies as the next events of the chain and submits them. A conflict is the caller's to handle.
func (b *Book) append(ctx context.Context, s *session, bodies []ledger.Body, parts []protocol.PartData) error {
	events, err := b.events(s, bodies)
	if err != nil {
		return err
	}
	if _, err := submit(ctx, s.conn, protocol.Ingest(b.chain), b.c.config.Now(), events, parts); err != nil {
		return err
	}
	_, err = b.catchUp(ctx, b.writeOp())
	return err
}

func (b *Book) events(s *session, bodies []ledger.Body) ([]*ledger.Event, error) {
	if b.chain.GID() == b.c.GID() {
		return b.c.extend(b.chain, b.c.head(b.chain), bodies...)
	}
	head := b.c.head(b.chain)
	var events []*ledger.Event
	for _, body := range bodies {
		e, err := b.c.event(b.chain, head, body)
		if err != nil {
			return nil, err
		}
		e.Session = s.id
		if err := e.Sign(b.c.home.Identity()); err != nil {
			return nil, err
		}
		encoded, err := e.Marshal()
		if err != nil {
			return nil, err
		}
		head = ledger.Head{Number: e.Number, Hash: ledger.HashEvent(encoded)}
		events = append(events, e)
	}
	return events, nil
}
