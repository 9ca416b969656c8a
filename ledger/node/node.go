// Package node is one node put together: the server with the ledger in it, the fold, ingest, the gate, the projections and the
// directory that answers from them.
//
// A node is a directory. Below it, "keys" holds every secret of the node, each in a file of its own that is its owner's alone:
// what a TLS key is to a web server. Whoever has them has the node, though not what is sealed in its ledger. The files of
// the root and of the registry may be taken offline once the node has started; the root is needed again to renew the
// node's description, the registry to endorse authorities.
//
// The first start appends what everybody else builds on, before any service answers: the root's and the node's identities, the
// root's description of the node, and the registry of authorities. It goes on where it was if it was interrupted.
package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/phrledger/phr/authority/gate"
	"github.com/phrledger/phr/ledger/ingest"
	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/ledger/repair"
	"github.com/phrledger/phr/ledger/sealer"
	"github.com/phrledger/phr/ledger/stream"
	"github.com/phrledger/phr/ledger/stream/embedded"
	"github.com/phrledger/phr/ledger/tree"
	"github.com/phrledger/phr/ledger/witness"
	"github.com/phrledger/phr/projections"
	"github.com/phrledger/phr/projections/directory"
)

// Config says what a node is to be. Dir is required.
type Config struct {
	Dir        string          // of everything the node keeps; made if it is not there
	Tree       string          // where the sealed copy of the log is kept, best on another disk; empty for "tree" in Dir
	Listen     string          // host:port for people, a loopback address; empty for people in this process only
	SealEvery  time.Duration   // least time between two checkpoints of the tree; 0 for a tenth of a second
	HTTP       string          // host:port, a loopback address, of the tree as C2SP tlog-tiles; empty for none
	Web        Web             // answers what is asked for there and is none of the tree's; nil for nobody
	Witnesses  *witness.Policy // who are asked to cosign checkpoints, and how many make one witnessed; nil for none
	EndorseAll bool            // endorse every authority that registers: for trying things out
	Log        *slog.Logger
	Now        func() time.Time // nil for time.Now

	interrupt  func(step int) error // ends the first start before a step; nil but in tests
	scrubEvery time.Duration        // 0 for a day, but in tests
}

// Web makes what is served beside the tree, for the node that has a URL.
type Web func(protocol.URL) (http.Handler, error)

// Node is a node. Its methods may be called concurrently.
type Node struct {
	config  Config
	keys    *keys
	server  *embedded.Server
	fold    *ingest.Fold
	ingest  *ingest.Ingest
	sealer  *sealer.Sealer
	site    net.Listener // for HTTP; nil without
	web     http.Handler // nil for what is not there
	gate    *gate.Gate
	tables  *projections.Runner
	dir     *directory.Directory
	ready   chan struct{}
	started uint64 // the newest sequence of the log when the node started

	incidents []string // what the log has to be told of repairs
	scrubbed  damages
}

// Start makes what is missing of the node's keys, starts its server and opens the ledger. The services answer once Run has
// made them ready. The caller closes the node.
func Start(ctx context.Context, c Config) (*Node, error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	n := &Node{config: c, ready: make(chan struct{})}
	if err := n.start(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("starting the node in %s: %w", c.Dir, err), n.Close())
	}
	return n, nil
}

func (n *Node) start(ctx context.Context) (err error) {
	c := n.config
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return err
	}
	files := c.tree()
	sealed, err := isSealed(c.Dir, files)
	if err != nil {
		return err
	}
	if n.incidents, err = repair.Incidents(c.Dir); err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if n.keys, err = openKeys(c.Dir, sealed); err != nil {
		return err
	}
	if err := n.checkStorage(files); err != nil {
		return err
	}
	copies, err := tree.OpenParts(files)
	if err != nil {
		return err
	}
	if n.server, err = embedded.Start(ctx, embedded.Config{Dir: c.Dir, Listen: c.Listen, Copies: copies, Log: c.Log}); err != nil {
		return err
	}
	ledger := n.server.Ledger()
	if n.started, err = ledger.LastSeq(ctx); err != nil {
		return err
	}
	n.fold = ingest.NewFold(n.keys.root, c.Log)
	n.ingest = ingest.New(ingest.Config{Ledger: ledger, Fold: n.fold, Node: n.keys.node, Copies: copies, Log: c.Log, Now: c.Now})
	n.gate = gate.New(gate.Config{Ingest: n.ingest, Key: n.keys.gate, Users: n.server, Log: c.Log, Now: c.Now})
	n.ingest.Sessions = n.gate
	if n.sealer, err = n.newSealer(files); err != nil {
		return err
	}
	n.tables, err = projections.Open(ctx, projections.Config{
		Path: filepath.Join(c.Dir, tablesName), Root: n.keys.root, Source: source{ledger}, Log: c.Log, Projections: tables(),
	})
	if err != nil {
		return err
	}
	n.dir = directory.New(n.tables.DB())
	return n.listenHTTP()
}

func (n *Node) newSealer(files tree.Dir) (*sealer.Sealer, error) {
	origin := tree.Origin(n.keys.root)
	signer, err := tree.NewSigner(origin, n.keys.log)
	if err != nil {
		return nil, err
	}
	verifier, err := n.keys.verifier()
	if err != nil {
		return nil, err
	}
	return sealer.New(sealer.Config{
		Ledger: n.server.Ledger(), Fold: n.fold, Ingest: n.ingest, Node: n.keys.node.GID(), Files: files,
		Signer: signer, Key: verifier, Pace: n.config.SealEvery, Witnesses: n.config.Witnesses, Log: n.config.Log, Now: n.config.Now,
	}), nil
}

// Close stops the server and closes the tables. Run must have returned.
func (n *Node) Close() error {
	var err error
	if n.site != nil {
		_ = n.site.Close() // serveSite has closed it, if it ran
	}
	if n.tables != nil {
		err = n.tables.Close()
	}
	if n.server != nil {
		n.server.Close()
	}
	return err
}

// Ready is closed when the node answers.
func (n *Node) Ready() <-chan struct{} { return n.ready }

// URL returns where the node is and who its root is: all that a newcomer has to know and trust.
func (n *Node) URL() protocol.URL {
	return protocol.URL{Address: strings.TrimPrefix(n.server.URL(), "nats://"), Root: n.keys.root}
}

// Dialer returns the way to the node within this process.
func (n *Node) Dialer() stream.Dialer { return n.server }
