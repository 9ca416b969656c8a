package client

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
)

// ProxyRequest says who is to act for the caller, a patient, and where.
type ProxyRequest struct {
	To           identity.GID // one person, who needs no role
	Compartments []ledger.Compartment
	Write        bool      // and read
	FromNow      bool      // nothing written before is opened
	Until        time.Time // the right ends by itself; at most ledger.MaxProxy ahead
}

// Proxy is the right of one person to act for a patient on one compartment.
type Proxy struct {
	Chain  ledger.Chain
	Term   ledger.Term
	Person identity.GID // who acts
	Ended  bool
}

// AddProxy lets a person act for the caller on compartments of the caller's record: all of it counts once it returns, and
// none of it after an error, unless the answer of the node was lost.
func (c *Client) AddProxy(ctx context.Context, r ProxyRequest) ([]Proxy, error) {
	changes, err := c.PlanProxy(ctx, r)
	if err != nil {
		return nil, err
	}
	if err := c.MakeAll(ctx, changes...); err != nil {
		return nil, err
	}
	named := make([]Proxy, len(changes))
	for i, change := range changes {
		named[i] = Proxy{Chain: change.b.chain, Term: change.after.Term, Person: r.To}
	}
	return named, nil
}

// PlanProxy works out what AddProxy changes, and changes nothing: a change for each compartment, for MakeAll.
func (c *Client) PlanProxy(ctx context.Context, r ProxyRequest) ([]*Change, error) {
	if err := c.checkProxy(&r); err != nil {
		return nil, fmt.Errorf("%s: %w", namingProxy, err)
	}
	changes := make([]*Change, len(r.Compartments))
	for i, name := range r.Compartments {
		var err error
		if changes[i], err = c.planProxy(ctx, &r, name); err != nil {
			return nil, fmt.Errorf("%s: %w", namingProxy, err)
		}
	}
	return changes, nil
}

const namingProxy = "naming a proxy"

// checkProxy says what the node would refuse, in words of what was asked.
func (c *Client) checkProxy(r *ProxyRequest) error {
	if _, err := identity.ParseGID(string(r.To)); err != nil {
		return fmt.Errorf("who is to act for you: %w", err)
	}
	left := r.Until.Sub(c.config.Now())
	switch {
	case r.To == c.GID():
		return errors.New("you act for yourself without being named")
	case len(r.Compartments) == 0:
		return errors.New("name the compartments it is for")
	case r.Until.IsZero():
		return errors.New("the right to act for you has an end: name it, and renew it while it is wanted")
	case left <= 0:
		return errors.New("its end lies in the past")
	case left > ledger.MaxProxy:
		return errTooLong
	}
	slices.Sort(r.Compartments)
	r.Compartments = slices.Compact(r.Compartments)
	return nil
}

func (c *Client) planProxy(ctx context.Context, r *ProxyRequest, name ledger.Compartment) (*Change, error) {
	b, err := c.Book(ctx, c.GID(), name)
	if err != nil {
		return nil, err
	}
	id, err := ledger.NewTermID(rand.Reader, c.config.Now())
	if err != nil {
		return nil, err
	}
	p := policy.Leaf(ledger.GrantAttribute(c.GID(), id))
	term := &ledger.LiveTerm{Policy: p, Term: ledger.Term{
		ID: id, Expression: p.String(), Write: r.Write, History: !r.FromNow, Until: r.Until.UnixMilli(), Proxy: true,
	}}
	return &Change{b: b, verb: namingProxy, after: term, who: r.To}, nil
}

// Proxies returns who acts for the caller, on any compartment, those whose right has ended among them.
func (c *Client) Proxies(ctx context.Context) ([]Proxy, error) {
	facts, err := c.Compartments(ctx)
	if err != nil {
		return nil, err
	}
	named, err := c.persons(ctx)
	if err != nil {
		return nil, err
	}
	var all []Proxy
	for _, f := range facts {
		for _, t := range f.Terms {
			if t.Proxy {
				ended := c.config.Now().UnixMilli() >= t.Until
				all = append(all, Proxy{Chain: f.Chain, Term: t.Term, Person: named[t.ID], Ended: ended})
			}
		}
	}
	return all, nil
}

// ActingFor returns for whom the caller acts, and where.
func (c *Client) ActingFor(ctx context.Context) ([]Proxy, error) {
	shared, err := c.Shared(ctx)
	if err != nil {
		return nil, err
	}
	var all []Proxy
	for _, s := range shared {
		if s.Term.Proxy {
			all = append(all, Proxy{Chain: s.Chain, Term: s.Term, Person: c.GID()})
		}
	}
	return all, nil
}

// EndProxies takes the right to act for the caller back, wherever it is one that is meant. It returns what was ended; after an
// error that is not all.
func (c *Client) EndProxies(ctx context.Context, meant func(Proxy) bool) ([]Proxy, error) {
	return c.eachProxy(ctx, meant, func(b *Book, p *Proxy) error {
		if err := b.Revoke(ctx, p.Term.ID); err != nil {
			return fmt.Errorf("ending what %s may do for you: %w", p.Person, err)
		}
		return nil
	})
}

// RenewProxies gives the right to act for the caller another end, wherever it is one that is meant, also where it has ended
// by itself. It returns what was renewed; after an error that is not all.
func (c *Client) RenewProxies(ctx context.Context, until time.Time, meant func(Proxy) bool) ([]Proxy, error) {
	if left := until.Sub(c.config.Now()); left > ledger.MaxProxy {
		return nil, errTooLong
	}
	return c.eachProxy(ctx, meant, func(b *Book, p *Proxy) error {
		if p.Term.Until == until.UnixMilli() {
			return nil
		}
		if err := b.EditGrant(ctx, p.Term.ID, GrantEdit{Until: &until}); err != nil {
			return fmt.Errorf("renewing what %s may do for you: %w", p.Person, err)
		}
		p.Term.Until, p.Ended = until.UnixMilli(), false
		return nil
	})
}

// eachProxy does something to each right to act for the caller that is meant, and returns those to which it was done.
func (c *Client) eachProxy(ctx context.Context, meant func(Proxy) bool, do func(*Book, *Proxy) error) (done []Proxy, err error) {
	all, err := c.Proxies(ctx)
	if err != nil {
		return nil, err
	}
	for _, p := range all {
		if !meant(p) {
			continue
		}
		b, err := c.Book(ctx, c.GID(), p.Chain.Compartment)
		if err == nil {
			err = do(b, &p)
		}
		if err != nil {
			return done, err
		}
		done = append(done, p)
	}
	return done, nil
}

var errTooLong = fmt.Errorf("it ends within %d days, so that you decide anew: name it again then", ledger.MaxProxy/(24*time.Hour))
