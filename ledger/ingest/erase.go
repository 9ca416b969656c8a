package ingest

import (
	"context"
	"slices"
	"time"

	"github.com/phrledger/phr/ledger"
)

// eraseAgain is how long after a failure erasing is tried again.
const eraseAgain = 5 * time.Second

// replaced is a part that the log says is no more.
type replaced struct {
	chain ledger.Chain
	epoch uint32
	part  ledger.Part
}

func (r *replaced) subject() string {
	return ledger.PartSubject(r.chain, r.epoch, r.part.Name, r.part.Hash)
}

func subjectsOf(parts []replaced) []string {
	subjects := make([]string, len(parts))
	for i := range parts {
		subjects[i] = parts[i].subject()
	}
	return subjects
}

// erasedBy returns the parts that an event destroys: the key state that another one replaces, or all that a compartment has.
// The event has not been folded into s.
func erasedBy(s *ledger.State, e *ledger.Entry) []replaced {
	var gone []replaced
	switch b := e.Body.(type) {
	case *ledger.RecordErased:
		f, _ := s.Compartment(e.Chain)
		if epoch, ok := f.At(b.Epoch); ok {
			for _, p := range epoch.Shred() {
				gone = append(gone, replaced{e.Chain, b.Epoch, p})
			}
		}
	case *ledger.CompartmentErased:
		f, _ := s.Compartment(e.Chain)
		for _, epoch := range append(f.Past[:len(f.Past):len(f.Past)], f.Epoch) {
			if epoch == nil {
				continue
			}
			for _, p := range epoch.Parts {
				gone = append(gone, replaced{e.Chain, epoch.Number, p})
			}
		}
	}
	return gone
}

// erase destroys the key material that the log says is no more. What fails here, or is lost in a crash, eraseLoop finds again.
func (in *Ingest) erase(ctx context.Context, subjects []string) {
	for _, subject := range subjects {
		if err := in.Ledger.DeletePart(ctx, subject); err != nil {
			in.Log.Error("erase_failed", "error", err)
		}
	}
}

// eraseLoop makes sure of every erasure in the log, whoever accepted it: another node, or this one before a crash. The
// start goes through all there ever were.
func (in *Ingest) eraseLoop(ctx context.Context) error {
	for {
		moved := in.Fold.Moved()
		var again <-chan time.Time
		if err := in.eraseGone(ctx); err != nil && ctx.Err() == nil {
			in.Log.Error("erase_failed", "error", err)
			moved, again = nil, time.After(eraseAgain)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-moved:
		case <-again:
		}
	}
}

// eraseGone erases what the fold shows as gone. It first catches up: a part that was replaced might be named again by a later
// event, whose author has stored it anew.
func (in *Ingest) eraseGone(ctx context.Context) error {
	in.keeping.Lock()
	defer in.keeping.Unlock()
	if !in.Fold.isGone() {
		return nil
	}
	if err := in.caughtUp(ctx); err != nil {
		return err
	}
	gone := in.Fold.takeGone()
	for i := range gone {
		if err := in.Ledger.DeletePart(ctx, gone[i].subject()); err != nil {
			in.Fold.putGone(gone[i:])
			return err
		}
	}
	return nil
}

func (f *Fold) isGone() bool {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return len(f.gone) > 0
}

// takeGone returns what is gone, but for what is named again.
func (f *Fold) takeGone() []replaced {
	f.mu.Lock()
	defer f.mu.Unlock()
	gone := slices.DeleteFunc(f.gone, func(r replaced) bool {
		fact, _ := f.state.Compartment(r.chain)
		epoch, ok := fact.At(r.epoch)
		if !ok {
			return false
		}
		p, ok := epoch.Part(r.part.Name)
		return ok && p.Hash == r.part.Hash
	})
	f.gone = nil
	return gone
}

func (f *Fold) putGone(gone []replaced) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.gone = append(gone, f.gone...)
}

// Erased returns when every part that the log said is erased, when it was called, has been erased from this node's store.
func (in *Ingest) Erased(ctx context.Context) error {
	if err := in.caughtUp(ctx); err != nil {
		return err
	}
	return in.eraseGone(ctx)
}
