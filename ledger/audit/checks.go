package audit

// check is one thing that an audit makes sure of, in the order of the reasons there are to find something.
type check uint

const (
	checkServed     check = iota // whoever delivers the log says that it is whole
	checkOrder                   // one entry comes after the other, from the first on
	checkSubject                 // each is stored where its readers look for it
	checkClock                   // none was logged later than now
	checkRules                   // those that count do so by the rules that only the whole log decides
	checkTwice                   // and by the second opinion
	checkMarked                  // what does not count is marked
	checkEndsOfRuns              // a run that waits for its signature at the end of the log does not count
	checkMark                    // what is marked does not count
	checkBehind                  // nobody accepted anything who was too far behind
	checkNewEpoch                // a new epoch follows where access was taken away
	checkReviewed                // emergencies are reviewed in time
	checkPassed                  // chains go through where they are known to have gone through
	checkEnds                    // and end no earlier

	checkAhead // a checkpoint in the log is over what came before it
	checkBack  // and over no less than the one before
	checkRoot  // it names the tree
	checkMap   // and the map of heads

	checkOrigin    // a checkpoint beside the log is of this log
	checkSigned    // and signed by its key
	checkShown     // it names the tree
	checkKept      // so does what was kept
	checkShort     // the log is no shorter than either
	checkWitnesses // enough witnesses have signed the one that is shown

	checkTiles   // hash tiles are over the log
	checkBundles // so are entry bundles
	checkData    // and the entries beside them

	checkCount
)

// checks is a set of checks that are left out. It is empty but in tests, which show that each check is needed.
type checks uint64

func (left checks) has(c check) bool { return left&(1<<c) != 0 }

// find reports what a check has found, unless it is left out.
func (r *replay) find(c check, f Finding) {
	if !r.left.has(c) {
		r.report.Findings = append(r.report.Findings, f)
	}
}

// expect reports what a check finds about something unless it is right. What follows about it, until it is right again, is counted
// there: it has one cause.
func (r *replay) expect(c check, about string, right bool, f Finding) {
	first := r.faults[about]
	switch {
	case right || r.left.has(c):
		delete(r.faults, about)
	case first > 0:
		r.report.Findings[first-1].Further++
	default:
		r.find(c, f)
		r.faults[about] = len(r.report.Findings)
	}
}
