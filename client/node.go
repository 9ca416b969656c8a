package client

import "github.com/phrledger/phr/ledger"

// Node returns the newest description of the node, which the pinned root signed.
func (c *Client) Node() ledger.NodeFact {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.node
}
