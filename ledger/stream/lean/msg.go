package lean

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nuid"
)

// Header are the headers of a message.
type Header map[string]string

// Get returns the value under a key as it is spelled; "" if there is none.
func (h Header) Get(key string) string { return h[key] }

// parseHeader reads "NATS/1.0[ status[ description]]", then lines of keys and values.
func parseHeader(b []byte) (Header, error) {
	if len(b) == 0 {
		return nil, nil
	}
	lines := strings.Split(string(b), "\r\n")
	status, ok := strings.CutPrefix(lines[0], "NATS/1.0")
	if !ok {
		return nil, errProtocol
	}
	h := make(Header)
	if code, description, _ := strings.Cut(strings.TrimSpace(status), " "); code != "" {
		h["Status"], h["Description"] = code, strings.TrimSpace(description)
	}
	for _, line := range lines[1:] {
		if key, value, ok := strings.Cut(line, ":"); ok && h[key] == "" {
			h[key] = strings.TrimSpace(value)
		}
	}
	return h, nil
}

// Msg is a message that has come.
type Msg struct {
	Subject string
	Header  Header
	Data    []byte
	reply   string
}

// Metadata is where a consumer says that a message stands.
type Metadata struct {
	Sequence   struct{ Consumer, Stream uint64 }
	NumPending uint64
	Timestamp  time.Time
}

// Metadata reads it from where the message would be acknowledged.
func (m *Msg) Metadata() (*Metadata, error) {
	tokens := strings.Split(m.reply, ".")
	if len(tokens) > 9 {
		tokens = append(tokens[:2:2], tokens[4:]...) // those of the form with a domain and an account
	}
	if len(tokens) < 9 || tokens[0] != "$JS" || tokens[1] != "ACK" {
		return nil, errors.New("nats: no message of a consumer")
	}
	var n [4]uint64 // stream and consumer sequence, time, pending
	for i := range n {
		var err error
		if n[i], err = strconv.ParseUint(tokens[5+i], 10, 63); err != nil {
			return nil, fmt.Errorf("nats: reading where a message stands: %w", err)
		}
	}
	meta := &Metadata{NumPending: n[3], Timestamp: time.Unix(0, int64(n[2]))}
	meta.Sequence.Stream, meta.Sequence.Consumer = n[0], n[1]
	return meta, nil
}

// PublishRequest sends a message that is answered under a subject.
func (c *Conn) PublishRequest(subject, reply string, data []byte) error {
	ctx, cancel := context.WithTimeout(context.Background(), writeTimeout)
	defer cancel()
	return c.publish(ctx, subject, reply, data)
}

func (c *Conn) publish(ctx context.Context, subject, reply string, data []byte) error {
	b := fmt.Appendf(nil, "PUB %s %s %d\r\n", subject, reply, len(data))
	return c.send(ctx, append(append(b, data...), '\r', '\n'))
}

// RequestWithContext sends a message, and returns the answer.
func (c *Conn) RequestWithContext(ctx context.Context, subject string, data []byte) (*Msg, error) {
	reply, answer := c.inbox+"."+nuid.Next(), make(chan *Msg, 1)
	if err := c.expect(ctx, reply, answer); err != nil {
		return nil, err
	}
	defer func() {
		c.mu.Lock()
		delete(c.requests, reply)
		c.mu.Unlock()
	}()
	if err := c.publish(ctx, subject, reply, data); err != nil {
		return nil, err
	}
	select {
	case m, ok := <-answer:
		switch {
		case !ok:
			return nil, ErrConnectionClosed
		case len(m.Data) == 0 && m.Header.Get("Status") == "503":
			return nil, ErrNoResponders
		}
		return m, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// expect has an answer come, once there is a connection.
func (c *Conn) expect(ctx context.Context, reply string, answer chan *Msg) error {
	for {
		c.mu.Lock()
		connected, closed, changed := c.nc != nil, c.closed, c.changed
		if connected && !closed {
			c.requests[reply] = answer
		}
		c.mu.Unlock()
		switch {
		case closed:
			return ErrConnectionClosed
		case connected:
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Subscription receives what comes under a subject, until the connection is lost.
type Subscription struct {
	c   *Conn
	sid uint64

	mu    sync.Mutex
	msgs  []*Msg
	over  bool
	moved chan struct{}
}

// SubscribeSync receives what comes under a subject, which may have wildcards.
func (c *Conn) SubscribeSync(subject string) (*Subscription, error) {
	c.mu.Lock()
	if c.nc == nil {
		c.mu.Unlock()
		return nil, ErrConnectionClosed
	}
	c.last++
	s := &Subscription{c: c, sid: c.last, moved: make(chan struct{}, 1)}
	c.subs[s.sid] = s
	nc := c.nc
	c.mu.Unlock()
	return s, c.write(nc, fmt.Appendf(nil, "SUB %s %d\r\n", subject, s.sid))
}

// Unsubscribe ends it.
func (s *Subscription) Unsubscribe() error {
	s.finish()
	s.c.mu.Lock()
	_, known := s.c.subs[s.sid]
	delete(s.c.subs, s.sid)
	nc := s.c.nc
	s.c.mu.Unlock()
	if !known || nc == nil {
		return ErrConnectionClosed
	}
	return s.c.write(nc, fmt.Appendf(nil, "UNSUB %d\r\n", s.sid))
}

// Pending returns how many messages have come, with how many bytes, and were not taken.
func (s *Subscription) Pending() (msgs, size int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.msgs {
		size += len(m.Data)
	}
	return len(s.msgs), size, nil
}

// NextMsgWithContext takes the next message, or waits for it.
func (s *Subscription) NextMsgWithContext(ctx context.Context) (*Msg, error) {
	for {
		s.mu.Lock()
		if len(s.msgs) > 0 {
			m := s.msgs[0]
			s.msgs = s.msgs[1:]
			s.mu.Unlock()
			return m, nil
		}
		over := s.over
		s.mu.Unlock()
		if over {
			return nil, ErrConnectionClosed
		}
		select {
		case <-s.moved:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (s *Subscription) put(m *Msg) {
	s.mu.Lock()
	s.msgs = append(s.msgs, m)
	s.mu.Unlock()
	s.stir()
}

func (s *Subscription) finish() {
	s.mu.Lock()
	s.over = true
	s.mu.Unlock()
	s.stir()
}

// stir wakes the one who waits.
func (s *Subscription) stir() {
	select {
	case s.moved <- struct{}{}:
	default:
	}
}
