package audit

import (
	"fmt"

	"github.com/phrledger/phr/ledger"
)

// proxies finds a term by which somebody acts for a patient who is not one person, named by that patient until some day.
func (s *second) proxies(e *ledger.Entry, set *ledger.PolicySet) string {
	for _, t := range set.Terms {
		switch {
		case !t.Proxy:
		case t.Expression != fmt.Sprintf("g-%s@%s", t.ID, e.Chain.Owner):
			return fmt.Sprintf("term %s lets %q act for the patient, which is not one person whom the patient named for it", t.ID, t.Expression)
		case t.Until == 0:
			return fmt.Sprintf("term %s lets somebody act for the patient without an end", t.ID)
		}
	}
	return ""
}

// acting finds an entry that hides that its author acts for the patient, or claims it.
func (s *second) acting(e *ledger.Entry, term ledger.TermID) string {
	says := e.Acting()
	switch proxy := s.acts[term]; {
	case proxy && says != term:
		return fmt.Sprintf("written by term %s, by which its author acts for the patient, and does not say so", term)
	case !proxy && !says.IsZero():
		return fmt.Sprintf("says that its author acts for the patient by term %s, and was written by term %s", says, term)
	}
	return ""
}
