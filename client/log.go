package client

import (
	"context"

	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/ledger/stream"
)

// Log delivers every entry of the whole log, as it is stored, to an auditor: someone who holds auditor@phr. The node puts on its
// own chain that they looked. What the entries say is for the auditor to judge, not for this client.
func (c *Client) Log(ctx context.Context, fn func([]stream.Entry) error) error {
	s, err := c.session(ctx, loginKey)
	if err != nil {
		return err
	}
	return s.read(ctx, protocol.ConsumerQuery{}, func(answer *protocol.Consumer) error {
		return s.conn.Fetch(ctx, answer.Name, func(entries []stream.Entry, _ uint64) error { return fn(entries) })
	})
}
