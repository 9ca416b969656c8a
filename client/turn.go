package client

import "context"

// turn is a lock that whoever waits for it can stop waiting for.
type turn chan struct{}

func newTurn() turn { return make(turn, 1) }

// take waits for the turn. It fails when ctx ends first.
func (t turn) take(ctx context.Context) error {
	select {
	case t <- struct{}{}:
		return nil
	default:
	}
	select {
	case t <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// give lets the next one have it.
func (t turn) give() { <-t }
