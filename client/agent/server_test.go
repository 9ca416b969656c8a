package agent_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/client/agent"
	"github.com/phrledger/phr/crypto/keystore"
)

func TestLock(t *testing.T) {
	r := start(t, 0)
	if s := must(r.Status()); s.Locked || s.GID != r.GID() || s.Home != r.dir || s.Idle != 0 {
		t.Errorf("status %+v", s)
	}
	for range 2 { // twice does no harm
		if err := r.Lock(); err != nil {
			t.Fatal(err)
		}
	}
	if s := must(r.Status()); !s.Locked {
		t.Errorf("status %+v", s)
	}
	for name, err := range map[string]error{
		"sign":   r.SignEvent(event(r.GID())),
		"unseal": errOf(r.Unseal("note", make([]byte, 64))),
		"keys":   errOf(r.Attributes()),
		"node":   r.SetNode("phr://127.0.0.1:1/x"),
	} {
		if !errors.Is(err, agent.ErrLocked) {
			t.Errorf("%s while locked: %v, want ErrLocked", name, err)
		}
	}
	if again, err := agent.Dial(r.path); err != nil || again.GID() != r.GID() {
		t.Errorf("whose keys a locked agent holds: %v", err)
	} else {
		again.Close()
	}
	if err := r.Unlock([]byte("wrong")); !errors.Is(err, keystore.ErrPassphrase) {
		t.Errorf("unlocking by another passphrase: %v, want ErrPassphrase", err)
	}
	for range 2 {
		if err := r.Unlock(passphrase); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.SignEvent(event(r.GID())); err != nil {
		t.Errorf("unlocked: %v", err)
	}
}

// TestLocksWhenIdle waits until an agent that nobody uses has locked by itself.
func TestLocksWhenIdle(t *testing.T) {
	r := start(t, 20*time.Millisecond)
	for !must(r.Status()).Locked { // which is no use of the keys
	}
	if err := r.Unlock(passphrase); err != nil {
		t.Fatal(err)
	}
	for !must(r.Status()).Locked {
	}
}

// TestAttack53_AgentOverOldVersion puts an older keystore in the place of the one that the agent holds.
func TestAttack53_AgentOverOldVersion(t *testing.T) {
	r := start(t, 0)
	path := filepath.Join(r.dir, "keystore")
	old := must(os.ReadFile(path))
	if err := r.SetNode("phr://127.0.0.1:1/x"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, old, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Seal("note", nil); !errors.Is(err, keystore.ErrMalformed) {
		t.Errorf("over an older keystore: %v, want ErrMalformed", err)
	}
}

// TestEnded: an agent that ends hangs up on everybody, and leaves no socket; what one leaves that was killed is replaced.
func TestEnded(t *testing.T) {
	r := start(t, 0)
	if _, err := agent.Listen(r.path); err == nil || !strings.Contains(err.Error(), "already") {
		t.Errorf("a second agent in its place: %v", err)
	}
	r.stop()
	if err := r.SignEvent(event(r.GID())); !errors.Is(err, agent.ErrAway) {
		t.Errorf("asked after its end: %v, want ErrAway", err)
	}
	if _, err := os.Lstat(r.path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it left its socket: %v", err)
	}
	left := must(net.ListenUnix("unix", &net.UnixAddr{Name: r.path, Net: "unix"}))
	left.SetUnlinkOnClose(false)
	left.Close()
	if _, err := agent.Dial(r.path); !errors.Is(err, agent.ErrAway) {
		t.Errorf("a socket that nobody listens at: %v, want ErrAway", err)
	}
	run(t, newServer(r.dir, 0), must(agent.Listen(r.path)))
	if err := r.SignEvent(event(r.GID())); err != nil {
		t.Errorf("with another agent in its place: %v", err)
	}
}

// TestEndsAsOneDials ends agents at the moment that a program comes: the socket is gone all the same.
func TestEndsAsOneDials(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "home")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, agent.SocketName)
	for range 200 {
		l := must(agent.Listen(path))
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		c := must(net.Dial("unix", path))
		server := agent.NewServer(agent.Config{Home: must(client.NewHome()), Dir: dir})
		if err := server.Run(ctx, l); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
			t.Fatalf("it left its socket: %v", err)
		}
		c.Close()
	}
}

