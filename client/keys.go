package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/phrledger/phr/authority"
	"github.com/phrledger/phr/crypto/abe"
	"github.com/phrledger/phr/crypto/canonical"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/ledger/stream"
)

// FetchKeys brings home the attribute keys that were issued to the caller, each verified against its authority's public key,
// and returns the new ones. One that does not verify is reported and left out.
func (c *Client) FetchKeys(ctx context.Context) ([]HeldKey, error) {
	fetched, bad, err := c.fetchKeys(ctx)
	return fetched, errors.Join(append(bad, err)...)
}

// fetchKeys is FetchKeys with the keys that don't verify apart: anybody with an authority can issue such.
func (c *Client) fetchKeys(ctx context.Context) (fetched []HeldKey, bad []error, err error) {
	var skip uint32
	issuers := make(map[policy.Authority][]*abe.PublicKey)
	err = c.attempt(ctx, loginKey, func(s *session) error {
		for {
			answer, err := ask[protocol.Keys](ctx, s.conn, protocol.DirKeys, protocol.KeysQuery{Skip: skip})
			if err != nil || len(answer.Entries) == 0 {
				return err
			}
			for _, encoded := range answer.Entries {
				key, err := c.openIssued(ctx, encoded, issuers)
				var told *stream.Error
				switch {
				case errors.As(err, &told) && told.Code != protocol.CodeNotFound, ctx.Err() != nil:
					return err
				case err != nil:
					bad = append(bad, fmt.Errorf("a key that was issued to you: %w", err))
				case key != nil:
					fetched = append(fetched, *key)
				}
				skip++
			}
		}
	})
	return fetched, bad, err
}

// openIssued opens and keeps an issued key; nil if it is kept already. Issuers are the keys that authorities ever had, those
// learnt so far.
func (c *Client) openIssued(ctx context.Context, encoded []byte, issuers map[policy.Authority][]*abe.PublicKey) (*HeldKey, error) {
	e, err := ledger.ParseEntry(encoded)
	if err != nil {
		return nil, err
	}
	body, ok := e.Body.(*ledger.KeyIssued)
	if !ok {
		return nil, nil
	}
	pks, err := c.everyKey(ctx, e.Chain.Authority(), issuers)
	if err != nil {
		return nil, err
	}
	if known, err := c.home.holds(body, pks[len(pks)-1]); err != nil || known {
		return nil, err
	}
	key, added, err := c.home.Keys().KeepKey(e, pks)
	if err != nil || !added {
		return nil, err
	}
	return &key, nil
}

// everyKey learns the keys that an authority has ever had, at least one, unless they are in learnt.
func (c *Client) everyKey(ctx context.Context, name policy.Authority, learnt map[policy.Authority][]*abe.PublicKey) ([]*abe.PublicKey, error) {
	if pks := learnt[name]; pks != nil {
		return pks, nil
	}
	if err := c.learn(ctx, protocol.DirAuthority, protocol.AuthorityQuery{Name: name}); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	pks := c.state.EveryKey(name)
	if len(pks) == 0 {
		return nil, fmt.Errorf("no authority %q is in force", name)
	}
	learnt[name] = pks
	return pks, nil
}

// Enroll asks to join an authority by the code of an invitation, and waits until its keys have come or ctx ends. The
// authority's own program has to be running for that; the request waits at the node until it is.
func (c *Client) Enroll(ctx context.Context, code authority.Code, display string) ([]HeldKey, error) {
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
	sealed, err := c.home.Keys().RequestEnrolment(code, display, founder)
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
func (c *Client) awaitKeys(ctx context.Context, from policy.Authority) ([]HeldKey, error) {
	for wait := 20 * time.Millisecond; ; wait = min(wait*2, time.Second) {
		fetched, bad, err := c.fetchKeys(ctx)
		for _, key := range fetched {
			if key.Attribute.Authority == from {
				return fetched, err
			}
		}
		if err != nil && ctx.Err() == nil {
			return nil, err
		}
		for _, err := range bad {
			c.config.Log.Warn("key_refused", "error", err)
		}
		if !pause(ctx, wait) {
			return nil, fmt.Errorf("%q has not answered: the request waits for it at the node, and 'phr keys' fetches what it issues: %w",
				from, ctx.Err())
		}
	}
}
