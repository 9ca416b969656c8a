package client

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"

	"github.com/phrledger/phr/authority"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
)

// FoundAuthority makes an authority of the caller's and registers it. It counts once the registry has endorsed the
// fingerprint, which is to reach the registry by a way that the node has no part in.
func (c *Client) FoundAuthority(ctx context.Context, name policy.Authority, role ledger.AuthorityKind) (authority.Fingerprint, error) {
	var none authority.Fingerprint
	if err := c.RegisterIdentity(ctx); err != nil {
		return none, err
	}
	a, err := c.home.Authority()
	if err != nil {
		return none, err
	}
	if a == nil {
		if a, err = authority.New(rand.Reader, c.GID(), name, role); err != nil {
			return none, err
		}
		if err := c.home.SetAuthority(a); err != nil {
			return none, err
		}
	}
	if a.Name() != name {
		return none, fmt.Errorf("this home keeps the authority %q already: use another --home for %q", a.Name(), name)
	}
	if err := c.keepEscrow(ctx); err != nil {
		return none, err
	}
	return c.registerAuthority(ctx, a)
}

// registerAuthority puts the registration on the founder's chain, unless it stands there.
func (c *Client) registerAuthority(ctx context.Context, a *authority.Authority) (authority.Fingerprint, error) {
	var found ledger.Hash
	registration := a.Registration()
	events, err := c.say(ctx, ledger.PersonChain(c.GID()), func(entries []*ledger.Entry) ([]ledger.Body, error) {
		for _, e := range entries {
			if body, ok := e.Body.(*ledger.AuthorityRegistered); ok && body.Name == registration.Name && bytes.Equal(body.Key, registration.Key) {
				found = e.Hash
				return nil, nil
			}
		}
		return []ledger.Body{registration}, nil
	})
	if err != nil {
		return authority.Fingerprint{}, fmt.Errorf("registering %q: %w", a.Name(), err)
	}
	for _, e := range events {
		encoded, err := e.Marshal()
		if err != nil {
			return authority.Fingerprint{}, err
		}
		found = ledger.HashEvent(encoded)
	}
	return authority.FingerprintOf(found), nil
}

// Endorse gives a name to the founder whose registration has the fingerprint. The caller is the registry.
func (c *Client) Endorse(ctx context.Context, name policy.Authority, f authority.Fingerprint) error {
	evidence, err := ask[protocol.Evidence](ctx, c.guest, protocol.DirRegistration, protocol.RegistrationQuery{Fingerprint: f[:]})
	if err != nil {
		return err
	}
	var body *ledger.AuthorityEndorsed
	why := fmt.Errorf("nobody has registered an authority with the fingerprint %s", f)
	for _, fact := range evidence.Facts {
		e, err := ledger.ParseEntry(fact.Entry)
		if err != nil {
			return err
		}
		if e.Kind() != ledger.AuthorityRegisteredKind {
			continue
		}
		if body, why = authority.Endorse(name, f, e); why == nil {
			break
		}
	}
	if why != nil {
		return why
	}
	_, err = c.say(ctx, ledger.AuthorityChain(ledger.RegistryName), func(entries []*ledger.Entry) ([]ledger.Body, error) {
		for _, e := range entries {
			if before, ok := e.Body.(*ledger.AuthorityEndorsed); ok && *before == *body {
				return nil, nil
			}
		}
		return []ledger.Body{body}, nil
	})
	return err
}

// Invite opens an invitation to the caller's authority and puts the attributes it offers on the log, so that they can be
// granted to at once.
func (c *Client) Invite(ctx context.Context, o authority.Offer) (code authority.Code, invitation *authority.Invitation, err error) {
	d, err := c.deskOf()
	if err != nil {
		return code, nil, err
	}
	err = d.decide(ctx, func(roster *authority.Roster) ([]ledger.Body, error) {
		if invitation == nil {
			o.After, _ = roster.Head()
			if code, invitation, err = c.invite(o); err != nil {
				return nil, err
			}
		}
		return roster.Definitions(invitation.Attributes...), nil
	})
	if err != nil {
		return code, invitation, fmt.Errorf("inviting to %q: %w", d.name(), err)
	}
	return code, invitation, nil
}

func (c *Client) invite(o authority.Offer) (code authority.Code, invitation *authority.Invitation, err error) {
	err = c.home.changeAuthority(func(a *authority.Authority) (err error) {
		code, invitation, err = a.Invite(rand.Reader, c.config.Now(), o)
		return err
	})
	return code, invitation, err
}

// Members returns who is enrolled by the caller's authority.
func (c *Client) Members(ctx context.Context) (members []authority.Member, err error) {
	d, err := c.deskOf()
	if err != nil {
		return nil, err
	}
	err = d.look(ctx, func(roster *authority.Roster) { members = roster.Members() })
	return members, err
}
