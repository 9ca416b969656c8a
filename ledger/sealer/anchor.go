package sealer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/ledger/stream"
	"github.com/phrledger/phr/ledger/tree"
)

const (
	// freshFor is how old a checkpoint event may be for people who ask where chains end.
	freshFor = 5 * time.Minute
	// anchorEvery and anchorAfter are when the log gets one unasked: after so many entries, or so long after something happened.
	anchorEvery = 10_000
	anchorAfter = 10 * time.Minute
	// anchorWithin bounds how long whoever asks waits for a new one.
	anchorWithin = 5 * time.Second
)

// anchor is a checkpoint event on the log, and the map of heads that it names.
type anchor struct {
	ledger.Checkpoint
	heads tree.Heads
	entry []byte // nil until it has come back by the stream
	index uint64 // of the entry
	at    time.Time
}

// noteAnchor recognises a checkpoint event of this node as it comes by.
func (s *Sealer) noteAnchor(raw stream.Entry) error {
	if raw.Subject != ledger.NodeChain(s.Node).Subject(ledger.CheckpointKind) {
		return nil
	}
	e, err := ledger.ParseEntry(raw.Data)
	if err != nil {
		return fmt.Errorf("entry %d of the log can't be read: %w", raw.Seq, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	next := anchor{Checkpoint: *e.Body.(*ledger.Checkpoint), entry: raw.Data, index: raw.Seq - 1, at: e.LogTime}
	if s.said != nil && s.said.Checkpoint == next.Checkpoint {
		next.heads, s.said = s.said.heads, nil
	}
	s.anchor = next
	return nil
}

// fresh tells whether the newest checkpoint event will do for people, and can be proven from.
func (s *Sealer) fresh() (anchor, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.anchor
	return a, a.entry != nil && a.heads != (tree.Heads{}) && s.Now().Sub(a.at) < freshFor
}

// anchorLoop puts checkpoint events into the log when they are due.
func (s *Sealer) anchorLoop(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-s.compared:
	}
	tick := time.NewTicker(anchorAfter / 10)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.due:
			if _, ok := s.fresh(); ok || s.saying() {
				continue
			}
		case <-tick.C:
			if !s.overdue() {
				continue
			}
		}
		if err := s.sayAnchor(ctx); err != nil && ctx.Err() == nil {
			s.Log.Warn("checkpoint_unsaid", "error", err)
		}
	}
}

// overdue tells whether enough has happened since the newest checkpoint event.
func (s *Sealer) overdue() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	since := s.status.Size - min(s.status.Size, s.anchor.index+1)
	return since >= anchorEvery || since > 0 && s.Now().Sub(s.anchor.at) >= anchorAfter
}

// sayAnchor logs a checkpoint of what the fold shows now.
func (s *Sealer) sayAnchor(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, anchorWithin)
	defer cancel()
	size, heads := s.Fold.Heads()
	if err := s.Wait(ctx, size); err != nil {
		return err
	}
	root, err := s.Tree().Root(size)
	if err != nil {
		return err
	}
	next := &anchor{Checkpoint: ledger.Checkpoint{Size: size, Root: root, Map: heads.Root()}, heads: heads}
	s.mu.Lock()
	s.said = next
	s.mu.Unlock()
	if _, err = s.Ingest.Say(ctx, ledger.NodeChain(s.Node), &next.Checkpoint); err != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.said = nil
	}
	return err
}

// saying tells whether a checkpoint event is on its way.
func (s *Sealer) saying() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.said != nil
}

// Tree returns the tree to read. There is one once Compared is closed.
func (s *Sealer) Tree() *tree.Store {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.store
}

var errUnsealed = &stream.Error{
	Code: protocol.CodeBusy, Text: "the node can't prove its log at present", Hint: "try again later; its operator finds the reason in its log",
}

// Heads answers where chains end, by a checkpoint event that is fresh and sealed in a tree that extends the one with since entries.
// Who may ask about which is the caller's to judge.
func (s *Sealer) Heads(ctx context.Context, chains []ledger.Chain, since uint64) (*protocol.Heads, error) {
	ctx, cancel := context.WithTimeout(ctx, anchorWithin)
	defer cancel()
	a, err := s.freshAnchor(ctx)
	if err != nil {
		return nil, errUnsealed
	}
	found := &protocol.Heads{Entry: a.entry}
	for {
		extends, err := s.Checkpoint(since)
		if err != nil {
			return nil, err
		}
		hashes, signed, err := s.Tree().Inclusion(a.index)
		if err != nil {
			return nil, err
		}
		if string(signed) != string(extends.Note) {
			continue // sealing went on meanwhile
		}
		found.Proof, found.Note, found.Consistency = protocol.Proof{Index: a.index, Hashes: hashes}, signed, extends.Consistency
		break
	}
	for _, c := range chains {
		found.Heads = append(found.Heads, a.heads.Prove(c))
	}
	return found, nil
}

// freshAnchor returns a checkpoint event that is fresh and sealed, and has one logged if there is none.
func (s *Sealer) freshAnchor(ctx context.Context) (anchor, error) {
	for {
		s.mu.Lock()
		moved := s.moved
		s.mu.Unlock()
		if a, ok := s.fresh(); ok {
			return a, s.Wait(ctx, a.index+1)
		}
		if s.Status().Stopped != "" || s.Pace > anchorWithin {
			return anchor{}, errors.New("nothing is sealed at present")
		}
		select {
		case s.due <- struct{}{}:
		default: // asked for already
		}
		select {
		case <-ctx.Done():
			return anchor{}, ctx.Err()
		case <-moved:
		}
	}
}

// Checkpoint answers with the newest checkpoint and the proof that it extends the one with since entries.
func (s *Sealer) Checkpoint(since uint64) (*protocol.Checkpoint, error) {
	hashes, signed, err := s.Tree().Consistency(since)
	if err != nil {
		return nil, &stream.Error{Code: protocol.CodeNotFound, Text: err.Error()}
	}
	found := &protocol.Checkpoint{Note: signed, Consistency: hashes}
	var newest []byte
	if found.Witnessed, found.Since, newest, err = s.Tree().Witnessed(); err != nil {
		return nil, err
	}
	if found.Witnessed != nil && string(newest) != string(signed) {
		return s.Checkpoint(since) // sealing went on meanwhile
	}
	return found, nil
}

// Proofs answers with the proofs of those entries that are sealed, and the proof that the tree extends the one with since entries. They
// all rest on one checkpoint.
func (s *Sealer) Proofs(indexes []uint64, since uint64) (*protocol.Proofs, error) {
	extends, err := s.Checkpoint(since)
	if err != nil {
		return nil, err
	}
	found := &protocol.Proofs{Note: extends.Note, Consistency: extends.Consistency}
	for _, index := range indexes {
		hashes, signed, err := s.Tree().Inclusion(index)
		switch {
		case errors.Is(err, tree.ErrDamaged):
			return nil, err
		case err != nil:
			continue // not sealed yet
		case string(signed) != string(found.Note):
			return s.Proofs(indexes, since) // sealing went on meanwhile
		}
		found.Proofs = append(found.Proofs, protocol.Proof{Index: index, Hashes: hashes})
	}
	return found, nil
}
