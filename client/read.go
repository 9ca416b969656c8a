package client

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"golang.org/x/sync/errgroup"

	"github.com/phrledger/phr/crypto/epoch"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/projections/chart"
)

// Records returns every record event of the compartment, decrypted. One that can't be opened is there all the same, and
// says why.
func (b *Book) Records(ctx context.Context) ([]chart.Record, error) { return b.recordsFrom(ctx, 0) }

// recordsFrom is Records without the first n.
func (b *Book) recordsFrom(ctx context.Context, n int) (all []chart.Record, err error) {
	err = b.do(ctx, b.readKey(), func(s *session) (err error) {
		all, err = b.decrypt(ctx, s, b.records[n:])
		if err == nil && b.own() {
			b.tend(ctx, s)
		}
		return err
	})
	return all, err
}

// Reading is how far a book was read. The zero value is before everything.
type Reading struct{ records, erasures int }

// Since returns the record events that came after an earlier reading of the book. Anew says that what was read then does not hold any more,
// as some of it was erased: all is everything there is.
func (b *Book) Since(ctx context.Context, r Reading) (all []chart.Record, now Reading, anew bool, err error) {
	err = b.do(ctx, b.readKey(), func(s *session) (err error) {
		anew = r.erasures != b.erasures && r.records > 0
		if anew {
			r.records = 0
		}
		now = Reading{len(b.records), b.erasures}
		all, err = b.decrypt(ctx, s, b.records[r.records:])
		if err == nil && b.own() {
			b.tend(ctx, s)
		}
		return err
	})
	return all, now, anew, err
}

// Place returns where an event of a record stands, and in which epoch it was sealed. Nothing is asked of the node.
func (b *Book) Place(ctx context.Context, id ledger.EventID) (p Place, epoch uint32, err error) {
	if err := b.turn.take(ctx); err != nil {
		return p, 0, err
	}
	defer b.turn.give()
	for _, e := range b.records {
		if e.ID == id {
			_, content, _ := contentOf(e)
			return Place{Event: id, Number: e.Number, Hash: e.Hash, Sequence: b.ids[id]}, content.Epoch, nil
		}
	}
	return p, 0, fmt.Errorf("there is no record %s in %s", id, b.chain.Compartment)
}

// decrypt opens record events. It fails only where the keys could not be asked for.
func (b *Book) decrypt(ctx context.Context, s *session, entries []*ledger.Entry) ([]chart.Record, error) {
	all := make([]chart.Record, len(entries))
	if len(entries) == 0 {
		return all, nil
	}
	o, err := b.opening(s)
	if err != nil {
		return nil, err
	}
	missing := false
	g := new(errgroup.Group)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, e := range entries {
		all[i] = recordOf(e)
		if b.erased(e) {
			all[i].Unreadable = epoch.ErrErased.Error()
			continue
		}
		_, content, _ := contentOf(e)
		k, err := o.epoch(ctx, content.Epoch)
		var lost *missingPart
		missing = missing || errors.As(err, &lost)
		switch {
		case errors.Is(err, errSealed):
			all[i].Unreadable = b.advise(err)
		case err != nil:
			return nil, errors.Join(err, g.Wait())
		default:
			g.Go(func() error {
				if body, err := epoch.Open(k.keys, k.shred, headerOf(e.Event), content.Sealed); err != nil {
					all[i].Unreadable = err.Error()
				} else {
					all[i].Body = body
				}
				return nil
			})
		}
	}
	if err := g.Wait(); err != nil || !missing {
		return all, err
	}
	if moved, err := b.moved(ctx, s); err != nil || !moved {
		return all, err
	}
	return b.decrypt(ctx, s, entries)
}

// advise says why an epoch stays sealed. Who reads says nothing on the log, not of broken parts either, or an insurer could
// keep everybody from writing: such a reader has to tell those who may.
func (b *Book) advise(err error) string {
	var broken *brokenPart
	if errors.As(err, &broken) && !b.own() {
		return err.Error() + "; the next epoch repairs it: tell the patient, or somebody who may write"
	}
	return err.Error()
}

func (b *Book) erased(e *ledger.Entry) bool {
	b.c.mu.Lock()
	defer b.c.mu.Unlock()
	return b.c.state.Erased(b.chain, e.ID)
}

// recordOf returns what an entry says of a record in clear.
func recordOf(e *ledger.Entry) chart.Record {
	kind, content, refers := contentOf(e)
	r := chart.Record{
		ID: chart.RecordID(e.ID.String()), Compartment: string(e.Chain.Compartment), Number: e.Number, Author: e.Author, Acting: !e.Acting().IsZero(),
		Time: e.LogTime, Class: content.Media, Kind: kind,
	}
	if !refers.IsZero() {
		r.RefersTo = chart.RecordID(refers.String())
	}
	return r
}

// contentOf returns the parts of a record event.
func contentOf(e *ledger.Entry) (chart.Kind, *ledger.Content, ledger.EventID) {
	switch body := e.Body.(type) {
	case *ledger.RecordWritten:
		return chart.Written, &body.Content, ledger.EventID{}
	case *ledger.RecordAmended:
		return chart.Amended, &body.Content, body.Refers
	case *ledger.RecordRetracted:
		return chart.Retracted, &body.Content, body.Refers
	}
	panic("not a record event: " + string(e.Kind()))
}

// headerOf returns what the seal of a record is bound to.
func headerOf(e *ledger.Event) epoch.Header {
	_, content, refers := contentOf(&ledger.Entry{Event: e})
	return epoch.Header{
		Version: 1, Patient: string(e.Chain.GID()), Compartment: string(e.Chain.Compartment), Epoch: content.Epoch,
		EventID: e.ID, Kind: string(e.Kind()), Author: string(e.Author), RefersTo: refers, Leaf: content.Leaf, Class: content.Media,
	}
}

// Opens tells whether a record event opens under any of the keys that this book was ever given: what a reader who kept
// everything can do with a copy of the log.
func (b *Book) Opens(e *ledger.Entry) bool {
	b.turn <- struct{}{}
	defer b.turn.give()
	_, content, _ := contentOf(e)
	for _, k := range b.keys {
		if k.shred == nil {
			continue
		}
		if _, err := epoch.Open(k.keys, k.shred, headerOf(e.Event), content.Sealed); err == nil {
			return true
		}
	}
	return false
}

// Chart folds the records of books into one chart.
func Chart(ctx context.Context, books ...*Book) (*chart.Chart, error) {
	folded := chart.New()
	for _, b := range books {
		records, err := b.Records(ctx)
		if err != nil {
			return nil, err
		}
		for _, r := range records {
			if err := folded.Apply(r); err != nil {
				return nil, err
			}
		}
	}
	return folded, nil
}
