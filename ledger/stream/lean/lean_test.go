package lean_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nkeys"
	"go.uber.org/goleak"

	"github.com/phrledger/phr/ledger/stream"
	"github.com/phrledger/phr/ledger/stream/embedded"
	"github.com/phrledger/phr/ledger/stream/lean"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// place is a server, and a way to it that can be cut.
type place struct {
	t      testing.TB
	server *embedded.Server
	mu     sync.Mutex
	down   bool
	open   []net.Conn
	failed chan error
	closed chan struct{}
}

func start(t testing.TB) *place {
	t.Helper()
	s, err := embedded.Start(t.Context(), embedded.Config{Dir: t.TempDir()})
	must(t, err)
	t.Cleanup(s.Close)
	return &place{t: t, server: s, failed: make(chan error, 100), closed: make(chan struct{})}
}

func (p *place) dial() (net.Conn, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.down {
		return nil, errors.New("the line is cut")
	}
	c, err := p.server.Dial("", "")
	p.open = append(p.open, c)
	return c, err
}

func (p *place) cut(down bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = down
	for _, c := range p.open {
		if down {
			c.Close()
		}
	}
	p.open = nil
}

func (p *place) options() lean.Options {
	return lean.Options{
		Dial: p.dial, Inbox: "_G.test", Timeout: 5 * time.Second,
		Failed: func(err error) { p.failed <- err }, Closed: func() { close(p.closed) },
	}
}

func (p *place) connect(o lean.Options) *lean.Conn {
	p.t.Helper()
	c, err := lean.Connect(o)
	must(p.t, err)
	p.t.Cleanup(func() {
		c.Close()
		<-p.closed
	})
	return c
}

// session are the options of a session that may read by the consumer c1.
func (p *place) session(ttl time.Duration) lean.Options {
	p.t.Helper()
	key, err := nkeys.CreateUser()
	must(p.t, err)
	public, err := key.PublicKey()
	must(p.t, err)
	scope := stream.Scope{Inbox: "inbox", Consumers: []string{"c1"}}
	grant, err := scope.Grant(public, "alice", time.Now().Add(ttl))
	must(p.t, err)
	jwt, err := p.server.MintUser(grant)
	must(p.t, err)
	o := p.options()
	o.Inbox, o.JWT, o.Sign = "_I.inbox", func() (string, error) { return jwt, nil }, key.Sign
	return o
}

// echo answers what guests ask of dir.node.
func (p *place) echo() {
	l, err := p.server.Ledger().Listen("dir.node", "", 64)
	must(p.t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = l.Serve(ctx, func(_ context.Context, r *stream.Request) ([]byte, error) { return r.Data, nil })
	}()
	p.t.Cleanup(func() { cancel(); <-done })
}