// TestEndsMidWay ends an agent while many ask it: each is answered or told that it went away, and nobody waits.
func TestEndsMidWay(t *testing.T) {
	r := start(t, 0)
	var all sync.WaitGroup
	begun := make(chan struct{}, 8)
	for range cap(begun) {
		all.Go(func() {
			for i := 0; ; i++ {
				err := r.SignEvent(event(r.GID()))
				if i == 0 {
					begun <- struct{}{}
				}
				if errors.Is(err, agent.ErrAway) {
					return
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for range cap(begun) {
		<-begun
	}
	r.stop()
	all.Wait()
}

// TestParallel asks for everything at once, while others lock and unlock.
func TestParallel(t *testing.T) {
	r := start(t, time.Hour)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for j := range 10 {
				text := fmt.Sprint(i, j)
				sealed, err := r.Seal("note", []byte(text))
				if err == nil {
					var opened []byte
					if opened, err = r.Unseal("note", sealed); err == nil && string(opened) != text {
						t.Errorf("%q came back as %q", text, opened)
					}
				}
				if err == nil {
					err = r.SetNode(text)
				}
				if err != nil && !errors.Is(err, agent.ErrLocked) {
					t.Error(err)
				}
			}
		})
	}
	for range 2 {
		if err := errors.Join(r.Lock(), r.Unlock(passphrase)); err != nil {
			t.Error(err)
		}
	}
	all.Wait()
}

// TestTooMany: programs beyond the bound are hung up on, and those before go on.
func TestTooMany(t *testing.T) {
	r := start(t, 0)
	var open []net.Conn
	defer func() {
		for _, c := range open {
			c.Close()
		}
	}()
	hungUp := 0
	for range 64 {
		c := must(net.Dial("unix", r.path))
		open = append(open, c)
		if _, err := c.Write(agent.Message("status", agent.Bytes(nil))); err != nil {
			hungUp++
			continue
		}
		if _, err := c.Read(make([]byte, 1)); err != nil {
			hungUp++
		}
	}
	if hungUp < 32 {
		t.Errorf("%d of 64 were hung up on", hungUp)
	}
	if _, err := r.Status(); err != nil {
		t.Errorf("a program from before: %v", err)
	}
}

// TestTooLong: a message that says it is longer than any ends the connection before it is read.
func TestTooLong(t *testing.T) {
	r := start(t, 0)
	c := must(net.Dial("unix", r.path))
	defer c.Close()
	if _, err := c.Write(binary.BigEndian.AppendUint32(nil, 1<<31)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Read(make([]byte, 1)); err == nil {
		t.Error("it is answered")
	}
}

func TestSocketPlaces(t *testing.T) {
	home, dir := createHome(t)
	home.Close()
	for name, c := range map[string]struct {
		change func(path string) error
		says   string
	}{
		"a directory for everybody": {func(path string) error { return os.Chmod(filepath.Dir(path), 0o755) }, "mode 0700"},
		"a file in its place":       {func(path string) error { return os.WriteFile(path, nil, 0o600) }, "not a socket"},
		"no directory":              {func(path string) error { return os.RemoveAll(filepath.Dir(path)) }, "no such file"},
	} {
		path := filepath.Join(dir, strings.ReplaceAll(name, " ", "-"), "agent.sock")
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), c.change(path)); err != nil {
			t.Fatal(err)
		}
		if _, err := agent.Listen(path); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want an error that says %q", name, err, c.says)
		}
		if _, err := agent.Dial(path); err == nil {
			t.Errorf("%s: an agent is found there", name)
		}
	}
	path := filepath.Join(dir, "agent.sock")
	l := must(agent.Listen(path))
	defer l.Close()
	if info := must(os.Lstat(path)); info.Mode().Perm() != 0o600 {
		t.Errorf("the socket has mode %v", info.Mode())
	}
}

// TestPassphraseChanged: an agent goes on when another program changes the passphrase, and takes the new one to unlock.
func TestPassphraseChanged(t *testing.T) {
	r := start(t, 0)
	fresh := []byte("a second passphrase")
	if err := r.home.SetPassphrase(fresh); err != nil {
		t.Fatal(err)
	}
	if err := r.SetNode("phr://127.0.0.1:1/x"); err != nil {
		t.Errorf("over the change: %v", err)
	}
	if err := r.Lock(); err != nil {
		t.Fatal(err)
	}
	if err := r.Unlock(passphrase); !errors.Is(err, keystore.ErrPassphrase) {
		t.Errorf("by the passphrase before: %v, want ErrPassphrase", err)
	}
	if err := r.Unlock(fresh); err != nil || must(r.Node()) != "phr://127.0.0.1:1/x" {
		t.Errorf("by the new passphrase: %v", err)
	}
}
