package client

import (
	"slices"
	"time"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
)

// accesses reads an access chain. What is said of a session later is told with what it was opened for.
func accesses(entries []*ledger.Entry, now time.Time) []Access {
	var all []Access
	newest := make(map[ledger.SessionID]int) // line that says when the session ends
	met := make(map[identity.GID]bool)
	for _, e := range entries {
		a := Access{Time: e.LogTime, Place: Place{Event: e.ID, Number: e.Number, Hash: e.Hash}, By: e.Author, Kind: e.Kind()}
		switch b := e.Body.(type) {
		case *ledger.SessionOpened:
			a.Session, a.GID, a.Operation, a.Compartment, a.Term = b.Session, b.GID, b.Operation, b.Compartment, b.Term
			a.Expires = time.UnixMilli(b.Expires)
			newest[b.Session] = len(all)
			a.First, met[b.GID] = !met[b.GID], true
		case *ledger.SessionRenewed:
			a.of(all, newest, b.Session)
			a.Expires = time.UnixMilli(b.Expires)
			newest[b.Session] = len(all)
		case *ledger.SessionClosed:
			a.of(all, newest, b.Session)
			a.Reason = b.Reason
			delete(newest, b.Session)
		case *ledger.SessionRefused:
			a.GID, a.Operation, a.Compartment, a.Reason, a.Count = b.GID, b.Operation, b.Compartment, b.Reason, b.Count
		}
		all = append(all, a)
	}
	for _, i := range newest {
		all[i].Expired = !now.Before(all[i].Expires)
	}
	return all
}

// of fills in what a session was opened for.
func (a *Access) of(all []Access, newest map[ledger.SessionID]int, id ledger.SessionID) {
	a.Session = id
	if i, ok := newest[id]; ok {
		opened := &all[i]
		a.GID, a.Operation, a.Compartment, a.Term = opened.GID, opened.Operation, opened.Compartment, opened.Term
	}
}

// openSessions returns, of an access log, the newest line of every session that is open at a time.
func openSessions(log []Access, at time.Time) []Access {
	var open []Access
	for _, a := range log {
		open = slices.DeleteFunc(open, func(before Access) bool { return before.Session == a.Session })
		if !a.Session.IsZero() && !a.Expires.IsZero() && at.Before(a.Expires) {
			open = append(open, a)
		}
	}
	return open
}
