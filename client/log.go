package client

import (
	"context"
	"fmt"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/ledger/stream"
	"github.com/phrledger/phr/ledger/tree"
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

// LogSeen returns the newest checkpoint of the node's log that was seen from this home, the zero one if none was.
func (c *Client) LogSeen() (tree.Checkpoint, error) {
	p, err := c.home.pin(c.config.Node.Root)
	return p.Checkpoint, err
}

// Root returns the root of the node, which is pinned.
func (c *Client) Root() identity.GID { return c.config.Node.Root }

// ProveEntry returns the proof that an entry as the log has it, at a place from 1 on, is sealed, checked.
func (c *Client) ProveEntry(ctx context.Context, entry []byte, sequence uint64) (*Proof, error) {
	proofs, err := c.prove(ctx, [][]byte{entry}, []uint64{sequence - 1})
	if err != nil {
		return nil, err
	}
	return proofs[0], nil
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
