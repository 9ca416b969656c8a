package projections

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/phrledger/phr/crypto/identity"
)

// Config is what a Runner is made of.
type Config struct {
	Path        string       // of the SQLite file; it is made if it is not there
	Root        identity.GID // whose word describes the node
	Source      Source
	Projections []Projection
	Log         *slog.Logger // nil discards
}

// Runner keeps the tables of some projections up with the log. It is safe for concurrent use.
type Runner struct {
	config Config
	log    *slog.Logger
	db     *sql.DB // one connection: the only writer
	read   *sql.DB

	running sync.Mutex // held by Run and Rebuild
	suspect bool       // Run has failed: nobody vouches for the tables

	mu          sync.RWMutex // guards what follows
	position    uint64
	compared    bool              // the tables, up to there, are what the log makes them
	moved       chan struct{}     // closed when position moves, or is compared
	quarantined map[string]uint64 // the sequences from which on chains are closed
}

// Open opens the tables, and makes them anew if they were made for other projections than these, or if their file is not the one that
// Close has left: SQLite does not see what has rotted in it. It does not read the log: Run does. The caller closes the Runner.
func Open(ctx context.Context, c Config) (*Runner, error) {
	r := &Runner{config: c, log: c.Log, moved: make(chan struct{})}
	if r.log == nil {
		r.log = slog.New(slog.DiscardHandler)
	}
	if err := r.open(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("opening projections: %w", err), r.Close())
	}
	return r, nil
}

func (r *Runner) open(ctx context.Context) (err error) {
	if err := r.trust(ctx); err != nil {
		return err
	}
	if r.db, err = openDatabase(r.config.Path, false); err != nil {
		return err
	}
	r.db.SetMaxOpenConns(1)
	if err := r.prepare(ctx); err != nil {
		return err
	}
	if r.read, err = openDatabase(r.config.Path, true); err != nil {
		return err
	}
	_, err = r.load(ctx)
	return err
}

// Close closes the tables. Run must have returned.
func (r *Runner) Close() error {
	var errs []error
	for _, db := range []*sql.DB{r.read, r.db} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	if err := errors.Join(errs...); err != nil || r.read == nil {
		return err
	}
	return r.vouch()
}

// DB returns the tables for reading.
func (r *Runner) DB() *sql.DB { return r.read }

// errDiverged says that the tables do not follow from the log.
var errDiverged = errors.New("the tables do not follow from the log")

var errRunning = errors.New("projections are running already")

// Run follows the log until ctx ends or something fails, and returns why: poison events don't end it, a disk or a stream
// that fails does. Called again it goes on where the tables are. It reads the log from the beginning each time, since what
// counts depends on all that came before, and compares what it decides with what the tables say was decided. Tables
// that don't follow from the log, because it was restored from a copy or the rules changed, are made anew.
func (r *Runner) Run(ctx context.Context) error {
	if !r.running.TryLock() {
		return errRunning
	}
	defer r.running.Unlock()
	for {
		err := r.follow(ctx)
		if !errors.Is(err, errDiverged) {
			r.suspect = ctx.Err() == nil
			return err
		}
		r.log.WarnContext(ctx, "projection_rebuild", "reason", err.Error())
		r.compare(false)
		if err := r.wipe(ctx); err != nil {
			return fmt.Errorf("rebuilding projections: %w", err)
		}
	}
}

// Rebuild empties the tables. Run, which must not be running, fills them anew.
func (r *Runner) Rebuild(ctx context.Context) error {
	if !r.running.TryLock() {
		return errRunning
	}
	defer r.running.Unlock()
	if err := r.wipe(ctx); err != nil {
		return fmt.Errorf("rebuilding projections: %w", err)
	}
	_, err := r.load(ctx)
	return err
}

func (r *Runner) follow(ctx context.Context) error {
	stored, err := r.load(ctx)
	if err != nil {
		return err
	}
	last, err := r.config.Source.Last(ctx)
	if err != nil {
		return fmt.Errorf("following the log: %w", err)
	}
	if last < stored.sequence {
		return fmt.Errorf("%w: it ends at %d, they are at %d", errDiverged, last, stored.sequence)
	}
	r.compare(stored.sequence == 0)
	p := r.newPass(stored)
	return r.config.Source.Follow(ctx, 1, func(batch []Message) error { return p.take(ctx, batch) })
}

// load reads how far the tables are and which chains they say are closed.
func (r *Runner) load(ctx context.Context) (progress, error) {
	stored, err := loadProgress(ctx, r.db)
	if err != nil {
		return stored, fmt.Errorf("reading projections: %w", err)
	}
	list, err := listQuarantines(ctx, r.db)
	if err != nil {
		return stored, fmt.Errorf("reading projections: %w", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.position, r.quarantined = stored.sequence, make(map[string]uint64, len(list))
	for _, q := range list {
		r.quarantined[q.Chain] = q.Sequence
	}
	return stored, nil
}

// Position returns the sequence up to which the tables hold the log.
func (r *Runner) Position() uint64 {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.position
}

// Wait returns when Position has reached a sequence, and Run has found that the tables follow from the log: what was written before can
// be read after. It fails when ctx ends.
func (r *Runner) Wait(ctx context.Context, sequence uint64) error {
	for {
		r.mu.RLock()
		position, compared, moved := r.position, r.compared, r.moved
		r.mu.RUnlock()
		if compared && position >= sequence {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return fmt.Errorf("projections are at %d, not yet at %d: %w", position, sequence, ctx.Err())
		}
	}
}

// compare says whether the tables follow from the log, and wakes those who wait for it.
func (r *Runner) compare(follows bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.compared == follows {
		return
	}
	r.compared = follows
	close(r.moved)
	r.moved = make(chan struct{})
}

// advance moves the position and wakes those who wait for it.
func (r *Runner) advance(sequence uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.position = sequence
	close(r.moved)
	r.moved = make(chan struct{})
}
