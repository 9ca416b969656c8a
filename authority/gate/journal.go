package gate

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/ledger/stream"
)

// statement is something the gate has to say on a patient's access chain, after the fact.
type statement struct {
	chain ledger.Chain
	body  ledger.Body
}

// journal is what is still to be said. Ends of sessions are as many as there were sessions, and never dropped.
type journal struct {
	mu      sync.Mutex
	waiting []statement
	added   chan struct{} // holds a token while something may wait
}

func newJournal() journal { return journal{added: make(chan struct{}, 1)} }

func (j *journal) add(s ...statement) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.waiting = append(j.waiting, s...)
	select {
	case j.added <- struct{}{}:
	default:
	}
}

// take empties the journal.
func (j *journal) take() []statement {
	j.mu.Lock()
	defer j.mu.Unlock()
	all := j.waiting
	j.waiting = nil
	return all
}

// journalLoop says what is to be said. What can't be said now is tried again.
func (g *Gate) journalLoop(ctx context.Context) error {
	retry := time.NewTicker(tick)
	defer retry.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-g.journal.added:
		case <-retry.C:
		}
		left := slices.DeleteFunc(g.journal.take(), func(s statement) bool { return ctx.Err() == nil && g.say(ctx, s) })
		g.journal.mu.Lock()
		g.journal.waiting = append(left, g.journal.waiting...)
		g.journal.mu.Unlock()
	}
}

// say tells whether there is nothing more to do about a statement: it was said, or never can be.
func (g *Gate) say(ctx context.Context, s statement) (done bool) {
	ctx, cancel := context.WithTimeout(ctx, maxRequest)
	defer cancel()
	_, err := g.Ingest.Say(ctx, s.chain, s.body)
	if err == nil {
		return true
	}
	var told *stream.Error
	if !errors.As(err, &told) || told.Code == protocol.CodeBusy || told.Code == protocol.CodeConflict {
		return false
	}
	g.Log.Warn("not_logged", "kind", s.body.Kind(), "error", err)
	return true
}
