package client

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nkeys"

	"github.com/phrledger/phr/authority/challenge"
	"github.com/phrledger/phr/crypto/abe"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/ledger/stream"
)

// challenge goes through PHR-CR/1 and connects with what it gives.
func (c *Client) challenge(ctx context.Context, request challenge.Request, heads []challenge.Head) (*session, error) {
	user, err := nkeys.CreateUser()
	if err != nil {
		return nil, err
	}
	return c.challengeAs(ctx, user, ledger.SessionID{}, request, heads)
}

// challengeAs is challenge with the key of the session's connection. Renews is the session that goes on with it, zero for a new
// one.
func (c *Client) challengeAs(
	ctx context.Context, user nkeys.KeyPair, renews ledger.SessionID, request challenge.Request, heads []challenge.Head,
) (*session, error) {
	node, err := c.currentNode(ctx)
	if err != nil {
		return nil, err
	}
	side, err := challenge.NewClient(challenge.ClientConfig{
		Rand: rand.Reader, Identity: c.home.Keys(), User: user, Node: *node, Request: request, Renews: renews, Heads: heads,
		Keys: c.keysAt,
		Decapsulate: func(h *abe.Header, context, ciphertext []byte) ([32]byte, error) {
			return c.decapsulate(ctx, h, abe.Challenge, context, ciphertext)
		},
	})
	if err != nil {
		return nil, err
	}
	grant, err := c.exchange(ctx, side)
	if err != nil {
		var failure *challenge.Failure
		if errors.As(err, &failure) {
			c.config.Log.Warn("challenge_failed", "detail", failure.Detail)
		}
		return nil, err
	}
	if err := c.checkHeads(grant.Heads); err != nil {
		return nil, err
	}
	s, err := c.connect(ctx, user, grant)
	if err == nil {
		s.places = newPlaces(request.Operation)
	}
	return s, err
}

// exchange carries the messages to the gate and back.
func (c *Client) exchange(ctx context.Context, side *challenge.Client) (*challenge.Grant, error) {
	hello, err := side.Hello(c.config.Now())
	if err != nil {
		return nil, err
	}
	m2, err := c.guest.Request(ctx, protocol.GateHello, hello)
	if err != nil {
		return nil, err
	}
	answer, err := side.Answer(c.config.Now(), m2)
	if err != nil {
		return nil, err
	}
	m4, err := c.guest.Request(ctx, protocol.GateAnswer, answer)
	if err != nil {
		return nil, err
	}
	return side.Open(m4)
}

// connect opens the session's own connection.
func (c *Client) connect(ctx context.Context, user nkeys.KeyPair, grant *challenge.Grant) (*session, error) {
	conn, err := stream.Dial(ctx, stream.Options{URL: natsURL(c.config.Node), Dialer: c.config.Dialer, User: &stream.User{
		JWT: func() (string, error) { return grant.JWT, nil }, Sign: user.Sign, Inbox: grant.Inbox,
	}})
	if err != nil {
		return nil, fmt.Errorf("connecting with the session: %w", err)
	}
	now := c.config.Now()
	expires := time.UnixMilli(grant.Expires)
	return &session{conn: conn, user: user, id: grant.Session, renew: renewAt(now, expires), expires: expires, grant: grant}, nil
}

// renewAt returns when to open the next session. Where one is shorter than was asked for, its grant ends with it, and there
// is none to open before.
func renewAt(now, expires time.Time) time.Time {
	life := expires.Sub(now)
	if life+ledger.ClockSkew < time.Duration(sessionSeconds)*time.Second {
		return expires
	}
	return now.Add(life * 4 / 5)
}

// currentNode returns the node's description, asked for anew when the one known has expired.
func (c *Client) currentNode(ctx context.Context) (*ledger.NodeFact, error) {
	node := c.Node()
	if c.config.Now().UnixMilli() < node.Expires {
		return &node, nil
	}
	if err := c.learnNode(ctx); err != nil {
		return nil, err
	}
	node = c.Node()
	return &node, nil
}

func (c *Client) keysAt(gid identity.GID, position uint64) (*identity.Keys, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state.Keys(gid, position)
}

// decapsulate opens a ciphertext with the caller's attribute keys. Where those at home are not enough, it looks whether
// others were issued meanwhile: for a new grant, or of a newer version.
func (c *Client) decapsulate(ctx context.Context, h *abe.Header, label abe.Label, context, ciphertext []byte) ([32]byte, error) {
	x, err := c.resolve(ctx, h)
	if err != nil {
		return [32]byte{}, err
	}
	key, err := c.home.Keys().Decapsulate(x, label, context, ciphertext)
	if errors.Is(err, abe.ErrNotSatisfied) {
		fetched, _, fetchErr := c.fetchKeys(ctx)
		if fetchErr != nil || len(fetched) == 0 {
			return [32]byte{}, errors.Join(err, fetchErr)
		}
		key, err = c.home.Keys().Decapsulate(x, label, context, ciphertext)
	}
	c.config.Log.Debug("decapsulated", "label", string(label), "ok", err == nil)
	return key, err
}

// resolve finds what a ciphertext was made for: its policy at the versions it names, with the authorities' keys.
func (c *Client) resolve(ctx context.Context, h *abe.Header) (*abe.Expression, error) {
	if err := c.learnPolicy(ctx, h.Policy); err != nil {
		return nil, err
	}
	attributes := h.Policy.Attributes()
	version := func(a policy.Attribute) (uint32, bool) {
		for i, named := range attributes {
			if named == a {
				return h.Versions[i], true
			}
		}
		return 0, false
	}
	keys, err := c.namedKeys(h)
	if err != nil {
		return nil, err
	}
	return abe.NewExpression(h.Policy, version, keys...)
}

// namedKeys returns the keys of authorities that a ciphertext was made for. An old wrap names those of its time; a challenge is
// always made for the keys in force.
func (c *Client) namedKeys(h *abe.Header) ([]*abe.PublicKey, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if h.Label == abe.Wrap {
		return c.state.NamedKeys(h.Policy, h.KeyHashes)
	}
	return c.state.AuthorityKeys(h.Policy)
}
