package ingest

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/ledger/stream"
)

// orphanAge is how long a part that no event names may wait for one.
const orphanAge = time.Hour

// names matches the parts of a submission with the events that name them: each part must be named, and each name filled.
type names struct {
	given map[string][]byte // by subject in KEYS
	taken []stream.Part
	err   error
}

func newNames(parts []protocol.PartData) *names {
	n := &names{given: make(map[string][]byte, len(parts))}
	for _, p := range parts {
		chain, err := ledger.ParseChain(p.Chain)
		if err != nil {
			n.err = err
			continue
		}
		n.given[ledger.PartSubject(chain, p.Epoch, p.Name, sha256.Sum256(p.Data))] = p.Data
	}
	return n
}

// take checks the parts that an event names. The event has been folded into s.
func (n *names) take(s *ledger.State, e *ledger.Entry) error {
	epoch, parts := ledger.Parts(e.Body)
	for _, p := range parts {
		subject := ledger.PartSubject(e.Chain, epoch, p.Name, p.Hash)
		data, ok := n.given[subject]
		if !ok {
			return fmt.Errorf("%w: part %q that %s names is not in the submission", ledger.ErrInvalid, p.Name, e.ID)
		}
		if !p.Term.IsZero() {
			if err := s.CheckWrap(e.Chain, &p, data); err != nil {
				return fmt.Errorf("%w: part %q: %w", ledger.ErrInvalid, p.Name, err)
			}
		}
		n.taken = append(n.taken, stream.Part{Subject: subject, Data: data})
	}
	return nil
}

// stored returns what is to be stored.
func (n *names) stored() ([]stream.Part, error) {
	if n.err != nil {
		return nil, n.err
	}
	if len(n.taken) != len(n.given) {
		return nil, fmt.Errorf("%w: %d parts come with it that no event names", ledger.ErrInvalid, len(n.given)-len(n.taken))
	}
	return n.taken, nil
}

// collectLoop removes parts that a crash left behind: stored, but never named by an event.
func (in *Ingest) collectLoop(ctx context.Context) error {
	tick := time.NewTicker(orphanAge)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		if removed, err := in.Collect(ctx); err != nil {
			in.Log.Error("collect_failed", "error", err)
		} else if removed > 0 {
			in.Log.Info("parts_collected", "count", removed)
		}
	}
}

// Collect erases the parts older than an hour that no event names, and returns how many it erased.
func (in *Ingest) Collect(ctx context.Context) (int, error) {
	named := make(map[string]bool)
	in.Fold.View(func(s *ledger.State) {
		for f := range s.Compartments() {
			for _, epoch := range append(f.Past[:len(f.Past):len(f.Past)], f.Epoch) {
				if epoch == nil {
					continue
				}
				for _, p := range epoch.Parts {
					named[ledger.PartSubject(f.Chain, epoch.Number, p.Name, p.Hash)] = true
				}
			}
		}
	})
	var orphans []string
	err := in.Ledger.Parts(ctx, "key.>", func(p stream.Part) error {
		if !named[p.Subject] && in.Now().Sub(p.Stored) > orphanAge && !isEnrolment(p.Subject) {
			orphans = append(orphans, p.Subject)
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	for i, subject := range orphans {
		if err := in.Ledger.DeletePart(ctx, subject); err != nil {
			return i, err
		}
	}
	return len(orphans), nil
}
