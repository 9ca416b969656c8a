package web_test

import (
	"context"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/node"
	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/projections/chart"
	"github.com/phrledger/phr/web"
)

// browser reaches a node as a page does.
type browser struct {
	ctx context.Context
	url string
}

func (b browser) Dial(string, string) (net.Conn, error) {
	c, _, err := open(b.ctx, b.url)
	if err != nil {
		return nil, err
	}
	return websocket.NetConn(b.ctx, c, websocket.MessageBinary), nil
}

func (browser) SkipTLSHandshake() bool { return true }

func open(ctx context.Context, url string) (*websocket.Conn, *http.Response, error) {
	return websocket.Dial(ctx, url+"/nats", &websocket.DialOptions{HTTPHeader: http.Header{"Origin": {url}}})
}

// A person who comes by the page does all that they do over TCP.
func TestPersonByWebSocket(t *testing.T) {
	n, err := node.Start(t.Context(), node.Config{Dir: t.TempDir(), Listen: "127.0.0.1:0"})
	must(t, err)
	ctx, stop := context.WithCancel(t.Context())
	ran := make(chan error, 1)
	go func() { ran <- n.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		must(t, <-ran)
		must(t, n.Close())
	})
	<-n.Ready()
	url := served(t, web.Config{Node: n.URL()})
	home, err := client.NewHome()
	must(t, err)
	c, err := client.Dial(t.Context(), client.Config{Home: home, Node: n.URL(), Dialer: browser{t.Context(), url}})
	must(t, err)
	defer c.Close()
	must(t, c.RegisterPatient(t.Context()))
	b, err := c.Book(t.Context(), c.GID(), ledger.Health)
	must(t, err)
	long := strings.Repeat("Slept well. ", 20_000) // more than a buffer, both ways
	_, err = b.Write(t.Context(), []client.Draft{{Kind: chart.Written, Media: chart.Note, Body: []byte(long)}}, nil)
	must(t, err)
	again, err := client.Dial(t.Context(), client.Config{Home: home, Node: n.URL(), Dialer: browser{t.Context(), url}})
	must(t, err)
	defer again.Close()
	b, err = again.Book(t.Context(), c.GID(), ledger.Health)
	must(t, err)
	records, err := b.Records(t.Context())
	if err != nil || len(records) != 1 || string(records[0].Body) != long {
		t.Errorf("%d records, %v", len(records), err)
	}
}

// listen stands in for a node that does as one connection is told.
func listen(t *testing.T, act func(net.Conn)) protocol.URL {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			act(c)
		}
	}()
	return protocol.URL{Address: l.Addr().String()}
}

// The browser is told why its connection is over.
func TestPipeEnds(t *testing.T) {
	echo := func(c net.Conn) {
		b := make([]byte, 5)
		if n, err := c.Read(b); err == nil {
			_, _ = c.Write(b[:n])
		}
		c.Close()
	}
	nobody := listen(t, func(net.Conn) {})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	nobody.Address = l.Addr().String()
	must(t, l.Close())
	for _, tt := range []struct {
		name string
		node protocol.URL
		kind websocket.MessageType
		want websocket.StatusCode
	}{
		{"the node has gone", listen(t, echo), websocket.MessageBinary, websocket.StatusGoingAway},
		{"the node is away", nobody, websocket.MessageBinary, websocket.StatusTryAgainLater},
		{"text was sent", listen(t, func(net.Conn) {}), websocket.MessageText, websocket.StatusUnsupportedData},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, _, err := open(t.Context(), served(t, web.Config{Node: tt.node}))
			must(t, err)
			defer c.CloseNow()
			_ = c.Write(t.Context(), tt.kind, []byte("PING\n")) // it may be over already
			for err == nil {
				_, _, err = c.Read(t.Context())
			}
			if got := websocket.CloseStatus(err); got != tt.want {
				t.Errorf("closed with %d, want %d: %v", got, tt.want, err)
			}
		})
	}
}

// When a browser goes, so does its connection to the node.
func TestBrowserGoes(t *testing.T) {
	gone := make(chan error, 1)
	node := listen(t, func(c net.Conn) {
		_, err := c.Read(make([]byte, 1))
		gone <- err
	})
	c, _, err := open(t.Context(), served(t, web.Config{Node: node}))
	must(t, err)
	must(t, c.Close(websocket.StatusNormalClosure, ""))
	if err := <-gone; err == nil {
		t.Error("the node reads on")
	}
}

// A message beyond the limit ends the connection.
func TestPipeLimit(t *testing.T) {
	node := listen(t, func(c net.Conn) {
		for b := make([]byte, 1<<16); ; {
			if _, err := c.Read(b); err != nil {
				return
			}
		}
	})
	c, _, err := open(t.Context(), served(t, web.Config{Node: node}))
	must(t, err)
	defer c.CloseNow()
	_ = c.Write(t.Context(), websocket.MessageBinary, make([]byte, 5<<20)) // it may be over before all is sent
	if _, _, err := c.Read(t.Context()); websocket.CloseStatus(err) != websocket.StatusMessageTooBig {
		t.Errorf("closed with %v", err)
	}
}

// A browser that does not read holds the node up, and nothing piles up in between.
func TestSlowBrowser(t *testing.T) {
	const much = 256 << 20
	taken := make(chan int, 1)
	node := listen(t, func(c net.Conn) {
		defer c.Close()
		part, sum := make([]byte, 1<<20), 0
		for ; sum < much; sum += len(part) {
			_ = c.SetWriteDeadline(time.Now().Add(time.Second))
			if _, err := c.Write(part); err != nil {
				break
			}
		}
		taken <- sum
	})
	c, _, err := open(t.Context(), served(t, web.Config{Node: node}))
	must(t, err)
	defer c.CloseNow()
	if sum := <-taken; sum >= much/4 {
		t.Errorf("%d MiB went out to a browser that reads nothing", sum>>20)
	}
}
