package embedded_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/nats-io/nkeys"
	"go.uber.org/goleak"

	"github.com/phrledger/phr/ledger/stream"
	"github.com/phrledger/phr/ledger/stream/embedded"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// start runs a server in dir until the test ends.
func start(t testing.TB, dir string) *embedded.Server {
	t.Helper()
	s, err := embedded.Start(t.Context(), embedded.Config{Dir: dir, Listen: "127.0.0.1:0", Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// message makes the n-th entry of a chain, which must be empty or end in the entry last.
func message(filter string, n int, last uint64) stream.Message {
	subject := filter[:len(filter)-1] + "record-written"
	return stream.Message{
		Subject: subject,
		Data:    fmt.Appendf(nil, "entry %d of %s", n, filter),
		ID:      fmt.Sprintf("%s%d", filter, n),
		Filter:  filter,
		LastSeq: last,
		Expect:  true,
	}
}

// session is a user with a key and a scope, as the gate would make one.
type session struct {
	key    nkeys.KeyPair
	public string
	inbox  string
	jwt    string
}

func mint(t testing.TB, s *embedded.Server, name string, scope stream.Scope, ttl time.Duration) session {
	t.Helper()
	key, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	public, err := key.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	scope.Inbox = "inbox-of-" + name
	grant, err := scope.Grant(public, name, time.Now().Add(ttl))
	if err != nil {
		t.Fatal(err)
	}
	jwt, err := s.MintUser(grant)
	if err != nil {
		t.Fatal(err)
	}
	return session{key, public, scope.Inbox, jwt}
}

func (s session) user() *stream.User {
	return &stream.User{JWT: func() (string, error) { return s.jwt, nil }, Sign: s.key.Sign, Inbox: s.inbox}
}

// dial connects over TCP, as the session or, without one, as a guest.
func dial(t testing.TB, s *embedded.Server, u *stream.User) *stream.Conn {
	t.Helper()
	c, err := stream.Dial(t.Context(), stream.Options{URL: s.URL(), User: u})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// serve runs a service until the test ends.
func serve(t testing.TB, l *stream.Ledger, subject string, handle stream.Handler) {
	t.Helper()
	ln, err := l.Listen(subject, "", 4)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = ln.Serve(ctx, handle) // ends with ctx
	}()
	t.Cleanup(func() { cancel(); <-done })
}

func TestWhoAmI(t *testing.T) {
	s := start(t, t.TempDir())
	serve(t, s.Ledger(), "dir.*", func(_ context.Context, r *stream.Request) ([]byte, error) {
		return []byte(r.Caller), nil
	})
	serve(t, s.Ledger(), "gate.hello", func(_ context.Context, r *stream.Request) ([]byte, error) {
		return nil, &stream.Error{Code: "too-early", Text: "not yet", Hint: "come back"}
	})
	guest := dial(t, s, nil)
	who, err := guest.Request(t.Context(), "dir.node", nil)
	if err != nil || string(who) != s.Guest() {
		t.Errorf("guest is %q, %v; want %q", who, err, s.Guest())
	}
	_, err = guest.Request(t.Context(), "gate.hello", nil)
	t.Log(err)
	_, err = guest.Request(t.Context(), "gate.login", nil)
	t.Log(err)

	l := s.Ledger()
	var seq uint64
	for i := range 3 {
		if seq, err = l.Append(t.Context(), []stream.Message{message("phr.aa.alice.health.>", i, seq)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.CreateConsumer(t.Context(), stream.Consumer{Name: "c1", Filter: "phr.aa.alice.health.>"}); err != nil {
		t.Fatal(err)
	}
	a := mint(t, s, "alice", stream.Scope{Consumers: []string{"c1"}}, time.Minute)
	c := dial(t, s, a.user())
	who, err = c.Request(t.Context(), "dir.node", nil)
	if err != nil || string(who) != a.public {
		t.Errorf("session is %q, %v; want %q", who, err, a.public)
	}
	err = c.Fetch(t.Context(), "c1", func(e []stream.Entry, pending uint64) error {
		t.Log(len(e), e[0].Subject, e[0].Seq, string(e[0].Data), pending)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
