// Package client is phr for a person: a patient, a doctor, a trainer, a representative, an authority. It keeps their keys,
// opens sessions on a node, and reads, writes, grants and revokes. What leaves it is sealed and signed; what comes back is
// believed only as far as signatures, hashes and the pinned root of the node go. The command line is a thin layer over it.
//
// A Client is one person at one node. A Book is one compartment of one patient's record, opened by that person.
//
// What this does not protect: whoever has the person's unlocked home is that person.
package client

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/ledger/stream"
)

// Config says who is calling and where.
type Config struct {
	Home   *Home         // whose keys
	Node   protocol.URL  // which node; its root is pinned
	Dialer stream.Dialer // nil: TCP to Node.Address
	Log    *slog.Logger  // nil: none
	Now    func() time.Time
}

// Client is one person at one node. Its methods may be called concurrently.
type Client struct {
	config Config
	home   *Home
	guest  *stream.Conn

	mu     sync.Mutex
	state  *ledger.State // what is known of people, authorities and the books read
	node   ledger.NodeFact
	slots  map[sessionKey]*slot
	books  map[ledger.Chain]*Book
	desk   *desk     // of the caller's authority; nil before it is first used
	looked time.Time // when the log was last seen to go on from what was known of it
	proven map[ledger.Chain]proven
	heard  map[policy.Authority]time.Time
	closed bool

	unsettled []ledger.SubmissionID // of this client, not known to be sealed
	sequence  uint64                // in the log, of the last of them
	settled   time.Time             // when the node was last asked what is sealed
	restored  int                   // events that the node had lost and has again

	looking, proving turn
	left             checks
}

// Dial connects to the node as a guest and learns who runs it. It fails if what the node says is not signed by the root that
// the URL names.
func Dial(ctx context.Context, c Config) (*Client, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	conn, err := stream.Dial(ctx, stream.Options{URL: natsURL(c.Node), Dialer: c.Dialer, Reconnect: true})
	if err != nil {
		return nil, fmt.Errorf("connecting to the node at %s: %w", c.Node.Address, err)
	}
	cl := &Client{
		config: c, home: c.Home, guest: conn, state: ledger.NewState(c.Node.Root, ledger.SomeChains),
		slots: make(map[sessionKey]*slot), books: make(map[ledger.Chain]*Book), proven: make(map[ledger.Chain]proven), heard: make(map[policy.Authority]time.Time),
		looking: newTurn(), proving: newTurn(),
	}
	if err := cl.learnNode(ctx); err != nil {
		conn.Close()
		return nil, err
	}
	cl.settleInPassing(ctx)
	return cl, nil
}

func natsURL(u protocol.URL) string {
	if u.Address == "" {
		return ""
	}
	return "nats://" + u.Address
}

// Close ends every session and the connection. What is under way fails.
func (c *Client) Close() {
	c.mu.Lock()
	c.closed = true
	var open []*session
	for _, place := range c.slots {
		if place.open != nil {
			open = append(open, place.open)
		}
	}
	c.mu.Unlock()
	for _, s := range open {
		s.end()
	}
	c.guest.Close()
}

// Connected tells whether the node is reached now. While it is not, the client tries again by itself.
func (c *Client) Connected() bool { return c.guest.Connected() }

// GID returns who is calling.
func (c *Client) GID() identity.GID { return c.home.GID() }

// Home returns the caller's keys.
func (c *Client) Home() *Home { return c.home }

// Restored returns how many events the node had lost, and has again since this client has sent them.
func (c *Client) Restored() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.restored
}

// URL returns which node it is, and the root that is pinned.
func (c *Client) URL() protocol.URL { return c.config.Node }

// Node returns the newest description of the node, which the pinned root signed.
func (c *Client) Node() ledger.NodeFact {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.node
}
