// Package lean speaks as much of the NATS protocol as a person's connection to a node needs: to connect as a guest or in a session, to ask,
// and to receive what was asked for. It is for browsers alone, where nats.go and the TLS that it brings would be a quarter of the program.
// Names and behaviour are those of nats.go, but for this: when a connection is lost, everything under way fails at once, so that whoever
// waits asks again.
package lean

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nuid"
)

// The errors that callers tell apart, as in nats.go.
var (
	ErrAuthExpired         = errors.New("nats: authentication expired")
	ErrAuthRevoked         = errors.New("nats: authentication revoked")
	ErrAuthorization       = errors.New("nats: authorization violation")
	ErrConnectionClosed    = errors.New("nats: connection closed")
	ErrNoResponders        = errors.New("nats: no responders available for request")
	ErrPermissionViolation = errors.New("nats: permissions violation")
)

const (
	reconnectWait = 2 * time.Second // between two attempts
	pingEvery     = 30 * time.Second
	maxPings      = 2 // without an answer, and the connection is taken for lost
	writeTimeout  = 10 * time.Second
)

// Options say how to connect, and as whom.
type Options struct {
	Dial      func() (net.Conn, error)
	Inbox     string                             // prefix of where replies go
	JWT       func() (string, error)             // nil for a guest
	Sign      func(nonce []byte) ([]byte, error) // with the JWT's key
	Reconnect bool                               // when the connection is lost, until Close
	Timeout   time.Duration                      // of one attempt
	Failed    func(error)                        // hears of what the server refuses, and why a connection was lost
	Closed    func()                             // hears that there will be no other; LastError says why
}

// Conn is a connection to a node. It is safe for concurrent use.
type Conn struct {
	o     Options
	inbox string // where answers to requests go, without their last token

	mu       sync.Mutex
	nc       net.Conn // nil while there is none
	changed  chan struct{}
	subs     map[uint64]*Subscription
	last     uint64 // sid
	requests map[string]chan *Msg
	closed   bool
	err      error // why the last connection ended
	at       int   // pings without an answer

	writing sync.Mutex
}

// Connect connects. Its user closes it.
func Connect(o Options) (*Conn, error) {
	c := &Conn{o: o, changed: make(chan struct{}), subs: make(map[uint64]*Subscription), requests: make(map[string]chan *Msg)}
	c.inbox = c.NewInbox()
	nc, r, err := c.open()
	if err != nil {
		return nil, err
	}
	go c.run(nc, r)
	return c, nil
}

// NewInbox returns a subject for replies that nobody else has.
func (c *Conn) NewInbox() string { return c.o.Inbox + "." + nuid.Next() }

// IsConnected tells whether there is a connection now.
func (c *Conn) IsConnected() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.nc != nil
}

// LastError returns why the last connection ended.
func (c *Conn) LastError() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// Close ends the connection, and what is under way.
func (c *Conn) Close() {
	c.mu.Lock()
	c.closed = true
	nc := c.nc
	c.stir()
	c.mu.Unlock()
	if nc != nil {
		nc.Close()
	}
}

// ForceReconnect connects anew, with the newest JWT.
func (c *Conn) ForceReconnect() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return ErrConnectionClosed
	}
	if c.nc != nil {
		c.nc.Close()
	}
	return nil
}

// stir wakes who waits for a connection. The lock is held.
func (c *Conn) stir() {
	close(c.changed)
	c.changed = make(chan struct{})
}

// run reads from one connection after the other.
func (c *Conn) run(nc net.Conn, r *bufio.Reader) {
	defer c.o.Closed()
	for {
		stop := c.keepAlive(nc)
		err := c.read(r)
		stop()
		nc.Close()
		if !c.lost(err) || !c.o.Reconnect {
			c.end()
			return
		}
		if nc, r = c.again(err); nc == nil {
			c.end()
			return
		}
	}
}

// again connects until that goes well. It gives up, and returns nil, when the node has refused the same twice.
func (c *Conn) again(before error) (net.Conn, *bufio.Reader) {
	for {
		nc, r, err := c.open()
		if err == nil {
			return nc, r
		}
		if c.isClosed() || isRefusal(err) && errors.Is(before, err) {
			c.fail(err)
			return nil, nil
		}
		c.fail(err)
		before = err
		c.pause(reconnectWait)
	}
}

func isRefusal(err error) bool {
	return errors.Is(err, ErrAuthExpired) || errors.Is(err, ErrAuthorization) || errors.Is(err, ErrAuthRevoked)
}

func (c *Conn) isClosed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closed
}

// pause waits, unless it is closed first.
func (c *Conn) pause(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	for {
		c.mu.Lock()
		closed, changed := c.closed, c.changed
		c.mu.Unlock()
		if closed {
			return
		}
		select {
		case <-changed:
		case <-timer.C:
			return
		}
	}
}

func (c *Conn) fail(err error) {
	c.mu.Lock()
	c.err = err
	c.mu.Unlock()
	c.o.Failed(err)
}

// lost ends what is under way, and tells whether another connection is wanted.
func (c *Conn) lost(err error) bool {
	c.mu.Lock()
	c.nc, c.err = nil, err
	for _, s := range c.subs {
		s.finish()
	}
	clear(c.subs)
	for _, answer := range c.requests {
		close(answer)
	}
	clear(c.requests)
	closed := c.closed
	c.stir()
	c.mu.Unlock()
	if !closed {
		c.o.Failed(err)
	}
	return !closed
}

func (c *Conn) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	c.stir()
}

// keepAlive asks now and then whether the other side is there, until stop is called.
func (c *Conn) keepAlive(nc net.Conn) (stop func()) {
	done := make(chan struct{})
	go func() {
		tick := time.NewTicker(pingEvery)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
			}
			c.mu.Lock()
			c.at++
			late := c.at > maxPings
			c.mu.Unlock()
			if late || c.write(nc, []byte("PING\r\n")) != nil {
				nc.Close()
				return
			}
		}
	}()
	return func() { close(done) }
}

// write sends bytes that belong together.
func (c *Conn) write(nc net.Conn, b []byte) error {
	c.writing.Lock()
	defer c.writing.Unlock()
	if err := nc.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	_, err := nc.Write(b)
	return err
}

// send writes on the connection there is, or the next one.
func (c *Conn) send(ctx context.Context, b []byte) error {
	for {
		c.mu.Lock()
		nc, closed, changed := c.nc, c.closed, c.changed
		c.mu.Unlock()
		switch {
		case closed:
			return ErrConnectionClosed
		case nc != nil:
			if err := c.write(nc, b); err != nil {
				nc.Close()
				return fmt.Errorf("%w: %w", ErrConnectionClosed, err)
			}
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// refusalOf makes the server's text one of our errors.
func refusalOf(text string) error {
	lower := strings.ToLower(text)
	switch {
	case strings.Contains(lower, "permissions violation"):
		return fmt.Errorf("%w: %s", ErrPermissionViolation, text)
	case strings.Contains(lower, "authentication expired"):
		return ErrAuthExpired
	case strings.Contains(lower, "authentication revoked"):
		return ErrAuthRevoked
	case strings.Contains(lower, "authorization violation"):
		return ErrAuthorization
	}
	return errors.New("nats: " + text)
}

func number(b string) (int, error) {
	n, err := strconv.ParseUint(b, 10, 31)
	return int(n), err
}
