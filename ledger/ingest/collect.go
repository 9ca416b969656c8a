package ingest

import (
	"context"
	"time"

	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/stream"
)

// orphanAge is how long a part that no event names may wait for one.
const orphanAge = time.Hour

// collectLoop removes parts that a crash left behind: stored, but never named by an event; or replaced, but not erased.
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
	}
}

// Collect erases the parts older than an hour that no event names, and returns how many it erased. Only one node of
// several may do so: another could be about to name a part that is there already.
func (in *Ingest) Collect(ctx context.Context) (int, error) {
	var old []string
	err := in.Ledger.Parts(ctx, "key.>", func(p stream.Part) error {
		if in.Now().Sub(p.Stored) > orphanAge && !isEnrolment(p.Subject) {
			old = append(old, p.Subject)
		}
		return nil
	})
	if err != nil || len(old) == 0 {
		return 0, err
	}
	in.keeping.Lock()
	defer in.keeping.Unlock()
	if err := in.caughtUp(ctx); err != nil {
		return 0, err // whoever does not know all that was named must not erase
	}
	named, erased := in.Fold.named(), 0
	for _, subject := range old {
		if named[subject] {
			continue
		}
		if err := in.Ledger.DeletePart(ctx, subject); err != nil {
			return erased, err
		}
		erased++
	}
	return erased, nil
}

// named returns the subjects of all parts that events name.
func (f *Fold) named() map[string]bool {
	named := make(map[string]bool)
	f.View(func(s *ledger.State) {
		for c := range s.Compartments() {
			for _, epoch := range append(c.Past[:len(c.Past):len(c.Past)], c.Epoch) {
				if epoch == nil {
					continue
				}
				for i := range epoch.Parts {
					p := &epoch.Parts[i]
					named[ledger.PartSubject(c.Chain, epoch.Number, p.Name, p.Hash)] = true
				}
			}
		}
	})
	return named
}
