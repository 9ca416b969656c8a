package stream_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/phrledger/phr/ledger/stream"
)

// reader is a session that reads alice's health by the consumer c1.
var reader = stream.Scope{Consumers: []string{"c1"}}

func TestFetch(t *testing.T) {
	s := start(t, t.TempDir())
	l := s.Ledger()
	appendAll(t, l, append(run(aliceHealth, 0, 3, 0), run(bobHealth, 0, 2, 0)...)...)
	if err := l.CreateConsumer(t.Context(), stream.Consumer{Name: "c1", Filter: aliceHealth}); err != nil {
		t.Fatal(err)
	}
	a := mint(t, s, "alice", reader, time.Minute)
	c := dial(t, s, a.user())
	fetch := func(want ...uint64) {
		t.Helper()
		var got []uint64
		err := c.Fetch(t.Context(), "c1", func(entries []stream.Entry, pending uint64) error {
			for _, e := range entries {
				got = append(got, e.Seq)
				if e.Subject != "phr.aa.alice.health.record-written" || e.ID == "" || len(e.Data) == 0 {
					t.Errorf("fetched %+v", e)
				}
			}
			if int(pending) != len(want)-len(got) {
				t.Errorf("pending %d after %d of %d", pending, len(got), len(want))
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != len(want) {
			t.Fatalf("fetched %v, want %v", got, want)
		}
		for i := range got {
			if got[i] != want[i] {
				t.Fatalf("fetched %v, want %v", got, want)
			}
		}
	}
	fetch(1, 2, 3)
	fetch()
	appendAll(t, l, message(aliceHealth, 3, 3))
	fetch(6)

	if err := l.CreateConsumer(t.Context(), stream.Consumer{Name: "c1", Filter: aliceHealth}); err != nil {
		t.Errorf("making it again: %v", err)
	}
	for range 2 {
		if err := l.DeleteConsumer(t.Context(), "c1"); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Fetch(t.Context(), "c1", ignore); !errors.Is(err, stream.ErrNoConsumer) {
		t.Errorf("fetching from a deleted consumer: %v", err)
	}
	if err := l.CreateConsumer(t.Context(), stream.Consumer{Name: "c1", Filter: aliceHealth, From: 3}); err != nil {
		t.Fatal(err)
	}
	fetch(3, 6)
}

func TestTail(t *testing.T) {
	s := start(t, t.TempDir())
	l := s.Ledger()
	appendAll(t, l, message(aliceHealth, 0, 0))
	if err := l.CreateConsumer(t.Context(), stream.Consumer{Name: "c1", Filter: aliceHealth}); err != nil {
		t.Fatal(err)
	}
	c := dial(t, s, mint(t, s, "alice", reader, time.Minute).user())
	seen, ended := make(chan uint64), make(chan error)
	go func() {
		ended <- c.Tail(t.Context(), "c1", func(entries []stream.Entry, _ uint64) error {
			for _, e := range entries {
				seen <- e.Seq
			}
			return nil
		})
	}()
	for want := uint64(1); want < 10; want++ {
		if got := <-seen; got != want {
			t.Fatalf("got entry %d, want %d", got, want)
		}
		appendAll(t, l, message(aliceHealth, int(want), want))
	}
	<-seen
	if err := l.DeleteConsumer(t.Context(), "c1"); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !errors.Is(err, stream.ErrNoConsumer) {
		t.Errorf("after its consumer was deleted, Tail ended with %v", err)
	}
}

func TestInProcess(t *testing.T) {
	s := start(t, t.TempDir())
	serve(t, s.Ledger(), "dir.node", whoami)
	a := mint(t, s, "alice", stream.Scope{}, time.Minute)
	for want, u := range map[string]*stream.User{s.Guest(): nil, a.public: a.user()} {
		c, err := stream.Dial(t.Context(), stream.Options{Dialer: s, User: u})
		if err != nil {
			t.Fatal(err)
		}
		if who, err := c.Request(t.Context(), "dir.node", nil); err != nil || string(who) != want {
			t.Errorf("in-process caller is %q, %v; want %q", who, err, want)
		}
		c.Close()
		if err := c.Err(); err != nil {
			t.Errorf("closed by its owner, it says %v", err)
		}
	}
}

// The server closes a connection when its JWT expires, and says so.
func TestExpiryCloses(t *testing.T) {
	s := start(t, t.TempDir())
	c := dial(t, s, mint(t, s, "alice", reader, 2*time.Second).user())
	select {
	case <-c.Closed():
	case <-time.After(10 * time.Second):
		t.Fatal("the session outlived its JWT")
	}
	if err := c.Err(); !errors.Is(err, stream.ErrExpired) {
		t.Errorf("it ended with %v", err)
	}
}

func TestKick(t *testing.T) {
	s := start(t, t.TempDir())
	a, b := mint(t, s, "alice", reader, time.Minute), mint(t, s, "bob", reader, time.Minute)
	first, second, other := dial(t, s, a.user()), dial(t, s, a.user()), dial(t, s, b.user())
	began := time.Now()
	if err := s.Kick(a.public); err != nil {
		t.Fatal(err)
	}
	<-first.Closed()
	<-second.Closed()
	if took := time.Since(began); took > time.Second {
		t.Errorf("it took %v", took)
	}
	if err := first.Err(); !errors.Is(err, stream.ErrDropped) {
		t.Errorf("the kicked one ended with %v", err)
	}
	serve(t, s.Ledger(), "dir.node", whoami)
	if _, err := other.Request(t.Context(), "dir.node", nil); err != nil {
		t.Errorf("another session was hit: %v", err)
	}
}

// A session is renewed over the same connection object, with the same key and inbox.
func TestRenew(t *testing.T) {
	s := start(t, t.TempDir())
	serve(t, s.Ledger(), "dir.node", whoami)
	a := mint(t, s, "alice", reader, 3*time.Second)
	asked := 0
	user := a.user()
	user.JWT = func() (string, error) {
		if asked++; asked == 1 {
			return a.jwt, nil
		}
		g, err := stream.Scope{Inbox: a.inbox}.Grant(a.public, "alice", time.Now().Add(time.Minute))
		if err != nil {
			return "", err
		}
		return s.MintUser(g)
	}
	c, err := stream.Dial(t.Context(), stream.Options{URL: s.URL(), User: user, Reconnect: true})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Renew(); err != nil {
		t.Fatal(err)
	}
	if who, err := c.Request(t.Context(), "dir.node", nil); err != nil || string(who) != a.public {
		t.Errorf("after renewal alice is %q, %v", who, err)
	}
	if asked != 2 {
		t.Errorf("the JWT was asked for %d times, want 2", asked)
	}
}

func TestServerStops(t *testing.T) {
	s := start(t, t.TempDir())
	c := dial(t, s, nil)
	s.Close()
	<-c.Closed()
	if err := c.Err(); !errors.Is(err, stream.ErrDropped) {
		t.Errorf("it ended with %v", err)
	}
	if _, err := c.Request(t.Context(), "dir.node", nil); err == nil {
		t.Error("a stopped server answered")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if _, err := stream.Dial(ctx, stream.Options{URL: "nats://127.0.0.1:1"}); err == nil {
		t.Error("connected to nobody")
	}
}
