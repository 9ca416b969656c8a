package ingest

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/ledger/stream"
)

const (
	maxWaiting = 256 // submissions that wait to be committed; more are told to come again
	readShare  = 100 // events that one goroutine decodes
)

// job is a submission on its way to the log.
type job struct {
	events []*ledger.Entry // read, and without a place yet
	words  *words          // instead of events: what the node itself says
	parts  []protocol.PartData
	done   chan result
}

type result struct {
	receipt protocol.Receipt
	seq     uint64 // stream sequence of the last event
	err     error
}

// Submit commits events, with the parts they name, all or none, and returns when they are on disk. Who may submit them is
// the caller's to judge; whether they count is judged here. What is refused comes back as a *stream.Error. When ctx ends
// before, the events may be committed all the same. The events must not change any more.
func (in *Ingest) Submit(ctx context.Context, events [][]byte, parts []protocol.PartData) (protocol.Receipt, error) {
	entries, err := read(events)
	if err != nil {
		return protocol.Receipt{}, err
	}
	r := in.submit(ctx, &job{events: entries, parts: parts})
	return r.receipt, r.err
}

// Append signs nothing: it submits events of the node's own services and returns when the fold shows them too.
func (in *Ingest) Append(ctx context.Context, events ...*ledger.Event) error {
	encoded := make([][]byte, len(events))
	for i, e := range events {
		var err error
		if encoded[i], err = e.Marshal(); err != nil {
			return err
		}
	}
	entries, err := read(encoded)
	if err != nil {
		return err
	}
	r := in.submit(ctx, &job{events: entries})
	if r.err != nil {
		return r.err
	}
	return in.Fold.Wait(ctx, r.seq)
}

// read decodes events on the submitter's time, so that the one committer does not have to.
func read(events [][]byte) ([]*ledger.Entry, error) {
	if len(events) == 0 || len(events) > protocol.MaxEvents {
		return nil, refusal(protocol.CodeBad, fmt.Errorf("a submission has 1 to %d events, not %d", protocol.MaxEvents, len(events)))
	}
	entries := make([]*ledger.Entry, len(events))
	var g errgroup.Group
	for from := 0; from < len(events); from += readShare {
		to := min(from+readShare, len(events))
		g.Go(func() (err error) {
			for i := from; i < to && err == nil; i++ {
				entries[i], err = ledger.NewEntry(events[i], time.Time{}, ledger.Position{})
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, refusal(protocol.CodeBad, err)
	}
	return entries, nil
}

func (in *Ingest) submit(ctx context.Context, j *job) result {
	j.done = make(chan result, 1)
	select {
	case in.jobs <- j:
	default:
		return result{err: &stream.Error{Code: protocol.CodeBusy, Text: "the node has more to write than it can", Hint: "try again in a moment"}}
	}
	select {
	case r := <-j.done:
		return r
	case <-ctx.Done():
		return result{err: ctx.Err()}
	}
}

// size is what the job weighs in a batch.
func (j *job) size() (events, bytes int) {
	if j.words != nil {
		return 1, 0
	}
	for _, e := range j.events {
		bytes += len(e.Raw)
	}
	return len(j.events), bytes
}
