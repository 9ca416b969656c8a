package stream_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"
	"go.uber.org/goleak"

	"github.com/phrledger/phr/ledger/stream"
	"github.com/phrledger/phr/ledger/stream/embedded"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// The chains the tests write to.
const (
	aliceHealth   = "phr.aa.alice.health.>"
	aliceTraining = "phr.aa.alice.training.>"
	bobHealth     = "phr.bb.bob.health.>"
)

// start runs a server in dir until the test ends.
func start(t testing.TB, dir string) *embedded.Server {
	t.Helper()
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	s, err := embedded.Start(t.Context(), embedded.Config{Dir: dir, Listen: "127.0.0.1:0", Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// message makes the n-th entry of a chain whose newest entry is last.
func message(filter string, n int, last uint64) stream.Message {
	m := follower(filter, n)
	m.LastSeq, m.Expect = last, true
	return m
}

// follower makes the n-th entry of a chain, expecting nothing.
func follower(filter string, n int) stream.Message {
	return stream.Message{
		Subject: filter[:len(filter)-1] + "record-written",
		Data:    fmt.Appendf(nil, "entry %d of %s", n, filter),
		ID:      fmt.Sprintf("%s%d", filter, n),
		Filter:  filter,
	}
}

// run makes the next n entries of a chain, from the n0-th on.
func run(filter string, n0, n int, last uint64) []stream.Message {
	msgs := []stream.Message{message(filter, n0, last)}
	for i := range n - 1 {
		msgs = append(msgs, follower(filter, n0+1+i))
	}
	return msgs
}

// appendAll appends and returns the last sequence.
func appendAll(t testing.TB, l *stream.Ledger, msgs ...stream.Message) uint64 {
	t.Helper()
	seq, err := l.Append(t.Context(), msgs)
	if err != nil {
		t.Fatal(err)
	}
	return seq
}

// readAll returns the ledger's entries.
func readAll(t testing.TB, l *stream.Ledger) []stream.Entry {
	t.Helper()
	var all []stream.Entry
	err := l.Read(t.Context(), 1, func(entries []stream.Entry) error {
		all = append(all, entries...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// session is a user with a key and a JWT, as a gate would make one.
type session struct {
	key    nkeys.KeyPair
	public string
	inbox  string
	jwt    string
}

// newKey makes a user's nkey.
func newKey(t testing.TB) (nkeys.KeyPair, string) {
	t.Helper()
	key, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	public, err := key.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	return key, public
}

// mint makes a session of this name and scope.
func mint(t testing.TB, s *embedded.Server, name string, scope stream.Scope, ttl time.Duration) session {
	t.Helper()
	key, public := newKey(t)
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

// user is the session as an honest client uses it.
func (s session) user() *stream.User {
	return &stream.User{JWT: func() (string, error) { return s.jwt, nil }, Sign: s.key.Sign, Inbox: s.inbox}
}

// dial connects over TCP, as the user or, with nil, as a guest.
func dial(t testing.TB, s *embedded.Server, u *stream.User) *stream.Conn {
	t.Helper()
	c, err := stream.Dial(t.Context(), stream.Options{URL: s.URL(), User: u})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// raw connects as a hostile client does: with the session's JWT and key, and whatever else it likes.
func raw(t testing.TB, s *embedded.Server, u session, opts ...nats.Option) *nats.Conn {
	t.Helper()
	auth := nats.UserJWT(func() (string, error) { return u.jwt, nil }, u.key.Sign)
	quiet := nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {})
	opts = append([]nats.Option{auth, quiet, nats.CustomInboxPrefix("_I." + u.inbox)}, opts...)
	c, err := nats.Connect(s.URL(), opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// serve runs a service until the test ends.
func serve(t testing.TB, l *stream.Ledger, subject string, handle stream.Handler) {
	t.Helper()
	ln, err := l.Listen(subject, "", 64)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := ln.Serve(ctx, handle); !errors.Is(err, context.Canceled) {
			t.Errorf("serving %s: %v", subject, err)
		}
	}()
	t.Cleanup(func() { cancel(); <-done })
}

// whoami answers with the caller.
func whoami(_ context.Context, r *stream.Request) ([]byte, error) { return []byte(r.Caller), nil }

// ignore is a handler of entries.
func ignore([]stream.Entry, uint64) error { return nil }
