package client

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
)

// AwaitEmergency waits until a request is opened, and tells moved, if not nil, when anything comes of it. It fails with
// ErrNotOpened if the request ends before.
func (c *Client) AwaitEmergency(ctx context.Context, patient identity.GID, id ledger.EventID, moved func(*Emergency)) (*Emergency, error) {
	known := 0
	for wait := 20 * time.Millisecond; ; wait = min(wait*2, time.Second) {
		all, err := c.Emergencies(ctx, patient)
		if err != nil {
			return nil, err
		}
		e, err := find(all, patient, id)
		if err != nil {
			return nil, err
		}
		if n := len(e.Entries()); n != known && moved != nil {
			known = n
			moved(e)
		}
		switch {
		case e.Over(c.config.Now()):
			return e, fmt.Errorf("the request is over: %w", ErrNotOpened)
		case e.Opened != nil:
			return e, nil
		}
		if !pause(ctx, wait) {
			return e, fmt.Errorf("%w yet, and the request stands until %s: %w", ErrNotOpened, e.Expires().Format(time.RFC3339), ctx.Err())
		}
	}
}

// EndEmergency ends an emergency, or takes back a request. The patient, who asked and who approved may. What was opened is
// closed at once; where the patient ends it, the compartment goes on under new keys at once too.
func (c *Client) EndEmergency(ctx context.Context, patient identity.GID, id ledger.EventID, reason string) (*Emergency, error) {
	var found *Emergency
	err := c.inEmergency(ctx, protocol.EmergencyQuery{Patient: patient}, func(_ *protocol.Emergencies, all []Emergency) (ledger.Body, error) {
		e, err := find(all, patient, id)
		if err != nil {
			return nil, err
		}
		found = e
		switch {
		case e.Ended != nil:
			return nil, nil
		case e.Over(c.config.Now()):
			return nil, errors.New("it is over already")
		case !slices.Contains([]identity.GID{e.Patient(), e.Requester(), e.Approver()}, c.GID()):
			return nil, errors.New("the patient ends it, who asked, or who approved")
		}
		return &ledger.BreakglassEnded{Request: id, Reason: reason}, nil
	})
	if err == nil {
		err = c.renewAfter(ctx, found)
	}
	if err != nil {
		return nil, fmt.Errorf("ending the emergency: %w", err)
	}
	return found, nil
}

// ReviewEmergency adds the caller's review of an emergency that is over. The patient may review, and those who could have
// approved it and had no part in it.
func (c *Client) ReviewEmergency(ctx context.Context, patient identity.GID, id ledger.EventID, finding string) (*Emergency, error) {
	if strings.TrimSpace(finding) == "" {
		return nil, errors.New("a review says what was found")
	}
	var found *Emergency
	err := c.inEmergency(ctx, protocol.EmergencyQuery{Patient: patient}, func(_ *protocol.Emergencies, all []Emergency) (ledger.Body, error) {
		e, err := find(all, patient, id)
		if found = e; err != nil {
			return nil, err
		}
		if slices.ContainsFunc(e.Reviews, func(r *ledger.Entry) bool { return r.Author == c.GID() }) {
			return nil, nil
		}
		switch {
		case e.Opened == nil:
			return nil, errors.New("nothing was opened that could be reviewed")
		case !e.Over(c.config.Now()):
			return nil, errors.New("it is not over: 'phr breakglass end' ends it")
		case c.GID() == e.Requester() || c.GID() == e.Approver():
			return nil, errors.New("you had a part in it: somebody else reviews it")
		}
		return &ledger.BreakglassReviewed{Request: id, Finding: strings.TrimSpace(finding)}, nil
	})
	if err == nil {
		err = c.renewAfter(ctx, found)
	}
	if err != nil {
		return nil, fmt.Errorf("reviewing the emergency: %w", err)
	}
	return found, nil
}

// renewAfter starts a new epoch where an emergency of the caller's own record has opened the one in force: what is written from
// here on is closed to who was let in.
func (c *Client) renewAfter(ctx context.Context, e *Emergency) error {
	if e.Patient() != c.GID() || e.Opened == nil {
		return nil
	}
	b, err := c.Book(ctx, c.GID(), e.Chain().Compartment)
	if err != nil {
		return err
	}
	return b.do(ctx, loginKey, func(s *session) error {
		f, err := b.existing()
		if err != nil || f.Epoch.Number != e.Epoch() {
			return err
		}
		return b.shutOut(ctx, s, "after an emergency")
	})
}
