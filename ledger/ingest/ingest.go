// Package ingest is the way into the log. It takes what people and the node's own services submit, judges it by the rules of
// package ledger against the fold of the whole log, and appends what counts: many submissions in one atomic batch, so
// that one write to disk serves them all. A receipt means that every event of the submission is on disk.
//
// There is one State in a node, the one in Fold, and it changes in one way: by following the log. Ingest tries a
// submission on a fork of it, appends, and throws the fork away; what it has written comes back through the log like
// anybody else's. An entry that does not count, because two nodes raced, is marked by a rejected event and changes nothing.
//
// What this does not protect: a node that does not want a submission can refuse it. It can't change one, or invent one.
package ingest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/phrledger/phr/authority/challenge"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger/stream"
	"github.com/phrledger/phr/ledger/tree"
)

// Sessions tells whose connection a request came over. The gate does.
type Sessions interface {
	// Live returns the session of a connection's public nkey while it lasts.
	Live(nkey string) (*challenge.Session, bool)
}

// Config is what an Ingest needs. All fields but Copies, Log and Now are required.
type Config struct {
	Ledger   *stream.Ledger
	Fold     *Fold
	Node     *identity.Identity // marks entries that do not count
	Sessions Sessions
	Copies   *tree.Parts      // the second copies of parts, which Ledger keeps; nil for none
	Log      *slog.Logger     // nil for none
	Now      func() time.Time // nil for time.Now
}

// Ingest accepts submissions. Its methods may be called concurrently.
type Ingest struct {
	Config
	jobs      chan *job
	staging   staging
	floods    floods
	queues    queues
	spent     spent
	listening chan struct{} // closed when Serve hears requests
	keeping   sync.Mutex    // held while parts are stored and named, and while those that nobody names are erased
}

// New returns an Ingest; Run makes it work.
func New(c Config) *Ingest {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Ingest{Config: c, jobs: make(chan *job, maxWaiting), listening: make(chan struct{}), floods: newFloods(c.Now), spent: newSpent()}
}

// Run commits submissions, marks entries that do not count, and removes parts that nobody names, until ctx ends. The fold
// must be followed by its own Run.
func (in *Ingest) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return in.commitLoop(ctx) })
	g.Go(func() error { return in.markLoop(ctx) })
	g.Go(func() error { return in.eraseLoop(ctx) })
	g.Go(func() error { return in.spentLoop(ctx) })
	g.Go(func() error { return in.collectLoop(ctx) })
	if err := g.Wait(); !errors.Is(err, context.Canceled) {
		return fmt.Errorf("ingest: %w", err)
	}
	return ctx.Err()
}

// caughtUp waits until the fold shows all that the log holds now.
func (in *Ingest) caughtUp(ctx context.Context) error {
	last, err := in.Ledger.LastSeq(ctx)
	if err != nil {
		return err
	}
	return in.Fold.Wait(ctx, last)
}
