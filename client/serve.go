package client

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/phrledger/phr/authority"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
)

// How often Serve looks for requests, and for keys that are owed. The latter it leaves to whoever is issuing them, until the
// chain has stood still from one look to the next.
const (
	servePace  = 100 * time.Millisecond
	owedRounds = 20
)

// Serve answers enrolments to the caller's own authority until ctx ends, says daily where the authority's chain ends, and gives the keys
// that an interrupted Revoke left owed. Notify, if not nil, hears of everyone enrolled.
func (c *Client) Serve(ctx context.Context, notify func(*authority.Admission)) error {
	d, err := c.deskOf()
	if err != nil {
		return err
	}
	finishing := newReissue(ctx, c)
	defer finishing.collect()
	var stood uint64
	for round := 0; ; round++ {
		err := c.serveOnce(ctx, d, notify)
		if err == nil {
			err = d.sayHead(ctx)
		}
		if err == nil && round%owedRounds == 0 {
			stood, err = c.finish(d, finishing, stood)
		}
		if err != nil && ctx.Err() == nil && !passing(err) {
			return err
		}
		if !pause(ctx, servePace) {
			return ctx.Err()
		}
	}
}

// finish issues one chunk of keys that are owed, unless the chain has moved since it stood at a number: then somebody is at it.
// It returns where the chain stands now.
func (c *Client) finish(d *desk, r *reissue, stood uint64) (number uint64, err error) {
	if number, err = d.number(r.ctx); err != nil || number != stood {
		_ = r.collect() // what was made ahead may have grown old until it is needed
		clear(r.made)
		return number, err
	}
	if _, err = r.next(d); err != nil {
		return number, err
	}
	if r.said > 0 {
		c.config.Log.Info("keys_reissued", "keys", r.said)
	}
	return d.number(r.ctx)
}

// serveOnce takes what waits. A request that is refused for good is dropped; one that is answered is dropped when the answer
// is on the log.
func (c *Client) serveOnce(ctx context.Context, d *desk, notify func(*authority.Admission)) error {
	waiting, err := c.enrolments(ctx, d.name(), nil)
	if err != nil {
		return fmt.Errorf("fetching enrolments: %w", err)
	}
	var done []ledger.Hash
	for _, w := range waiting.Waiting {
		admitted, err := c.admit(ctx, d, w.Sealed)
		if err != nil && !errors.Is(err, authority.ErrRefused) {
			return err
		}
		if err != nil {
			c.config.Log.Warn("enrolment_refused", "error", err)
		} else if notify != nil {
			notify(admitted)
		}
		done = append(done, sha256.Sum256(w.Sealed))
	}
	if len(done) == 0 {
		return nil
	}
	_, err = c.enrolments(ctx, d.name(), done)
	return err
}

// enrolments drops the requests to the caller's authority that are done with, and returns the others.
func (c *Client) enrolments(ctx context.Context, name policy.Authority, done []ledger.Hash) (waiting *protocol.Enrolments, err error) {
	err = c.attempt(ctx, loginKey, func(s *session) (err error) {
		waiting, err = ask[protocol.Enrolments](ctx, s.conn, protocol.EnrolNext(name), protocol.EnrolmentsQuery{Done: done})
		return err
	})
	return waiting, err
}

// admit judges one request and puts what follows on the log. The authority is saved before: a seat given away stays so.
func (c *Client) admit(ctx context.Context, d *desk, sealed []byte) (*authority.Admission, error) {
	var admitted *authority.Admission
	lookup := func(gid identity.GID) (*identity.Keys, error) { return c.representative(ctx, gid) }
	err := d.decide(ctx, func(roster *authority.Roster) (bodies []ledger.Body, err error) {
		err = c.home.changeAuthority(func(a *authority.Authority) error {
			if admitted, err = a.Admit(c.config.Now(), c.home.Identity(), roster, lookup, sealed); err != nil {
				return err
			}
			bodies, err = a.Enrol(rand.Reader, roster, admitted)
			return err
		})
		return bodies, err
	})
	return admitted, err
}
