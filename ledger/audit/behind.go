package audit

import (
	"fmt"
	"time"

	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
)

// behind finds entries that were judged by less than the log held. Two nodes may be a little apart; one that is further behind
// has to refuse. The entry has been folded, and is not among the control entries yet.
func (r *replay) behind(e *ledger.Entry, seq uint64) {
	if e.Control.Count >= r.controls.count {
		return
	}
	unseen, all := r.controls.after(e.Control.Count)
	lag := e.LogTime.Sub(unseen)
	if lag > ledger.MaxBehind+ledger.ClockSkew || !all {
		f := about(e, seq)
		f.Problem, f.What = Behind, "accepted by a node that did not see what the log had held for "+lag.Round(time.Second).String()
		f.Evidence = fmt.Sprintf("it was judged by the first %d control entries of %d", e.Control.Count, r.controls.count)
		r.find(checkBehind, f)
	}
	number, parts := ledger.Parts(e.Body)
	for _, p := range parts {
		r.outdated(p, Outdated{Chain: e.Chain, Sequence: seq, Epoch: number, Behind: lag})
	}
}

// outdated takes note of the attributes that a part was made for in a version which was not in force.
func (r *replay) outdated(p ledger.Part, o Outdated) {
	made, err := policy.Parse(p.Expression)
	if p.Term.IsZero() || err != nil {
		return
	}
	for i, a := range made.Attributes() {
		if version, ok := r.state.Version(a); ok && i < len(p.Versions) && version != p.Versions[i] {
			o.Attribute, o.Named, o.InForce = a.String(), p.Versions[i], version
			r.report.Outdated = append(r.report.Outdated, o)
		}
	}
}
