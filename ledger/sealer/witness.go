package sealer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/tree"
	"github.com/phrledger/phr/ledger/witness"
)

const (
	// askPace is the least time between two checkpoints that witnesses are asked to cosign.
	askPace = time.Second
	// askAgain is when they are asked again about a tree that has not grown: a cosignature says as of when.
	askAgain = 5 * time.Minute
	// askSoon is when they are asked again of whom one has not answered.
	askSoon = 5 * time.Second
)

// witnessLoop has the newest checkpoint cosigned whenever the tree has grown, and now and then when it has not.
func (s *Sealer) witnessLoop(ctx context.Context) error {
	if s.Witnesses == nil {
		return nil
	}
	asked := slices.Clone(s.Witnesses.Cosigners)
	asked = slices.DeleteFunc(asked, func(c witness.Cosigner) bool { return c.URL == "" })
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-s.compared:
	}
	known := make(map[string]uint64) // size that each has cosigned
	for {
		s.mu.Lock()
		moved := s.moved
		s.mu.Unlock()
		wait := askAgain
		if !s.askAll(ctx, asked, known) {
			wait = askSoon
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-moved:
		case <-time.After(wait):
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(askPace):
		}
	}
}

// askAll asks every witness about the newest checkpoint, all at a time, and keeps it with what they have signed. As the witnessed one it is
// kept if these are enough, so that one who is away costs nobody what was witnessed before. It tells whether all have signed.
func (s *Sealer) askAll(ctx context.Context, asked []witness.Cosigner, known map[string]uint64) bool {
	store := s.Tree()
	c, _ := store.Checkpoint()
	if c.Size == 0 {
		return true
	}
	signed, err := c.Sign(s.Signer)
	if err != nil {
		s.Log.Error("checkpoint_unsigned", "error", err)
		return false
	}
	lines := make([][]byte, len(asked))
	var wg sync.WaitGroup
	for i, w := range asked {
		wg.Go(func() { lines[i] = s.askOne(ctx, store, w, known[w.Name], c, signed) })
	}
	wg.Wait()
	for i, line := range lines {
		if line != nil {
			known[asked[i].Name] = c.Size
		}
	}
	cosignatures := bytes.Join(lines, nil)
	all := !slices.ContainsFunc(lines, func(line []byte) bool { return line == nil })
	if len(cosignatures) == 0 {
		return all
	}
	signed = append(signed, cosignatures...)
	keep := store.Cosign
	if _, err := s.Witnesses.Check(signed, s.Key, time.Now()); err == nil {
		keep = store.Witness
	}
	if err := keep(signed); err != nil && ctx.Err() == nil && !errors.Is(err, tree.ErrMoved) {
		s.Log.Warn("cosignatures_not_kept", "error", err)
		return false
	}
	return all
}

// askOne returns the signature line of a witness, nil if it gives none. One that has seen another tree says so in the log.
func (s *Sealer) askOne(ctx context.Context, store *tree.Store, w witness.Cosigner, known uint64, c tree.Checkpoint, signed []byte) []byte {
	prove := func(old uint64) ([]tlog.Hash, error) { return store.Between(old, c.Size) }
	line, err := witness.Ask(ctx, nil, w.URL, w.Key, min(known, c.Size), prove, signed)
	var answer *witness.AnswerError
	switch {
	case err == nil:
		return line
	case ctx.Err() != nil:
	case errors.As(err, &answer) && answer.Objects():
		s.object(ctx, w.Name, c, err)
	default:
		s.Log.Warn("witness_silent", "witness", w.Name, "error", err)
	}
	return nil
}

// object says in the log that a witness knows another tree, once for each.
func (s *Sealer) object(ctx context.Context, name string, c tree.Checkpoint, err error) {
	s.Log.Error("witness_objects", "witness", name, "size", c.Size, "error", err)
	s.mu.Lock()
	again := s.objected[name]
	s.objected[name] = true
	s.mu.Unlock()
	if again {
		return
	}
	text := fmt.Sprintf("the witness %s has cosigned another tree than the one of %d entries with root %s", name, c.Size, c.Root)
	if _, err := s.Ingest.Say(ctx, ledger.NodeChain(s.Node), &ledger.Incident{Text: text}); err != nil {
		s.Log.Error("incident_unsaid", "error", err)
	}
}
