package client

import (
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
)

// markEmergencies completes the lines of an access log that are about emergencies. Lines and entries go together.
func markEmergencies(log []Access, entries []*ledger.Entry) {
	byRequest := make(map[ledger.EventID]*Emergency)
	opened := make(map[asker]*Emergency)
	for _, b := range ledger.Emergencies(entries) {
		byRequest[b.ID()] = &Emergency{Breakglass: b}
	}
	for i, e := range entries {
		a := &log[i]
		id, ok := ledger.RequestOf(e.Body)
		if e.Kind() == ledger.BreakglassRequestedKind {
			id, ok = e.ID, true
		}
		if !ok {
			if em := opened[asker{a.GID, a.Compartment, a.Term}]; em != nil {
				a.Emergency = em
			}
			continue
		}
		em := byRequest[id]
		if em == nil {
			continue // the node shows what can't be there
		}
		a.Emergency, a.GID, a.Compartment, a.Term, a.Expires = em, e.Author, em.Chain().Compartment, em.Term(), em.Expires()
		switch b := e.Body.(type) {
		case *ledger.BreakglassRequested:
			a.Reason = b.Reason
		case *ledger.BreakglassOpened:
			a.GID = b.Requester
			opened[asker{b.Requester, a.Compartment, a.Term}] = em
		case *ledger.BreakglassEnded:
			a.Reason = b.Reason
		case *ledger.BreakglassReviewed:
			a.Reason = b.Finding
		}
	}
}

// asker is somebody who may have opened a compartment in an emergency.
type asker struct {
	gid         identity.GID
	compartment ledger.Compartment
	term        ledger.TermID
}
