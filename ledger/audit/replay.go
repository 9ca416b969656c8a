package audit

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/stream"
)

// replay is one reading of a log.
type replay struct {
	Options
	report   *Report
	state    *ledger.State
	second   *second
	runs     ledger.Runs
	waiting  map[*ledger.Entry]uint64 // sequences of entries whose run is not complete yet
	next     uint64                   // sequence that should come
	recent   recent
	controls controls
	known    map[ledger.Chain]Head // what of Known has not been passed yet

	failed  map[ledger.Hash][]*failure // by event: those that no node has marked
	damaged []*failure                 // what is no entry: nobody marks it
	wanted  map[ledger.Hash]*failure   // by the event that is missing before it
	marked  map[ledger.Hash]bool       // events that do not count, as a node has said
	ahead   bool                       // a log time in the future was found

	sealing sealing
	claims  []*claim
	tiling  *tiling                     // nil if there are no tiles
	keys    map[identity.GID][][32]byte // for checkpoints, by the node described with them
	gap     int                         // the first finding, from 1, of an entry that is missing: from there on no tree can be compared
	faults  map[string]int              // the newest finding, from 1, about something that was not right since
}

func newReplay(root identity.GID, o Options) *replay {
	scope := ledger.WholeLog
	if o.left.has(checkRules) {
		scope = ledger.SomeChains
	}
	r := &replay{
		Options: o, state: ledger.NewState(root, scope), second: newSecond(root), next: 1,
		report:  &Report{Root: root, Findings: []Finding{}, Heads: make(map[ledger.Chain]Head)},
		waiting: make(map[*ledger.Entry]uint64), known: maps.Clone(o.Known.Heads),
		failed: make(map[ledger.Hash][]*failure), wanted: make(map[ledger.Hash]*failure), marked: make(map[ledger.Hash]bool),
		keys: make(map[identity.GID][][32]byte), faults: make(map[string]int),
	}
	if o.Tiles != nil {
		r.tiling = &tiling{Tiles: o.Tiles, expect: r.expect}
	}
	return r
}

func about(e *ledger.Entry, seq uint64) Finding {
	return Finding{Chain: e.Chain, Sequence: seq, Number: e.Number, Event: e.ID, Hash: e.Hash}
}

// take replays the next entries.
func (r *replay) take(raw []stream.Entry) {
	for i, p := range parse(raw, r.left) {
		seq := raw[i].Seq
		r.report.Entries++
		if seq != r.next {
			r.find(checkOrder, Finding{Problem: Gap, Sequence: r.next, What: fmt.Sprintf("entry %d of the log comes where %d should", seq, r.next)})
			r.gap = cmp.Or(r.gap, len(r.report.Findings))
		}
		r.next = seq + 1
		r.grow(p.leaf)
		if p.err != nil {
			r.unreadable(raw[i], p)
			continue
		}
		r.arrived(p.entry)
		r.clock(p.entry, seq)
		r.waiting[p.entry] = seq
		for _, run := range r.runs.Add(p.entry) {
			r.judge(run)
		}
	}
}

// grow takes the next entry into the tree. Once an entry is missing there is no tree any more to compare anything with.
func (r *replay) grow(l leaf) {
	if r.gap > 0 {
		return
	}
	r.sealing.add(l)
	r.compareClaims()
	if r.tiling != nil {
		r.tiling.add(l)
	}
}

// clock finds a log time that can't be. That others follow from it is judged by State.
func (r *replay) clock(e *ledger.Entry, seq uint64) {
	if r.report.First.IsZero() {
		r.report.First = e.LogTime
	}
	if e.LogTime.After(r.report.Last) {
		r.report.Last = e.LogTime
	}
	if now := r.Now(); !r.ahead && e.LogTime.After(now.Add(ledger.ClockSkew)) {
		r.ahead = true
		f := about(e, seq)
		f.Problem, f.What = Clock, "logged in the future"
		f.Evidence = fmt.Sprintf("at %s, and now is %s", e.LogTime.UTC(), now.UTC())
		r.find(checkClock, f)
	}
}

// judge folds a run that is complete.
func (r *replay) judge(run []*ledger.Entry) {
	if err := r.state.Fold(run...); err != nil {
		r.fail(run, err)
	} else {
		r.sealing.moved(run[len(run)-1])
		for _, e := range run {
			r.count(e, r.waiting[e])
		}
	}
	for _, e := range run {
		delete(r.waiting, e)
	}
}

// count takes note of an entry that counts.
func (r *replay) count(e *ledger.Entry, seq uint64) {
	r.report.Counted++
	r.report.Heads[e.Chain] = Head{e.Number, e.Hash}
	r.recent.add(place{e.Chain, e.Number}, e.Hash)
	r.passing(e, seq)
	r.behind(e, seq)
	if e.Chain.Control() {
		r.controls.add(e.LogTime)
	}
	if problem, what := r.second.check(e); problem != "" {
		f := about(e, seq)
		f.Problem, f.What = problem, what
		r.find(checkTwice, f)
	}
	r.second.apply(e)
	r.tally(e, seq)
}

