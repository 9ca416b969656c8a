// Package sealer turns the log into a tree while it grows. It follows the stream like any reader, checks that each entry goes on from
// the last and is what its name says, waits until the node's fold has judged it, and appends it to the tree; what does not fit
// stops the sealing, loudly. On the way it compares what the stream holds with what was sealed before: a stream that lost, changed
// or re-ordered anything is not gone on from.
//
// It also puts checkpoint events into the log, each with the root of the tree and of the map of heads, and answers with proofs.
//
// Levels of durability: an event is accepted once JetStream has it on disk; sealed once it is in the tree, a second copy in another
// directory, under a signed checkpoint; witnessed once others have cosigned that.
package sealer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/sync/errgroup"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/ingest"
	"github.com/phrledger/phr/ledger/stream"
	"github.com/phrledger/phr/ledger/tree"
	"github.com/phrledger/phr/ledger/witness"
)

// ErrForked is returned, wrapped, when the stream is not the one that was sealed: entries are missing or others than they were. The
// node must not go on from it: its storage has to be repaired.
var ErrForked = errors.New("the log is not the one that was sealed")

const (
	// pace is the least time between two checkpoints of the tree where nobody has said another.
	pace = 100 * time.Millisecond
	// maxBatch and maxBytes bound what is sealed at once.
	maxBatch = 4096
	maxBytes = 32 << 20
	// retryAfter is how long a sealer waits after a failure of its storage.
	retryAfter = 5 * time.Second
)

// Config is what a Sealer needs. All fields but Pace, Witnesses, Log and Now are required.
type Config struct {
	Ledger *stream.Ledger
	Fold   *ingest.Fold
	Ingest *ingest.Ingest // says checkpoint events and incidents
	Node   identity.GID   // on whose chain
	Files  tree.Files     // the tree's directory
	Signer note.Signer    // of checkpoints
	Key    note.Verifier  // of what Signer signs

	// Pace is the least time between two checkpoints of the tree: what comes meanwhile is sealed together. Zero is a tenth of a second.
	Pace time.Duration

	Witnesses *witness.Policy // who are asked to cosign, those with a URL, and how many of them make a checkpoint witnessed; nil for none

	Log *slog.Logger
	Now func() time.Time
}

// Sealer seals a log. Its methods may be called concurrently.
type Sealer struct {
	Config
	compared chan struct{} // closed when all that was sealed before has been found in the stream

	mu     sync.Mutex
	store  *tree.Store   // nil until Run has opened it
	moved  chan struct{} // closed and replaced when the tree grows
	status Status
	anchor anchor  // the newest checkpoint event, with the map that it names
	said   *anchor // one that is on its way to the log
	due    chan struct{}

	objected map[string]bool // witnesses that know another tree

	retry time.Duration // after a failure of the storage
}

// Status is how far sealing is, and whether it goes on.
type Status struct {
	Size    uint64    `json:"size"`              // entries in the tree
	Since   time.Time `json:"since,omitzero"`    // when the newest of them was sealed
	Stopped string    `json:"stopped,omitempty"` // why nothing is sealed at present
}

// New returns a Sealer; Run makes it work.
func New(c Config) *Sealer {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Pace == 0 {
		c.Pace = pace
	}
	return &Sealer{Config: c, compared: make(chan struct{}), moved: make(chan struct{}), due: make(chan struct{}, 1), objected: make(map[string]bool), retry: retryAfter}
}

// Compared is closed when Run has found everything that was sealed before in the stream.
func (s *Sealer) Compared() <-chan struct{} { return s.compared }

func (s *Sealer) isCompared() bool {
	select {
	case <-s.compared:
		return true
	default:
		return false
	}
}

// Status returns how far sealing is.
func (s *Sealer) Status() Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.status
}

// Run seals until ctx ends. It goes on after failures of its storage, and fails with ErrForked when the stream is not the one that was
// sealed, and with tree.ErrDamaged if the tree is damaged from the start. It is called once.
func (s *Sealer) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.anchorLoop(ctx) })
	g.Go(func() error { return s.witnessLoop(ctx) })
	g.Go(func() error {
		for {
			err := s.seal(ctx)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			var gap *stream.GapError
			if errors.Is(err, ErrForked) || errors.As(err, &gap) || errors.Is(err, tree.ErrDamaged) && !s.isCompared() {
				return fmt.Errorf("sealing: %w", err)
			}
			s.stop(ctx, err)
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(s.retry):
			}
		}
	})
	return g.Wait()
}

// stop says why nothing is sealed, once for each reason.
func (s *Sealer) stop(ctx context.Context, why error) {
	s.mu.Lock()
	again := s.status.Stopped == why.Error()
	s.status.Stopped = why.Error()
	s.mu.Unlock()
	if again {
		return
	}
	s.Log.Error("sealing_stopped", "error", why)
	ctx, cancel := context.WithTimeout(ctx, retryAfter)
	defer cancel()
	text := "sealing stopped: " + why.Error()
	if _, err := s.Ingest.Say(ctx, ledger.NodeChain(s.Node), &ledger.Incident{Text: text}); err != nil {
		s.Log.Error("incident_unsaid", "error", err)
	}
}

// open makes a store the one that readers ask.
func (s *Sealer) open(store *tree.Store) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.store = store
}

// grown tells who waits for the tree.
func (s *Sealer) grown(c tree.Checkpoint) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.status.Stopped != "" {
		s.Log.Info("sealing_goes_on", "size", c.Size)
	}
	s.status = Status{Size: c.Size, Since: s.Now()}
	close(s.moved)
	s.moved = make(chan struct{})
}

// Wait returns when the first size entries of the log are sealed.
func (s *Sealer) Wait(ctx context.Context, size uint64) error {
	for {
		s.mu.Lock()
		at, moved := s.status.Size, s.moved
		s.mu.Unlock()
		if at >= size {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting until entry %d of the log is sealed: %w", size, ctx.Err())
		case <-moved:
		}
	}
}
