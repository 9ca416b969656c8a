package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
)

// learn asks for evidence and adds what is new in it to what the client knows. Nothing is believed for being in the
// directory: each entry is signed, and State judges it.
func (c *Client) learn(ctx context.Context, subject string, query any) error {
	evidence, err := ask[protocol.Evidence](ctx, c.guest, subject, query)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.learnAll(evidence)
}

// learnAll adds evidence to what is known. Whoever calls it holds the lock.
func (c *Client) learnAll(evidence *protocol.Evidence) error {
	for _, f := range evidence.Facts {
		e, err := ledger.ParseEntry(f.Entry)
		if err != nil {
			return fmt.Errorf("the directory's evidence: %w", err)
		}
		if e.Chain.Control() {
			err = c.state.Learn(f.Count, e)
		} else {
			err = c.state.Fold(e)
		}
		if err != nil {
			return fmt.Errorf("the directory's evidence: %w", err)
		}
		c.hear(e)
	}
	return nil
}

// learnNode finds the newest description of the node, signed by the pinned root.
func (c *Client) learnNode(ctx context.Context) error {
	evidence, err := ask[protocol.Evidence](ctx, c.guest, protocol.DirNode, protocol.NodeQuery{})
	if err != nil {
		return fmt.Errorf("asking the node who runs it: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.learnAll(evidence); err != nil {
		return err
	}
	for _, f := range evidence.Facts {
		e, err := ledger.ParseEntry(f.Entry)
		if err != nil {
			return err
		}
		if node, ok := c.state.Node(e.Chain.GID()); ok && e.Kind() == ledger.NodeDescribedKind {
			c.node = *node
		}
	}
	if c.node.GID == "" {
		return errors.New("the node shows no description by the root that its address names")
	}
	return nil
}

// Description returns what the root that the URL names has signed of a node last. It takes nobody's keys: the home is left alone.
func Description(ctx context.Context, c Config) (ledger.NodeFact, error) {
	cl, err := Dial(ctx, c)
	if err != nil {
		return ledger.NodeFact{}, err
	}
	defer cl.Close()
	return cl.Node(), nil
}

// Person returns the newest keys of a person, from their own chain.
func (c *Client) Person(ctx context.Context, gid identity.GID) (*identity.Keys, error) {
	if err := c.learn(ctx, protocol.DirIdentity, protocol.IdentityQuery{GID: gid}); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state.Person(gid)
}

// Authority returns what the log says of an authority that has a name, as of now.
func (c *Client) Authority(ctx context.Context, name policy.Authority) (ledger.AuthorityFact, error) {
	if err := c.learn(ctx, protocol.DirAuthority, protocol.AuthorityQuery{Name: name}); err != nil {
		return ledger.AuthorityFact{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	fact, ok := c.state.Authority(name)
	if !ok {
		return fact, fmt.Errorf("no authority %q is endorsed", name)
	}
	return fact, nil
}

// ListedAuthority is an authority that has a name, and its attributes with their versions in force.
type ListedAuthority struct {
	ledger.AuthorityFact
	Attributes []ledger.AttributeFact
	Heard      time.Time // when it has last said something that everybody is shown
}

// Asleep tells whether so little was heard of it by a time that nobody is given keys on its word.
func (a *ListedAuthority) Asleep(at time.Time) bool { return late(a.Heard, at) }

// maxAuthorities is how many authorities of one node are listed.
const maxAuthorities = 4096

// Authorities returns the authorities that have a name, by name, suspended ones too. Each is proven by signatures; that none is left out is
// the node's word.
func (c *Client) Authorities(ctx context.Context) ([]ListedAuthority, error) {
	names, err := c.authorityNames(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]ListedAuthority, 0, len(names))
	for _, name := range names {
		fact, err := c.Authority(ctx, name)
		if err != nil {
			return nil, err
		}
		c.mu.Lock()
		all = append(all, ListedAuthority{fact, c.state.Attributes(name), c.heard[name]})
		c.mu.Unlock()
	}
	return all, nil
}

func (c *Client) authorityNames(ctx context.Context) (names []policy.Authority, err error) {
	for after := policy.Authority(""); len(names) < maxAuthorities; after = names[len(names)-1] {
		page, err := ask[protocol.Authorities](ctx, c.guest, protocol.DirAuthorities, protocol.AuthoritiesQuery{After: after})
		if err != nil || len(page.Names) == 0 {
			return names, err
		}
		for _, name := range page.Names {
			if name <= after {
				return nil, errors.New("the node lists authorities out of order")
			}
			names, after = append(names, name), name
		}
	}
	return names, nil
}

// learnPolicy learns the authorities and attribute versions of a policy anew, for wrapping to it.
func (c *Client) learnPolicy(ctx context.Context, p *policy.Policy) error {
	for _, name := range p.Authorities() {
		if err := c.learn(ctx, protocol.DirAuthority, protocol.AuthorityQuery{Name: name}); err != nil {
			return fmt.Errorf("asking for authority %q: %w", name, err)
		}
	}
	return nil
}
