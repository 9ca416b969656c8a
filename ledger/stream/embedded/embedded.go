// Package embedded runs the NATS server of a node inside the node's own process, configured so that it can be trusted
// with the ledger: operator mode, two accounts with a table of imports between them, every acknowledged message on disk.
//
// It is apart from package stream because people's clients have no use for a server.
package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"github.com/phrledger/phr/ledger/stream"
)

// Config says where a server keeps its state and whom it listens to.
type Config struct {
	// Dir is the node's data directory. Below it the server has "keys" (its own nkeys, 0600, made at the first start),
	// "accounts" and "jetstream".
	Dir string
	// Listen is the host:port for people, with port 0 for any that is free. Empty means in-process connections only.
	// The host must be a loopback address: there is no TLS on this port, so what leaves the machine goes through a proxy.
	Listen string
	// Copies has a second copy of each part in KEYS. Nil for none.
	Copies stream.Copies
	// Log gets the server's warnings and errors, and its notices at debug level. Nil discards them.
	Log *slog.Logger
}

// readyTimeout bounds how long a started server may take to accept connections, with the ledger already recovered.
const readyTimeout = 10 * time.Second

// A Server is a running NATS server that holds the ledger. It is safe for concurrent use.
type Server struct {
	srv    *server.Server
	keys   *keyring
	lock   *os.File
	node   *nats.Conn
	ledger *stream.Ledger
	guest  string
	broken chan error
}

// Start runs a server, opens the ledger in it, and refuses with a *stream.UnsafeError if either is configured in a way
// that could lose or leak entries. The caller must Close the server.
func Start(ctx context.Context, c Config) (*Server, error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	keys, err := openKeys(filepath.Join(c.Dir, "keys"))
	if err != nil {
		return nil, err
	}
	guest, err := nkeys.CreateUser()
	if err != nil {
		return nil, fmt.Errorf("making the guest's key: %w", err)
	}
	s := &Server{keys: keys}
	if s.guest, err = guest.PublicKey(); err != nil {
		return nil, fmt.Errorf("making the guest's key: %w", err)
	}
	if s.lock, err = Lock(c.Dir); err != nil {
		return nil, err
	}
	if err := s.start(ctx, c); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// start does what Close undoes.
func (s *Server) start(ctx context.Context, c Config) error {
	opts, err := s.options(c)
	if err != nil {
		return err
	}
	if err := s.run(c, opts); err != nil {
		if s.srv == nil {
			opts.AccountResolver.Close()
		}
		return err
	}
	return s.open(ctx, c)
}

// options forms the server's configuration. The account resolver in it runs already, and has to be closed.
func (s *Server) options(c Config) (*server.Options, error) {
	opts := &server.Options{
		ServerName:    "phr",
		DontListen:    c.Listen == "",
		JetStream:     true,
		StoreDir:      filepath.Join(c.Dir, "jetstream"),
		SyncAlways:    true,
		NoSigs:        true,
		SystemAccount: s.keys.system.public,
		MaxConn:       maxConns,

		DisableJetStreamBanner: true,
	}
	err := listen(opts, c.Listen)
	if err != nil {
		return nil, err
	}
	if opts.DefaultSentinel, err = s.mint(stream.GuestGrant(s.guest), true); err != nil {
		return nil, err
	}
	if opts.TrustedOperators, err = s.operator(); err != nil {
		return nil, err
	}
	opts.AccountResolver, err = s.resolver(filepath.Join(c.Dir, "accounts"))
	return opts, err
}

// listen sets the address people connect to.
func listen(opts *server.Options, address string) error {
	if address == "" {
		return nil
	}
	host, port, err := net.SplitHostPort(address)
	if err == nil {
		opts.Host = host
		opts.Port, err = strconv.Atoi(port)
	}
	if err != nil {
		return fmt.Errorf("listening on %q: %w", address, err)
	}
	if opts.Port == 0 {
		opts.Port = server.RANDOM_PORT
	}
	return nil
}

// maxConns bounds the connections of all people together.
const maxConns = 10_000

// run checks the configuration as if somebody else had made it, starts the server, and waits until it takes
// connections.
func (s *Server) run(c Config, opts *server.Options) error {
	if err := CheckOptions(opts); err != nil {
		return err
	}
	if err := os.MkdirAll(opts.StoreDir, 0o700); err != nil {
		return fmt.Errorf("making the ledger's directory: %w", err)
	}
	var err error
	if s.srv, err = server.NewServer(opts); err != nil {
		return fmt.Errorf("configuring the server: %w", err)
	}
	s.broken = make(chan error, 1)
	log := &logger{log: c.Log, broken: s.broken}
	s.srv.SetLoggerV2(log, false, false, false)
	s.srv.Start()
	if !s.srv.ReadyForConnections(readyTimeout) {
		err = errors.New("not ready in time")
	}
	if fatal := log.failure(); fatal != nil {
		err = fatal
	}
	if err != nil {
		return fmt.Errorf("starting the server: %w", err)
	}
	return nil
}

// open connects as the ledger's account, opens the streams, and checks what is really running.
func (s *Server) open(ctx context.Context, c Config) error {
	if js := s.srv.JetStreamConfig(); js == nil || !js.SyncAlways {
		return &stream.UnsafeError{What: "running server", Faults: []string{"sync_interval is not always"}}
	}
	jwt, key, err := s.nodeUser()
	if err != nil {
		return err
	}
	n := nats.GetDefaultOptions()
	n.Name, n.CustomDialer, n.Url = "node", s, "nats://127.0.0.1"
	n.UserJWT = func() (string, error) { return jwt, nil }
	n.SignatureCB = key.Sign
	n.AllowReconnect = false // within one process, a lost connection is a server that has stopped
	n.AsyncErrorCB = func(_ *nats.Conn, _ *nats.Subscription, err error) { c.Log.Error("node connection", "err", err) }
	if s.node, err = n.Connect(); err != nil {
		return fmt.Errorf("connecting to the embedded server: %w", err)
	}
	s.ledger, err = stream.OpenLedger(ctx, s.node, stream.Config{Clients: s.keys.clients.public, Copies: c.Copies, Log: c.Log})
	return err
}

// Ledger returns the node's side of the ledger. It lives as long as the server.
func (s *Server) Ledger() *stream.Ledger { return s.ledger }

// Watch returns when ctx ends, or when the server has failed to write its files, as on a full disk. It stores nothing more then, until it
// is started again, and does not answer those who want it to.
func (s *Server) Watch(ctx context.Context) error {
	select {
	case err := <-s.broken:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// URL returns where people connect, "nats://127.0.0.1:4222", or "" if the server does not listen.
func (s *Server) URL() string {
	if s.srv.Addr() == nil {
		return ""
	}
	return "nats://" + s.srv.Addr().String()
}

// Guest returns the public nkey that all guests share.
func (s *Server) Guest() string { return s.guest }

// Dial returns an in-process connection, so that a Server is a stream.Dialer for clients in the same process. It is
// subject to the same authentication as one that comes over the network.
func (s *Server) Dial(_, _ string) (net.Conn, error) {
	return s.srv.InProcessConn()
}

// Close stops the server and waits until everything acknowledged is on disk and every connection closed.
func (s *Server) Close() {
	if s.node != nil {
		s.node.Close()
	}
	if s.srv != nil {
		s.srv.Shutdown()
		s.srv.WaitForShutdown()
	}
	_ = s.lock.Close() // it holds nothing
}