func TestAsk(t *testing.T) {
	p := start(t)
	c := p.connect(p.options())
	if _, err := c.RequestWithContext(t.Context(), "dir.node", nil); !errors.Is(err, lean.ErrNoResponders) {
		t.Errorf("nobody serves: %v", err)
	}
	p.echo()
	for _, want := range [][]byte{nil, []byte("x"), bytes.Repeat([]byte("\r\nPING\r\n"), 10_000)} {
		m, err := c.RequestWithContext(t.Context(), "dir.node", want)
		if err != nil || !bytes.Equal(m.Data, want) {
			t.Fatalf("asked with %d bytes: %v", len(want), err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	if _, err := c.RequestWithContext(ctx, "ledger.secret", nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("what a guest may not ask: %v", err)
	}
	if err := <-p.failed; !errors.Is(err, lean.ErrPermissionViolation) {
		t.Errorf("what a guest may not ask: %v", err)
	}
}

func TestManyAsk(t *testing.T) {
	p := start(t)
	p.echo()
	c := p.connect(p.options())
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() {
			want := fmt.Append(nil, i)
			if m, err := c.RequestWithContext(t.Context(), "dir.node", want); err != nil || !bytes.Equal(m.Data, want) {
				t.Errorf("%d: %v", i, err)
			}
		})
	}
	all.Wait()
}

func TestPull(t *testing.T) {
	p := start(t)
	l := p.server.Ledger()
	const chain = "phr.aa.alice.health."
	for i := range 3 {
		_, err := l.Append(t.Context(), []stream.Message{{
			Subject: chain + "record-written", Filter: chain + ">", ID: fmt.Sprint(i), Data: fmt.Append(nil, "entry ", i), LastSeq: uint64(i), Expect: true,
		}})
		must(t, err)
	}
	must(t, l.CreateConsumer(t.Context(), stream.Consumer{Name: "c1", Filter: chain + ">"}))
	c := p.connect(p.session(time.Minute))
	inbox := c.NewInbox()
	sub, err := c.SubscribeSync(inbox + ".*")
	must(t, err)
	must(t, c.PublishRequest("PHRJS.CONSUMER.MSG.NEXT."+stream.LedgerName+".c1", inbox+".1", []byte(`{"batch":3}`)))
	for i := range uint64(3) {
		m, err := sub.NextMsgWithContext(t.Context())
		must(t, err)
		meta, err := m.Metadata()
		if err != nil || meta.Sequence.Stream != i+1 || meta.Sequence.Consumer != i+1 || meta.NumPending != 2-i || meta.Timestamp.IsZero() {
			t.Errorf("entry %d: %+v, %v", i, meta, err)
		}
		if m.Header.Get("Nats-Msg-Id") != fmt.Sprint(i) || string(m.Data) != fmt.Sprintf("entry %d", i) {
			t.Errorf("entry %d: %q %q", i, m.Header, m.Data)
		}
	}
	must(t, sub.Unsubscribe())
	if _, err := sub.NextMsgWithContext(t.Context()); !errors.Is(err, lean.ErrConnectionClosed) {
		t.Errorf("after it ended: %v", err)
	}
}

// When the connection is lost, what is under way fails at once, and what is asked then waits for the next connection.
func TestReconnect(t *testing.T) {
	p := start(t)
	p.echo()
	o := p.options()
	o.Reconnect = true
	c := p.connect(o)
	sub, err := c.SubscribeSync(c.NewInbox())
	must(t, err)
	p.cut(true)
	if _, err := sub.NextMsgWithContext(t.Context()); !errors.Is(err, lean.ErrConnectionClosed) {
		t.Errorf("waiting while it was lost: %v", err)
	}
	<-p.failed
	<-p.failed // the first try to connect
	if c.IsConnected() {
		t.Error("it is connected over a line that is cut")
	}
	p.cut(false)
	if m, err := c.RequestWithContext(t.Context(), "dir.node", []byte("again")); err != nil || string(m.Data) != "again" {
		t.Errorf("after it came back: %v", err)
	}
	must(t, c.ForceReconnect())
	if m, err := c.RequestWithContext(t.Context(), "dir.node", []byte("anew")); err != nil && !errors.Is(err, lean.ErrConnectionClosed) || err == nil && string(m.Data) != "anew" {
		t.Errorf("connecting anew: %v", err)
	}
}

func TestRefused(t *testing.T) {
	p := start(t)
	o := p.session(time.Minute)
	o.Sign = func([]byte) ([]byte, error) { return make([]byte, 64), nil }
	if _, err := lean.Connect(o); !errors.Is(err, lean.ErrAuthorization) {
		t.Errorf("signed with another key: %v", err)
	}
	o = p.session(2 * time.Second)
	o.Reconnect = true
	c, err := lean.Connect(o)
	must(t, err)
	<-p.closed // it gives up: the JWT stays what it is
	if err := c.LastError(); !errors.Is(err, lean.ErrAuthExpired) && !errors.Is(err, lean.ErrAuthorization) {
		t.Errorf("after its time: %v", err)
	}
	if _, err := c.RequestWithContext(t.Context(), "dir.node", nil); !errors.Is(err, lean.ErrConnectionClosed) {
		t.Errorf("asking after its time: %v", err)
	}
}

func TestClose(t *testing.T) {
	p := start(t)
	c := p.connect(p.options())
	sub, err := c.SubscribeSync(c.NewInbox())
	must(t, err)
	c.Close()
	if _, err := sub.NextMsgWithContext(t.Context()); !errors.Is(err, lean.ErrConnectionClosed) {
		t.Errorf("waiting on what was closed: %v", err)
	}
	if _, err := c.SubscribeSync("x"); !errors.Is(err, lean.ErrConnectionClosed) {
		t.Errorf("subscribing to what was closed: %v", err)
	}
}

// FuzzServer has a server say anything: the connection ends, or goes on, and nothing else happens.
func FuzzServer(f *testing.F) {
	f.Add([]byte("INFO {\"nonce\":\"x\"}\r\nPONG\r\nMSG a.b 0 3\r\nabc\r\nPING\r\n"))
	f.Add([]byte("INFO {}\r\nPONG\r\nHMSG a 1 r 16 16\r\nNATS/1.0 503\r\n\r\n\r\n-ERR 'Permissions Violation'\r\n"))
	f.Add([]byte("INFO {}\r\n-ERR 'Authorization Violation'\r\n"))
	f.Add([]byte("INFO {}\r\nPONG\r\nHMSG a 1 99 4\r\n"))
	f.Fuzz(func(t *testing.T, said []byte) {
		ours, theirs := net.Pipe()
		go func() { _, _ = io.Copy(io.Discard, theirs) }()
		go func() {
			_, _ = theirs.Write(said) // as far as it is read
			theirs.Close()
		}()
		closed := make(chan struct{})
		c, err := lean.Connect(lean.Options{
			Dial: func() (net.Conn, error) { return ours, nil }, Inbox: "_G", Timeout: 5 * time.Second,
			Failed: func(error) {}, Closed: func() { close(closed) },
		})
		if err == nil {
			c.Close()
			<-closed
		}
	})
}
