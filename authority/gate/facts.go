package gate

import (
	"cmp"
	"time"

	"github.com/phrledger/phr/crypto/abe"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/ingest"
)

// facts is the fold as a challenge reads it: each question is answered by the fold as it is then, so that the curve work
// between two questions does not hold the fold up. What moves meanwhile is noticed: the answer to a challenge is judged by the
// term and versions of that moment, and session.opened once more when it is appended.
type facts struct{ fold *ingest.Fold }

func (f facts) Person(gid identity.GID) (keys *identity.Keys, err error) {
	if err := f.fold.Closed(ledger.PersonChain(gid)); err != nil {
		return nil, err
	}
	f.fold.View(func(s *ledger.State) { keys, err = s.Person(gid) })
	return keys, err
}

func (f facts) Patient(gid identity.GID) (key *abe.PublicKey, ok bool) {
	f.fold.View(func(s *ledger.State) { key, ok = s.Patient(gid) })
	return key, ok
}

func (f facts) Head(c ledger.Chain) (head ledger.Head, ok bool) {
	f.fold.View(func(s *ledger.State) { head, ok = s.Head(c) })
	return head, ok
}

func (f facts) Compartment(c ledger.Chain) (fact ledger.CompartmentFact, ok bool) {
	f.fold.View(func(s *ledger.State) { fact, ok = s.Compartment(c) })
	return fact, ok
}

// Entitled refuses everybody where a chain that the right follows from holds what this version of phr does not understand:
// it might be the end of that right.
func (f facts) Entitled(gid identity.GID, c ledger.Chain, op ledger.Operation, id ledger.TermID, at time.Time) (term *ledger.LiveTerm, err error) {
	f.fold.View(func(s *ledger.State) { term, err = s.Entitled(gid, c, op, id, at) })
	if err != nil {
		return nil, err
	}
	return term, f.closed(gid, c, term)
}

// closed tells why a right that the fold shows is not to be relied on.
func (f facts) closed(gid identity.GID, c ledger.Chain, term *ledger.LiveTerm) error {
	err := cmp.Or(f.fold.Closed(c), f.fold.Closed(ledger.PersonChain(gid)))
	for _, name := range term.Policy.Authorities() {
		if !name.IsGID() {
			err = cmp.Or(err, f.fold.Closed(ledger.AuthorityChain(name)))
		}
	}
	return err
}

func (f facts) Session(id ledger.SessionID) (session *ledger.Session, ok bool) {
	f.fold.View(func(s *ledger.State) { session, ok = s.Session(id) })
	return session, ok
}

func (f facts) Expression(p *policy.Policy) (e *abe.Expression, err error) {
	f.fold.View(func(s *ledger.State) { e, err = s.Expression(p) })
	return e, err
}

// founder tells whether a person speaks for an authority.
func (f facts) founder(gid identity.GID, name policy.Authority) (ok bool) {
	f.fold.View(func(s *ledger.State) {
		a, known := s.Authority(name)
		ok = known && a.Founder == gid
	})
	return ok
}

// auditor is the attribute whose holders may read the whole log.
var auditor = policy.Attribute{Name: "auditor", Authority: ledger.RegistryName}

func (f facts) audits(gid identity.GID) (ok bool) {
	f.fold.View(func(s *ledger.State) { ok = s.Holds(gid, auditor) })
	return ok
}
