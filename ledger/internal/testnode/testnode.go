// Package testnode runs what the log goes through in a node, with a real server, and lets real people write to it: every
// key is drawn, every event signed, every epoch wrapped. What a test does not say, works as in a node.
package testnode

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/phrledger/phr/authority/challenge"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/ingest"
	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/ledger/stream"
	"github.com/phrledger/phr/ledger/stream/embedded"
)

// Node is a node without a gate's service and without projections.
type Node struct {
	testing.TB
	*embedded.Server
	Dir    string
	Fold   *ingest.Fold
	Ingest *ingest.Ingest
	Desk   *Desk // the sessions there are
	Clock  *Clock

	Root, Self *identity.Identity
	Registry   *Authority

	gate ed25519.PrivateKey
	halt func()
}

// Start runs a new node until the test ends.
func Start(t testing.TB) *Node {
	t.Helper()
	_, gate, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	n := &Node{TB: t, Dir: t.TempDir(), Clock: new(Clock), gate: gate, Root: newIdentity(t), Self: newIdentity(t)}
	t.Cleanup(func() { n.Stop() })
	n.run()
	n.Register(n.Root)
	n.Register(n.Self)
	n.describe()
	return n
}

// describe has the root describe the node and name the registration of the registry, which then follows.
func (n *Node) describe() {
	founder := newIdentity(n)
	n.Register(founder)
	n.Registry = n.newAuthority(founder, ledger.RegistryName)
	registration := n.Sign(founder, ledger.SessionID{}, ledger.PersonChain(founder.GID()), &ledger.AuthorityRegistered{
		Name: ledger.RegistryName, Role: ledger.Registry, Key: n.Registry.master.PublicKey().Bytes(),
	})
	n.Say(n.Root, ledger.NodeChain(n.Self.GID()), &ledger.NodeDescribed{
		Sequence: 1, Gate: [32]byte(n.gate.Public().(ed25519.PublicKey)), Account: "A", Suites: []uint16{1},
		Expires: n.Now().Add(time.Hour * 24 * 365).UnixMilli(), Registry: ledger.HashEvent(registration[0]),
	})
	n.Submit(registration)
}

// run starts the parts of the node.
func (n *Node) run() {
	n.Helper()
	log := slog.New(slog.NewTextHandler(n.Output(), nil))
	var err error
	if n.Server, err = embedded.Start(n.Context(), embedded.Config{Dir: n.Dir, Listen: "127.0.0.1:0", Log: log}); err != nil {
		n.Fatal(err)
	}
	n.Desk = newDesk(challenge.NewGate(challenge.GateConfig{Rand: rand.Reader, GID: n.Self.GID(), Key: n.gate}))
	n.Fold = ingest.NewFold(n.Root.GID(), log)
	n.Ingest = ingest.New(ingest.Config{
		Ledger: n.Ledger(), Fold: n.Fold, Node: n.Self, Sessions: n.Desk, Log: log, Now: n.Now,
	})
	ctx, cancel := context.WithCancel(context.Background())
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return n.Fold.Run(ctx, n.Ledger()) })
	g.Go(func() error { return n.Ingest.Run(ctx) })
	g.Go(func() error { return n.Ingest.Serve(ctx) })
	n.halt = func() {
		cancel()
		if err := g.Wait(); !errors.Is(err, context.Canceled) {
			n.Errorf("the node stopped by itself: %v", err)
		}
	}
}

// Second runs a second node on the same log, with a fold and an ingest of its own, until the test ends. It offers no services.
func (n *Node) Second() *ingest.Ingest {
	n.Helper()
	self := newIdentity(n)
	n.Register(self)
	n.Say(n.Root, ledger.NodeChain(self.GID()), &ledger.NodeDescribed{
		Sequence: 1, Account: "B", Suites: []uint16{1}, Expires: n.Now().Add(time.Hour).UnixMilli(),
	})
	log := slog.New(slog.NewTextHandler(n.Output(), nil))
	second := ingest.New(ingest.Config{
		Ledger: n.Ledger(), Fold: ingest.NewFold(n.Root.GID(), log), Node: self, Sessions: n.Desk, Log: log, Now: n.Now,
	})
	ctx, cancel := context.WithCancel(context.Background())
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return second.Fold.Run(ctx, n.Ledger()) })
	g.Go(func() error { return second.Run(ctx) })
	n.Cleanup(func() {
		cancel()
		if err := g.Wait(); !errors.Is(err, context.Canceled) {
			n.Errorf("the second node stopped by itself: %v", err)
		}
	})
	return second
}

// Halt stops everything but the server.
func (n *Node) Halt() {
	if n.halt != nil {
		n.halt()
		n.halt = nil
	}
}

// Stop stops the node. Its directory stays.
func (n *Node) Stop() {
	n.Halt()
	if n.Server != nil {
		n.Close()
		n.Server = nil
	}
}

// Restart stops the node and starts it again. Sessions are gone.
func (n *Node) Restart() {
	n.Helper()
	n.Stop()
	n.run()
	n.CatchUp()
}

