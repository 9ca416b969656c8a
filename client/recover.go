package client

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
)

// Recovery is how far the recovery of an identity has come.
type Recovery struct {
	Done  bool
	Asked bool      // by this call
	Since time.Time // log time of the request
	Until time.Time // log time before which the keys can't be replaced; zero once it is done
}

var (
	// ErrVetoed is returned, wrapped, when the request from this home does not stand any more.
	ErrVetoed = errors.New("the request to recover the identity does not stand any more")
	// ErrNothingLost is returned by Recover for a home whose identity is not being recovered.
	ErrNothingLost = errors.New("the identity in this home is not being recovered")
)

// Recover goes on with the recovery of the identity in the caller's home, which Lost.CreateHome made, from wherever the log shows
// that it stands: it asks for the new keys, and once the request has stood for ledger.RecoveryWait puts them in force and
// renews what the lost ones could open. It is called again until it is done. A request that was vetoed, or that another one
// took the place of, is made once more only if again is set.
func (c *Client) Recover(ctx context.Context, again bool) (Recovery, error) {
	lost, err := c.home.lost()
	if err != nil {
		return Recovery{}, err
	}
	key, err := identity.ParseRecovery(lost.Key)
	if err != nil {
		return Recovery{}, err
	}
	found, err := c.evidenceOf(ctx, c.GID())
	if err != nil {
		return Recovery{}, fmt.Errorf("recovering the identity: %w", err)
	}
	c.mu.Lock()
	held, gone := c.state.Person(c.GID())
	committed, _ := c.state.Committed(c.GID())
	standing, stands := c.state.Recovery(c.GID())
	c.mu.Unlock()
	switch mine := c.home.Keys().Public().Sign; {
	case gone != nil:
		return Recovery{}, gone
	case held.Sign == mine:
		return Recovery{Done: true}, c.finishRecovery(ctx)
	case committed != key.Hash():
		return Recovery{}, fmt.Errorf("%w any more: somebody else has replaced its keys", ErrCode)
	case stands && standing.Keys.Sign == mine && c.config.Now().Before(standing.Until):
		return Recovery{Since: standing.Since, Until: standing.Until}, c.home.setRequest(standing.Request)
	case stands && standing.Keys.Sign == mine:
		if err := c.rotateLost(ctx, key, found); err != nil {
			return Recovery{}, fmt.Errorf("putting the new keys in force: %w", err)
		}
		return Recovery{Done: true}, c.finishRecovery(ctx)
	case !lost.Request.IsZero() && !again:
		return Recovery{}, fmt.Errorf("%w: the keys in force vetoed it, or a later one took its place", ErrVetoed)
	}
	return c.request(ctx, key, found)
}

// request asks for the keys in the caller's home.
func (c *Client) request(ctx context.Context, key *identity.Recovery, found *protocol.Recovery) (Recovery, error) {
	person := c.home.Identity()
	body := &ledger.RecoveryRequested{
		Sign: person.Keys().Sign, Seal: person.Keys().Seal, Recovery: person.RecoveryHash(), RecoveryUsed: key.Public(),
	}
	if err := c.submitAs(ctx, key, found, body, nil); err != nil {
		return Recovery{}, fmt.Errorf("asking for new keys: %w", err)
	}
	if _, err := c.evidenceOf(ctx, c.GID()); err != nil {
		return Recovery{}, err
	}
	c.mu.Lock()
	standing, ok := c.state.Recovery(c.GID())
	c.mu.Unlock()
	if !ok || standing.Keys.Sign != person.Keys().Sign {
		return Recovery{}, fmt.Errorf("%w: it was vetoed at once", ErrVetoed)
	}
	return Recovery{Asked: true, Since: standing.Since, Until: standing.Until}, c.home.setRequest(standing.Request)
}

// rotateLost puts the keys in the caller's home in force.
func (c *Client) rotateLost(ctx context.Context, key *identity.Recovery, found *protocol.Recovery) error {
	return c.submitAs(ctx, key, found, rotationTo(c.home.Identity(), key), nil)
}

