// Package gate is the service that runs the gate side of PHR-CR/1: challenges in, scoped sessions out.
//
// A right answer becomes a session in this order: session.opened is appended to the patient's access chain, then a NATS user
// with nothing but the session's subjects is minted, then the grant is sealed and sent. Access that cannot be logged is
// not given.
//
// A session ends when it expires, and at once when what it rests on goes: the term, the attribute, the identity. Every
// service asks Live on every request, which judges by the fold as it is then. Beside that the gate looks at all sessions
// whenever the fold moves: the consumers of one that has ended are deleted, its connection is closed, and session.closed
// says why.
//
// What this does not protect: a gate that was robbed of its keys opens sessions to anybody. What is written in them is
// still judged by the log's own rules, and what is read in them stays sealed.
package gate

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/phrledger/phr/authority/challenge"
	"github.com/phrledger/phr/ledger/ingest"
	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/ledger/stream"
)

// Users are the users of the NATS server. The embedded server has them.
type Users interface {
	// MintUser returns the JWT by which the owner of an nkey may do what a grant says.
	MintUser(stream.UserGrant) (string, error)
	// Kick closes the connections of an nkey.
	Kick(nkey string) error
}

// Config is what a Gate needs. All fields but Log and Now are required.
type Config struct {
	Ingest *ingest.Ingest     // the log, its fold, and the node in whose name the gate speaks
	Key    ed25519.PrivateKey // signs challenges; its public half stands in node.described
	Users  Users
	Log    *slog.Logger     // nil for none
	Now    func() time.Time // nil for time.Now
}

// Gate opens sessions and knows which are live. It is the Sessions of an ingest. Its methods may be called concurrently.
type Gate struct {
	Config
	challenges *challenge.Gate
	facts      facts
	table      table
	refusals   refusals
	journal    journal
	tickets    ticketKey
	listening  chan struct{} // closed when Run hears requests
}

// New returns a gate without sessions; Run makes it work.
func New(c Config) *Gate {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Gate{
		Config:     c,
		challenges: challenge.NewGate(challenge.GateConfig{Rand: rand.Reader, GID: c.Ingest.Node.GID(), Key: c.Key}),
		facts:      facts{c.Ingest.Fold},
		table:      newTable(),
		refusals:   refusals{},
		journal:    newJournal(),
		tickets:    newTicketKey(),
		listening:  make(chan struct{}),
	}
}

// Run serves gate.hello, gate.answer, gate.consumer and gate.ticket, ends sessions, and logs what has to be, until ctx ends. It is
// called once. Fold and ingest must be run by somebody else.
func (g *Gate) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, s := range []struct {
		subject string
		workers int
		handle  stream.Handler
	}{
		{protocol.GateHello, 16, g.hello},
		{protocol.GateAnswer, 16, g.answer},
		{protocol.GateConsumer, 16, g.consumer},
		{protocol.GateTicket, 4, g.ticket},
	} {
		listener, err := g.Ingest.Ledger.Listen(s.subject, "phr", s.workers)
		if err != nil {
			return err
		}
		group.Go(func() error { return listener.Serve(ctx, s.handle) })
	}
	close(g.listening)
	group.Go(func() error { return g.endLoop(ctx) })
	group.Go(func() error { return g.journalLoop(ctx) })
	if err := group.Wait(); !errors.Is(err, context.Canceled) {
		return fmt.Errorf("gate: %w", err)
	}
	return ctx.Err()
}

// Listening is closed when Run hears requests.
func (g *Gate) Listening() <-chan struct{} { return g.listening }

const (
	maxLag     = 5 * time.Second // how far the fold may be behind the log
	maxRequest = 8 * time.Second // for one request: shorter than clients wait
)

// caughtUp returns when the fold shows everything that was in the log when it was called.
func (g *Gate) caughtUp(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, maxLag)
	defer cancel()
	last, err := g.Ingest.Ledger.LastSeq(ctx)
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if err == nil {
		err = g.Ingest.Fold.Wait(ctx, last)
	}
	if err != nil {
		return &stream.Error{Code: protocol.CodeBusy, Text: "the node is behind the log", Hint: "try again in a moment"}
	}
	return nil
}
