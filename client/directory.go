package client

import (
	"context"
	"errors"
	"fmt"

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

// learnPolicy learns the authorities and attribute versions of a policy anew, for wrapping to it.
func (c *Client) learnPolicy(ctx context.Context, p *policy.Policy) error {
	for _, name := range p.Authorities() {
		if err := c.learn(ctx, protocol.DirAuthority, protocol.AuthorityQuery{Name: name}); err != nil {
			return fmt.Errorf("asking for authority %q: %w", name, err)
		}
	}
	return nil
}
