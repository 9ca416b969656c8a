//go:build !js

package stream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"

	"github.com/phrledger/phr/crypto/canonical"
	"golang.org/x/sync/errgroup"
)

// A Request is what somebody asks of a service.
type Request struct {
	Subject string
	Data    []byte

	// Caller is the public nkey of the connection that asked, verified by the server, or "" if it has no identity of its
	// own: the node itself, or a reply that was aimed at this service. Guests share one. A service looks up the live
	// session of this key; without one it refuses.
	Caller string
}

// A Handler answers one request with the bytes it returns, or with the *Error in err. Any other error is logged by the
// listener, and the caller learns no more than that the node failed. It must not keep the request.
type Handler func(ctx context.Context, r *Request) ([]byte, error)

// A Listener holds the requests for one service between Listen and Serve, and between one Serve's handlers.
type Listener struct {
	ledger *Ledger
	sub    *nats.Subscription
	queue  chan *nats.Msg
}

// queued is how many requests wait for each handler that runs. Those beyond it are told that the service is busy, so
// that a flood costs bounded memory and no one waits in vain.
const queued = 4

// Listen subscribes to the subject, which may have wildcards, and returns once the server knows. Requests are kept from
// then on. With the same queue group on several nodes, each request goes to one of them; an empty queue is none.
// Workers is how many handlers run at once. The caller must call Serve, or Close.
func (l *Ledger) Listen(subject, queue string, workers int) (*Listener, error) {
	ln := &Listener{ledger: l, queue: make(chan *nats.Msg, max(workers, 1)*queued)}
	var err error
	if ln.sub, err = l.conn.QueueSubscribe(subject, queue, ln.accept); err != nil {
		return nil, fmt.Errorf("listening on %s: %w", subject, err)
	}
	if err := l.conn.Flush(); err != nil {
		ln.Close()
		return nil, fmt.Errorf("listening on %s: %w", subject, err)
	}
	return ln, nil
}

// Close stops taking requests.
func (ln *Listener) Close() {
	_ = ln.sub.Unsubscribe() // fails only when the connection is closed, and then it is gone anyway
}

// accept runs on the subscription's own goroutine, in order.
func (ln *Listener) accept(m *nats.Msg) {
	select {
	case ln.queue <- m:
	default:
		ln.refuse(m, &Error{Code: CodeBusy, Text: "the node is busy", Hint: "try again in a moment"})
	}
}

// Serve answers requests with handle until ctx ends, and returns when the last handler has. It closes the listener.
func (ln *Listener) Serve(ctx context.Context, handle Handler) error {
	defer ln.Close()
	g, ctx := errgroup.WithContext(ctx)
	for range cap(ln.queue) / queued {
		g.Go(func() error {
			for {
				select {
				case <-ctx.Done():
					return ctx.Err()
				case m := <-ln.queue:
					ln.answer(ctx, m, handle)
				}
			}
		})
	}
	return g.Wait()
}

// answer runs one handler. What can't be sent is logged: the caller times out and asks again.
func (ln *Listener) answer(ctx context.Context, m *nats.Msg, handle Handler) {
	data, err := handle(ctx, &Request{Subject: m.Subject, Data: m.Data, Caller: ln.ledger.caller(m)})
	if err == nil {
		if err = m.Respond(data); err == nil {
			return
		}
	}
	e, told := asError(err)
	if !told {
		ln.ledger.log.Error("service failed", "service", service(m.Subject), "err", err)
	}
	ln.refuse(m, e)
}

func (ln *Listener) refuse(m *nats.Msg, e *Error) {
	answer, err := e.wire()
	if err == nil {
		err = m.RespondMsg(answer)
	}
	if err != nil {
		ln.ledger.log.Error("answer not sent", "service", service(m.Subject), "err", err)
	}
}

// caller returns who the server says has sent m.
//
// The server sets the header on every request that comes through an import, in place of what the client put there. Two
// of its fields are claims all the same: "user" and "name" are copied from the client's CONNECT, which may name anyone.
// "name_tag" is the name in the JWT that was verified, and MintUser puts the nkey there. A reply that a client aimed at
// a service arrives with the identity of the node that replied, in another account.
func (l *Ledger) caller(m *nats.Msg) string {
	var info struct {
		Account string `json:"acc"`
		Name    string `json:"name_tag"`
	}
	if json.Unmarshal([]byte(m.Header.Get("Nats-Request-Info")), &info) != nil || info.Account != l.clients {
		return ""
	}
	return info.Name
}

// wire forms the answer that carries e.
func (e *Error) wire() (*nats.Msg, error) {
	body, err := canonical.Marshal(e)
	if err != nil {
		return nil, err
	}
	m := nats.NewMsg("")
	m.Header.Set(hdrError, "1")
	m.Data = body
	return m, nil
}

// asError returns the *Error within err, or the one that says nothing but that the node failed.
func asError(err error) (e *Error, told bool) {
	if errors.As(err, &e) {
		return e, true
	}
	return &Error{Code: CodeInternal, Text: "the node could not do this", Hint: "try again, or tell its operator"}, false
}
