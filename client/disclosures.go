package client

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/phrledger/phr/ledger"
)

// disclosures folds an access log: what is said of a session becomes one line, and so does an emergency in which nobody opened one.
func disclosures(log []Access, now time.Time) []Disclosure {
	f := folded{now: now, sessions: make(map[ledger.SessionID]int), requests: make(map[*Emergency]*request)}
	for i := range log {
		f.add(&log[i])
	}
	for i := range f.all {
		d := &f.all[i]
		if r := f.requests[d.Emergency]; r != nil {
			d.Places = slices.Concat(r.places, d.Places)
		}
	}
	return slices.DeleteFunc(f.all, func(d Disclosure) bool {
		r := f.requests[d.Emergency]
		return r != nil && r.used && d.Session.IsZero()
	})
}

// folded is an access log as far as it was folded.
type folded struct {
	now      time.Time
	all      []Disclosure
	sessions map[ledger.SessionID]int // places in all
	requests map[*Emergency]*request
}

// request is what the log says of an emergency.
type request struct {
	used   bool    // a session rests on it
	places []Place // of the events about it
}

func (f *folded) add(a *Access) {
	switch a.Kind {
	case ledger.SessionOpenedKind:
		f.sessions[a.Session] = len(f.all)
		f.all = append(f.all, newDisclosure(a))
	case ledger.SessionRenewedKind, ledger.SessionClosedKind:
		if i, ok := f.sessions[a.Session]; ok {
			f.all[i].goOn(a)
		}
	case ledger.SessionRefusedKind:
		d := newDisclosure(a)
		d.Until, d.Open, d.Outcome, d.Refused = a.Time, false, a.Reason, a.Count
		f.all = append(f.all, d)
	case ledger.BreakglassRequestedKind:
		f.all = append(f.all, f.unused(a))
		f.requests[a.Emergency] = new(request)
	}
	switch r := f.requests[a.Emergency]; {
	case r == nil:
	case a.Session.IsZero():
		r.places = append(r.places, a.Place)
	default:
		r.used = true
	}
}

// newDisclosure begins a line.
func newDisclosure(a *Access) Disclosure {
	d := Disclosure{
		Who: Person{GID: a.GID}, First: a.First, Operation: a.Operation, Compartment: a.Compartment, From: a.Time, Session: a.Session,
		Emergency: a.Emergency, Node: a.By,
	}
	if !a.Term.IsZero() {
		d.Grant = &Basis{Term: ledger.Term{ID: a.Term}}
	}
	if em := a.Emergency; em != nil {
		d.Approver.GID = em.Approver()
		for _, e := range em.Reviews {
			if body, ok := e.Body.(*ledger.BreakglassReviewed); ok {
				d.Reviews = append(d.Reviews, Review{Person{GID: e.Author}, e.LogTime, body.Finding})
			}
		}
	}
	d.goOn(a)
	return d
}

// goOn adds what is said of a session later.
func (d *Disclosure) goOn(a *Access) {
	d.Places = append(d.Places, a.Place)
	switch {
	case a.Kind != ledger.SessionClosedKind:
		d.Until, d.Open = a.Expires, !a.Expired
		if a.Expired {
			d.Outcome = "expired"
		}
	case a.Time.Before(d.Until):
		d.Until, d.Open, d.Outcome = a.Time, false, a.Reason
	default: // it was found expired
		d.Open, d.Outcome = false, a.Reason
	}
}

// unused returns the line of an emergency that counts if no session rests on it.
func (f *folded) unused(a *Access) Disclosure {
	d, em := newDisclosure(a), a.Emergency
	d.Operation, d.Node, d.Places, d.Until, d.Open = ledger.OpRead, "", nil, em.Expires(), !em.Over(f.now)
	switch {
	case em.Opened != nil:
		d.Outcome = "opened, and nobody has read"
	case em.Approved != nil:
		d.Outcome = "approved, and not opened"
	default:
		d.Outcome = "not approved"
	}
	if em.Ended == nil {
		return d
	}
	if em.Ended.LogTime.Before(d.Until) {
		d.Until = em.Ended.LogTime
	}
	if body, ok := em.Ended.Body.(*ledger.BreakglassEnded); ok && body.Reason != "" {
		d.Outcome += "; ended: " + body.Reason
	}
	return d
}

// What says in a few words what was done, or tried.
func (d *Disclosure) What() string {
	what := strings.TrimSpace(string(d.Operation) + " " + string(d.Compartment))
	switch {
	case d.Refused > 1:
		what = fmt.Sprintf("refused to %s, %d times", what, d.Refused)
	case d.Refused == 1:
		what = "refused to " + what
	case d.Emergency != nil && d.Session.IsZero():
		what = "asked to " + what + " in an emergency"
	case d.Emergency != nil:
		what += " in an emergency"
	}
	if d.Acting {
		what += ", acting for the patient"
	}
	return what
}