// Crash goes on from what is on disk at this moment, while the node still runs.
func (n *Node) Crash() {
	n.Helper()
	disk := filepath.Join(n.TempDir(), "node")
	n.must(os.CopyFS(disk, os.DirFS(n.Dir)))
	n.must(filepath.WalkDir(disk, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.Chmod(path, 0o700)
		}
		return os.Chmod(path, 0o600)
	}))
	n.Stop()
	n.Dir = disk
	n.run()
	n.CatchUp()
}

// CatchUp waits until the fold shows all of the log.
func (n *Node) CatchUp() {
	n.Helper()
	last, err := n.Ledger().LastSeq(n.Context())
	if err == nil {
		err = n.Fold.Wait(n.Context(), last)
	}
	if err != nil {
		n.Fatal(err)
	}
}

// Now is the node's clock.
func (n *Node) Now() time.Time { return n.Clock.Now() }

// Clock is the true time and what it is set off by.
type Clock struct {
	mu  sync.Mutex
	off time.Duration
}

// Now returns what the clock shows.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.off)
}

// Advance sets the clock forward, or back if d is negative.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.off += d
}

// Head returns where a chain ends.
func (n *Node) Head(c ledger.Chain) (head ledger.Head) {
	n.Fold.View(func(s *ledger.State) { head, _ = s.Head(c) })
	return head
}

// Sign makes the next events of a chain: records as one run, everything else signed singly.
func (n *Node) Sign(author *identity.Identity, session ledger.SessionID, c ledger.Chain, bodies ...ledger.Body) [][]byte {
	n.Helper()
	return n.SignAfter(n.Head(c), author, session, c, bodies...)
}

// SignAfter makes events that follow on a place on a chain.
func (n *Node) SignAfter(head ledger.Head, author *identity.Identity, session ledger.SessionID, c ledger.Chain, bodies ...ledger.Body) [][]byte {
	n.Helper()
	var encoded [][]byte
	for i, b := range bodies {
		e := &ledger.Event{
			ID: n.NewEventID(), Chain: c, Number: head.Number + 1, Prev: head.Hash, Author: author.GID(), Session: session, Time: n.Now(), Body: b,
		}
		if p, ok := b.(*Prepared); ok {
			e.ID, e.Body = p.ID, p.Body
		}
		if last := i == len(bodies)-1; last || !e.Kind().IsRecord() || !bodies[i+1].Kind().IsRecord() {
			n.must(e.Sign(author))
		}
		raw, err := e.Marshal()
		n.must(err)
		encoded = append(encoded, raw)
		head = ledger.Head{Number: e.Number, Hash: ledger.HashEvent(raw)}
	}
	return encoded
}

// Prepared is a body whose event has its id already, since its content is sealed for it.
type Prepared struct {
	ledger.Body
	ID ledger.EventID
}

// NewEventID draws an id.
func (n *Node) NewEventID() ledger.EventID {
	n.Helper()
	id, err := ledger.NewEventID(rand.Reader, n.Now())
	n.must(err)
	return id
}

// Submit submits events past the services, which must succeed, and waits until the fold shows them.
func (n *Node) Submit(events [][]byte, parts ...protocol.PartData) protocol.Receipt {
	n.Helper()
	r, err := n.Ingest.Submit(n.Context(), events, parts)
	n.must(err)
	n.CatchUp()
	return r
}

// Say submits what the owner of a chain says on it.
func (n *Node) Say(author *identity.Identity, c ledger.Chain, bodies ...ledger.Body) {
	n.Helper()
	n.Submit(n.Sign(author, ledger.SessionID{}, c, bodies...))
}

// Race appends events to the log as another node does that does not know of this one, without any check.
func (n *Node) Race(events [][]byte) {
	n.Helper()
	n.Append(events)
	n.CatchUp()
}

// Append is Race while this node's fold does not run.
func (n *Node) Append(events [][]byte) {
	n.Helper()
	var position ledger.Position
	n.Fold.View(func(s *ledger.State) { position = s.Position() })
	for _, encoded := range events {
		e, err := ledger.NewEntry(encoded, n.Now(), position)
		n.must(err)
		data, err := e.Marshal()
		n.must(err)
		n.RaceRaw(stream.Message{Subject: e.Subject(), Data: data, ID: e.Hash.String(), Filter: e.Chain.Filter()})
	}
}

// RaceRaw appends messages as they are.
func (n *Node) RaceRaw(messages ...stream.Message) {
	n.Helper()
	_, err := n.Ledger().Append(n.Context(), messages)
	n.must(err)
}

// Entries returns the log as it is stored.
func (n *Node) Entries() []stream.Entry {
	n.Helper()
	var all []stream.Entry
	n.must(n.Ledger().Read(n.Context(), 1, func(entries []stream.Entry) error {
		all = append(all, entries...)
		return nil
	}))
	return all
}

func (n *Node) must(err error) {
	n.Helper()
	if err != nil {
		n.Fatal(err)
	}
}
