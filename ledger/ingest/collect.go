package ingest

import (
	"context"
	"slices"
	"time"

	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/stream"
)

// orphanAge is how long a part that no event names may wait for one.
const orphanAge = time.Hour

// collectLoop removes parts that a crash left behind: stored, but never named by an event; or replaced or obsolete, but not
// erased.
func (in *Ingest) collectLoop(ctx context.Context) error {
	tick := time.NewTicker(orphanAge)
	defer tick.Stop()
	for {
		if removed, err := in.Collect(ctx); err != nil && ctx.Err() == nil {
			in.Log.Error("collect_failed", "error", err)
		} else if removed > 0 {
			in.Log.Info("parts_collected", "count", removed)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		if _, err := in.Mirror(ctx); err != nil && ctx.Err() == nil { // of what could not be copied
			in.Log.Error("mirror_failed", "error", err)
		}
	}
}

// Collect erases the parts older than an hour that no event names, and those that nobody needs any more, and returns how many
// it erased. Only one node of several may do so: another could be about to name a part that is there already.
func (in *Ingest) Collect(ctx context.Context) (int, error) {
	var old, young []string
	err := in.Ledger.Parts(ctx, "key.>", func(p stream.Part) error {
		switch {
		case isEnrolment(p.Subject):
		case in.Now().Sub(p.Stored) > orphanAge:
			old = append(old, p.Subject)
		default:
			young = append(young, p.Subject)
		}
		return nil
	})
	if err != nil || len(old)+len(young) == 0 {
		return 0, err
	}
	in.keeping.Lock()
	defer in.keeping.Unlock()
	if err := in.caughtUp(ctx); err != nil {
		return 0, err // whoever does not know all that was named must not erase
	}
	var named, spent map[string]bool
	in.Fold.View(func(s *ledger.State) { named, spent = s.NamedParts() })
	gone := slices.DeleteFunc(old, func(subject string) bool { return named[subject] && !spent[subject] })
	gone = append(gone, slices.DeleteFunc(young, func(subject string) bool { return !spent[subject] })...)
	for i, subject := range gone {
		if err := in.Ledger.DeletePart(ctx, subject); err != nil {
			return i, err
		}
	}
	return len(gone), nil
}
