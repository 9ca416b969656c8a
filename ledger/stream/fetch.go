package stream

import (
	"context"
	"encoding/json"
	"fmt"
)

// codeNoConsumer is the server's code for a consumer that it does not have.
const codeNoConsumer = 10014

// Fetch delivers the entries that a consumer has not yet delivered, exactly those there are now, and returns. fn gets
// them as in (*Ledger).Follow, except that it is not called when there is nothing.
//
// Every entry is delivered once. After an error, entries may have been lost on the way: ask the gate for a new consumer
// from the last entry seen.
func (c *Conn) Fetch(ctx context.Context, consumer string, fn func(entries []Entry, pending uint64) error) error {
	p, err := c.pullFrom(ctx, consumer)
	if err != nil {
		return err
	}
	defer p.close()
	return p.drain(ctx, fn)
}

// Tail is Fetch that goes on with new entries until ctx ends, fn fails, or the session does.
func (c *Conn) Tail(ctx context.Context, consumer string, fn func(entries []Entry, pending uint64) error) error {
	p, err := c.pullFrom(ctx, consumer)
	if err != nil {
		return err
	}
	defer p.close()
	if err := p.drain(ctx, fn); err != nil {
		return err
	}
	return p.tail(ctx, fn)
}

// pullFrom asks where the consumer is and prepares to read on from there.
func (c *Conn) pullFrom(ctx context.Context, consumer string) (*puller, error) {
	var info struct {
		Pending   uint64 `json:"num_pending"`
		Delivered struct {
			Consumer uint64 `json:"consumer_seq"`
			Stream   uint64 `json:"stream_seq"`
		} `json:"delivered"`
		Error *struct {
			Code int    `json:"err_code"`
			Text string `json:"description"`
		} `json:"error"`
	}
	answer, err := c.Request(ctx, apiPrefix+".CONSUMER.INFO."+LedgerName+"."+consumer, nil)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(answer, &info); err != nil {
		return nil, fmt.Errorf("reading the consumer's state: %w", err)
	}
	if info.Error != nil {
		if info.Error.Code == codeNoConsumer {
			return nil, fmt.Errorf("fetching entries: %w", ErrNoConsumer)
		}
		return nil, fmt.Errorf("fetching entries: %s", info.Error.Text)
	}
	p, err := newPuller(c.conn, apiPrefix+".CONSUMER.MSG.NEXT."+LedgerName+"."+consumer)
	if err != nil {
		return nil, fmt.Errorf("fetching entries: %w", dropped(err))
	}
	p.delivered, p.seq, p.pending = info.Delivered.Consumer, info.Delivered.Stream, info.Pending
	return p, nil
}
