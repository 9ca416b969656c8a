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

// Serve answers enrolments to the caller's own authority until ctx ends. Notify, if not nil, hears of everyone enrolled.
func (c *Client) Serve(ctx context.Context, notify func(*authority.Admission)) error {
	const pace = 100 * time.Millisecond
	a, err := c.home.Authority()
	if err != nil {
		return err
	}
	if a == nil {
		return errNoAuthority
	}
	for {
		err := c.serveOnce(ctx, a.Name(), notify)
		var over *exhausted
		if errors.As(err, &over) {
			err = over.err // a service outlasts a node that is away
		}
		if err != nil && ctx.Err() == nil && !isTransient(err) && !isConflict(err) {
			return err
		}
		if !pause(ctx, pace) {
			return ctx.Err()
		}
	}
}

// serveOnce takes what waits. A request that is refused for good is dropped; one that is answered is dropped when the answer
// is on the log.
func (c *Client) serveOnce(ctx context.Context, name policy.Authority, notify func(*authority.Admission)) error {
	waiting, err := c.enrolments(ctx, name, nil)
	if err != nil {
		return fmt.Errorf("fetching enrolments: %w", err)
	}
	var done []ledger.Hash
	for _, w := range waiting.Waiting {
		admitted, err := c.admit(ctx, name, w.Sealed)
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
	_, err = c.enrolments(ctx, name, done)
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
func (c *Client) admit(ctx context.Context, name policy.Authority, sealed []byte) (*authority.Admission, error) {
	var admitted *authority.Admission
	lookup := func(gid identity.GID) (*identity.Keys, error) {
		keys, err := c.Person(ctx, gid)
		if codeOf(err) == protocol.CodeNotFound {
			return nil, fmt.Errorf("%w: %w", authority.ErrRefused, err)
		}
		return keys, err
	}
	_, err := c.say(ctx, ledger.AuthorityChain(name), func(entries []*ledger.Entry) (bodies []ledger.Body, err error) {
		roster, err := rosterOf(name, entries)
		if err != nil {
			return nil, err
		}
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
