package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/crypto/canonical"
	"github.com/phrledger/phr/crypto/identity"
)

// Config says whose keys an agent holds and for how long.
type Config struct {
	Home *client.Home  // unlocked, with a keystore; the agent closes it
	Dir  string        // of the home
	Idle time.Duration // without use, after which it locks; 0: never
	Log  *slog.Logger  // nil: none

	// Open opens the home again, by its passphrase.
	Open func(passphrase []byte) (*client.Home, error)
}

// Server holds a home and acts with its keys. Its methods may be called concurrently.
type Server struct {
	config     Config
	operations map[string]operation
	unlocking  sync.Mutex // one guess at the passphrase at a time

	mu   sync.RWMutex
	home *client.Home // nil while locked
	who  person
	gid  identity.GID
	idle *time.Timer // nil: never
}

// NewServer returns an agent that is unlocked.
func NewServer(c Config) *Server {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{config: c, operations: operations()}
	s.hold(c.Home)
	return s
}

// hold takes a home over.
func (s *Server) hold(h *client.Home) {
	s.home, s.gid, s.who = h, h.GID(), personOf(h.Keys())
}

func personOf(k client.Keys) person {
	first, now := k.Inception(), k.Public()
	return person{first.Keys.Sign[:], first.Keys.Seal, first.Recovery[:], now.Sign[:], now.Seal}
}

// tellWho tells whose keys these are: as they are now, or while it is locked, as they were last.
func (s *Server) tellWho() ([]byte, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.home == nil {
		return canonical.Marshal(&s.who)
	}
	if err := s.home.Refresh(); err != nil {
		return nil, err
	}
	now := personOf(s.home.Keys())
	return canonical.Marshal(&now)
}

// Lock wipes the home from memory, once what is under way with it is done.
func (s *Server) Lock() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.home == nil {
		return
	}
	s.home.Close()
	s.home = nil
	s.config.Log.Info("agent_locked")
}

// Unlock opens the home again. It fails with keystore.ErrPassphrase.
func (s *Server) Unlock(passphrase []byte) error {
	s.unlocking.Lock()
	defer s.unlocking.Unlock()
	h, err := s.config.Open(passphrase)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.home != nil { // already, and the passphrase is right
		h.Close()
		return nil
	}
	if h.GID() != s.gid {
		h.Close()
		return errors.New("the home is another person's now: end the agent and start it again")
	}
	s.hold(h)
	s.used()
	return nil
}

// used puts off the time at which the agent locks by itself.
func (s *Server) used() {
	if s.idle != nil {
		s.idle.Reset(s.config.Idle)
	}
}

// watch begins to measure how long the agent is not used.
func (s *Server) watch() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.config.Idle > 0 {
		s.idle = time.AfterFunc(s.config.Idle, s.Lock)
	}
}

func (s *Server) end() {
	if s.idle != nil {
		s.idle.Stop()
	}
	s.Lock()
}

// maxConnections bounds how many programs are served at once. Each has one request under way.
const maxConnections = 32

// Run serves the connections to a socket that Listen made, until ctx ends. Then it closes them, locks, and returns nil.
func (s *Server) Run(ctx context.Context, l *net.UnixListener) error {
	s.watch()
	var open sync.WaitGroup
	defer func() {
		open.Wait()
		s.end()
	}()
	running, stop := context.WithCancel(ctx)
	defer stop()
	defer l.Close() // also when a program came just as ctx ended: the socket must be gone by the time Run returns
	defer context.AfterFunc(running, func() { l.Close() })()
	free := make(chan struct{}, maxConnections)
	for {
		c, err := l.AcceptUnix()
		if ctx.Err() != nil {
			if err == nil {
				c.Close()
			}
			return nil
		}
		if err != nil {
			return fmt.Errorf("accepting a program: %w", err)
		}
		select {
		case free <- struct{}{}:
		default:
			s.config.Log.Warn("agent_busy")
			c.Close()
			continue
		}
		open.Go(func() {
			defer func() { <-free }()
			s.serve(running, c)
		})
	}
}

// patience is how long a message may take once it has begun.
const patience = 30 * time.Second

// serve answers one program until it hangs up or sends something that is not a message.
func (s *Server) serve(ctx context.Context, c *net.UnixConn) {
	defer c.Close()
	defer context.AfterFunc(ctx, func() { c.Close() })()
	if err := checkPeer(c); err != nil {
		s.config.Log.Warn("agent_refused", "error", err)
		return
	}
	for {
		var q request
		if err := readMessage(&begun{c}, &q); err != nil {
			return
		}
		r := s.answer(&q)
		clear(q.Args)
		if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
			return
		}
		err := writeMessage(c, r)
		clear(r.Result)
		if err != nil || c.SetDeadline(time.Time{}) != nil {
			return
		}
	}
}

// begun reads a message, for whose beginning it waits for ever, and not for the rest.
type begun struct{ *net.UnixConn }

func (b *begun) Read(p []byte) (int, error) {
	n, err := b.UnixConn.Read(p)
	if err == nil {
		err = b.SetReadDeadline(time.Now().Add(patience))
	}
	return n, err
}

// answer does what is asked for.
func (s *Server) answer(q *request) *response {
	result, err := s.do(q)
	if err != nil {
		class := classOf(err)
		s.config.Log.Debug("agent_failed", "operation", q.Op, "class", class)
		return &response{Class: class, Text: err.Error()}
	}
	return &response{Result: result}
}

func (s *Server) do(q *request) ([]byte, error) {
	switch q.Op {
	case opWho:
		return s.tellWho()
	case opStatus:
		s.mu.RLock()
		defer s.mu.RUnlock()
		return canonical.Marshal(&status{s.home == nil, s.gid, s.config.Dir, int64(s.config.Idle)})
	case opLock:
		s.Lock()
		return nil, nil
	case opUnlock:
		var a one
		if err := decode(q.Args, &a); err != nil {
			return nil, err
		}
		defer clear(a.Bytes)
		return nil, s.Unlock(a.Bytes)
	}
	op := s.operations[q.Op]
	if op == nil {
		return nil, fmt.Errorf("%w: it knows nothing of this operation", ErrRefused)
	}
	return s.use(op, q.Args)
}

// use does something with the keys, if they are there.
func (s *Server) use(op operation, args []byte) ([]byte, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.home == nil {
		return nil, ErrLocked
	}
	s.used()
	if err := s.home.Refresh(); err != nil {
		return nil, err
	}
	return op(s.home, args)
}
