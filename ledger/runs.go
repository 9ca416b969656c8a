package ledger

// Runs puts entries, as they come from the log in order, together into runs: the unsigned events of a chain with the signed
// one that vouches for them. The zero value is ready. It is not safe for concurrent use.
type Runs struct {
	open    map[Chain][]*Entry
	waiting int
}

// Add takes the next entry and returns the runs that are complete with it, to be folded in order. An unsigned entry waits
// for the rest of its run. Unsigned entries that another event on their chain cut off come back as runs of their own,
// which State.Fold will refuse for want of a signature.
func (r *Runs) Add(e *Entry) [][]*Entry {
	run := append(r.open[e.Chain], e)
	if len(e.Signature) == 0 && e.Kind().IsRecord() {
		if r.open == nil {
			r.open = make(map[Chain][]*Entry)
		}
		r.open[e.Chain] = run
		r.waiting++
		return nil
	}
	if len(run) == 1 {
		return [][]*Entry{run}
	}
	delete(r.open, e.Chain)
	r.waiting -= len(run) - 1
	for _, before := range run[:len(run)-1] {
		if sameRun(before, e) != nil {
			return [][]*Entry{run[:len(run)-1], {e}}
		}
	}
	return [][]*Entry{run}
}

// Waiting returns how many entries wait for the rest of their runs.
func (r *Runs) Waiting() int { return r.waiting }
