package browser

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"syscall/js"
	"time"
)

const (
	maxMessage   = 1 << 20 // of what is sent at once
	maxUnsent    = 4 << 20 // that the browser holds before a writer waits
	unsentPace   = 5 * time.Millisecond
	dialDuration = 10 * time.Second
)

// Dialer connects to a node by the way that whoever serves this page has there. TLS, if any, is the page's own.
type Dialer struct {
	URL string // of the WebSocket
}

// SkipTLSHandshake says that the stream needs no protection of its own.
func (Dialer) SkipTLSHandshake() bool { return true }

// Dial connects. Where to, the page's server says.
func (d Dialer) Dial(string, string) (net.Conn, error) {
	s := &socket{in: newInbox(), opened: make(chan struct{}), closed: make(chan struct{})}
	if err := caught(func() { s.ws = js.Global().Get("WebSocket").New(d.URL) }); err != nil {
		return nil, fmt.Errorf("connecting: %w", err)
	}
	s.ws.Set("binaryType", "arraybuffer")
	s.listen()
	timer := time.NewTimer(dialDuration)
	defer timer.Stop()
	select {
	case <-s.opened:
		return s, nil
	case <-s.closed:
		return nil, errUnreached
	case <-timer.C:
		_ = s.Close()
		return nil, errUnreached
	}
}

// errUnreached is a net.Error, as it is of a network elsewhere.
var errUnreached = &net.OpError{Op: "dial", Net: "websocket", Err: errors.New("the server can't be reached")}

// socket is a WebSocket as a stream of bytes: messages are cut anywhere.
type socket struct {
	ws             js.Value
	in             *inbox
	out            deadline
	opened, closed chan struct{}
	end            sync.Once
}

func (s *socket) listen() {
	var funcs []js.Func
	on := func(event string, do func(js.Value)) {
		f := js.FuncOf(func(_ js.Value, args []js.Value) any { do(args[0]); return nil })
		funcs = append(funcs, f)
		s.ws.Set("on"+event, f)
	}
	on("open", func(js.Value) { close(s.opened) })
	on("message", func(e js.Value) {
		if data := e.Get("data"); data.InstanceOf(js.Global().Get("ArrayBuffer")) {
			if err := s.in.put(bytesOf(data)); err != nil {
				s.in.finish(err)
				s.ws.Call("close")
			}
		}
	})
	on("close", func(js.Value) {
		s.in.finish(io.EOF)
		s.end.Do(func() { close(s.closed) })
		for _, f := range funcs {
			f.Release() // nothing comes after this
		}
	})
}

func (s *socket) Read(p []byte) (int, error) { return s.in.Read(p) }

// Write hands bytes to the browser, and waits while it has too many that it could not send.
func (s *socket) Write(p []byte) (n int, err error) {
	for len(p) > 0 {
		if err := s.room(); err != nil {
			return n, err
		}
		part := p[:min(len(p), maxMessage)]
		if err := caught(func() { s.ws.Call("send", arrayOf(part)) }); err != nil {
			return n, err
		}
		n, p = n+len(part), p[len(part):]
	}
	return n, nil
}

// room waits until the browser takes more. It does not say when, so that it is asked.
func (s *socket) room() error {
	for {
		select {
		case <-s.closed:
			return net.ErrClosed
		default:
		}
		if s.ws.Get("bufferedAmount").Int() < maxUnsent {
			return nil
		}
		pause := make(chan struct{})
		t := time.AfterFunc(unsentPace, func() { close(pause) })
		err := s.out.wait(pause)
		t.Stop()
		if err != nil {
			return err
		}
	}
}

func (s *socket) Close() error {
	s.end.Do(func() { close(s.closed) })
	s.in.drop(net.ErrClosed)
	return caught(func() { s.ws.Call("close") })
}

func (s *socket) SetDeadline(t time.Time) error {
	s.in.due.set(t)
	s.out.set(t)
	return nil
}

func (s *socket) SetReadDeadline(t time.Time) error {
	s.in.due.set(t)
	return nil
}

func (s *socket) SetWriteDeadline(t time.Time) error {
	s.out.set(t)
	return nil
}

func (s *socket) LocalAddr() net.Addr  { return address{} }
func (s *socket) RemoteAddr() net.Addr { return address{} }

// address is all that a page knows of either end.
type address struct{}

func (address) Network() string { return "websocket" }
func (address) String() string  { return "the server of this page" }
