package client

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/phrledger/phr/authority"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
)

// Impact is what a Revocation would do.
type Impact struct {
	Authority  policy.Authority
	Member     *authority.Member // who loses the attributes; nil if nobody does
	Attributes []Moving
	Holders    int // people who get new keys
	Touched    []Touched
}

// Moving is an attribute that would move.
type Moving struct {
	Name    string
	Version uint32 // that it would move to
	Holders int    // people who hold it, but for who loses it
}

// Touched is a grant that rests on an attribute that would move: its compartment would be stale, until somebody writes there or
// the patient starts a new epoch. It is the node's word.
type Touched struct {
	Patient     identity.GID
	Compartment ledger.Compartment
	Term        ledger.TermID
	Since       time.Time // since when the compartment has been stale already; zero while it is not
}

// Impact says what a revocation would do, and does nothing. It fails where Revoke would.
func (c *Client) Impact(ctx context.Context, r Revocation) (*Impact, error) {
	d, err := c.deskOf()
	if err != nil {
		return nil, err
	}
	p := &Impact{Authority: d.name()}
	var refused error
	err = d.look(ctx, func(roster *authority.Roster) {
		var bodies []ledger.Body
		if bodies, refused = r.bodies(roster); refused == nil {
			p.fill(roster, r.GID, bodies)
		}
	})
	if err = cmp.Or(refused, err); err != nil {
		return nil, err
	}
	for _, m := range p.Attributes {
		touched, err := c.touched(ctx, policy.Attribute{Name: m.Name, Authority: d.name()})
		if err != nil {
			return nil, err
		}
		p.Touched = append(p.Touched, touched...)
	}
	slices.SortFunc(p.Touched, func(x, y Touched) int {
		return cmp.Or(cmp.Compare(x.Patient, y.Patient), cmp.Compare(x.Compartment, y.Compartment), cmp.Compare(x.Term.String(), y.Term.String()))
	})
	p.Touched = slices.Compact(p.Touched)
	return p, nil
}

// ImpactOfRekey says what the replacement of the master key would do: every attribute moves.
func (c *Client) ImpactOfRekey(ctx context.Context) (*Impact, error) {
	d, err := c.deskOf()
	if err != nil {
		return nil, err
	}
	var all []string
	if err := d.look(ctx, func(roster *authority.Roster) { all = roster.Attributes() }); err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return &Impact{Authority: d.name()}, nil
	}
	return c.Impact(ctx, Revocation{Attributes: all})
}

func (p *Impact) fill(roster *authority.Roster, gid identity.GID, bodies []ledger.Body) {
	loses := 0 // of those counted below
	if m, ok := roster.Member(gid); ok {
		p.Member, loses = &m, 1
	}
	for _, b := range bodies {
		moved, ok := b.(*ledger.AttributeVersioned)
		if !ok {
			continue
		}
		p.Attributes = append(p.Attributes, Moving{moved.Name, moved.Version, roster.Holders(moved.Name) - loses})
	}
	p.Holders = roster.Holders(attributesOf(bodies)...) - loses
}

// touched asks the node what rests on an attribute of the caller's authority.
func (c *Client) touched(ctx context.Context, a policy.Attribute) (all []Touched, err error) {
	query := protocol.TouchedQuery{Attribute: a.String()}
	err = c.attempt(ctx, loginKey, func(s *session) error {
		for {
			answer, err := ask[protocol.Touched](ctx, s.conn, protocol.DirTouched, query)
			if err != nil || len(answer.Terms) == 0 {
				return err
			}
			after := query.After
			for _, t := range answer.Terms {
				chain, err := ledger.ParseChain(t.Chain)
				if err != nil || t.Chain <= after {
					return fmt.Errorf("what rests on %s, by the node: %q: %w", a, ledger.Clip(t.Chain), cmp.Or(err, errOrder))
				}
				shown := Touched{Patient: chain.GID(), Compartment: chain.Compartment, Term: t.Term}
				if t.Since != 0 {
					shown.Since = time.UnixMilli(t.Since)
				}
				all, query.After = append(all, shown), t.Chain
			}
		}
	})
	return all, err
}

var errOrder = fmt.Errorf("%w: out of order", ledger.ErrMalformed)
