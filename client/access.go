package client

import (
	"context"
	"time"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
)

// Access is one line of the log of who opened what of the caller's record, or tried to.
type Access struct {
	Time        time.Time // log time
	Event       ledger.EventID
	Kind        ledger.Kind
	GID         identity.GID
	Display     string // display name of a professional, as their authority gave it; "" if none is known
	Operation   ledger.Operation
	Compartment ledger.Compartment
	Term        ledger.TermID
	Reason      string // of a refusal or an end
	Count       uint32 // of refusals
	Expires     time.Time
}

// AccessLog returns who looked at the caller's record, and who tried, in the order in which the node logged it.
func (c *Client) AccessLog(ctx context.Context) ([]Access, error) {
	s, err := c.login(ctx)
	if err != nil {
		return nil, err
	}
	entries, err := c.entries(ctx, s, ledger.RecordChain(c.GID(), ledger.Access))
	if err != nil {
		return nil, err
	}
	var all []Access
	sessions := make(map[ledger.SessionID]Access)
	for _, e := range entries {
		a := Access{Time: e.LogTime, Event: e.ID, Kind: e.Kind()}
		switch b := e.Body.(type) {
		case *ledger.SessionOpened:
			a.GID, a.Operation, a.Compartment, a.Term = b.GID, b.Operation, b.Compartment, b.Term
			a.Expires = time.UnixMilli(b.Expires)
			sessions[b.Session] = a
		case *ledger.SessionClosed:
			opened := sessions[b.Session]
			a.GID, a.Operation, a.Compartment, a.Term, a.Reason = opened.GID, opened.Operation, opened.Compartment, opened.Term, b.Reason
		case *ledger.SessionRenewed:
			opened := sessions[b.Session]
			a.GID, a.Operation, a.Compartment, a.Term = opened.GID, opened.Operation, opened.Compartment, opened.Term
			a.Expires = time.UnixMilli(b.Expires)
		case *ledger.SessionRefused:
			a.GID, a.Operation, a.Compartment, a.Reason, a.Count = b.GID, b.Operation, b.Compartment, b.Reason, b.Count
		}
		all = append(all, a)
	}
	return all, nil
}
