package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/client/agent"
	"github.com/phrledger/phr/crypto/identity"
)

// agentVerb keeps the home unlocked for the person's other programs, until it is interrupted.
func agentVerb(ctx context.Context, e *env, args []string) error {
	fs := e.personal()
	idle := fs.Duration("idle", 15*time.Minute, "`TIME` without use after which it locks (15m); 0: never")
	socket := fs.String("socket", "", "`PATH` of the socket, in a directory of mode 0700 (agent.sock in the home)")
	fs.BoolVar(&e.verbose, "verbose", false, "tell more on standard error")
	if _, err := e.parse(fs, args, 0, 0); err != nil {
		return err
	}
	dir, err := e.homeDir()
	if err != nil {
		return err
	}
	if *socket == "" {
		*socket = filepath.Join(dir, agent.SocketName)
	}
	path, err := filepath.Abs(*socket)
	if err != nil {
		return err
	}
	e.direct, e.serving = true, true
	h, err := e.open()
	if err != nil {
		return err
	}
	l, err := agent.Listen(path)
	if err != nil {
		h.Close()
		return err
	}
	s := agent.NewServer(agent.Config{
		Home: h, Dir: dir, Idle: *idle, Log: e.log(),
		Open: func(passphrase []byte) (*client.Home, error) { return client.OpenHome(dir, passphrase) },
	})
	e.say("%s=%s", agent.Variable, path)
	e.note("Unlocked until interrupted, or %s without use.", *idle)
	return s.Run(ctx, l)
}

// agentLock makes the agent wipe the keys from memory.
func agentLock(_ context.Context, e *env, args []string) error {
	return e.withAgent(args, func(c *agent.Client) error { return c.Lock() })
}

// agentUnlock makes the agent open the home again.
func agentUnlock(_ context.Context, e *env, args []string) error {
	return e.withAgent(args, func(c *agent.Client) error {
		passphrase, err := e.passphrase(false)
		if err != nil {
			return err
		}
		defer clear(passphrase)
		return c.Unlock(passphrase)
	})
}

// agentStatus tells whether an agent runs, and how it stands.
func agentStatus(_ context.Context, e *env, args []string) error {
	return e.withAgent(args, func(*agent.Client) error { return nil })
}

// withAgent does something with the agent of the home, and tells how it stands with it.
func (e *env) withAgent(args []string, do func(*agent.Client) error) error {
	if _, err := e.parse(e.personal(), args, 0, 0); err != nil {
		return err
	}
	dir, err := e.homeDir()
	if err != nil {
		return err
	}
	c, err := agent.Dial(e.socket(dir))
	if errors.Is(err, agent.ErrAway) {
		return &hinted{fmt.Errorf("no agent runs for %s: %w", dir, err), "start one with 'phr agent'"}
	}
	if err != nil {
		return err
	}
	defer c.Close()
	if err := do(c); err != nil {
		return err
	}
	s, err := c.Status()
	if err != nil {
		return err
	}
	if e.json {
		return e.emit(struct {
			GID    identity.GID `json:"gid"`
			Home   string       `json:"home"`
			Locked bool         `json:"locked"`
			Idle   string       `json:"idle"`
		}{s.GID, s.Home, s.Locked, s.Idle.String()})
	}
	state := "unlocked"
	if s.Locked {
		state = "locked"
	}
	e.say("%s %s", state, s.GID)
	return nil
}

// socket returns where the agent of a home is asked.
func (e *env) socket(dir string) string {
	if path := e.getenv(agent.Variable); path != "" {
		return path
	}
	return filepath.Join(dir, agent.SocketName)
}

// openWithAgent returns the home with an agent that holds its keys, nil if none does.
func (e *env) openWithAgent(dir string) (*client.Home, error) {
	path := e.socket(dir)
	if _, err := os.Lstat(path); err != nil {
		return nil, nil // nobody has started one
	}
	c, err := agent.Dial(path)
	if errors.Is(err, agent.ErrAway) {
		return nil, nil // it was ended
	}
	if err != nil {
		return nil, err
	}
	s, err := c.Status()
	if err == nil && !s.Locked && sameDirectory(s.Home, dir) {
		return client.HomeWith(dir, c, c.Close), nil
	}
	c.Close()
	if err == nil && s.Locked && sameDirectory(s.Home, dir) {
		err = &hinted{agent.ErrLocked, "phr agent unlock"}
	}
	return nil, err
}

// sameDirectory tells whether two names are of one directory, which is there.
func sameDirectory(one, other string) bool {
	a, err := os.Stat(one)
	if err != nil {
		return false
	}
	b, err := os.Stat(other)
	return err == nil && os.SameFile(a, b)
}
