package ingest

import (
	"context"
	"errors"
	"fmt"

	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/ledger/stream"
)

const groupBytes = 16 << 20 // of one batch, but for its last submission

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

// gather takes what waits behind the first job into its batch, as far as the batch has room for any other.
func (in *Ingest) gather(first *job) []*job {
	group := []*job{first}
	events, bytes := first.size()
	for bytes < groupBytes && events <= stream.MaxBatch-protocol.MaxEvents {
		select {
		case j := <-in.jobs:
			n, size := j.size()
			group, events, bytes = append(group, j), events+n, bytes+size
		default:
			return group
		}
	}
	return group
}

// commit tries a group and writes what stands the test. If another node was faster with one of the chains, each is tried and
// written alone, so that nobody's stale head costs anyone else.
func (in *Ingest) commit(ctx context.Context, group []*job) {
	err := in.commitOnce(ctx, group)
	if moved := errors.Is(err, stream.ErrConflict) || errors.Is(err, stream.ErrDuplicate); moved {
		if len(group) > 1 {
			for _, j := range group {
				in.commit(ctx, []*job{j})
			}
			return
		}
		err = refusal(protocol.CodeConflict, err)
	}
	if err != nil {
		for _, j := range group {
			j.done <- result{err: err}
		}
	}
}

// commitOnce answers every job of the group, or none and returns an error.
func (in *Ingest) commitOnce(ctx context.Context, group []*job) error {
	lag, cancel := context.WithTimeout(ctx, ledger.MaxBehind)
	defer cancel()
	if err := in.caughtUp(lag); err != nil {
		in.Log.Warn("commit_behind", "error", err)
		return &stream.Error{Code: protocol.CodeBusy, Text: "the node is behind the log", Hint: "try again in a moment"}
	}
	passed, failed := in.try(group)
	seqs, err := in.write(ctx, passed)
	if err != nil {
		return err
	}
	for i, t := range passed {
		t.receipt.Sequence = seqs[i]
		t.done <- result{receipt: t.receipt, seq: seqs[i]}
	}
	for j, err := range failed {
		j.done <- result{err: err}
	}
	return nil
}

// write stores the parts first: an event on disk must not name a part that is not. If we were to crash after the parts,
// they would be collected as named by nobody; if after the events, what they erase would be erased at the
// next start.
func (in *Ingest) write(ctx context.Context, passed []*tried) ([]uint64, error) {
	if len(passed) == 0 {
		return nil, nil
	}
	var messages []stream.Message
	var parts []stream.Part
	for _, t := range passed {
		messages, parts = append(messages, t.messages...), append(parts, t.parts...)
	}
	in.keeping.Lock()
	defer in.keeping.Unlock()
	if err := in.Ledger.PutParts(ctx, parts...); err != nil {
		return nil, fmt.Errorf("storing parts: %w", err)
	}
	in.Fold.expect(passed)
	last, err := in.Ledger.Append(ctx, messages)
	if err != nil {
		return nil, err
	}
	seqs := make([]uint64, len(passed))
	seq := last - uint64(len(messages))
	for i, t := range passed {
		seq += uint64(len(t.messages))
		seqs[i] = seq
		in.erase(ctx, t.erased)
		in.spent.add(t.spent)
	}
	return seqs, nil
}
