package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/ledger/stream"
	"github.com/phrledger/phr/ledger/tree"
)

const (
	// provenFor is how long a node need not prove again where a chain ends.
	provenFor = 5 * time.Minute
	// unprovenFor is how long it is not asked again after it could not.
	unprovenFor = time.Minute
	// provenWithin bounds how long is waited for a proof.
	provenWithin = 8 * time.Second
)

// proven is where a chain ended, by a checkpoint event of the log.
type proven struct {
	tree.Head
	asOf  time.Time // log time of that event; zero if nothing was ever proven
	asked time.Time
	why   string // it could not be proven when it was asked for last; what was proven before holds on
}

// due tells whether a node is to be asked again.
func (p *proven) due(now time.Time) bool {
	held := provenFor
	if p.why != "" || p.stale(now) {
		held = unprovenFor
	}
	return now.Sub(p.asked) >= held
}

// ends returns where a chain ended when that was proven last, and has the node prove it again if that was a while ago. A node whose root
// names no log proves nothing, and nothing is asked of it.
func (c *Client) ends(ctx context.Context, s *session, chain ledger.Chain) (p proven, err error) {
	if err := c.proving.take(ctx); err != nil {
		return p, err
	}
	defer c.proving.give()
	c.mu.Lock()
	p = c.proven[chain]
	c.mu.Unlock()
	if c.treeless() || !p.due(c.config.Now()) {
		return p, nil
	}
	if err := c.learnEnds(ctx, s, c.withOwn(s, chain)); err != nil {
		return p, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.proven[chain], nil
}

// treeless tells whether the root names no log for the node: it is from before there were trees.
func (c *Client) treeless() bool { return c.Node().Log == [32]byte{} }

// withOwn returns a chain with the others that are proven in the same request: those of the caller's own that come with a login.
func (c *Client) withOwn(s *session, chain ledger.Chain) []ledger.Chain {
	all := []ledger.Chain{chain}
	if s.term != nil {
		return all
	}
	for _, head := range s.grant.Heads {
		own, err := ledger.ParseChain(head.Chain)
		if err == nil && own != chain && own.GID() == c.GID() && len(all) < protocol.MaxHeads {
			all = append(all, own)
		}
	}
	return all
}

// learnEnds has the node prove where chains end, and keeps that, or why it does not.
func (c *Client) learnEnds(ctx context.Context, s *session, chains []ledger.Chain) error {
	heads, asOf, err := c.askHeads(ctx, s, chains)
	why := unprovable(err)
	if err != nil && (why == "" || ctx.Err() != nil) {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, chain := range chains {
		p := c.proven[chain]
		p.asked, p.why = c.config.Now(), why
		if err == nil && !asOf.Before(p.asOf) {
			p.Head, p.asOf = heads[i], asOf
		}
		c.proven[chain] = p
	}
	return nil
}

// unprovable says why a node can't prove at present; it is empty for errors that mean something else.
func unprovable(err error) string {
	switch code := codeOf(err); {
	case errors.Is(err, errUnwitnessed):
		return err.Error()
	case code == protocol.CodeBusy, code == protocol.CodeNotFound, code == stream.CodeUnavailable, code == stream.CodeInternal, code == "" && errors.Is(err, context.DeadlineExceeded):
		return err.Error()
	}
	return ""
}

// askHeads asks where chains end, and believes what is proven by a tree that goes on from what was seen of the log.
func (c *Client) askHeads(ctx context.Context, s *session, chains []ledger.Chain) (heads []tree.Head, asOf time.Time, err error) {
	ctx, cancel := context.WithTimeout(ctx, provenWithin)
	defer cancel()
	query := protocol.HeadsQuery{Chains: make([]string, len(chains))}
	for i, chain := range chains {
		query.Chains[i] = chain.String()
	}
	var found *protocol.Heads
	at, err := c.advance(ctx, func(since uint64) (signed []byte, proof []ledger.Hash, err error) {
		query.Since = since
		if found, err = ask[protocol.Heads](ctx, s.conn, protocol.DirHeads, query); err != nil {
			return nil, nil, fmt.Errorf("asking where chains end: %w", err)
		}
		return found.Note, found.Consistency, nil
	})
	if err != nil {
		return nil, asOf, err
	}
	said, asOf, err := c.anchor(ctx, at, found)
	if err == nil {
		err = c.left.must(logWitnessed, c.witnessed(ctx, found.Proof.Index))
	}
	if err == nil && len(found.Heads) != len(chains) {
		err = fmt.Errorf("%w: %d heads for %d chains", tree.ErrNotProven, len(found.Heads), len(chains))
	}
	if err != nil {
		return nil, asOf, fmt.Errorf("what the node shows to prove where chains end: %w", err)
	}
	heads = make([]tree.Head, len(chains))
	for i, chain := range chains {
		proof := found.Heads[i]
		head, err := proof.Verify(said.Map, chain)
		if err := c.left.must(headMapped, err); err != nil {
			return nil, asOf, fmt.Errorf("what the node shows to prove where %s ends: %w", chain, err)
		}
		heads[i] = head
	}
	return heads, asOf, nil
}

// anchor judges the checkpoint event that names the map of heads: it is in the tree, and said by a node.
func (c *Client) anchor(ctx context.Context, at tree.Checkpoint, found *protocol.Heads) (*ledger.Checkpoint, time.Time, error) {
	e, err := ledger.ParseEntry(found.Entry)
	if err != nil {
		return nil, time.Time{}, err
	}
	if err := c.left.must(headSealed, at.Includes(found.Proof.Index, found.Entry, found.Proof.Hashes)); err != nil {
		return nil, time.Time{}, err
	}
	said, ok := e.Body.(*ledger.Checkpoint)
	if !ok || said.Size > found.Proof.Index {
		return nil, time.Time{}, fmt.Errorf("%w: %s at entry %d", tree.ErrNotProven, e.Kind(), found.Proof.Index+1)
	}
	if err := c.left.must(headSigned, c.byNode(ctx, e)); err != nil {
		return nil, time.Time{}, err
	}
	return said, e.LogTime, nil
}

// byNode judges whether an entry is a node's own word.
func (c *Client) byNode(ctx context.Context, e *ledger.Entry) error {
	if !c.isNode(e) || e.Chain != ledger.NodeChain(e.Author) {
		return fmt.Errorf("%w: %s by %s, who is no node that the root describes", tree.ErrNotProven, e.Kind(), e.Author)
	}
	return c.verify(ctx, e)
}

// through demands that a chain goes through where it ended when that was proven. It is read to the event of a number, and there is the hash
// of the one that it ended with then.
func (c *Client) through(chain ledger.Chain, end proven, number uint64, there ledger.Hash) error {
	var err error
	switch {
	case end.Number > number:
		err = fmt.Errorf("%s goes to event %d as the node delivers it, and the log proves that it went to event %d at %s: events are withheld: %w; "+
			"ask the node's operator, and write nothing there until it is clear what happened", chain, number, end.Number, end.asOf.Format(time.RFC3339), ErrLost)
	case end.Number > 0 && there != end.Hash:
		err = fmt.Errorf("event %d of %s as the node delivers it is another than the log proves: %w; ask the node's operator, and write nothing "+
			"there until it is clear what happened", end.Number, chain, ErrLost)
	}
	return c.left.must(headReached, err)
}
