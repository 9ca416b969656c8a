package client

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
)

// nobodyError means that somebody asked about holds nothing, whatever was issued to them.
type nobodyError struct{ why string }

func (e *nobodyError) Error() string { return e.why }

// heldBy reads whom an explanation is about, and returns what they hold of the attributes that policies name; nil for nobody.
func (b *Book) heldBy(ctx context.Context, as string, policies ...*policy.Policy) (func(policy.Attribute) bool, error) {
	if as == "" {
		return nil, nil
	}
	var named []policy.Attribute
	for _, p := range policies {
		named = append(named, p.Attributes()...)
	}
	if gid, err := identity.ParseGID(as); err == nil {
		held, err := b.c.holdings(ctx, gid, named)
		return func(a policy.Attribute) bool { return a == PersonAttribute(gid) || slices.Contains(held, a) }, err
	}
	p, err := policy.Parse(as)
	if err != nil {
		return nil, fmt.Errorf("whom to explain for: a GID, or attributes joined by 'and': %w", err)
	}
	if sets, err := p.MinimalSets(); err != nil || len(sets) != 1 {
		return nil, fmt.Errorf("whom to explain for: %s is not one person's attributes: join them with 'and', and ask about others apart", p)
	}
	attributes := p.Attributes()
	return func(a policy.Attribute) bool { return slices.Contains(attributes, a) && b.c.inForce(ctx, a.Authority) }, nil
}

// inForce tells whether what an authority vouches for counts today. A patient's own always does.
func (c *Client) inForce(ctx context.Context, name policy.Authority) bool {
	if name.IsGID() {
		return true
	}
	fact, err := c.Authority(ctx, name)
	return err == nil && fact.Active
}

// holdings returns which attributes the log shows a person to hold, among those that the caller may ask about.
func (c *Client) holdings(ctx context.Context, gid identity.GID, among []policy.Attribute) ([]policy.Attribute, error) {
	if err := c.learn(ctx, protocol.DirIdentity, protocol.IdentityQuery{GID: gid}); codeOf(err) == protocol.CodeNotFound {
		return nil, &nobodyError{"nobody is registered as " + string(gid)}
	} else if err != nil {
		return nil, err
	}
	if err := c.revoked(gid); err != nil {
		return nil, &nobodyError{err.Error()}
	}
	var names []string
	for _, a := range among {
		if _, person := PersonOf(a); person {
			continue // nobody issues these
		}
		theirs := !a.Authority.IsGID() || gid == c.GID() || a.Authority == policy.Authority(c.GID())
		if name := a.String(); theirs && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	var all []policy.Attribute
	return all, c.attempt(ctx, loginKey, func(s *session) error {
		all = nil
		for some := range slices.Chunk(names, protocol.MaxHeld) {
			answer, err := ask[protocol.Held](ctx, s.conn, protocol.DirHeld, protocol.HeldQuery{GID: gid, Attributes: some})
			if err != nil {
				return err
			}
			for _, encoded := range answer.Entries {
				a, counts, err := c.checkHeld(ctx, gid, encoded)
				if err != nil {
					return fmt.Errorf("what the node says that %s holds: %w", gid, err)
				}
				if counts {
					all = append(all, a)
				}
			}
		}
		return nil
	})
}

// revoked says why an identity that is known counts for nothing any more.
func (c *Client) revoked(gid identity.GID) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, err := c.state.Person(gid)
	return err
}

// checkHeld reads which attribute was issued to a person, from the signed word of its authority, and whether that counts: not
// if the authority is suspended, or the attribute has moved on.
func (c *Client) checkHeld(ctx context.Context, gid identity.GID, encoded []byte) (a policy.Attribute, counts bool, err error) {
	e, err := ledger.ParseEntry(encoded)
	if err != nil {
		return a, false, err
	}
	issued, ok := e.Body.(*ledger.KeyIssued)
	if !ok || issued.GID != gid {
		return a, false, errors.New("it was issued to somebody else, or is no issuance")
	}
	a = policy.Attribute{Name: issued.Attribute, Authority: e.Chain.Authority()}
	founder := e.Chain.GID()
	if e.Chain.Space == ledger.AuthoritySpace {
		fact, err := c.Authority(ctx, a.Authority)
		if err != nil || !fact.Active {
			return a, false, err
		}
		founder = fact.Founder
	}
	if e.Author != founder {
		return a, false, fmt.Errorf("%s does not speak for %q", e.Author, a.Authority)
	}
	c.mu.Lock()
	version, _ := c.state.Version(a)
	c.mu.Unlock()
	return a, version == issued.Version, c.verify(ctx, e)
}
