package agent_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nkeys"
	"go.uber.org/goleak"

	"github.com/phrledger/phr/authority/challenge"
	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/client/agent"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/keystore"
	"github.com/phrledger/phr/crypto/recovery"
	"github.com/phrledger/phr/ledger"
)

func TestMain(m *testing.M) {
	keystore.Native = keystore.Params{Time: 1, MemoryKiB: 64 << 10, Threads: 4} // nobody guesses the passphrases of tests
	goleak.VerifyTestMain(m)
}

var passphrase = []byte("correct horse battery staple")

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// running is an agent, with the home that it holds open a second time.
type running struct {
	*agent.Client
	home *client.Home // the same keys at hand
	dir  string
	path string
	stop func()
}

// createHome makes a home on disk.
func createHome(t testing.TB) (*client.Home, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "home")
	code := must(recovery.Generate(rand.Reader))
	h := must(client.CreateHome(dir, passphrase, must(client.NewIdentity(code)), code))
	t.Cleanup(h.Close)
	return h, dir
}

// start runs an agent until the test ends.
func start(t testing.TB, idle time.Duration) *running {
	t.Helper()
	home, dir := createHome(t)
	r := &running{home: home, dir: dir, path: filepath.Join(dir, agent.SocketName)}
	r.stop = run(t, newServer(dir, idle), must(agent.Listen(r.path)))
	r.Client = must(agent.Dial(r.path))
	t.Cleanup(r.Client.Close)
	return r
}

func newServer(dir string, idle time.Duration) *agent.Server {
	open := func(passphrase []byte) (*client.Home, error) { return client.OpenHome(dir, passphrase) }
	return agent.NewServer(agent.Config{Home: must(open(passphrase)), Dir: dir, Idle: idle, Open: open})
}

// run serves until the test ends, or until stop.
func run(t testing.TB, s *agent.Server, l *net.UnixListener) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx, l) }()
	stopped := false
	stop = func() {
		cancel()
		if stopped {
			return
		}
		stopped = true
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(stop)
	return stop
}

// event is one by somebody, of a kind that everybody may say.
func event(author identity.GID) *ledger.Event {
	now := time.Now()
	return &ledger.Event{
		ID: must(ledger.NewEventID(rand.Reader, now)), Chain: ledger.RecordChain(author, ledger.Profile), Number: 1, Author: author,
		Time: now, Body: &ledger.PatientRegistered{Key: []byte("key")},
	}
}

// hello returns a hello without signatures.
func hello(gid identity.GID) []byte {
	user := must(nkeys.CreateUser())
	h := challenge.Hello{
		Version: challenge.Version, Suites: must(suites()), Gate: gid, Ephemeral: must(identity.GenerateEphemeral()).Public(),
		User: must(user.PublicKey()), GID: gid, Request: challenge.Request{Operation: ledger.OpLogin, TTL: 600}, Time: 1,
	}
	return must(h.Marshal())
}

// TestSameAsKeysAtHand: what the agent does is what the keys at hand do.
func TestSameAsKeysAtHand(t *testing.T) {
	r := start(t, 0)
	atHand := r.home.Keys()
	if r.GID() != atHand.GID() || r.Inception().GID() != atHand.GID() || !bytes.Equal(r.Public().Seal, atHand.Public().Seal) {
		t.Fatal("it holds somebody else's keys")
	}

	e, same := event(r.GID()), ledger.Event{}
	same = *e
	if err := r.SignEvent(e); err != nil {
		t.Fatal(err)
	}
	if err := atHand.SignEvent(&same); err != nil || !bytes.Equal(e.Signature, same.Signature) || e.Verify(atHand.Public()) != nil {
		t.Errorf("an event's signature differs, or %v", err)
	}

	h := hello(r.GID())
	if got := must(r.SignHello(h)); !bytes.Equal(got, must(atHand.SignHello(h))) {
		t.Error("a hello's signature differs")
	}
	th2, tag := [32]byte{1}, [32]byte{2}
	if got := must(r.SignAnswer(th2, tag)); !bytes.Equal(got, must(atHand.SignAnswer(th2, tag))) {
		t.Error("an answer's signature differs")
	}

	if got := must(atHand.Unseal("note", must(r.Seal("note", []byte("draft"))))); string(got) != "draft" {
		t.Errorf("what the agent sealed opens as %q", got)
	}
	if got := must(r.Unseal("note", must(atHand.Seal("note", []byte("draft"))))); string(got) != "draft" {
		t.Errorf("what was sealed opens with the agent as %q", got)
	}

	if err := r.SetNode("phr://127.0.0.1:1/x"); err != nil || must(r.Node()) != "phr://127.0.0.1:1/x" {
		t.Errorf("the node: %v", err)
	}
	if err := r.home.Refresh(); err != nil || r.home.Node() != "phr://127.0.0.1:1/x" {
		t.Errorf("the node in the keystore is %q, %v", r.home.Node(), err)
	}
}
