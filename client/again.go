package client

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/ledger/stream"
)

// tries bounds how often an append is tried again after somebody else was faster.
const tries = 10

// again tells whether trying again may help after an error in a session, and waits a moment where that helps others. A
// session that has ended is forgotten, so that the next try opens another.
func (c *Client) again(ctx context.Context, s *session, try int, err error) bool {
	if ctx.Err() != nil || !isTransient(err) && s.usable(c.config.Now()) {
		return false
	}
	switch codeOf(err) {
	case protocol.CodeStale:
		return true
	case protocol.CodeConflict, protocol.CodeBusy:
		return pause(ctx, time.Duration(rand.Int64N(int64(time.Millisecond)<<min(try, 8))))
	default:
		c.forget(s)
		return pause(ctx, time.Duration(try)*50*time.Millisecond)
	}
}

// pause waits, and tells whether ctx still lives.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// isTransient tells whether an error may be gone at the next try.
func isTransient(err error) bool {
	switch codeOf(err) {
	case protocol.CodeConflict, protocol.CodeStale, protocol.CodeEnded, protocol.CodeBusy, stream.CodeUnavailable, stream.CodeDenied:
		return true
	case "":
		return errors.Is(err, stream.ErrExpired) || errors.Is(err, stream.ErrDropped) || errors.Is(err, stream.ErrRefused) ||
			errors.Is(err, stream.ErrNoConsumer) || errors.Is(err, context.DeadlineExceeded)
	}
	return false
}
