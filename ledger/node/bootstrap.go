package node

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nkeys"

	"github.com/phrledger/phr/crypto/abe"
	"github.com/phrledger/phr/crypto/canonical"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/ledger/stream"
)

// A description of the node lasts for ten years, and is renewed by a start in the last of them.
const (
	describedFor = 10 * 365 * 24 * time.Hour
	renewBefore  = 365 * 24 * time.Hour
)

// foundingFile keeps the two events that make the registry known. The first description of the node names the hash of the
// second, before either is in the log.
const foundingFile = "registry.events"

// auditorName is the attribute of the registry whose holders may read the whole log.
const auditorName = "auditor"

// step is one thing at the beginning of the log.
type step struct {
	done   func(*ledger.State) bool
	append func(context.Context) error
}

// bootstrap appends what is missing at the beginning of the log. If we were to crash between any two steps, the next start
// would find the earlier ones done.
func (n *Node) bootstrap(ctx context.Context) error {
	for i, s := range n.steps() {
		var done bool
		n.fold.View(func(state *ledger.State) { done = s.done(state) })
		if done {
			continue
		}
		if n.config.interrupt != nil {
			if err := n.config.interrupt(i); err != nil {
				return err
			}
		}
		if err := s.append(ctx); err != nil {
			return fmt.Errorf("step %d: %w", i+1, err)
		}
	}
	return nil
}

func (n *Node) steps() []step {
	return []step{
		{registered(n.keys.root), func(ctx context.Context) error { return n.register(ctx, n.keys.rootKey) }},
		{registered(n.keys.node.GID()), func(ctx context.Context) error { return n.register(ctx, n.keys.node) }},
		{n.isDescribed, n.describe},
		{n.hasRegistry(1), func(ctx context.Context) error { return n.foundRegistry(ctx, 0) }},
		{n.hasRegistry(2), func(ctx context.Context) error { return n.foundRegistry(ctx, 1) }},
		{hasAuditors, n.defineAuditors},
	}
}

func registered(gid identity.GID) func(*ledger.State) bool {
	return func(s *ledger.State) bool {
		_, ok := s.Head(ledger.PersonChain(gid))
		return ok
	}
}

var errOffline = errors.New("the key that signs it is offline: put it back into the directory of the node's keys for this start")

func (n *Node) register(ctx context.Context, id *identity.Identity) error {
	if id == nil {
		return errOffline
	}
	return n.say(ctx, id, ledger.PersonChain(id.GID()), registration(id))
}

func registration(id *identity.Identity) *ledger.IdentityRegistered {
	first := id.Inception()
	return &ledger.IdentityRegistered{Sign: first.Keys.Sign, Seal: first.Keys.Seal, Recovery: first.Recovery}
}

// isDescribed tells whether the root's description of the node is there, fits, and lasts.
func (n *Node) isDescribed(s *ledger.State) bool {
	d, ok := s.Node(n.keys.node.GID())
	return ok && d.Gate == public(n.keys.gate) && d.Log == public(n.keys.log) && time.UnixMilli(d.Expires).Sub(n.config.Now()) > renewBefore
}

func public(key ed25519.PrivateKey) [32]byte { return [32]byte(key.Public().(ed25519.PublicKey)) }

func (n *Node) describe(ctx context.Context) error {
	account, err := n.account()
	if err != nil {
		return err
	}
	body := &ledger.NodeDescribed{
		Sequence: 1, Gate: public(n.keys.gate), Log: public(n.keys.log), Account: account, Suites: []uint16{uint16(abe.RW15BLS12381)},
		Expires: n.config.Now().Add(describedFor).UnixMilli(),
	}
	chain := ledger.NodeChain(n.keys.node.GID())
	n.fold.View(func(s *ledger.State) {
		if before, ok := s.Node(n.keys.node.GID()); ok {
			body.Sequence = before.Sequence + 1
		}
	})
	if body.Sequence == 1 {
		founding, err := n.founding()
		if err != nil {
			return err
		}
		body.Registry = ledger.HashEvent(founding[1])
	}
	return n.say(ctx, n.keys.rootKey, chain, body)
}

