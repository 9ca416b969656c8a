package client

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/ledger/stream"
)

// How often something is tried again, after somebody else was faster and after a session or the node went away. Each
// conflict means that another writer came through, so many of them are no sign of trouble.
const (
	maxConflicts = 200
	maxFailures  = 8
)

// attempt opens a session, or takes the one there is, and calls try in it until that succeeds, fails for good, or was tried
// too often. It is the one place where anything is tried again, so try must bear being called twice: even after an
// error, what it did may count.
func (c *Client) attempt(ctx context.Context, key sessionKey, try func(*session) error) error {
	c.settleInPassing(ctx)
	var conflicts, failures int
	for {
		s, err := c.session(ctx, key)
		if err == nil {
			s.using.enter()
			err = try(s)
			s.using.leave(s.end)
		}
		if err == nil || ctx.Err() != nil {
			return err
		}
		var wait time.Duration
		switch {
		case !c.again(s, err):
			return err
		case codeOf(err) == protocol.CodeStale:
			failures++ // the next try starts an epoch
		case isConflict(err):
			conflicts++
			wait = time.Duration(rand.Int64N(int64(time.Millisecond) << min(conflicts, 7)))
		default:
			failures++
			wait = time.Duration(failures) * 50 * time.Millisecond
		}
		if conflicts > maxConflicts || failures > maxFailures {
			return &exhausted{conflicts + failures, err}
		}
		if !pause(ctx, wait) {
			return err
		}
	}
}

// again tells whether trying again may help after an error, and forgets a session that is of no more use.
func (c *Client) again(s *session, err error) bool {
	if isConflict(err) {
		return true
	}
	transient := isTransient(err)
	if s == nil {
		return transient
	}
	if !transient && s.usable(c.config.Now()) {
		return false
	}
	c.forget(s)
	return true
}

// exhausted ends trying: whoever is told it does not begin anew.
type exhausted struct {
	times int
	err   error
}

func (e *exhausted) Error() string { return fmt.Sprintf("tried %d times: %v", e.times, e.err) }

func (e *exhausted) Unwrap() error { return e.err }

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

// isConflict tells whether somebody else was faster, and the session is as good as before.
func isConflict(err error) bool {
	var over *exhausted
	if errors.As(err, &over) {
		return false
	}
	switch codeOf(err) {
	case protocol.CodeConflict, protocol.CodeStale, protocol.CodeBusy:
		return true
	}
	return false
}

// passing tells whether a service outlasts what went wrong, though it was tried too often: a node that is away, for one.
func passing(err error) bool {
	var over *exhausted
	if errors.As(err, &over) {
		err = over.err
	}
	return isTransient(err) || isConflict(err)
}

// Unreached tells whether an error means that the node could not be reached, or went away, and nothing worse: what was kept at home to be
// written waits there.
func Unreached(err error) bool {
	var over *exhausted
	if errors.As(err, &over) {
		err = over.err
	}
	if code := codeOf(err); code != "" {
		return code == stream.CodeUnavailable
	}
	return errors.Is(err, stream.ErrUnreachable) || errors.Is(err, stream.ErrDropped) || errors.Is(err, stream.ErrExpired) ||
		errors.Is(err, stream.ErrNoConsumer) || errors.Is(err, context.DeadlineExceeded)
}

// isTransient tells whether what went wrong may go well in another session.
func isTransient(err error) bool {
	var over *exhausted
	if errors.As(err, &over) {
		return false
	}
	switch codeOf(err) {
	case protocol.CodeEnded, stream.CodeUnavailable, stream.CodeDenied:
		return true
	case "":
		return errors.Is(err, stream.ErrExpired) || errors.Is(err, stream.ErrDropped) || errors.Is(err, stream.ErrRefused) ||
			errors.Is(err, stream.ErrNoConsumer) || errors.Is(err, context.DeadlineExceeded)
	}
	return false
}
