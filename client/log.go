package client

import (
	"context"
	"fmt"

	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/ledger/stream"
)

// Checkpoints returns the newest checkpoint of the node's log, and the newest that witnesses have cosigned, both signed notes. There
// may be neither. The log goes on from what was seen of it from this home.
func (c *Client) Checkpoints(ctx context.Context) (newest, witnessed []byte, err error) {
	_, answer, err := c.askCheckpoint(ctx)
	if err != nil || answer == nil {
		return nil, nil, err
	}
	return answer.Note, answer.Witnessed, nil
}

// Ticket returns what an auditor shows to the node's HTTP address, as a bearer token, to be given the entries beside the tree. It is good
// while the client's session lives. The node puts on its own chain that they looked.
func (c *Client) Ticket(ctx context.Context) (string, error) {
	s, err := c.session(ctx, loginKey)
	if err != nil {
		return "", err
	}
	answer, err := ask[protocol.Ticket](ctx, s.conn, protocol.GateTicket, protocol.TicketQuery{Whole: true})
	if err != nil {
		return "", fmt.Errorf("asking for a ticket: %w", err)
	}
	return answer.Ticket, nil
}

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
