package main

import (
	"fmt"
	"strings"

	"github.com/phrledger/phr/ledger/audit"
)

// showReport prints a report. A log that is not sound is an error.
func (e *env) showReport(r *audit.Report) error {
	if e.json {
		if err := e.emit(r); err != nil {
			return err
		}
	} else {
		e.sayCounts(r)
		e.sayTree(r)
		e.sayEvents(r)
	}
	if !r.Sound() {
		return &hinted{
			fmt.Errorf("the log is not sound: %s", plural(len(r.Findings), "finding")),
			"keep a copy of it and of this report as they are, and ask the node's operator",
		}
	}
	if !e.json {
		e.say("Nothing is wrong with this log.")
	}
	return nil
}

// sayCounts says what there is.
func (e *env) sayCounts(r *audit.Report) {
	e.say("%s, %s of them count; %s, %s, %s, %s", plural(int(r.Entries), "entry"), thousands(int(r.Counted)),
		plural(r.Patients, "patient"), plural(int(r.Records), "record"), plural(int(r.Sessions.Opened), "session"), plural(r.Authorities, "authority"))
	if r.Entries > 0 {
		e.say("logged from %s to %s", moment(r.First), moment(r.Last))
	}
	if n := len(r.Erased) + len(r.ErasedCompartments) + len(r.ErasedPatients); n > 0 {
		e.say("erased, as their patients wanted: %s, %s, %s", plural(len(r.Erased), "version")+" of records",
			plural(len(r.ErasedCompartments), "compartment"), plural(len(r.ErasedPatients), "whole record"))
	}
}

// sayTree says what the log comes to, and what it was compared with.
func (e *env) sayTree(r *audit.Report) {
	e.say("tree over %s: %s", plural(int(r.Tree.Size), "entry"), r.Tree.Root)
	if r.Checkpoints > 0 {
		e.say("compared with %s in the log", plural(int(r.Checkpoints), "checkpoint"))
	}
	if r.Checkpoint != "" {
		e.say("compared with a checkpoint over %s entries, signed by the log", strings.Split(r.Checkpoint, "\n")[1])
	}
	if r.Witnessed > 0 {
		e.say("compared with one over %d entries, signed by as many witnesses as were asked for", r.Witnessed)
	}
	if r.Tables > 0 {
		e.say("compared with the node's tables, which are at entry %d", r.Tables)
	}
}

// sayEvents lists what is wrong, and what somebody should know of all the same.
func (e *env) sayEvents(r *audit.Report) {
	for _, f := range r.Findings {
		e.say("%s", findingLine(f))
	}
	for _, j := range r.Rejected {
		e.say("rejected at entry %d on %s, as it should be: %s", j.Sequence, j.Chain, j.Why)
	}
	for _, m := range r.Emergencies {
		e.say("emergency at entry %d on %s: %s was opened to %s, approved by %s; %s", m.Sequence, m.Chain, m.Compartment,
			m.Requester, m.Approver, reviewed(m))
	}
	for _, o := range r.Outdated {
		e.say("outdated at entry %d on %s: epoch %d was wrapped for %s in version %d, when version %d was in force",
			o.Sequence, o.Chain, o.Epoch, o.Attribute, o.Named, o.InForce)
	}
	for _, i := range r.Incidents {
		e.say("incident at entry %d on %s: %s", i.Sequence, i.Chain, i.Text)
	}
}

// reviewed says what came of the review of an emergency.
func reviewed(m audit.Breakglass) string {
	if m.Overdue {
		return fmt.Sprintf("nobody has reviewed it, which was due until %s", moment(m.Due))
	}
	return fmt.Sprintf("%s, review due until %s", plural(m.Reviews, "review"), moment(m.Due))
}

func findingLine(f audit.Finding) string {
	var b strings.Builder
	fmt.Fprintf(&b, "finding: %s", f.Problem)
	if f.Sequence != 0 {
		fmt.Fprintf(&b, " at entry %d", f.Sequence)
	}
	if f.Chain.Owner != "" {
		fmt.Fprintf(&b, " on %s", f.Chain)
		if f.Number != 0 {
			fmt.Fprintf(&b, ", event %d", f.Number)
		}
	}
	fmt.Fprintf(&b, ": %s", f.What)
	if f.Evidence != "" {
		fmt.Fprintf(&b, " (%s)", f.Evidence)
	}
	if f.Further > 0 {
		fmt.Fprintf(&b, "; %s more can't be judged because of it", plural(int(f.Further), "entry"))
	}
	return b.String()
}
