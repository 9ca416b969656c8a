package ingest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/stream"
	"github.com/phrledger/phr/ledger/tree"
)

// Fold is the node's fold of the log, kept up to date by following it. Gate, ingest and key service decide on it. Its methods
// may be called concurrently.
type Fold struct {
	log  *slog.Logger
	runs ledger.Runs // of Run alone

	mu       sync.RWMutex
	state    *ledger.State
	seq      uint64                         // stream sequence of the newest entry followed
	last     map[ledger.Chain]uint64        // stream sequence of the newest entry on a chain, whether it counts or not
	rejected map[ledger.Chain][]ledger.Hash // entries that do not count
	unmarked []ledger.Rejected              // those of them that no node has marked, in the order of the log
	closed   map[string]error               // owners of chains with an entry this version can't read
	sent     map[string]sent                // the batch that this node appended last, by id
	gone     []replaced                     // parts that the log says are erased, and may be there still
	moved    chan struct{}                  // closed and replaced when the fold moves
	heads    tree.Heads                     // where each chain ended when it was last asked for
	ends     map[ledger.Chain]tree.Head     // where chains have ended since
}

// sent is an entry that this node has appended, as it will come back.
type sent struct {
	data  []byte
	entry *ledger.Entry
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
		closed:   make(map[string]error),
		moved:    make(chan struct{}),
		ends:     make(map[ledger.Chain]tree.Head),
	}
}

// Run follows the log from its beginning until ctx ends. It is called once.
func (f *Fold) Run(ctx context.Context, l *stream.Ledger) error {
	err := l.Follow(ctx, 1, nil, func(entries []stream.Entry, _ uint64) error {
		for _, raw := range entries {
			f.add(raw)
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		close(f.moved)
		f.moved = make(chan struct{})
		return nil
	})
	return fmt.Errorf("following the log: %w", err)
}

// add takes the next entry of the log. Reading it, the better part of the work, keeps nobody waiting.
func (f *Fold) add(raw stream.Entry) {
	e, err := f.read(raw)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seq = raw.Seq
	if err != nil {
		f.log.Error("entry_unreadable", "seq", raw.Seq, "error", err)
		f.closed[ownerOf(raw.Subject)] = fmt.Errorf("%w: entry %d of the log: %v", ledger.ErrQuarantined, raw.Seq, err)
		return
	}
	f.last[e.Chain] = raw.Seq
	for _, run := range f.runs.Add(e) {
		f.fold(run)
	}
}

// read decodes an entry, unless this node has just encoded it.
func (f *Fold) read(raw stream.Entry) (*ledger.Entry, error) {
	f.mu.RLock()
	own, ok := f.sent[raw.ID]
	f.mu.RUnlock()
	e := own.entry
	if !ok || !bytes.Equal(own.data, raw.Data) {
		var err error
		if e, err = ledger.ParseEntry(raw.Data); err != nil {
			return nil, err
		}
	}
	if e.Subject() != raw.Subject {
		return nil, errors.New("stored under a subject that is not its own")
	}
	return e, nil
}

// expect says what is about to be appended. The batch before it has come back, or never will.
func (f *Fold) expect(passed []*tried) {
	next := make(map[string]sent)
	for _, t := range passed {
		for i, m := range t.messages {
			next[m.ID] = sent{m.Data, t.entries[i]}
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sent = next
}

// ownerOf returns the token of a subject that names whose chain it is.
func ownerOf(subject string) string {
	tokens := strings.Split(subject, ".")
	i := 1
	if space := ledger.Space(tokens[0]); space == ledger.RecordSpace || space == ledger.PersonSpace {
		i = 2 // after the shard
	}
	if i >= len(tokens) {
		return ""
	}
	return tokens[i]
}

func (f *Fold) fold(run []*ledger.Entry) {
	gone := erasedBy(f.state, run[0])
	err := f.state.Fold(run...)
	owner := run[0].Chain.Owner
	switch {
	case err == nil:
		f.gone = append(f.gone, gone...)
		last := run[len(run)-1]
		f.ends[last.Chain] = tree.Head{Number: last.Number, Hash: last.Hash}
		for _, e := range run {
			if mark, ok := e.Body.(*ledger.Rejected); ok {
				f.marked(mark.Event)
			}
		}
	case f.closed[owner] != nil:
		// What follows an entry that can't be read can't be judged.
	case errors.Is(err, ledger.ErrQuarantined):
		f.closed[owner] = err
		f.log.Error("chain_quarantined", "chain", run[0].Chain.String(), "error", err)
	default:
		f.reject(run, err)
	}
}

func (f *Fold) reject(run []*ledger.Entry, err error) {
	f.log.Warn("entry_rejected", "chain", run[0].Chain.String(), "error", err)
	for _, e := range run {
		f.rejected[e.Chain] = append(f.rejected[e.Chain], e.Hash)
		f.unmarked = append(f.unmarked, ledger.Rejected{Chain: e.Chain.String(), Event: e.Hash, Reason: reasonOf(err)})
	}
}

// reasonOf is the reason as the log keeps it.
func reasonOf(err error) string {
	const most = 200
	s := err.Error()
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "")
	}
	return s
}
