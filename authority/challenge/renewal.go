package challenge

import (
	"errors"
	"time"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
)

// A renewal is a full challenge that ends in the session that there is: it keeps its id and its U, and lasts longer. A login
// is not renewed: it stands nowhere, and costs little to open.

// checkRenewal tells whether a session may go on by a request: it is open, and the same one in everything but its end. That
// its holder still has the right to it is asked as for a new one.
func checkRenewal(now time.Time, facts Facts, renews ledger.SessionID, gid identity.GID, user string, r *Request) error {
	if renews.IsZero() {
		return nil
	}
	s, ok := facts.Session(renews)
	switch {
	case !ok || s.Closed || now.UnixMilli() >= s.Expires:
		return errors.New("the session to renew is not open")
	case s.GID != gid || s.User != user:
		return errors.New("the session to renew is somebody else's, or another connection's")
	case s.Patient != r.Patient || s.Operation != r.Operation || s.Compartment != r.Targets[0].Compartment || s.Term != r.Targets[0].Term:
		return errors.New("the session to renew is for something else")
	}
	return nil
}

// Renews tells whether the answer was for a session that there is, and that goes on.
func (v *Verified) Renews() bool { return v.renews }

// Statement returns what is to be logged on the access chain of Patient before the answer becomes a session.
func (v *Verified) Statement() ledger.Body {
	if v.renews {
		return &ledger.SessionRenewed{Session: v.session.opened.Session, Expires: v.session.opened.Expires}
	}
	return v.Opened()
}

// states tells whether a logged body says what it has to.
func (v *Verified) states(b ledger.Body) bool {
	switch b := b.(type) {
	case *ledger.SessionOpened:
		return !v.renews && *b == v.session.opened
	case *ledger.SessionRenewed:
		return v.renews && b.Session == v.session.opened.Session && b.Expires == v.session.opened.Expires
	}
	return false
}
