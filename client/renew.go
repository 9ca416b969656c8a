package client

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
)

// renew makes what former keys of the caller open a thing of the past, after other keys took their place: the escrow, and for a
// patient the own authority and the epoch of every compartment. What is renewed already stays, by what the log shows, so that it
// can be called again after an interruption at any point.
func (c *Client) renew(ctx context.Context) error {
	c.dropSessions()
	if err := c.keepEscrow(ctx); err != nil {
		return err
	}
	if _, err := c.Person(ctx, c.GID()); err != nil {
		return err
	}
	if !c.isPatient(c.GID()) {
		return nil
	}
	all, err := c.Compartments(ctx)
	if err != nil {
		return err
	}
	if err := c.renewAuthority(ctx, all); err != nil {
		return fmt.Errorf("replacing your own authority: %w", err)
	}
	for _, f := range all {
		if f.Epoch == nil {
			continue // it was never begun, or is erased
		}
		if err := c.renewEpoch(ctx, f.Chain); err != nil {
			return fmt.Errorf("renewing the keys of %s: %w", f.Chain.Compartment, err)
		}
	}
	return nil
}

// dropSessions ends the sessions there are. What one reaches, and by whose keys, was settled when it was opened.
func (c *Client) dropSessions() {
	c.mu.Lock()
	var open []*session
	for _, place := range c.slots {
		if place.open != nil {
			open = append(open, place.open)
		}
	}
	c.mu.Unlock()
	for _, s := range open {
		c.forget(s)
	}
}

// renewAuthority replaces the public key of the caller's own authority by that of this home, and issues to everybody whom a
// live term names what they need to satisfy it: all in one submission, so that nobody named is locked out in between.
func (c *Client) renewAuthority(ctx context.Context, all []ledger.CompartmentFact) error {
	master, err := c.home.Keys().MasterKey()
	if err != nil {
		return err
	}
	held, ok := c.ownAuthority()
	if ok && bytes.Equal(held, master.Bytes()) {
		return nil
	}
	named, err := c.persons(ctx)
	if err != nil {
		return err
	}
	bodies := []ledger.Body{&ledger.PatientRegistered{Key: master.Bytes()}}
	for _, f := range all {
		for _, t := range f.Terms {
			issued, err := c.reissue(ctx, &t, named)
			if err != nil {
				return err
			}
			bodies = append(bodies, issued...)
		}
	}
	_, err = c.say(ctx, ledger.RecordChain(c.GID(), ledger.Profile), func(entries []*ledger.Entry) ([]ledger.Body, error) {
		for _, e := range entries {
			if b, ok := e.Body.(*ledger.PatientRegistered); ok && bytes.Equal(b.Key, master.Bytes()) {
				return nil, nil // the try before counts after all
			}
		}
		return bodies, nil
	})
	if err != nil {
		return err
	}
	_, err = c.Person(ctx, c.GID())
	return err
}

// ownAuthority returns the public key of the caller's own authority that is in force.
func (c *Client) ownAuthority() ([]byte, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	key, ok := c.state.Patient(c.GID())
	if !ok {
		return nil, false
	}
	return key.Bytes(), true
}

// reissue is what the person whom a term names, if it names one, needs of the authority in this home. Nobody issues to an
// identity that is revoked.
func (c *Client) reissue(ctx context.Context, t *ledger.LiveTerm, named map[ledger.TermID]identity.GID) ([]ledger.Body, error) {
	own := ledger.GrantAttribute(c.GID(), t.ID)
	who := named[t.ID]
	if who == "" || !slices.Contains(t.Policy.Attributes(), own) || t.Until != 0 && c.config.Now().UnixMilli() >= t.Until {
		return nil, nil
	}
	keys, err := c.Person(ctx, who)
	if codeOf(err) != "" && codeOf(err) != protocol.CodeNotFound {
		return nil, err
	}
	if err != nil {
		c.config.Log.Warn("grant_not_renewed", "term", t.ID.String(), "error", err)
		return nil, nil
	}
	issued, err := c.home.Keys().IssueGrant(who, keys, t.ID)
	if err != nil {
		return nil, err
	}
	return []ledger.Body{issued}, nil
}

// renewEpoch starts an epoch of a compartment, unless one was started since the keys of the caller were replaced.
func (c *Client) renewEpoch(ctx context.Context, chain ledger.Chain) error {
	b, err := c.Book(ctx, c.GID(), chain.Compartment)
	if err != nil {
		return err
	}
	c.mu.Lock()
	since, _ := c.state.Rotated(c.GID())
	c.mu.Unlock()
	return b.do(ctx, loginKey, func(s *session) error {
		f, err := b.existing()
		if err != nil {
			return err
		}
		if why, _ := b.stale(); why == "" && f.Epoch.Started.After(since.Time) {
			return nil
		}
		return b.shutOut(ctx, s, "the patient's keys were replaced")
	})
}
