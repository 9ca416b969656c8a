package vault

import (
	"errors"
	"net"
	"sync"

	"github.com/phrledger/phr/ledger/stream"
)

// The states of a line: see view.Connection.
const (
	online       = "online"
	reconnecting = "reconnecting"
	offline      = "offline"
)

// line is the way to the node. It tells whether that is open: it sees every connection begin and end.
type line struct {
	by   stream.Dialer
	told func(state string)

	mu   sync.Mutex
	now  string
	live int // connections
}

func newLine(by stream.Dialer, told func(string)) *line {
	return &line{by: by, told: told, now: online}
}

// SkipTLSHandshake says whether the stream is protected already.
func (l *line) SkipTLSHandshake() bool {
	s, ok := l.by.(interface{ SkipTLSHandshake() bool })
	return ok && s.SkipTLSHandshake()
}

// Dial implements stream.Dialer.
func (l *line) Dial(network, address string) (net.Conn, error) {
	c, err := l.by.Dial(network, address)
	if err != nil {
		l.set(offline)
		return nil, err
	}
	l.begun()
	return &call{Conn: c, l: l}, nil
}

func (l *line) begun() {
	l.mu.Lock()
	l.live++
	l.mu.Unlock()
	l.set(online)
}

// ended counts a connection out. The other side ends one when a session is over; when it has ended the last one, there is no way to it.
func (l *line) ended(byPeer bool) {
	l.mu.Lock()
	l.live--
	last := l.live == 0
	l.mu.Unlock()
	if byPeer && last {
		l.set(reconnecting)
	}
}

func (l *line) state() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.now
}

func (l *line) set(state string) {
	l.mu.Lock()
	changed := l.now != state
	l.now = state
	l.mu.Unlock()
	if changed {
		l.told(state)
	}
}

// call is one connection.
type call struct {
	net.Conn
	l    *line
	once sync.Once // until it has ended
}

// Read tells if the other side has ended it.
func (c *call) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	var passing net.Error
	if err != nil && !(errors.As(err, &passing) && passing.Timeout()) {
		c.once.Do(func() { c.l.ended(true) })
	}
	return n, err
}

func (c *call) Close() error {
	c.once.Do(func() { c.l.ended(false) })
	return c.Conn.Close()
}
