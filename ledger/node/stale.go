package node

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/phrledger/phr/ledger"
)

// Stale is a compartment that needs a new epoch before anything is written there. The node sees that, though it can read
// nothing there; only a writer or the patient can make it good.
type Stale struct {
	Chain string    `json:"chain"`
	Why   string    `json:"why"`
	Since time.Time `json:"since"` // log time
}

// stale returns the compartments that are stale now, those that have been for longest first. It looks at every compartment.
func (n *Node) stale() (all []Stale) {
	at := n.config.Now()
	n.fold.View(func(s *ledger.State) {
		for f := range s.Compartments() {
			if why, since := s.Stale(f.Chain, at); why != "" && f.Epoch != nil {
				all = append(all, Stale{f.Chain.String(), why, since})
			}
		}
	})
	slices.SortFunc(all, func(x, y Stale) int { return cmp.Or(x.Since.Compare(y.Since), cmp.Compare(x.Chain, y.Chain)) })
	return all
}

// stalePace is how often the node looks for stale compartments, for its log.
const stalePace = 5 * time.Second

// watchStale tells the operator how many compartments are stale and since when, each time that becomes another number. Whose
// they are is for Health to tell.
func (n *Node) watchStale(ctx context.Context) error {
	told, position := 0, uint64(0)
	ticker := time.NewTicker(stalePace)
	defer ticker.Stop()
	for {
		if at := n.fold.Sequence(); at != position {
			all := n.stale()
			switch {
			case len(all) == told:
			case len(all) == 0:
				n.config.Log.Warn("compartments_fresh")
			default:
				n.config.Log.Warn("compartments_stale", "compartments", len(all), "since", all[0].Since.UTC().Format(time.RFC3339))
			}
			told, position = len(all), at
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
}
