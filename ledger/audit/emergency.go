package audit

import (
	"fmt"
	"slices"
	"time"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
)

// Breakglass is an emergency in which a compartment was opened. Whether a review is overdue is told by the newest log time there
// is: the log alone decides.
type Breakglass struct {
	Chain       ledger.Chain       `json:"chain"` // of the patient's access log
	Sequence    uint64             `json:"sequence"`
	Request     ledger.EventID     `json:"request"`
	Compartment ledger.Compartment `json:"compartment"`
	Requester   identity.GID       `json:"requester"`
	Approver    identity.GID       `json:"approver"`
	Opened      time.Time          `json:"opened"`
	Expires     time.Time          `json:"expires"`
	Ended       bool               `json:"ended,omitempty"` // before it expired
	Reviews     int                `json:"reviews"`
	Due         time.Time          `json:"review_due"`
	Overdue     bool               `json:"review_overdue,omitempty"`
}

// broken takes note of an emergency in which a compartment is opened.
func (r *replay) broken(e *ledger.Entry, b *ledger.BreakglassOpened, seq uint64) {
	found, ok := r.state.Emergency(e.Chain.GID(), b.Request)
	if !ok {
		return
	}
	r.report.Emergencies = append(r.report.Emergencies, Breakglass{
		Chain: e.Chain, Sequence: seq, Request: b.Request, Compartment: found.Chain().Compartment, Requester: b.Requester, Approver: b.Approver,
		Opened: e.LogTime, Expires: found.Expires(), Due: found.ReviewDue(),
	})
}

// reviews says of each emergency what came of it, and finds those that nobody has reviewed in time.
func (r *replay) reviews() {
	for i := range r.report.Emergencies {
		m := &r.report.Emergencies[i]
		b, ok := r.state.Emergency(m.Chain.GID(), m.Request)
		if !ok {
			continue
		}
		m.Ended, m.Reviews, m.Overdue = b.Ended != nil, len(b.Reviews), b.Overdue(r.report.Last)
		if m.Overdue {
			f := about(b.Opened, m.Sequence)
			f.Problem, f.What = Unreviewed, fmt.Sprintf("%s was opened to %s in an emergency, and nobody has reviewed it", m.Compartment, m.Requester)
			f.Evidence = fmt.Sprintf("due until %s, and the log goes to %s", m.Due.UTC(), r.report.Last.UTC())
			r.find(checkReviewed, f)
		}
	}
}

// emergency is a request to break the glass, in the words of the second opinion.
type emergency struct {
	patient, requester, approver identity.GID
	compartment                  ledger.Compartment
	term                         ledger.TermID
	expires                      int64
	opened, ended                bool
}

// problem returns what is wrong as a problem of a kind; none if nothing is.
func problem(p Problem, what string) (Problem, string) {
	if what == "" {
		return "", ""
	}
	return p, what
}

// inEmergency finds what is wrong with a session by a term for emergencies.
func (s *second) inEmergency(e *ledger.Entry, o *ledger.SessionOpened) string {
	for _, g := range s.glass {
		if g.patient == e.Chain.GID() && g.requester == o.GID && g.term == o.Term && g.compartment == o.Compartment && g.opened && !g.ended &&
			e.LogTime.UnixMilli() < g.expires && o.Expires <= g.expires && o.Operation == ledger.OpRead {
			return ""
		}
	}
	return fmt.Sprintf("opened to %s by a term for emergencies, and no emergency was open to them", o.GID)
}

// twoPeople finds an approval or opening that two people do not stand behind.
func (s *second) twoPeople(e *ledger.Entry) string {
	id, _ := ledger.RequestOf(e.Body)
	g := s.glass[recordOn{e.Chain, id}]
	if g == nil {
		return "it is about a request that nobody made there"
	}
	b, opens := e.Body.(*ledger.BreakglassOpened)
	switch {
	case !opens && e.Author == g.requester:
		return fmt.Sprintf("%s approves what they asked for themselves", e.Author)
	case !opens:
		return ""
	case !s.nodes[e.Author]:
		return fmt.Sprintf("%s says that it is opened, and is not a node that the root has described", e.Author)
	case g.approver == "":
		return "opened, and nobody has approved it"
	case b.Requester != g.requester || b.Approver != g.approver || g.requester == g.approver:
		return "opened in the name of others than asked and approved"
	}
	return ""
}

// helpers finds a term that gives an insurer or employer a part in emergencies.
func (s *second) helpers(set *ledger.PolicySet) string {
	for _, t := range set.Terms {
		if !t.Emergency() {
			continue
		}
		for _, text := range []string{t.Expression, t.Approval} {
			p, err := policy.Parse(text)
			if err != nil {
				continue
			}
			if i := slices.IndexFunc(p.Attributes(), func(a policy.Attribute) bool {
				return s.roles[a.Authority] == ledger.Insurer || s.roles[a.Authority] == ledger.Employer
			}); i >= 0 {
				return fmt.Sprintf("term %s gives %s a part in emergencies", t.ID, p.Attributes()[i])
			}
		}
	}
	return ""
}

// applyEmergency takes note of an entry that counts, as far as it is about emergencies.
func (s *second) applyEmergency(e *ledger.Entry) {
	switch b := e.Body.(type) {
	case *ledger.PolicySet:
		for _, t := range b.Terms {
			if t.Emergency() {
				s.emergencies[t.ID] = true
			}
		}
	case *ledger.BreakglassRequested:
		s.glass[recordOn{e.Chain, e.ID}] = &emergency{
			patient: e.Chain.GID(), requester: e.Author, compartment: b.Compartment, term: b.Term, expires: b.Expires,
		}
	case *ledger.BreakglassApproved:
		if g := s.glass[recordOn{e.Chain, b.Request}]; g != nil {
			g.approver = e.Author
		}
	case *ledger.BreakglassOpened:
		if g := s.glass[recordOn{e.Chain, b.Request}]; g != nil {
			g.opened = true
		}
	case *ledger.BreakglassEnded:
		if g := s.glass[recordOn{e.Chain, b.Request}]; g != nil {
			g.ended = true
		}
	}
}
