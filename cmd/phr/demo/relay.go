package demo

import (
	stdbytes "bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"regexp"
	"sync"

	"github.com/nats-io/nkeys"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/crypto/abe"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/stream"
)

// relay sits on the wire between a person and the node. It passes every byte on, remembers them, and may put its own session
// key in the place of the person's.
type relay struct {
	swap nkeys.KeyPair // nil: pass on as it is

	mu   sync.Mutex
	seen stdbytes.Buffer
}

// Dial implements stream.Dialer.
func (r *relay) Dial(network, address string) (net.Conn, error) {
	conn, err := net.Dial(network, address)
	if err != nil {
		return nil, err
	}
	return &relayed{conn, r}, nil
}

type relayed struct {
	net.Conn
	relay *relay
}

var userKey = regexp.MustCompile(`U[A-Z2-7]{55}`)

// Write passes on what the person sends.
func (c *relayed) Write(b []byte) (int, error) {
	c.relay.mu.Lock()
	c.relay.seen.Write(b)
	swap := c.relay.swap
	c.relay.mu.Unlock()
	if swap == nil {
		return c.Conn.Write(b)
	}
	own, err := swap.PublicKey()
	if err != nil {
		return 0, err
	}
	return c.Conn.Write(userKey.ReplaceAll(b, []byte(own)))
}

// Read passes on what the node sends.
func (c *relayed) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.relay.mu.Lock()
	defer c.relay.mu.Unlock()
	c.relay.seen.Write(b[:n])
	return n, err
}

var jwtPattern = regexp.MustCompile(`"jwt":"(eyJ[A-Za-z0-9_\-]+\.[A-Za-z0-9_\-]+\.[A-Za-z0-9_\-]+)"`)

func (d *demo) relay(ctx context.Context) ([]string, error) {
	quiet := &relay{}
	if err := d.throughRelay(ctx, quiet); err != nil {
		return nil, fmt.Errorf("the session itself, through a relay that changes nothing: %w", err)
	}
	quiet.mu.Lock()
	stolen := jwtPattern.FindAllSubmatch(quiet.seen.Bytes(), -1)
	passed := int64(quiet.seen.Len())
	quiet.mu.Unlock()
	if err := expect(len(stolen) > 0, "the relay saw no JWT to steal"); err != nil {
		return nil, err
	}
	if err := refused(d.useStolen(ctx, string(stolen[len(stolen)-1][1])), "the stolen JWT without its key"); err != nil {
		return nil, err
	}
	own, err := nkeys.CreateUser()
	if err != nil {
		return nil, err
	}
	err = d.throughRelay(ctx, &relay{swap: own})
	if err := refused(err, "the challenge with the relay's key in the place of Dr Ruiz's"); err != nil {
		return nil, err
	}
	return []string{
		fmt.Sprintf("it passed %s on unchanged and could read none of the challenge; the JWT it saw is refused without Dr Ruiz's session key", bytes(passed)),
		"it put its own session key into the hello: refused, for the hello is signed",
		"against decrypt-and-echo, as the prototype had it, the same relay gets in: see the next line",
		"  the server sent a value under doctor@city-hospital; the relay let Dr Ruiz decrypt it, and echoed it as its own: accepted",
	}, d.decryptAndEcho()
}

// throughRelay lets Dr Ruiz open a session through a relay.
func (d *demo) throughRelay(ctx context.Context, r *relay) error {
	c, err := client.Dial(ctx, client.Config{Home: d.ruiz.Home(), Node: d.node.URL(), Dialer: r, Log: d.Log})
	if err != nil {
		return err
	}
	defer c.Close()
	b, err := c.Book(ctx, d.maria.GID(), ledger.Health)
	if err != nil {
		return err
	}
	_, err = b.Records(ctx)
	return err
}

// useStolen connects with a JWT that belongs to somebody else's key.
func (d *demo) useStolen(ctx context.Context, jwt string) error {
	own, err := nkeys.CreateUser()
	if err != nil {
		return err
	}
	conn, err := stream.Dial(ctx, stream.Options{URL: "nats://" + d.node.URL().Address, User: &stream.User{
		JWT: func() (string, error) { return jwt, nil }, Sign: own.Sign, Inbox: "stolen",
	}})
	if err != nil {
		return err
	}
	conn.Close()
	return nil
}

// decryptAndEcho is the prototype's challenge: whoever returns the value that was encrypted gets the session.
func (d *demo) decryptAndEcho() error {
	p, err := policy.Parse("doctor@city-hospital")
	if err != nil {
		return err
	}
	x, err := d.resolve(p, d.hospital)
	if err != nil {
		return err
	}
	expected, sentToRelay, err := x.Encapsulate(random, abe.Challenge, nil)
	if err != nil {
		return err
	}
	decryptedByRuiz, err := x.Decapsulate(d.ruiz.Home().AttributeKeys(), abe.Challenge, nil, sentToRelay)
	if err != nil {
		return errors.Join(ErrExpectation, err)
	}
	echoedByRelay := decryptedByRuiz
	return expect(echoedByRelay == expected, "the relay should have got in: the comparison shows nothing")
}
