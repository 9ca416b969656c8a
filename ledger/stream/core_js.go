package stream

import (
	"errors"
	"net"
	"time"

	"github.com/phrledger/phr/ledger/stream/lean"
)

// What a person's connection is made of in a browser: nats.go and its TLS would be a quarter of the program.
type (
	core         = lean.Conn
	message      = lean.Msg
	subscription = lean.Subscription
)

var (
	errAuthExpired         = lean.ErrAuthExpired
	errAuthRevoked         = lean.ErrAuthRevoked
	errAuthorization       = lean.ErrAuthorization
	errConnectionClosed    = lean.ErrConnectionClosed
	errNoResponders        = lean.ErrNoResponders
	errPermissionViolation = lean.ErrPermissionViolation
)

// connect makes the connection to a node.
func (c *Conn) connect(o Options, timeout time.Duration) (*core, error) {
	if o.Dialer == nil {
		return nil, errors.New("a browser needs a way to the node")
	}
	l := lean.Options{
		Dial:  func() (net.Conn, error) { return o.Dialer.Dial("tcp", o.URL) },
		Inbox: c.inbox, Reconnect: o.Reconnect, Timeout: timeout,
		Failed: c.note,
		Closed: func() { close(c.closed) },
	}
	if o.User != nil {
		l.JWT, l.Sign = o.User.JWT, o.User.Sign
	}
	return lean.Connect(l)
}