// tally counts what there is.
func (r *replay) tally(e *ledger.Entry, seq uint64) {
	switch b := e.Body.(type) {
	case *ledger.RecordWritten, *ledger.RecordAmended, *ledger.RecordRetracted:
		r.report.Records++
	case *ledger.RecordErased:
		for _, id := range b.Records {
			r.report.Erased = append(r.report.Erased, Erasure{e.Chain, id, seq})
		}
	case *ledger.CompartmentErased:
		r.report.ErasedCompartments = append(r.report.ErasedCompartments, ErasedCompartment{e.Chain, seq})
	case *ledger.PatientErased:
		r.report.ErasedPatients = append(r.report.ErasedPatients, ErasedPatient{e.Author, seq})
	case *ledger.SessionOpened:
		r.report.Sessions.Opened++
	case *ledger.SessionRenewed:
		r.report.Sessions.Renewed++
	case *ledger.SessionClosed:
		r.report.Sessions.Closed++
	case *ledger.SessionRefused:
		r.report.Sessions.Refused += uint64(b.Count)
	case *ledger.BreakglassOpened:
		r.broken(e, b, seq)
	case *ledger.Incident:
		r.report.Incidents = append(r.report.Incidents, Incident{e.Chain, seq, b.Text})
	case *ledger.NodeDescribed:
		r.described(e, b)
	case *ledger.Checkpoint:
		r.checkpoint(e, b, seq)
	case *ledger.Rejected:
		r.mark(e, b, seq)
	}
}

// mark takes note of what a node says does not count.
func (r *replay) mark(e *ledger.Entry, b *ledger.Rejected, seq uint64) {
	found := r.failed[b.Event]
	if len(found) > 0 || r.marked[b.Event] {
		r.marked[b.Event] = true
		delete(r.failed, b.Event)
		r.rejected(found...)
		return
	}
	f := about(e, seq)
	f.Problem, f.What = Marked, "it marks an event that counts, or that is not in the log before it"
	f.Evidence = fmt.Sprintf("%s on %s: %s", b.Event, ledger.Clip(b.Chain), ledger.Clip(b.Reason))
	r.find(checkMark, f)
}

// finish says what could only be known at the end.
func (r *replay) finish() *Report {
	if !r.left.has(checkEndsOfRuns) {
		for _, run := range r.unfinished() {
			r.fail(run, errUnsigned)
		}
	}
	r.settle()
	r.missing()
	r.settleClaims()
	r.reviews()
	for f := range r.state.Compartments() {
		if f.Must {
			head := r.report.Heads[f.Chain]
			r.find(checkNewEpoch, Finding{
				Problem: NoEpoch, Chain: f.Chain, Number: head.Number, Hash: head.Hash, What: "the last event took access away, and no new epoch follows",
				Evidence: fmt.Sprintf("the chain ends at event %d, %s", head.Number, head.Hash),
			})
		}
	}
	r.census()
	slices.SortStableFunc(r.report.Findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Sequence, b.Sequence), cmp.Compare(a.Chain.String(), b.Chain.String()))
	})
	return r.report
}

// unfinished returns the runs that no signature has come for.
func (r *replay) unfinished() map[ledger.Chain][]*ledger.Entry {
	runs := make(map[ledger.Chain][]*ledger.Entry)
	for e := range r.waiting {
		runs[e.Chain] = append(runs[e.Chain], e)
	}
	for _, run := range runs {
		slices.SortFunc(run, func(a, b *ledger.Entry) int { return cmp.Compare(r.waiting[a], r.waiting[b]) })
	}
	return runs
}

// passing compares an event with where its chain is known to have gone through.
func (r *replay) passing(e *ledger.Entry, seq uint64) {
	known, ok := r.known[e.Chain]
	if !ok || e.Number != known.Number {
		return
	}
	delete(r.known, e.Chain)
	if e.Hash != known.Hash {
		f := about(e, seq)
		f.Problem, f.What = Fork, fmt.Sprintf("the chain is known to have gone through another event %d", e.Number)
		f.Evidence = fmt.Sprintf("it was %s", known.Hash)
		r.find(checkPassed, f)
	}
}

// missing finds the chains that end before where they are known to have gone through.
func (r *replay) missing() {
	for c, known := range r.known {
		if n := r.report.Heads[c].Number; known.Number > n {
			r.find(checkEnds, Finding{
				Problem: Truncated, Chain: c, Number: known.Number, Hash: known.Hash,
				What:     fmt.Sprintf("the chain is known to have gone on to event %d, and ends at event %d", known.Number, n),
				Evidence: fmt.Sprintf("event %d was %s", known.Number, known.Hash),
			})
		}
	}
}

// census counts chains by what they are about.
func (r *replay) census() {
	r.report.Tree = Tree{r.sealing.all.size(), r.sealing.all.root()}
	r.report.Chains = len(r.report.Heads)
	for c := range r.report.Heads {
		switch {
		case c.Space == ledger.PersonSpace:
			r.report.People++
		case c.Space == ledger.AuthoritySpace:
			r.report.Authorities++
		case c.Space == ledger.NodeSpace:
			r.report.Nodes++
		case c.Compartment == ledger.Profile:
			r.report.Patients++
		case c.Compartment != ledger.Access:
			r.report.Compartments++
		}
	}
}
