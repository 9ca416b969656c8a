package ingest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/stream"
)

// Fold is the node's fold of the log, kept up to date by following it. Gate, ingest and key service decide on it. Its methods
// may be called concurrently.
type Fold struct {
	log *slog.Logger

	mu       sync.RWMutex
	state    *ledger.State
	runs     ledger.Runs
	seq      uint64                         // stream sequence of the newest entry followed
	last     map[ledger.Chain]uint64        // stream sequence of the newest entry on a chain, whether it counts or not
	rejected map[ledger.Chain][]ledger.Hash // entries that do not count
	unmarked map[ledger.Hash]ledger.Rejected
	closed   map[ledger.Chain]error // chains with an entry this version can't read
	moved    chan struct{}          // closed and replaced when the fold moves
}

// NewFold returns the fold of an empty log, for the node whose root is given.
func NewFold(root identity.GID, log *slog.Logger) *Fold {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Fold{
		log:      log,
		state:    ledger.NewState(root, ledger.WholeLog),
		last:     make(map[ledger.Chain]uint64),
		rejected: make(map[ledger.Chain][]ledger.Hash),
		unmarked: make(map[ledger.Hash]ledger.Rejected),
		closed:   make(map[ledger.Chain]error),
		moved:    make(chan struct{}),
	}
}

// Run follows the log from its beginning until ctx ends.
func (f *Fold) Run(ctx context.Context, l *stream.Ledger) error {
	err := l.Follow(ctx, 1, nil, func(entries []stream.Entry, _ uint64) error {
		f.add(entries)
		return nil
	})
	return fmt.Errorf("following the log: %w", err)
}

func (f *Fold) add(entries []stream.Entry) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, raw := range entries {
		f.seq = raw.Seq
		e, err := ledger.ParseEntry(raw.Data)
		if err == nil && e.Subject() != raw.Subject {
			err = errors.New("stored under a subject that is not its own")
		}
		if err != nil {
			f.log.Error("entry_unreadable", "seq", raw.Seq, "error", err)
			continue
		}
		f.last[e.Chain] = raw.Seq
		for _, run := range f.runs.Add(e) {
			f.foldRun(run)
		}
	}
	close(f.moved)
	f.moved = make(chan struct{})
}

func (f *Fold) foldRun(run []*ledger.Entry) {
	for _, e := range run {
		if marked, ok := e.Body.(*ledger.Rejected); ok {
			delete(f.unmarked, marked.Event)
		}
	}
	err := f.state.Fold(run...)
	if err == nil {
		return
	}
	if errors.Is(err, ledger.ErrQuarantined) {
		f.closed[run[0].Chain] = err
		f.log.Error("chain_quarantined", "chain", run[0].Chain.String(), "error", err)
		return
	}
	f.log.Warn("entry_rejected", "chain", run[0].Chain.String(), "error", err)
	for _, e := range run {
		f.rejected[e.Chain] = append(f.rejected[e.Chain], e.Hash)
		if e.Chain.Space != ledger.NodeSpace {
			f.unmarked[e.Hash] = ledger.Rejected{Chain: e.Chain.String(), Event: e.Hash, Reason: reasonOf(err)}
		}
	}
}

// reasonOf is the reason as the log keeps it.
func reasonOf(err error) string {
	const most = 200
	if s := err.Error(); len(s) <= most {
		return s
	}
	return err.Error()[:most]
}

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

// Rejected returns the entries on a chain that do not count.
func (f *Fold) Rejected(c ledger.Chain) []ledger.Hash {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.rejected[c][:len(f.rejected[c]):len(f.rejected[c])]
}

// Closed tells why nobody is given access to a chain's record: it holds what this version of phr does not understand.
func (f *Fold) Closed(c ledger.Chain) error {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.closed[c]
}
