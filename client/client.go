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
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/phrledger/phr/crypto/canonical"
	"github.com/phrledger/phr/crypto/identity"
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

	mu       sync.Mutex
	state    *ledger.State // what is known of people, authorities and the books read
	node     ledger.NodeFact
	own      *session // the login, once there is one
	sessions map[sessionKey]*session
	books    map[ledger.Chain]*Book
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
		sessions: make(map[sessionKey]*session), books: make(map[ledger.Chain]*Book),
	}
	if err := cl.learnNode(ctx); err != nil {
		conn.Close()
		return nil, err
	}
	return cl, nil
}

func natsURL(u protocol.URL) string {
	if u.Address == "" {
		return ""
	}
	return "nats://" + u.Address
}

// Close ends every session and the connection.
func (c *Client) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.own != nil {
		c.own.end()
	}
	for _, s := range c.sessions {
		s.end()
	}
	c.guest.Close()
}

// GID returns who is calling.
func (c *Client) GID() identity.GID { return c.home.Identity().GID() }

// Home returns the caller's keys.
func (c *Client) Home() *Home { return c.home }

// ask sends a request and reads the answer.
func ask[Answer any](ctx context.Context, conn *stream.Conn, subject string, query any) (*Answer, error) {
	data, err := canonical.Marshal(query)
	if err != nil {
		return nil, err
	}
	raw, err := conn.Request(ctx, subject, data)
	if err != nil {
		return nil, err
	}
	answer := new(Answer)
	if err := canonical.Unmarshal(raw, answer); err != nil {
		return nil, fmt.Errorf("the node's answer to %s: %w", subject, err)
	}
	return answer, nil
}

// codeOf returns the code that a service answered with, "" if err is none of a service's.
func codeOf(err error) string {
	var told *stream.Error
	if errors.As(err, &told) {
		return told.Code
	}
	return ""
}

// submit sends events and the parts they name as one submission, in as many requests as their size takes.
func submit(ctx context.Context, conn *stream.Conn, subject string, now time.Time, events []*ledger.Event, parts []protocol.PartData) (*protocol.Receipt, error) {
	id, err := ledger.NewSubmissionID(rand.Reader, now)
	if err != nil {
		return nil, err
	}
	requests := []*protocol.Submission{{}}
	room := requestRoom
	fit := func(n int) *protocol.Submission {
		if n > room && room < requestRoom {
			requests, room = append(requests, &protocol.Submission{}), requestRoom
		}
		room -= n + itemOverhead
		return requests[len(requests)-1]
	}
	for _, e := range events {
		encoded, err := e.Marshal()
		if err != nil {
			return nil, err
		}
		r := fit(len(encoded))
		r.Events = append(r.Events, encoded)
	}
	for _, p := range parts {
		r := fit(len(p.Data))
		r.Parts = append(r.Parts, p)
	}
	var receipt *protocol.Receipt
	for i, r := range requests {
		r.ID, r.Index, r.Count = id, uint32(i), uint32(len(requests))
		if receipt, err = ask[protocol.Receipt](ctx, conn, subject, r); err != nil {
			return nil, err
		}
	}
	if !receipt.Committed {
		return nil, errors.New("the node took the submission and did not commit it")
	}
	return receipt, nil
}

const (
	itemOverhead = 128
	requestRoom  = protocol.MaxRequest - 1024
)

// randReader is where everything drawn for the log and for other people comes from.
var randReader = rand.Reader
