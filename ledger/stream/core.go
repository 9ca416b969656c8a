//go:build !js

package stream

import (
	"time"

	"github.com/nats-io/nats.go"
)

// What a person's connection is made of, where there is room for it: in a browser, package lean stands in its place.
type (
	core         = nats.Conn
	message      = nats.Msg
	subscription = nats.Subscription
)

var (
	errAuthExpired         = nats.ErrAuthExpired
	errAuthRevoked         = nats.ErrAuthRevoked
	errAuthorization       = nats.ErrAuthorization
	errConnectionClosed    = nats.ErrConnectionClosed
	errNoResponders        = nats.ErrNoResponders
	errPermissionViolation = nats.ErrPermissionViolation
)

// connect makes the connection to a node.
func (c *Conn) connect(o Options, timeout time.Duration) (*core, error) {
	n := nats.GetDefaultOptions()
	n.Url, n.CustomDialer, n.InboxPrefix = o.URL, o.Dialer, c.inbox
	if n.Url == "" {
		n.Url = "nats://127.0.0.1"
	}
	if o.User != nil {
		n.UserJWT, n.SignatureCB = o.User.JWT, o.User.Sign
	}
	n.AllowReconnect, n.MaxReconnect = o.Reconnect, -1
	n.IgnoreDiscoveredServers = true
	n.Timeout = timeout
	n.AsyncErrorCB = func(_ *nats.Conn, _ *nats.Subscription, err error) { c.note(err) }
	n.DisconnectedErrCB = func(_ *nats.Conn, err error) { c.note(err) }
	n.ClosedCB = func(nc *nats.Conn) { c.note(nc.LastError()); close(c.closed) }
	return n.Connect()
}
