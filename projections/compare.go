package projections

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"slices"
)

// ErrOtherVersion is returned, wrapped, for tables that were made by another version of their projections: the next start makes
// them anew.
var ErrOtherVersion = errors.New("the tables were made by another version")

// Comparison is how tables stand to the log that they are to follow from.
type Comparison struct {
	Position uint64   // up to which they say that they hold the log
	Differ   []string // the tables that are not what the log makes them; with progress, other things were decided
}

// Compare makes tables at c.Path, which is not there yet, from the log up to where those in another file are, and tells which of
// that file differ. Nobody may be writing to it. What can't be read differs. A file that is not there is fs.ErrNotExist.
func Compare(ctx context.Context, c Config, file string) (Comparison, error) {
	if _, err := os.Stat(file); err != nil {
		return Comparison{}, fmt.Errorf("comparing tables: %w", err)
	}
	db, err := openDatabase(file, true)
	if err != nil {
		return Comparison{}, fmt.Errorf("comparing tables: %w", err)
	}
	defer db.Close()
	var version []byte
	if err := db.QueryRowContext(ctx, `SELECT version FROM progress`).Scan(&version); err != nil {
		return Comparison{Differ: []string{"progress"}}, ctx.Err()
	}
	if want := schemaVersion(c.Projections); string(version) != string(want[:]) {
		return Comparison{}, fmt.Errorf("comparing tables: %w", ErrOtherVersion)
	}
	stored, err := loadProgress(ctx, db)
	if err != nil {
		return Comparison{Differ: []string{"progress"}}, ctx.Err()
	}
	differ, err := compare(ctx, c, db, stored.sequence)
	return Comparison{stored.sequence, differ}, err
}

// compare makes tables up to a position and returns which of db are others.
func compare(ctx context.Context, c Config, db *sql.DB, position uint64) ([]string, error) {
	c.Source = until{c.Source, position}
	r, err := Open(ctx, c)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	last, err := c.Source.Last(ctx)
	if err == nil && last < position {
		return []string{"progress"}, nil // the log is shorter
	}
	if err == nil && position > 0 {
		err = r.Run(ctx)
	}
	if err != nil && !errors.Is(err, errReached) {
		return nil, fmt.Errorf("making tables anew: %w", err)
	}
	made, err := sums(ctx, r.read)
	if err != nil {
		return nil, fmt.Errorf("reading tables: %w", err)
	}
	stored, _ := sums(ctx, db) // what can't be read is missing there
	var differ []string
	for name := range made {
		if made[name] != stored[name] {
			differ = append(differ, name)
		}
		delete(stored, name)
	}
	for name := range stored {
		differ = append(differ, name)
	}
	slices.Sort(differ)
	return differ, ctx.Err()
}

// until is a stream that ends at a sequence.
type until struct {
	Source
	last uint64
}

// errReached ends the reading of a stream where it is to end.
var errReached = errors.New("all is read")

// Follow implements Source.
func (u until) Follow(ctx context.Context, from uint64, fn func([]Message) error) error {
	return u.Source.Follow(ctx, from, func(batch []Message) error {
		if n := len(batch); n > 0 && batch[n-1].Sequence >= u.last {
			at := slices.IndexFunc(batch, func(m Message) bool { return m.Sequence == u.last })
			return errors.Join(fn(batch[:at+1]), errReached)
		}
		return fn(batch)
	})
}
