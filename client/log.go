package client

import (
	"context"
	"fmt"

	"github.com/phrledger/phr/crypto/epoch"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/ledger/stream"
)

// Log delivers every entry of the whole log, as it is stored, to an auditor: someone who holds auditor@phr. The node puts on its
// own chain that they looked. What the entries say is for the auditor to judge, not for this client.
func (c *Client) Log(ctx context.Context, fn func([]stream.Entry) error) error {
	s, err := c.login(ctx)
	if err != nil {
		return err
	}
	answer, err := ask[protocol.Consumer](ctx, s.conn, protocol.GateConsumer, protocol.ConsumerQuery{})
	if err != nil {
		return fmt.Errorf("asking to read the whole log: %w", err)
	}
	return s.conn.Fetch(ctx, answer.Name, func(entries []stream.Entry, _ uint64) error { return fn(entries) })
}

// Opens tells whether a record event opens under any of the keys that this book was ever given: what a reader who kept
// everything can do with a copy of the log.
func (b *Book) Opens(e *ledger.Entry) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	_, content, _ := contentOf(e)
	for _, k := range b.keys {
		if _, err := epoch.Open(k.keys, k.shred, headerOf(e.Event), content.Sealed); err == nil {
			return true
		}
	}
	return false
}
