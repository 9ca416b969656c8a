package client

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/phrledger/phr/authority"
	"github.com/phrledger/phr/crypto/abe"
	"github.com/phrledger/phr/crypto/canonical"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
)

// FetchKeys brings home the attribute keys that were issued to the caller, each verified against its authority's public key,
// and returns the new ones. One that does not verify is reported and left out.
func (c *Client) FetchKeys(ctx context.Context) ([]*abe.AttributeKey, error) {
	s, err := c.login(ctx)
	if err != nil {
		return nil, err
	}
	var fetched []*abe.AttributeKey
	var bad []error
	var query protocol.KeysQuery
	for {
		answer, err := ask[protocol.Keys](ctx, s.conn, protocol.DirKeys, query)
		if err != nil {
			return fetched, err
		}
		if len(answer.Entries) == 0 {
			return fetched, errors.Join(bad...)
		}
		query.Skip += uint32(len(answer.Entries))
		for _, encoded := range answer.Entries {
			key, err := c.openIssued(ctx, encoded)
			switch {
			case err != nil:
				bad = append(bad, err)
			case key != nil:
				fetched = append(fetched, key)
			}
		}
	}
}

// openIssued opens and keeps an issued key; nil if it is kept already.
func (c *Client) openIssued(ctx context.Context, encoded []byte) (*abe.AttributeKey, error) {
	e, err := ledger.ParseEntry(encoded)
	if err != nil {
		return nil, err
	}
	body, ok := e.Body.(*ledger.KeyIssued)
	if !ok || c.home.holds(body, e.Chain) {
		return nil, nil
	}
	if err := c.learn(ctx, protocol.DirAuthority, protocol.AuthorityQuery{Name: e.Chain.Authority()}); err != nil {
		return nil, err
	}
	pk, err := c.authorityKey(e.Chain.Authority())
	if err != nil {
		return nil, err
	}
	key, err := authority.OpenKey(c.home.Identity(), e, pk)
	if err != nil {
		return nil, err
	}
	return key, c.home.addKey(key)
}

func (c *Client) authorityKey(name policy.Authority) (*abe.PublicKey, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	keys, err := c.state.AuthorityKeys(policy.Leaf(policy.Attribute{Name: "any", Authority: name}))
	if err != nil {
		return nil, err
	}
	return keys[0], nil
}

// Enroll asks to join an authority by the code of an invitation, and waits until its keys have come or ctx ends. The
// authority's own program has to be running for that; the request waits at the node until it is.
func (c *Client) Enroll(ctx context.Context, code authority.Code, display string) ([]*abe.AttributeKey, error) {
	if err := c.RegisterIdentity(ctx); err != nil {
		return nil, err
	}
	fact, err := c.Authority(ctx, code.Authority())
	if err != nil {
		return nil, err
	}
	founder, err := c.Person(ctx, fact.Founder)
	if err != nil {
		return nil, err
	}
	sealed, err := authority.NewRequest(code, c.home.Identity(), display, founder)
	if err != nil {
		return nil, err
	}
	request, err := canonical.Marshal(protocol.Enrolment{Sealed: sealed})
	if err != nil {
		return nil, err
	}
	if _, err := c.guest.Request(ctx, protocol.Enrol(code.Authority()), request); err != nil {
		return nil, fmt.Errorf("asking %q to be enrolled: %w", code.Authority(), err)
	}
	return c.awaitKeys(ctx, code.Authority())
}

// awaitKeys waits for keys of an authority that were not there before.
func (c *Client) awaitKeys(ctx context.Context, from policy.Authority) ([]*abe.AttributeKey, error) {
	for wait := 20 * time.Millisecond; ; wait = min(wait*2, time.Second) {
		fetched, err := c.FetchKeys(ctx)
		for _, key := range fetched {
			if key.Attribute().Authority == from {
				return fetched, err
			}
		}
		if err != nil && ctx.Err() == nil {
			return nil, err
		}
		if !pause(ctx, wait) {
			return nil, fmt.Errorf("%q has not answered: the request waits for it at the node, and 'phr keys' fetches what it issues: %w",
				from, ctx.Err())
		}
	}
}

// Serve answers enrolments to the caller's own authority until ctx ends. Notify, if not nil, hears of everyone enrolled.
func (c *Client) Serve(ctx context.Context, notify func(*authority.Admission)) error {
	const pace = 100 * time.Millisecond
	for {
		err := c.serveOnce(ctx, notify)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil && !isTransient(err) {
			return err
		}
		if !pause(ctx, pace) {
			return ctx.Err()
		}
	}
}

// serveOnce takes what waits. A request that is refused for good is dropped; one that is answered is dropped when the answer
// is on the log.
func (c *Client) serveOnce(ctx context.Context, notify func(*authority.Admission)) error {
	a, err := c.home.Authority()
	if err != nil {
		return err
	}
	if a == nil {
		return errNoAuthority
	}
	s, err := c.login(ctx)
	if err != nil {
		return err
	}
	subject := protocol.EnrolNext(a.Name())
	waiting, err := ask[protocol.Enrolments](ctx, s.conn, subject, protocol.EnrolmentsQuery{})
	if err != nil {
		if c.again(ctx, s, 1, err) {
			return nil
		}
		return fmt.Errorf("fetching enrolments: %w", err)
	}
	var done []ledger.Hash
	for _, w := range waiting.Waiting {
		admitted, err := c.admit(ctx, a.Name(), w.Sealed)
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
	_, err = ask[protocol.Enrolments](ctx, s.conn, subject, protocol.EnrolmentsQuery{Done: done})
	return err
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
			bodies, err = a.Enrol(randReader, roster, admitted)
			return err
		})
		return bodies, err
	})
	return admitted, err
}