// account returns the public key of the NATS account that sessions belong to: it signs what the server mints.
func (n *Node) account() (string, error) {
	user, err := nkeys.CreateUser()
	if err != nil {
		return "", err
	}
	public, err := user.PublicKey()
	if err != nil {
		return "", err
	}
	grant := stream.GuestGrant(public)
	grant.Expires = n.config.Now().Add(time.Minute)
	token, err := n.server.MintUser(grant)
	if err != nil {
		return "", err
	}
	claims, err := jwt.DecodeUserClaims(token)
	if err != nil {
		return "", err
	}
	return claims.Issuer, nil
}

// founding returns the events that make the registry known: its identity, and its registration as an authority. They are made
// once and kept, since the log names the hash of the second before it has it.
func (n *Node) founding() ([][]byte, error) {
	path := filepath.Join(n.config.Dir, foundingFile)
	encoded, err := os.ReadFile(path)
	if err == nil {
		var events [][]byte
		if err := canonical.Unmarshal(encoded, &events); err != nil || len(events) != 2 {
			return nil, fmt.Errorf("reading %s: not two events", path)
		}
		return events, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if n.keys.registry == nil {
		return nil, errOffline
	}
	events, err := n.makeFounding()
	if err != nil {
		return nil, err
	}
	if encoded, err = canonical.Marshal(events); err != nil {
		return nil, err
	}
	return events, writeFile(path, encoded, 0o600)
}

func (n *Node) makeFounding() ([][]byte, error) {
	chain, head := ledger.PersonChain(n.keys.registry.GID()), ledger.Head{}
	var events [][]byte
	for _, b := range []ledger.Body{registration(n.keys.registry), n.keys.phr.Registration()} {
		e, err := n.sign(n.keys.registry, chain, head, b)
		if err != nil {
			return nil, err
		}
		encoded, err := e.Marshal()
		if err != nil {
			return nil, err
		}
		events = append(events, encoded)
		head = ledger.Head{Number: e.Number, Hash: ledger.HashEvent(encoded)}
	}
	return events, nil
}

// hasRegistry tells whether the first of the founding events are in the log.
func (n *Node) hasRegistry(events uint64) func(*ledger.State) bool {
	return func(s *ledger.State) bool {
		if _, ok := s.Authority(ledger.RegistryName); ok || n.keys.registry == nil {
			return ok
		}
		head, _ := s.Head(ledger.PersonChain(n.keys.registry.GID()))
		return head.Number >= events
	}
}

func (n *Node) foundRegistry(ctx context.Context, event int) error {
	founding, err := n.founding()
	if err != nil {
		return err
	}
	e, err := ledger.ParseEvent(founding[event])
	if err != nil {
		return err
	}
	return n.ingest.Append(ctx, e)
}

func hasAuditors(s *ledger.State) bool {
	_, ok := s.Version(policy.Attribute{Name: auditorName, Authority: ledger.RegistryName})
	return ok
}

func (n *Node) defineAuditors(ctx context.Context) error {
	return n.say(ctx, n.keys.registry, ledger.AuthorityChain(ledger.RegistryName),
		&ledger.AttributeDefined{Name: auditorName, Description: "may read the whole log, without any key"})
}

// say appends an event by one of the node's identities, and returns when the fold shows it.
func (n *Node) say(ctx context.Context, author *identity.Identity, c ledger.Chain, b ledger.Body) error {
	if author == nil {
		return fmt.Errorf("%s: %w", b.Kind(), errOffline)
	}
	const tries = 8
	for try := 1; ; try++ {
		var head ledger.Head
		n.fold.View(func(s *ledger.State) { head, _ = s.Head(c) })
		e, err := n.sign(author, c, head, b)
		if err != nil {
			return err
		}
		err = n.ingest.Append(ctx, e)
		var told *stream.Error
		if err == nil || try == tries || !errors.As(err, &told) || told.Code != protocol.CodeConflict {
			return err
		}
	}
}

func (n *Node) sign(author *identity.Identity, c ledger.Chain, head ledger.Head, b ledger.Body) (*ledger.Event, error) {
	now := n.config.Now()
	id, err := ledger.NewEventID(rand.Reader, now)
	if err != nil {
		return nil, err
	}
	e := &ledger.Event{ID: id, Chain: c, Number: head.Number + 1, Prev: head.Hash, Author: author.GID(), Time: now, Body: b}
	return e, e.Sign(author)
}
