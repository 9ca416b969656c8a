package challenge

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/phrledger/phr/crypto/abe"
	"github.com/phrledger/phr/ledger"
)

// openTargets returns the secret of each target, once all of them may be opened. A client that opened anything else would
// be an oracle for the attributes of its person.
func (c *Client) openTargets(now time.Time, m *Challenge, offered []Offered) ([][32]byte, error) {
	request := &c.config.Request
	var fits error
	if len(offered) != len(request.Targets) {
		fits = fmt.Errorf("%d targets instead of %d", len(offered), len(request.Targets))
	}
	if err := c.left.must(challengeTargets, fits); err != nil {
		return nil, err
	}
	checked := make([]checkedTarget, min(len(offered), len(request.Targets)))
	for i := range checked {
		header, set, err := c.checkTarget(now, request.Targets[i], m.Suite, offered[i])
		if err != nil {
			return nil, err
		}
		context, err := m.context(c.th1, request, i, set)
		if err != nil {
			return nil, err
		}
		checked[i] = checkedTarget{header, context}
	}
	var secrets [][32]byte
	for i, t := range checked {
		c.spent = true
		z, err := c.config.Decapsulate(t.header, t.context, offered[i].Ciphertext)
		if err != nil {
			return nil, err
		}
		secrets = append(secrets, z)
	}
	return secrets, nil
}

// checkedTarget is a ciphertext that may be opened.
type checkedTarget struct {
	header  *abe.Header
	context []byte
}

// checkTarget tells whether the patient has signed that the expression of a ciphertext opens the target.
func (c *Client) checkTarget(now time.Time, target Target, suite abe.Suite, o Offered) (*abe.Header, ledger.Hash, error) {
	entry, err := ledger.ParseEntry(o.Set)
	if err != nil {
		return nil, ledger.Hash{}, err
	}
	if err := c.left.must(challengeSet, c.checkSet(entry, target.Compartment)); err != nil {
		return nil, ledger.Hash{}, err
	}
	term, err := findTerm(entry, target.Term)
	if err == nil {
		err = checkTerm(term, c.config.Request.Operation, now)
	}
	if err := c.left.must(challengeTerm, err); err != nil {
		return nil, ledger.Hash{}, err
	}
	header, err := abe.ParseHeader(o.Ciphertext)
	if err != nil {
		return nil, ledger.Hash{}, err
	}
	var named, labelled error
	if header.Policy.String() != term.Expression {
		named = errors.New("the challenge asks for other attributes than the term")
	}
	if header.Label != abe.Challenge || header.Suite != suite {
		labelled = errors.New("not made as a challenge, or in another suite")
	}
	if err := c.left.must(challengeExpression, named); err != nil {
		return nil, ledger.Hash{}, err
	}
	return header, entry.Hash, c.left.must(challengeLabel, labelled)
}

// checkSet tells whether an entry is a policy.set by the patient for a compartment.
func (c *Client) checkSet(e *ledger.Entry, compartment ledger.Compartment) error {
	patient := c.config.Request.Patient
	if e.Kind() != ledger.PolicySetKind || e.Author != patient || e.Chain != ledger.RecordChain(patient, compartment) {
		return errors.New("not the patient's policy for this compartment")
	}
	keys, err := c.config.Keys(patient, e.Control.Count)
	if err != nil {
		return fmt.Errorf("the patient's keys: %w", err)
	}
	return e.Verify(keys)
}

func findTerm(e *ledger.Entry, id ledger.TermID) (ledger.Term, error) {
	set, ok := e.Body.(*ledger.PolicySet)
	if !ok {
		return ledger.Term{}, errors.New("not a policy")
	}
	i := slices.IndexFunc(set.Terms, func(t ledger.Term) bool { return t.ID == id })
	if i < 0 {
		return ledger.Term{}, errors.New("the policy has no such term")
	}
	return set.Terms[i], nil
}

func checkTerm(t ledger.Term, op ledger.Operation, now time.Time) error {
	if op == ledger.OpWrite && !t.Write {
		return errors.New("the term grants reading only")
	}
	if t.Until != 0 && now.UnixMilli() >= t.Until {
		return errors.New("the term has ended")
	}
	return nil
}
