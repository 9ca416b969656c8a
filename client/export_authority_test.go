package client

import (
	"context"
	"time"

	"github.com/phrledger/phr/ledger/protocol"
)

// TouchedBy asks the node once what rests on an attribute, in a login.
func (c *Client) TouchedBy(ctx context.Context, attribute, after string) (*protocol.Touched, error) {
	s, err := c.session(ctx, loginKey)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	return ask[protocol.Touched](ctx, s.conn, protocol.DirTouched, protocol.TouchedQuery{Attribute: attribute, After: after})
}
