package challenge

import (
	"time"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
)

// Session is the right to be served, until it expires or is ended. Only a [Gate] makes one, so whoever is handed a *Session
// knows that a challenge was answered and that the log shows it. It is immutable.
type Session struct {
	opened  ledger.SessionOpened
	patient identity.GID
	key     [32]byte
}

// ID returns the session's id.
func (s *Session) ID() ledger.SessionID { return s.opened.Session }

// GID returns whose session it is.
func (s *Session) GID() identity.GID { return s.opened.GID }

// Key returns the public signing key of that person by which it was asked for. When other keys take its place, the session ends.
func (s *Session) Key() [32]byte { return s.key }

// User returns the public nkey of the connection that may use it.
func (s *Session) User() string { return s.opened.User }

// Operation returns what it is for.
func (s *Session) Operation() ledger.Operation { return s.opened.Operation }

// Patient returns whose record it is on; empty for a login.
func (s *Session) Patient() identity.GID { return s.patient }

// Compartment returns which compartment it is on; empty for a login.
func (s *Session) Compartment() ledger.Compartment { return s.opened.Compartment }

// Term returns the term that grants it; zero for a login.
func (s *Session) Term() ledger.TermID { return s.opened.Term }

// Chain returns the chain of the compartment it is on; the zero chain for a login.
func (s *Session) Chain() ledger.Chain {
	if s.patient == "" {
		return ledger.Chain{}
	}
	return ledger.RecordChain(s.patient, s.opened.Compartment)
}

// Expires returns when it ends at the latest.
func (s *Session) Expires() time.Time { return time.UnixMilli(s.opened.Expires) }

// Verified is an answer that was right. It becomes a session by [Gate.Seal], once the log shows it.
type Verified struct {
	session Session
	renews  bool // the session is there already, and goes on
	th4     hash
	keys    keys
}

// Patient returns whose access chain the session is to be logged on; empty for a login, which stands on none.
func (v *Verified) Patient() identity.GID { return v.session.patient }

// Opened returns a copy of what the session is, as session.opened says it.
func (v *Verified) Opened() *ledger.SessionOpened {
	opened := v.session.opened
	return &opened
}
