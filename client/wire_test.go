package client_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"sync"

	"github.com/phrledger/phr/ledger/stream"
)

// wire is a way to the node that a test watches and cuts.
type wire struct {
	mu   sync.Mutex
	to   stream.Dialer
	each func(request []byte) fate // asked about everything that a person sends; nil lets all pass
	open map[net.Conn]bool
	dead bool
}

// fate is what becomes of something sent.
type fate int

const (
	passes     fate = iota
	lostBefore      // the wire breaks before the node gets it
	lostAfter       // the wire breaks when the node has it, before it answers
	dropped         // this connection alone breaks when the node has it
)

var errCut = errors.New("the wire is cut")

func newWire(to stream.Dialer) *wire { return &wire{to: to, open: make(map[net.Conn]bool)} }

// Dial implements stream.Dialer.
func (w *wire) Dial(network, address string) (net.Conn, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.dead {
		return nil, errCut
	}
	conn, err := w.to.Dial(network, address)
	if err != nil {
		return nil, err
	}
	w.open[conn] = true
	return &wired{conn, w}, nil
}

// cut breaks every connection, for good.
func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dead = true
	for conn := range w.open {
		conn.Close()
	}
}

// lead makes new connections go elsewhere.
func (w *wire) lead(to stream.Dialer) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.to = to
}

type wired struct {
	net.Conn
	wire *wire
}

// Write implements net.Conn.
func (c *wired) Write(p []byte) (int, error) {
	c.wire.mu.Lock()
	each, dead := c.wire.each, c.wire.dead
	c.wire.mu.Unlock()
	if dead {
		return 0, errCut
	}
	what := passes
	if each != nil {
		what = each(p)
	}
	if what == lostBefore {
		c.wire.cut()
		return 0, errCut
	}
	n, err := c.Conn.Write(p)
	switch what {
	case lostAfter:
		c.wire.cut()
	case dropped:
		c.Conn.Close()
		return n, io.ErrClosedPipe
	}
	return n, err
}

// asks tells whether what is sent has a request to a subject in it.
func asks(sent []byte, subject string) bool { return bytes.Contains(sent, []byte("PUB "+subject)) }
