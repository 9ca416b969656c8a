package client

import (
	"context"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/phrledger/phr/authority"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
)

// TouchedBy asks the node once what rests on an attribute, in a login.
func (c *Client) TouchedBy(ctx context.Context, attribute, after string) (*protocol.Touched, error) {
	s, err := c.session(ctx, loginKey)
	if err != nil {
		return nil, err
	}
	return ask[protocol.Touched](ctx, s.conn, protocol.DirTouched, protocol.TouchedQuery{Attribute: attribute, After: after})
}

// RegisterPeople registers identities with the client's connection.
func (c *Client) RegisterPeople(ctx context.Context, people ...*identity.Identity) error {
	var g errgroup.Group
	g.SetLimit(6)
	for _, p := range people {
		g.Go(func() error {
			other := &Client{config: c.config, home: HomeOf(p), guest: c.guest}
			inception := p.Inception()
			return other.register(ctx, ledger.PersonChain(p.GID()),
				&ledger.IdentityRegistered{Sign: inception.Keys.Sign, Seal: inception.Keys.Seal, Recovery: inception.Recovery})
		})
	}
	return g.Wait()
}

// EnrolWithoutKeys enrols people for an attribute of the caller's authority, which then owes them keys.
func (c *Client) EnrolWithoutKeys(ctx context.Context, name string, people ...identity.GID) error {
	d, err := c.deskOf()
	if err != nil {
		return err
	}
	for some := range slices.Chunk(people, protocol.MaxEvents-1) {
		err := d.decide(ctx, func(roster *authority.Roster) ([]ledger.Body, error) {
			bodies := roster.Definitions(name)
			for _, gid := range some {
				bodies = append(bodies, &ledger.RepresentativeEnrolled{GID: gid, Attributes: []string{name}})
			}
			return bodies, nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Waiting returns how many requests wait for the caller's authority.
func (c *Client) Waiting(ctx context.Context) (int, error) {
	d, err := c.deskOf()
	if err != nil {
		return 0, err
	}
	waiting, err := c.enrolments(ctx, d.name(), nil)
	if err != nil {
		return 0, err
	}
	return len(waiting.Waiting), nil
}