// rotationTo puts the keys of an identity in the place of those in force.
func rotationTo(next *identity.Identity, key *identity.Recovery) *ledger.IdentityRotated {
	return &ledger.IdentityRotated{
		Sign: next.Keys().Sign, Seal: next.Keys().Seal, Recovery: next.RecoveryHash(), RecoveryUsed: key.Public(),
	}
}

// submitAs appends an event that the recovery key signs to the caller's chain as it was found, after consent has seen it. No
// session is needed.
func (c *Client) submitAs(ctx context.Context, key *identity.Recovery, found *protocol.Recovery, b ledger.Body, consent ledger.Signer) error {
	id, err := ledger.NewEventID(rand.Reader, c.config.Now())
	if err != nil {
		return err
	}
	e := &ledger.Event{
		ID: id, Chain: ledger.PersonChain(c.GID()), Number: found.Number + 1, Prev: found.Hash, Author: c.GID(), Time: c.config.Now(), Body: b,
	}
	if consent != nil {
		if err := e.Consent(consent); err != nil {
			return err
		}
	}
	if err := e.Sign(key); err != nil {
		return err
	}
	return c.submit(ctx, c.guest, protocol.Register(c.GID()), []*ledger.Event{e}, nil)
}

// finishRecovery renews what the lost keys could open, and forgets what the recovery needed.
func (c *Client) finishRecovery(ctx context.Context) error {
	if err := c.renew(ctx); err != nil {
		return fmt.Errorf("the new keys are in force, but not all is renewed: %w", err)
	}
	return c.home.change(func(s *secrets) error {
		s.Lost = nil
		return nil
	})
}

// lost returns what a home keeps for the recovery of its identity.
func (h *Home) lost() (*lostSecrets, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.agent != nil:
		return nil, ErrAgent
	case h.secrets.Lost == nil:
		return nil, ErrNothingLost
	}
	return h.secrets.Lost, nil
}

// Recovering tells whether the identity in the home is being recovered.
func (h *Home) Recovering() bool {
	_, err := h.lost()
	return err == nil
}

func (h *Home) setRequest(id ledger.EventID) error {
	return h.change(func(s *secrets) error {
		if s.Lost != nil {
			s.Lost = &lostSecrets{Key: s.Lost.Key, Request: id}
		}
		return nil
	})
}

// PendingRecovery returns the request to recover the caller's identity that stands, nil if none does. Whoever still has the
// keys and made none vetoes it.
func (c *Client) PendingRecovery(ctx context.Context) (*ledger.Recovery, error) {
	if err := c.learn(ctx, protocol.DirIdentity, protocol.IdentityQuery{GID: c.GID()}); err != nil {
		if codeOf(err) == protocol.CodeNotFound {
			return nil, nil
		}
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if r, ok := c.state.Recovery(c.GID()); ok {
		return &r, nil
	}
	return nil, nil
}

// Replaced returns when, in log time, other keys took the place of those in the caller's home; false if these are in force, or
// are not known to the node.
func (c *Client) Replaced() (time.Time, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	held, err := c.state.Person(c.GID())
	since, rotated := c.state.Rotated(c.GID())
	return since.Time, err == nil && rotated && held.Sign != c.home.Keys().Public().Sign
}

// Veto ends the request to recover the caller's identity that stands.
func (c *Client) Veto(ctx context.Context, reason string) (*ledger.Recovery, error) {
	pending, err := c.PendingRecovery(ctx)
	if err != nil {
		return nil, err
	}
	if pending == nil {
		return nil, errors.New("nobody has asked to recover your identity")
	}
	_, err = c.say(ctx, ledger.PersonChain(c.GID()), func(entries []*ledger.Entry) ([]ledger.Body, error) {
		for _, e := range entries {
			if b, ok := e.Body.(*ledger.RecoveryVetoed); ok && b.Request == pending.Request {
				return nil, nil // the try before counts after all, or another device was faster
			}
		}
		return []ledger.Body{&ledger.RecoveryVetoed{Request: pending.Request, Reason: reason}}, nil
	})
	if err != nil {
		return nil, fmt.Errorf("vetoing: %w", err)
	}
	return pending, nil
}
