package ingest

import (
	"context"
	"fmt"
	"slices"

	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/tree"
)

// View calls fn with the fold. fn must not keep or change it.
func (f *Fold) View(fn func(*ledger.State)) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	fn(f.state)
}

// Wait returns when the fold has come to the stream sequence seq.
func (f *Fold) Wait(ctx context.Context, seq uint64) error {
	for {
		f.mu.RLock()
		at, moved := f.seq, f.moved
		f.mu.RUnlock()
		if at >= seq {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for entry %d of the log: %w", seq, ctx.Err())
		case <-moved:
		}
	}
}

// Moved returns a channel that is closed when the fold next moves.
func (f *Fold) Moved() <-chan struct{} {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.moved
}

// Sequence returns the stream sequence of the newest entry followed.
func (f *Fold) Sequence() uint64 {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.seq
}

// Heads returns where each chain ends by the entries up to a stream sequence, the newest followed. The root of the map is
// computed already, so that others may ask for proofs while the fold goes on.
func (f *Fold) Heads() (uint64, tree.Heads) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for c, end := range f.ends {
		f.heads = f.heads.With(c, end)
	}
	clear(f.ends)
	f.heads.Root()
	return f.seq, f.heads
}

// Rejected returns the entries on a chain that do not count.
func (f *Fold) Rejected(c ledger.Chain) []ledger.Hash {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return slices.Clip(f.rejected[c])
}

// Closed tells why nobody is given access to a chain's record: it, or another chain of the same owner, holds what this
// version of phr does not understand. What it says might be that access has ended.
func (f *Fold) Closed(c ledger.Chain) error {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.closed[c.Owner]
}

func (f *Fold) isUnmarked() bool {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return len(f.unmarked) > 0
}

// nextUnmarked returns the first entry that does not count and is not marked.
func (f *Fold) nextUnmarked() (ledger.Rejected, bool) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	if len(f.unmarked) == 0 {
		return ledger.Rejected{}, false
	}
	return f.unmarked[0], true
}

func (f *Fold) marked(event ledger.Hash) {
	f.unmarked = slices.DeleteFunc(f.unmarked, func(r ledger.Rejected) bool { return r.Event == event })
}
