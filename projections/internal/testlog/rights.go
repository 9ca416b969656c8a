package testlog

import (
	"slices"
	"time"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
)

// Proxy lets a person act for a patient on the health compartment, its past included, for 90 days.
func (l *Log) Proxy(p *Patient, gid identity.GID) ledger.TermID {
	return l.grantTo(p, gid, ledger.Term{Proxy: true, Write: true, History: true, Until: l.now.Add(90 * 24 * time.Hour).UnixMilli()})
}

// acting returns the term by which the holder of a session acts for the patient; zero if they do not.
func (l *Log) acting(session ledger.SessionID) ledger.TermID {
	s, ok := l.State.Session(session)
	if !ok {
		return ledger.TermID{}
	}
	f, _ := l.State.Compartment(ledger.RecordChain(s.Patient, s.Compartment))
	if !slices.Contains(f.Proxies, s.Term) {
		return ledger.TermID{}
	}
	return s.Term
}

// AllowEmergency lets the health compartment be opened in an emergency.
func (l *Log) AllowEmergency(p *Patient, open, approve string) ledger.TermID {
	return l.grant(p, ledger.Term{ID: l.term(), Expression: open, Approval: approve, History: true})
}

// BreakGlass opens the health compartment to a person for an hour, by the approval of another.
func (l *Log) BreakGlass(p *Patient, term ledger.TermID, requester, approver *identity.Identity) {
	expires := l.now.Add(time.Hour).UnixMilli()
	asked := l.Append(requester, p.Access, &ledger.BreakglassRequested{
		Compartment: ledger.Health, Term: term, Reason: "unconscious after a fall, nobody to ask", Expires: expires,
	})
	l.Append(approver, p.Access, &ledger.BreakglassApproved{Request: asked.ID, Share: []byte("sealed"), Epoch: p.epoch})
	l.Append(l.Node, p.Access, &ledger.BreakglassOpened{
		Request: asked.ID, Requester: requester.GID(), Approver: approver.GID(), Expires: expires,
	})
}

// wraps are the parts for a term: three for one that opens in an emergency.
func (l *Log) wraps(t ledger.Term) []ledger.Part {
	parts := []ledger.Part{l.wrap(t)}
	if t.Emergency() {
		approval := l.wrap(ledger.Term{ID: t.ID, Expression: t.Approval})
		approval.Name = ledger.ApprovalName(t.ID)
		parts = append(parts, approval, ledger.Part{Name: ledger.ReleaseName(t.ID), Hash: ledger.Hash{7}, Term: t.ID})
	}
	return parts
}
