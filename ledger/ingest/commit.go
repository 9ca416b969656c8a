package ingest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/ledger/stream"
)

const (
	maxWaiting = 256             // submissions that wait to be committed; more are told to come again
	groupBytes = 16 << 20        // of one batch
	maxLag     = 5 * time.Second // how far the fold may be behind the log
)

// job is a submission on its way to the log.
type job struct {
	events [][]byte
	parts  []protocol.PartData
	done   chan result
}

type result struct {
	receipt protocol.Receipt
	seq     uint64
	err     error
}

// tried is a job that stands the test, with what is to be written for it.
type tried struct {
	*job
	messages []stream.Message
	parts    []stream.Part
	receipt  protocol.Receipt
}

// Submit commits events, with the parts they name, all or none, and returns when they are on disk. Who may submit them is
// the caller's to judge; whether they count is judged here.
func (in *Ingest) Submit(ctx context.Context, events [][]byte, parts []protocol.PartData) (protocol.Receipt, error) {
	r := in.submit(ctx, events, parts)
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
	r := in.submit(ctx, encoded, nil)
	if r.err != nil {
		return r.err
	}
	return in.Fold.Wait(ctx, r.seq)
}

func (in *Ingest) submit(ctx context.Context, events [][]byte, parts []protocol.PartData) result {
	if len(events) == 0 || len(events) > protocol.MaxEvents {
		return result{err: refusal(protocol.CodeBad, fmt.Errorf("a submission has 1 to %d events, not %d", protocol.MaxEvents, len(events)))}
	}
	j := &job{events: events, parts: parts, done: make(chan result, 1)}
	select {
	case in.jobs <- j:
	case <-ctx.Done():
		return result{err: ctx.Err()}
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

func (in *Ingest) commitLoop(ctx context.Context) error {
	for {
		var first *job
		select {
		case <-ctx.Done():
			return ctx.Err()
		case first = <-in.jobs:
		}
		in.commit(ctx, in.gather(first))
	}
}

// gather takes what waits behind the first job into its batch, as far as the batch has room.
func (in *Ingest) gather(first *job) []*job {
	group, events, bytes := []*job{first}, len(first.events), first.size()
	for bytes < groupBytes && events < stream.MaxBatch-protocol.MaxEvents {
		select {
		case j := <-in.jobs:
			group, events, bytes = append(group, j), events+len(j.events), bytes+j.size()
		default:
			return group
		}
	}
	return group
}

func (j *job) size() (n int) {
	for _, e := range j.events {
		n += len(e)
	}
	return n
}

// commit tries a group and writes what stands the test. If another node was faster with one of the chains, each is tried and
// written alone, so that nobody's stale head costs anyone else.
func (in *Ingest) commit(ctx context.Context, group []*job) {
	err := in.commitOnce(ctx, group)
	if errors.Is(err, stream.ErrConflict) && len(group) > 1 {
		for _, j := range group {
			in.commit(ctx, []*job{j})
		}
		return
	}
	if err != nil {
		for _, j := range group {
			j.done <- result{err: err}
		}
	}
}

// commitOnce answers every job of the group, or none and returns an error.
func (in *Ingest) commitOnce(ctx context.Context, group []*job) error {
	last, err := in.Ledger.LastSeq(ctx)
	if err != nil {
		return err
	}
	lag, cancel := context.WithTimeout(ctx, maxLag)
	defer cancel()
	if err := in.Fold.Wait(lag, last); err != nil {
		return &stream.Error{Code: protocol.CodeBusy, Text: "the node is behind the log", Hint: "try again in a moment"}
	}
	passed, failed := in.try(group)
	seqs, err := in.write(ctx, passed)
	if err != nil {
		return err
	}
	for i, t := range passed {
		t.done <- result{receipt: t.receipt, seq: seqs[i]}
	}
	for j, err := range failed {
		j.done <- result{err: err}
	}
	return nil
}

// write stores the parts first: an event on disk must not name a part that is not. If we were to crash after the parts,
// they would be collected as named by nobody.
func (in *Ingest) write(ctx context.Context, passed []*tried) ([]uint64, error) {
	if len(passed) == 0 {
		return nil, nil
	}
	var messages []stream.Message
	var parts []stream.Part
	for _, t := range passed {
		messages, parts = append(messages, t.messages...), append(parts, t.parts...)
	}
	if err := in.Ledger.PutParts(ctx, parts...); err != nil {
		return nil, fmt.Errorf("storing parts: %w", err)
	}
	last, err := in.Ledger.Append(ctx, messages)
	if err != nil {
		return nil, err
	}
	seqs := make([]uint64, len(passed))
	seq := last - uint64(len(messages))
	for i, t := range passed {
		seq += uint64(len(t.messages))
		seqs[i] = seq
	}
	return seqs, nil
}
