package challenge

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/phrledger/phr/crypto/abe"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
)

// checkRequest judges what a proven person asks for, by what the log says.
func (g *Gate) checkRequest(now time.Time, facts Facts, h *Hello) error {
	var suite, behind error
	renews := checkRenewal(now, facts, h.Renews, h.GID, h.User, &h.Request)
	if !slices.Contains(h.Suites, abe.RW15BLS12381) {
		suite = errors.New("no suite in common")
	}
	if err := notBehind(h.Heads, gateHeads(facts, h.Heads)); err != nil {
		behind = fmt.Errorf("%w: %w", ErrBusy, err)
	}
	if err := g.left.must(helloRenewal, renews); err != nil {
		return err
	}
	if err := g.left.must(helloSuite, suite); err != nil {
		return err
	}
	if err := g.left.must(helloForeign, checkForeign(h)); err != nil {
		return err
	}
	if err := g.left.must(helloBehind, behind); err != nil {
		return err
	}
	_, err := entitled(now, facts, h.GID, &h.Request)
	return g.left.must(helloEntitled, err)
}

// checkForeign refuses heads of chains that the log does not show everybody: their numbers tell how often something happens
// to a patient.
func checkForeign(h *Hello) error {
	for _, head := range h.Heads {
		c, err := ledger.ParseChain(head.Chain)
		if err != nil {
			return err
		}
		if !c.Control() && c.GID() != h.GID && c != h.Request.Chain() {
			return fmt.Errorf("%s is not for the sender to ask about", head.Chain)
		}
	}
	return nil
}

// gateHeads returns where the chains named end. A chain that nothing stands on has number 0.
func gateHeads(facts Facts, named []Head) []Head {
	heads := make([]Head, len(named))
	for i, n := range named {
		c, err := ledger.ParseChain(n.Chain)
		if err != nil {
			continue // ParseHello refuses it
		}
		head, _ := facts.Head(c)
		heads[i] = Head{Chain: n.Chain, Number: head.Number, Hash: head.Hash}
	}
	return heads
}

// entitled judges a request by the facts of this moment, and returns when the right ends, 0 for never. Everybody may log in.
func entitled(now time.Time, facts Facts, gid identity.GID, r *Request) (until int64, err error) {
	if r.Operation == ledger.OpLogin {
		return 0, nil
	}
	term, err := facts.Entitled(gid, r.Chain(), r.Operation, r.Targets[0].Term, now)
	if err != nil {
		return 0, err
	}
	return term.Until, nil
}

// findTarget returns the policy.set in force for a target, and the term in it that the target names.
func findTarget(facts Facts, r *Request, place int) (*ledger.Entry, *ledger.LiveTerm, error) {
	target := r.Targets[place]
	fact, _ := facts.Compartment(ledger.RecordChain(r.Patient, target.Compartment))
	i := slices.IndexFunc(fact.Terms, func(t ledger.LiveTerm) bool { return t.ID == target.Term })
	if i < 0 {
		return nil, nil, errors.New("there is no such term")
	}
	return fact.Set, &fact.Terms[i], nil
}
