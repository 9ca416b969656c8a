package agent_test

import (
	"bytes"
	"crypto/rand"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/client/agent"
	"github.com/phrledger/phr/crypto/abe"
	"github.com/phrledger/phr/crypto/canonical"
	"github.com/phrledger/phr/crypto/epoch"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
)

// tap is what went over a socket, and what was logged.
type tap struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write implements io.Writer.
func (t *tap) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.buf.Write(b)
}

// relay puts a tap between a new socket and the agent's. It returns the path of the new one.
func (t *tap) relay(tb testing.TB, to string) string {
	path := to + ".tap"
	l := must(agent.Listen(path))
	var all sync.WaitGroup
	all.Go(func() {
		for {
			from, err := l.Accept()
			if err != nil {
				return
			}
			agents := must(net.Dial("unix", to))
			all.Go(func() { io.Copy(io.MultiWriter(agents, t), from); agents.Close() })
			all.Go(func() { io.Copy(io.MultiWriter(from, t), agents); from.Close() })
		}
	})
	tb.Cleanup(func() {
		l.Close()
		all.Wait()
	})
	return path
}

// secretsOf returns the byte strings in an encoding, and in the encodings in it, that are long enough to be keys.
func secretsOf(encoding []byte) (all [][]byte) {
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[any]any:
			for _, inner := range v {
				walk(inner)
			}
		case []any:
			for _, inner := range v {
				walk(inner)
			}
		case []byte:
			var inner any
			if canonical.Unmarshal(v, &inner) == nil && len(v) > 64 {
				walk(inner)
			} else if len(v) >= 32 {
				all = append(all, v)
			}
		}
	}
	var v any
	if err := canonical.Unmarshal(encoding, &v); err != nil {
		panic(err)
	}
	walk(v)
	return all
}

// TestAttack53_AgentGivesNoKeyAway has everything done that an agent does, and looks through what went over the socket and into the log
// for any key of its person.
func TestAttack53_AgentGivesNoKeyAway(t *testing.T) {
	var seen tap
	home, dir := createHome(t)
	path := filepath.Join(dir, agent.SocketName)
	log := slog.New(slog.NewTextHandler(&seen, &slog.HandlerOptions{Level: slog.LevelDebug}))
	open := func(passphrase []byte) (*client.Home, error) { return client.OpenHome(dir, passphrase) }
	run(t, agent.NewServer(agent.Config{Home: must(open(passphrase)), Dir: dir, Idle: time.Hour, Log: log, Open: open}), must(agent.Listen(path)))
	c := must(agent.Dial(seen.relay(t, path)))
	defer c.Close()

	keys := must(epoch.Generate(rand.Reader))
	at := epoch.Place{Patient: string(c.GID()), Compartment: "health", Epoch: 1}
	entry, pk, attribute := grant(t, c)
	x := must(abe.NewExpression(policy.Leaf(attribute), func(policy.Attribute) (uint32, bool) { return 1, true }, pk))
	_, ciphertext, err := x.Encapsulate(rand.Reader, abe.Challenge, nil)
	if err != nil {
		t.Fatal(err)
	}
	reader := must(client.NewHome())
	did := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	_, _, err = c.KeepKey(entry, []*abe.PublicKey{pk})
	did("keep", err)
	sealed, sum, err := c.Escrow()
	did("escrow", err)
	did("event", c.SignEvent(event(c.GID())))
	did("hello", errOf(c.SignHello(hello(c.GID()))))
	did("answer", errOf(c.SignAnswer([32]byte{}, [32]byte{})))
	did("owner part", errOf(epoch.OpenOwner(c, at, keys.KID(), keys.HID(), must(epoch.SealOwner(c.Public(), at, keys)))))
	did("attributes", errOf(c.Attributes()))
	did("decapsulate", errOf(c.Decapsulate(x, abe.Challenge, nil, ciphertext)))
	did("master", errOf(c.MasterKey()))
	did("issue", errOf(c.IssueGrant(reader.GID(), reader.Keys().Public(), ledger.TermID{1})))
	did("file", errOf(c.Unseal("note", must(c.Seal("note", []byte("draft"))))))
	did("node", c.SetNode("phr://127.0.0.1:1/x"))
	if err := c.Ask("keystore", agent.Bytes(nil)); err == nil {
		t.Error("it does what nobody has thought of")
	}
	did("status", errOf(c.Status()))
	did("lock", c.Lock())
	if err := home.Refresh(); err != nil {
		t.Fatal(err)
	}
	secrets := secretsOf(must(home.Handover()))
	public := append(append([]byte{}, home.Identity().Inception().Keys.Sign[:]...), home.Identity().Inception().Keys.Seal...)
	seen.mu.Lock()
	defer seen.mu.Unlock()
	if !bytes.Contains(seen.buf.Bytes(), home.Identity().Keys().Seal) {
		t.Fatal("the tap saw nothing")
	}
	searched := 0
	for _, s := range secrets {
		if bytes.Contains(public, s) || bytes.Equal(s, hashOf(pk)) || bytes.Equal(s, recoveryOf(home)) ||
			bytes.Equal(s, sealed) || bytes.Equal(s, sum) { // what goes to the log, and the hash by which it is known
			continue
		}
		searched++
		if bytes.Contains(seen.buf.Bytes(), s[len(s)-32:]) {
			t.Errorf("%d bytes of a key went over the socket", len(s))
		}
	}
	if searched < 4 { // to sign and to open with, an attribute's, the authority's
		t.Errorf("searched for %d keys", searched)
	}
}

func hashOf(pk *abe.PublicKey) []byte {
	h := pk.Hash()
	return h[:]
}

func recoveryOf(h *client.Home) []byte {
	hash := h.Identity().RecoveryHash()
	return hash[:]
}
