package audit

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/stream"
)

// failure is an entry that does not count.
type failure struct {
	Finding
	at    place
	rank  int
	after *failure    // it follows an event that does not count either
	found *failure    // the finding that it is, or that it belongs to
	wants ledger.Hash // the event missing before it; zero if none is
}

// place is where an event stands on a chain; of a failure, where the chain stood when it could not go on.
type place struct {
	chain  ledger.Chain
	number uint64
}

// The ranks of failures at one place: the first is the finding, and the others follow from it.
const (
	damaged   = iota // can't be read
	judged           // the entry that was judged
	alongside        // the others of its run
)

var errUnsigned = errors.New("its author signs a run of events with the last of them, and that does not follow")

// fail takes note of a run that does not count. Whether that is as it should be is known when a mark comes, or the log has
// ended.
func (r *replay) fail(run []*ledger.Entry, err error) {
	last := len(run) - 1
	head, _ := r.state.Head(run[0].Chain)
	if run[last].Kind().IsRecord() && len(run[last].Signature) == 0 {
		err = errUnsigned
	}
	problem, what := r.classify(run[0], head, err)
	for i, e := range run {
		f := &failure{Finding: about(e, r.waiting[e]), at: place{e.Chain, head.Number}, rank: alongside}
		if before := r.failed[e.Prev]; len(before) > 0 {
			f.after = before[len(before)-1]
		}
		f.Problem, f.What = problem, what
		if f.Evidence = fmt.Sprintf("the chain stands at event %d, %s", head.Number, head.Hash); i == last {
			f.rank = judged
		}
		if problem == Gap && i == 0 {
			f.wants, r.wanted[e.Prev] = e.Prev, f
		}
		r.failing(f)
	}
}

// failing keeps a failure until it is marked, or the log has ended.
func (r *replay) failing(f *failure) {
	if r.marked[f.Hash] {
		r.rejected(f)
		return
	}
	r.failed[f.Hash] = append(r.failed[f.Hash], f)
}

// rejected reports failures that are marked, as is right, and keeps nothing else of them.
func (r *replay) rejected(fs ...*failure) {
	for _, f := range fs {
		r.report.Rejected = append(r.report.Rejected, Rejection{f.Chain, f.Sequence, f.Event, f.Hash, f.What})
		f.after = nil // or each would keep those that it follows
		if r.wanted[f.wants] == f {
			delete(r.wanted, f.wants)
		}
	}
}

// classify says what is wrong with a run that State does not count, by its first entry.
func (r *replay) classify(e *ledger.Entry, head ledger.Head, err error) (Problem, string) {
	switch {
	case errors.Is(err, ledger.ErrQuarantined):
		return Newer, err.Error()
	case !r.state.Knows(e.Control):
		return History, fmt.Sprintf("judged by the first %d control entries of another history than the log holds", e.Control.Count)
	case e.Number > head.Number+1:
		return Gap, fmt.Sprintf("the chain stands at event %d, and this is event %d: what is between them is missing", head.Number, e.Number)
	case e.Number <= head.Number:
		return r.again(e)
	case e.Prev != head.Hash:
		return Fork, fmt.Sprintf("it follows another event %d than the chain has: %s", head.Number, e.Prev)
	case errors.Is(err, errUnsigned):
		return Unsigned, err.Error()
	}
	if problem, what := r.second.check(e); problem != "" {
		return problem, what
	}
	return Invalid, err.Error()
}

// again says what is wrong with an event at a place that its chain has passed.
func (r *replay) again(e *ledger.Entry) (Problem, string) {
	switch stands, ok := r.recent.at(place{e.Chain, e.Number}); {
	case ok && stands == e.Hash:
		return Replayed, "the log has this very event already"
	case ok:
		return Fork, fmt.Sprintf("the chain has another event %d, %s", e.Number, stands)
	case r.state.Stands(e.Chain, e.ID):
		return Replayed, "an event with its id stands on the chain already, further back than an audit remembers"
	}
	return Fork, fmt.Sprintf("the chain has another event %d, further back than an audit remembers", e.Number)
}

// unreadable takes note of what is no entry, or not where its readers look for it.
func (r *replay) unreadable(raw stream.Entry, p parsed) {
	f := &failure{Finding: Finding{Chain: chainOf(raw.Subject), Sequence: raw.Seq, Hash: ledger.HashEvent(raw.Data)}, rank: damaged}
	if p.entry != nil {
		f.Finding = about(p.entry, raw.Seq)
	}
	f.Problem, f.What, f.Evidence = Unreadable, p.err.Error(), "stored under "+raw.Subject
	head, _ := r.state.Head(f.Chain)
	f.at = place{f.Chain, head.Number}
	if p.entry != nil {
		r.failing(f)
	} else {
		r.damaged = append(r.damaged, f)
	}
}

// arrived takes note that an entry is in the log, which others may have come before that follow it.
func (r *replay) arrived(e *ledger.Entry) {
	if f, ok := r.wanted[e.Hash]; ok {
		f.Problem, f.What = Reordered, "it stands in the log before the event that it follows"
		delete(r.wanted, e.Hash)
	}
}

// settle makes findings of the failures that no node has marked. What can't be judged because of another is counted there.
func (r *replay) settle() {
	failed := slices.Concat(append(slices.Collect(maps.Values(r.failed)), r.damaged)...)
	slices.SortFunc(failed, func(a, b *failure) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.Sequence, b.Sequence))
	})
	first := make(map[place]*failure)
	var history *failure // every entry after a control entry that is not right is judged by another history
	for _, f := range failed {
		if f.rank == alongside || f.Problem == Gap {
			f.found = first[f.at]
		}
		if f.found == nil && f.after != nil {
			f.found = f.after.found
		}
		if f.found == nil && f.Problem == History {
			f.found = history
		}
		if f.found == nil || f.rank == damaged {
			f.found = f
		} else {
			f.found.Further++
		}
		first[f.at] = f.found
		if f.Problem == History && history == nil {
			history = f.found
		}
	}
	for _, f := range failed {
		if f.found == f {
			r.find(checkMarked, f.Finding)
		}
	}
	slices.SortFunc(r.report.Rejected, func(a, b Rejection) int { return cmp.Compare(a.Sequence, b.Sequence) })
}
