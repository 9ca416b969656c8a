package stream

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nuid"
)

// Why a connection ended by itself.
var (
	// ErrExpired says that the session's time was up.
	ErrExpired = errors.New("the session has expired")
	// ErrDropped says that the node closed the connection, because it ended the session or stopped, or the network did.
	ErrDropped = errors.New("the node has closed the connection")
	// ErrRefused says that the node does not accept the session's credentials.
	ErrRefused = errors.New("the node has refused the session")
	// ErrUnreachable says that no connection came about.
	ErrUnreachable = errors.New("the node can't be reached")
)

// A Dialer makes the byte stream under a connection: a browser's WebSocket, or a node in this process. If it has a
// method SkipTLSHandshake that returns true, the stream is protected already.
type Dialer interface {
	Dial(network, address string) (net.Conn, error)
}

// Options say where a node is and as whom to connect.
type Options struct {
	URL    string // "nats://host:port"; may be empty with a Dialer that needs none
	Dialer Dialer // nil: TCP
	User   *User  // nil: as a guest
	// Reconnect makes a dropped connection come back, with the JWT that User then gives. Requests and fetches under way
	// fail all the same.
	Reconnect bool
}

// A User is a session's side of its credentials.
type User struct {
	JWT   func() (string, error)             // the session's newest JWT, asked for at every connect
	Sign  func(nonce []byte) ([]byte, error) // by the session's nkey, whose seed never leaves its owner
	Inbox string                             // the random token the session was given
}

// ackTimeout bounds one wait for the server when the caller's context has no nearer end. A server without a leader never answers.
const ackTimeout = 10 * time.Second

// dialTimeout bounds one attempt to connect when the context has no nearer end.
const dialTimeout = 10 * time.Second

// A Conn is a person's connection to a node, as a guest or in a session. It is safe for concurrent use.
type Conn struct {
	conn   *core
	inbox  string // prefix of where replies go
	closed chan struct{}

	mu      sync.Mutex
	ended   bool             // by Close
	reason  error            // what the server said before it closed
	waiting map[*waiter]bool // requests under way
}

// A waiter is a request under way.
type waiter struct {
	subject string
	cancel  context.CancelCauseFunc
}

// Dial connects to a node. The caller must close the connection.
func Dial(ctx context.Context, o Options) (*Conn, error) {
	c := &Conn{closed: make(chan struct{}), waiting: make(map[*waiter]bool)}
	c.inbox = guestInbox + "." + nuid.Next()
	if o.User != nil {
		c.inbox = sessionInbox + "." + o.User.Inbox
	}
	timeout := dialTimeout
	if end, ok := ctx.Deadline(); ok {
		timeout = min(timeout, time.Until(end))
	}
	var err error
	if c.conn, err = c.connect(o, timeout); err != nil {
		return nil, fmt.Errorf("connecting to the node: %w", unreachable(err))
	}
	return c, nil
}

// refusal makes the server's way of saying no one of ours.
func refusal(err error) error {
	switch {
	case errors.Is(err, errAuthExpired), err != nil && strings.Contains(strings.ToLower(err.Error()), "authentication expired"):
		return ErrExpired // while connecting, there is only the server's text
	case errors.Is(err, errAuthorization), errors.Is(err, errAuthRevoked):
		return ErrRefused
	}
	return err
}

// unreachable says so where it is the reason that no connection came about.
func unreachable(err error) error {
	if known := refusal(err); known != err {
		return known
	}
	return fmt.Errorf("%w: %w", ErrUnreachable, err)
}

// dropped says so where a connection was found closed under way, before anybody has said why.
func dropped(err error) error {
	if errors.Is(err, errConnectionClosed) {
		return fmt.Errorf("%w: %w", ErrDropped, err)
	}
	return err
}

// note keeps why the connection was lost, if err says so, and ends the requests it says are not allowed: the server
// answers those with an error of the connection, not of the request.
func (c *Conn) note(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if known := refusal(err); known == ErrExpired || known == ErrRefused {
		c.reason = known
	}
	if !errors.Is(err, errPermissionViolation) {
		return
	}
	for w := range c.waiting {
		switch text := err.Error(); {
		case strings.Contains(text, `"`+c.inbox+`.`): // to the server, who has no valid JWT is a guest
			w.cancel(ErrRefused)
		case strings.Contains(text, `"`+w.subject+`"`):
			w.cancel(&Error{
				Code: CodeDenied,
				Text: "this session does not reach " + service(w.subject),
				Hint: "log in, or open a session that does",
			})
		}
	}
}

// Closed is closed when the connection has ended for good; Err then says why.
func (c *Conn) Closed() <-chan struct{} { return c.closed }

// Err returns ErrExpired, ErrRefused or ErrDropped for a connection that ended by itself, and nil for one that lives or
// was closed.
func (c *Conn) Err() error {
	select {
	case <-c.closed:
	default:
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.ended:
		return nil
	case c.reason != nil:
		return c.reason
	}
	return ErrDropped
}

// Connected tells whether the connection stands now, rather than being made anew.
func (c *Conn) Connected() bool { return c.conn.IsConnected() }

// Renew connects anew with the JWT that User now gives, without waiting for the old one to expire. Requests under way
// fail. It needs Options.Reconnect.
func (c *Conn) Renew() error {
	if err := c.conn.ForceReconnect(); err != nil {
		return fmt.Errorf("renewing the connection: %w", err)
	}
	return nil
}

// Close ends the connection and waits until it has.
func (c *Conn) Close() {
	c.mu.Lock()
	c.ended = true
	c.mu.Unlock()
	c.conn.Close()
	<-c.closed
}

// Request asks a service and returns its answer. It fails with the *Error the service answered with, with one of
// CodeUnavailable when nobody serves the subject, and of CodeDenied when the session does not allow it. Without a
// nearer deadline in ctx it waits for ten seconds.
func (c *Conn) Request(ctx context.Context, subject string, data []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, ackTimeout)
	defer cancel()
	ctx, done := c.wait(ctx, subject)
	defer done()
	m, err := c.conn.RequestWithContext(ctx, subject, data)
	var denied *Error
	switch cause := context.Cause(ctx); {
	case err == nil:
		return answerOf(m)
	case errors.As(cause, &denied), errors.Is(cause, ErrRefused):
		return nil, cause
	case errors.Is(err, errNoResponders):
		return nil, &Error{
			Code: CodeUnavailable,
			Text: "the node does not serve " + service(subject),
			Hint: "it may be starting, or the session has ended; try again in a moment",
		}
	}
	return nil, fmt.Errorf("asking %s: %w", service(subject), dropped(err))
}

// wait registers a request under way until done is called.
func (c *Conn) wait(ctx context.Context, subject string) (_ context.Context, done func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	w := &waiter{subject, cancel}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting[w] = true
	return ctx, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.waiting, w)
		cancel(nil)
	}
}

// service is the part of a subject that names no patient.
func service(subject string) string {
	name, _, _ := strings.Cut(subject, ".")
	return name
}
