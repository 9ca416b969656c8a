package ingest

import (
	"context"
	"slices"
	"sync"

	"github.com/phrledger/phr/ledger"
)

// obsolete returns the subjects of the parts on an event's chain that nobody needs any more; none if no event of its kind
// changes which these are.
func obsolete(s *ledger.State, e *ledger.Entry) []string {
	switch e.Body.(type) {
	case *ledger.PolicySet, *ledger.EpochStarted, *ledger.EpochRewrapped, *ledger.EpochConfirmed:
	default:
		return nil
	}
	f, _ := s.Compartment(e.Chain)
	var subjects []string
	for _, p := range f.Obsolete() {
		subjects = append(subjects, ledger.PartSubject(e.Chain, p.Epoch, p.Part.Name, p.Part.Hash))
	}
	return subjects
}

// since returns what is in after and not in before.
func since(before, after []string) []string {
	known := make(map[string]bool, len(before))
	for _, subject := range before {
		known[subject] = true
	}
	return slices.DeleteFunc(after, func(subject string) bool { return known[subject] })
}

// spent is what is to be erased when there is time: nobody waits for it, and an epoch may have outlived many wraps at once. What
// a crash leaves of it is collected at the next start.
type spent struct {
	mu       sync.Mutex
	subjects []string
	more     chan struct{} // holds one when subjects were added
}

func newSpent() spent { return spent{more: make(chan struct{}, 1)} }

func (s *spent) add(subjects []string) {
	if len(subjects) == 0 {
		return
	}
	s.mu.Lock()
	s.subjects = append(s.subjects, subjects...)
	s.mu.Unlock()
	select {
	case s.more <- struct{}{}:
	default:
	}
}

func (s *spent) take() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	subjects := s.subjects
	s.subjects = nil
	return subjects
}

// spentLoop erases what is spent. It keeps nobody from storing parts: what is spent is never named anew.
func (in *Ingest) spentLoop(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-in.spent.more:
			in.erase(ctx, in.spent.take())
		}
	}
}
