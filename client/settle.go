package client

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
)

// Level is how durable something written is.
type Level string

// The levels.
const (
	Accepted  Level = "accepted"  // the node has it on disk
	Sealed    Level = "sealed"    // it is in the log's tree, a second copy, under a checkpoint that the node has signed
	Witnessed Level = "witnessed" // others have signed that checkpoint too
)

// ErrNoWitnesses is returned for the level that needs witnesses, where no policy names any.
var ErrNoWitnesses = errors.New("the home has no policy on witnesses: nobody is named whose signatures would count")

// ParseLevel reads a level.
func ParseLevel(text string) (Level, error) {
	switch l := Level(text); l {
	case Accepted, Sealed, Witnessed:
		return l, nil
	}
	return "", fmt.Errorf("%q is no level of durability: it is accepted, sealed or witnessed", text)
}

// Reached says how durable everything is that a client has written.
type Reached struct {
	Level    Level  `json:"level"`
	Sequence uint64 `json:"sequence,omitempty"` // in the log, of the last event; 0 if nothing was written
}

// Await waits until everything that this client has written has reached a level. Progress, if not nil, is called with how many
// submissions have not. It fails with ErrLost if the node has sealed something else in the place of what it had acknowledged.
func (c *Client) Await(ctx context.Context, l Level, progress func(left int)) (Reached, error) {
	if p, err := c.home.WitnessPolicy(); l == Witnessed && p == nil {
		return c.written(Accepted), errors.Join(err, ErrNoWitnesses)
	}
	for wait := 20 * time.Millisecond; l != Accepted; wait = min(wait*2, time.Second) {
		gone, err := c.settle(ctx)
		if err != nil && !isTransient(err) {
			return c.written(Accepted), fmt.Errorf("asking what is sealed: %w", err)
		}
		c.mu.Lock()
		left := len(c.unsettled)
		lost := slices.ContainsFunc(gone, func(s sent) bool { return slices.Contains(c.unsettled, s.ID) })
		c.mu.Unlock()
		if lost {
			return c.written(Accepted), fmt.Errorf("another event is sealed in the place of one that was acknowledged: %w", ErrLost)
		}
		if left == 0 {
			break
		}
		if progress != nil {
			progress(left)
		}
		if !pause(ctx, wait) {
			return c.written(Accepted), fmt.Errorf("waiting until it is sealed: %w; it is accepted, and kept here until it is", ctx.Err())
		}
	}
	if l == Witnessed {
		return c.awaitWitnesses(ctx)
	}
	return c.written(l), nil
}

// awaitWitnesses waits until everything that this client has written, all of it sealed, is cosigned by whom the home's policy wants.
func (c *Client) awaitWitnesses(ctx context.Context) (Reached, error) {
	done := c.written(Witnessed)
	for done.Sequence > 0 {
		err := c.witnessed(ctx, done.Sequence-1)
		switch {
		case err == nil:
			return done, nil
		case ctx.Err() != nil:
			return c.written(Sealed), fmt.Errorf("waiting for witnesses: %w; it is sealed", ctx.Err())
		case !errors.Is(err, errUnwitnessed) && !isTransient(err):
			return c.written(Sealed), fmt.Errorf("waiting for witnesses: %w; it is sealed", err)
		}
	}
	return done, nil
}

func (c *Client) written(l Level) Reached {
	c.mu.Lock()
	defer c.mu.Unlock()
	return Reached{l, c.sequence}
}

// accepted takes note that a submission of this client is on the node's disk.
func (c *Client) accepted(l *sent) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sequence = l.Receipt.Sequence
	if !slices.Contains(c.unsettled, l.ID) {
		c.unsettled = append(c.unsettled, l.ID)
	}
}

const (
	// settleEvery is the least time between two looks, in passing, at what is sealed.
	settleEvery = time.Second
	// settleWithin bounds how long somebody is kept waiting for one.
	settleWithin = 2 * time.Second
	// doubtFor is how long something is kept whose receipt never came, and which no chain has shown since.
	doubtFor = time.Hour
)

// settleInPassing looks what is sealed, unless that was done a moment ago, and the first time makes the caller known again to a node
// that has lost that it was. What fails is left for the next time.
func (c *Client) settleInPassing(ctx context.Context) {
	if c.home == nil {
		return // nobody's: see Description
	}
	c.mu.Lock()
	first, due := c.settled.IsZero(), time.Since(c.settled) >= settleEvery
	if due {
		c.settled = time.Now()
	}
	c.mu.Unlock()
	if !due {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, settleWithin)
	defer cancel()
	_, err := c.settle(ctx)
	if err == nil && first {
		err = c.registerAgain(ctx)
	}
	if err != nil {
		c.config.Log.Info("settling_failed", "error", err)
	}
}

// registerAgain sends registrations again that are not sealed, of earlier programs of this home: without them there is no session in
// which the loss of anything could be noticed. A node that has them refuses.
func (c *Client) registerAgain(ctx context.Context) error {
	box, err := c.home.outbox()
	if err != nil {
		return err
	}
	for _, l := range box.Sent {
		c.mu.Lock()
		ours := slices.Contains(c.unsettled, l.ID)
		c.mu.Unlock()
		if l.Subject != protocol.Register(c.GID()) || l.Receipt == nil || ours {
			continue
		}
		p, err := c.home.posted(&l)
		if err != nil {
			return err
		}
		receipt, err := c.post(ctx, c.guest, l.Subject, p)
		if isRefusal(err) {
			continue
		}
		if err != nil {
			return err
		}
		l.Receipt = receipt
		if err := c.home.acknowledge(ctx, &l); err != nil {
			return err
		}
	}
	return nil
}

// settle drops from the outbox what is proven to be sealed. It returns what is not, and never will be: in its place something else
// is sealed.
func (c *Client) settle(ctx context.Context) (gone []sent, err error) {
	box, err := c.home.outbox()
	if err != nil || len(box.Sent) == 0 {
		c.forgetSettled(box.Sent)
		return nil, err
	}
	p := &proving{c: c}
	for i := range box.Sent {
		l := &box.Sent[i]
		switch {
		case l.Receipt == nil && l.drawn().Add(doubtFor).Before(c.config.Now()), l.Receipt != nil && (c.treeless() || l.Receipt.Sequence == 0):
			p.sealed = append(p.sealed, *l) // nothing more is to be learnt of it
		case l.Receipt != nil:
			p.claim(l)
		}
	}
	if err := p.ask(ctx); err != nil {
		return nil, err
	}
	if err := c.home.dropSent(ctx, p.sealed...); err != nil {
		return nil, err
	}
	if box, err = c.home.outbox(); err != nil {
		return nil, err
	}
	c.forgetSettled(box.Sent)
	return p.gone, nil
}

// forgetSettled keeps in mind, of what this client has written, what is still in the outbox.
func (c *Client) forgetSettled(left []sent) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.unsettled = slices.DeleteFunc(c.unsettled, func(id ledger.SubmissionID) bool {
		return !slices.ContainsFunc(left, func(l sent) bool { return l.ID == id })
	})
}
