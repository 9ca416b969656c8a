package ledger

// maxRun is the most entries that wait for a signature on one chain: a whole atomic batch of the log.
const maxRun = 1000

// Runs puts entries, as they come from the log in order, together into runs: the unsigned events of a chain with the signed
// one that vouches for them. The zero value is ready. It is not safe for concurrent use.
type Runs struct {
	open    map[Chain][]*Entry
	waiting int
}

// Add takes the next entry and returns the runs that are complete with it, to be folded in order. An unsigned entry waits
// for the rest of its run. Unsigned entries that the next one on their chain does not go on from come back as a run of their
// own, which State.Fold will refuse for want of a signature: what is left of a batch that was torn apart costs nobody else.
func (r *Runs) Add(e *Entry) [][]*Entry {
	var complete [][]*Entry
	run := r.open[e.Chain]
	if n := len(run); n > 0 && (n == maxRun || e.Prev != run[n-1].Hash || sameRun(run[n-1], e) != nil) {
		complete = append(complete, r.close(e.Chain))
		run = nil
	}
	if r.open == nil {
		r.open = make(map[Chain][]*Entry)
	}
	r.open[e.Chain] = append(run, e)
	r.waiting++
	if len(e.Signature) != 0 || !e.Kind().IsRecord() {
		complete = append(complete, r.close(e.Chain))
	}
	return complete
}

// close takes out what waits on a chain.
func (r *Runs) close(c Chain) []*Entry {
	run := r.open[c]
	delete(r.open, c)
	r.waiting -= len(run)
	return run
}

// Waiting returns how many entries wait for the rest of their runs.
func (r *Runs) Waiting() int { return r.waiting }
