package client

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
)

// ErrNotShared is returned, wrapped, where nothing is shared with the caller that would allow what they ask for.
var ErrNotShared = errors.New("not shared with you")

// Shared is a term that the caller satisfies.
type Shared struct {
	Chain ledger.Chain
	Term  ledger.Term
}

// Basis returns the term as a grant. If it names somebody, that is who satisfies it.
func (s *Shared) Basis(caller identity.GID) *Basis {
	if !strings.Contains(s.Term.Expression, ledger.GrantAttribute(s.Chain.GID(), s.Term.ID).String()) {
		caller = ""
	}
	return basisOf(s.Chain, &s.Term, caller)
}

// Shared returns what has been shared with the caller: every term that the attributes the log shows for them satisfy. Each
// is checked to stand in a policy that the patient signed.
func (c *Client) Shared(ctx context.Context) ([]Shared, error) {
	if err := c.attempt(ctx, loginKey, func(s *session) error {
		_, err := c.ends(ctx, s, ledger.PersonChain(c.GID())) // how old what is shown may be
		return err
	}); err != nil {
		return nil, err
	}
	return c.shared(ctx, "", func(string) bool { return true })
}

// shared returns what is shared, on chains that come after a name in the order of names, as long as they are wanted.
func (c *Client) shared(ctx context.Context, after string, wanted func(chain string) bool) (all []Shared, err error) {
	err = c.attempt(ctx, loginKey, func(s *session) (err error) {
		all, err = c.sharedIn(ctx, s, after, wanted)
		return err
	})
	return all, err
}

func (c *Client) sharedIn(ctx context.Context, s *session, after string, wanted func(string) bool) ([]Shared, error) {
	var all []Shared
	for {
		mine, err := ask[protocol.Mine](ctx, s.conn, protocol.DirMine, protocol.MineQuery{After: after})
		if err != nil || len(mine.Terms) == 0 {
			return all, err
		}
		if mine.Terms[0].Chain <= after {
			return nil, errors.New("what the node says is shared with you does not come in order")
		}
		for _, m := range mine.Terms {
			if !wanted(m.Chain) {
				return all, nil
			}
			found, err := c.checkShared(ctx, m)
			if err != nil {
				return nil, fmt.Errorf("what the node says is shared with you: %w", err)
			}
			all, after = append(all, *found), m.Chain
		}
	}
}

// checkShared finds the term in the policy, once the policy is shown to be the patient's.
func (c *Client) checkShared(ctx context.Context, m protocol.SharedTerm) (*Shared, error) {
	e, err := ledger.ParseEntry(m.Set)
	if err != nil {
		return nil, err
	}
	set, ok := e.Body.(*ledger.PolicySet)
	if !ok || e.Chain.String() != m.Chain || e.Author != e.Chain.GID() {
		return nil, errors.New("not a policy by the patient")
	}
	if err := c.verify(ctx, e); err != nil {
		return nil, err
	}
	for _, t := range set.Terms {
		if t.ID == m.Term {
			return &Shared{e.Chain, t}, nil
		}
	}
	return nil, fmt.Errorf("the policy has no term %s", m.Term)
}

// verify checks the signature of an entry. Its author is looked up if not met yet, or if the keys known don't do: they may
// have been replaced.
func (c *Client) verify(ctx context.Context, e *ledger.Entry) error {
	if keys, err := c.keysAt(e.Author, e.Control.Count); err == nil && e.Verify(keys) == nil {
		return nil
	}
	if _, err := c.Person(ctx, e.Author); err != nil {
		return err
	}
	keys, err := c.keysAt(e.Author, e.Control.Count)
	if err != nil {
		return err
	}
	return e.Verify(keys)
}

// termFor finds the term under which the caller may do op: one with history, if there is one, and rather one of their own than
// one by which they act for the patient.
func (c *Client) termFor(ctx context.Context, chain ledger.Chain, op ledger.Operation) (*ledger.Term, error) {
	name := chain.String()
	// The name without its last letter comes right before: what is shared of others need not be gone through.
	shared, err := c.shared(ctx, name[:len(name)-1], func(chain string) bool { return chain <= name })
	if err != nil {
		return nil, err
	}
	var best *ledger.Term
	for _, s := range shared {
		if s.Chain != chain || op == ledger.OpWrite && !s.Term.Write {
			continue
		}
		if best == nil || better(&s.Term, best) {
			best = &s.Term
		}
	}
	if best == nil {
		return nil, fmt.Errorf("%s of %s: %w, or not any more: ask the patient to grant it, and see 'phr patients' and 'phr keys'",
			chain.Compartment, chain.GID(), ErrNotShared)
	}
	return best, nil
}

func better(t, than *ledger.Term) bool {
	if t.History == than.History && t.Emergency() != than.Emergency() {
		return than.Emergency() // what was granted needs no emergency
	}
	if t.History != than.History {
		return t.History
	}
	return than.Proxy && !t.Proxy
}
