package client_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/phrledger/phr/crypto/canonical"
	"github.com/phrledger/phr/ledger/stream"
)

// meddler is a node that answers as it likes: a way to a real one, which changes what that answers.
type meddler struct {
	to stream.Dialer

	mu       sync.Mutex
	changes  map[string]func(answer []byte) []byte // by the subject that was asked
	refusals map[string]*stream.Error
	asked    map[string]int // how often, by subject
}

func newMeddler(to stream.Dialer) *meddler {
	return &meddler{to: to, changes: make(map[string]func([]byte) []byte), refusals: make(map[string]*stream.Error), asked: make(map[string]int)}
}

// change makes answers other than they are; nil leaves them.
func (m *meddler) change(subject string, change func(answer []byte) []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.changes[subject] = change
}

// count returns how often a subject was asked so far.
func (m *meddler) count(subject string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.asked[subject]
}

// meddle changes the answers to a subject as they are decoded.
func meddle[Answer any](t testing.TB, m *meddler, subject string, change func(*Answer)) {
	m.change(subject, func(data []byte) []byte {
		answer := new(Answer)
		if err := canonical.Unmarshal(data, answer); err != nil {
			t.Error(err)
			return data
		}
		change(answer)
		changed, err := canonical.Marshal(answer)
		if err != nil {
			t.Error(err)
		}
		return changed
	})
}

// refuse has a subject answered with an error; nil is none.
func (m *meddler) refuse(subject string, e *stream.Error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.refusals[subject] = e
}

func (m *meddler) refusal(subject string) *stream.Error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.refusals[subject]
}

// refused returns the frame that carries an error in the place of one with an answer.
func refused(answer []string, e *stream.Error) []byte {
	body, err := canonical.Marshal(e)
	if err != nil {
		panic(err)
	}
	const header = "NATS/1.0\r\nPhr-Error: 1\r\n\r\n"
	return fmt.Appendf(nil, "HMSG %s %s %d %d\r\n%s%s\r\n", answer[1], answer[2], len(header), len(header)+len(body), header, body)
}

// Dial implements stream.Dialer.
func (m *meddler) Dial(network, address string) (net.Conn, error) {
	conn, err := m.to.Dial(network, address)
	if err != nil {
		return nil, err
	}
	sent, sending := io.Pipe()
	c := &meddled{Conn: conn, m: m, from: bufio.NewReader(conn), sending: sending, inboxes: make(map[string]string)}
	go c.listen(bufio.NewReader(sent))
	return c, nil
}

type meddled struct {
	net.Conn
	m       *meddler
	from    *bufio.Reader
	sending *io.PipeWriter
	left    []byte // of the frame that is being read

	mu      sync.Mutex
	inboxes map[string]string // subjects that were asked, by where the answer goes
}

// Write implements net.Conn.
func (c *meddled) Write(p []byte) (int, error) {
	if _, err := c.sending.Write(p); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}

// Close implements net.Conn.
func (c *meddled) Close() error {
	c.sending.Close()
	return c.Conn.Close()
}

// listen notes what is asked.
func (c *meddled) listen(sent *bufio.Reader) {
	for {
		line, _, err := frame(sent)
		if err != nil {
			return
		}
		fields := strings.Fields(line)
		if len(fields) < 4 || fields[0] != "PUB" {
			continue
		}
		c.mu.Lock()
		c.inboxes[fields[2]] = fields[1]
		c.mu.Unlock()
		c.m.mu.Lock()
		c.m.asked[fields[1]]++
		c.m.mu.Unlock()
	}
}

// Read implements net.Conn.
func (c *meddled) Read(p []byte) (int, error) {
	for len(c.left) == 0 {
		line, payload, err := frame(c.from)
		if err != nil {
			return 0, err
		}
		c.left = c.answer(line, payload)
	}
	n := copy(p, c.left)
	c.left = c.left[n:]
	return n, nil
}

// answer returns a frame as the person is to get it.
func (c *meddled) answer(line string, payload []byte) []byte {
	fields := strings.Fields(line)
	if len(fields) > 3 && fields[0] == "MSG" {
		c.mu.Lock()
		subject := c.inboxes[fields[1]]
		c.mu.Unlock()
		c.m.mu.Lock()
		change := c.m.changes[subject]
		c.m.mu.Unlock()
		if e := c.m.refusal(subject); e != nil {
			return refused(fields, e)
		}
		if change != nil {
			payload = append(change(bytes.TrimSuffix(payload, []byte("\r\n"))), "\r\n"...)
			fields[len(fields)-1] = strconv.Itoa(len(payload) - 2)
			line = strings.Join(fields, " ") + "\r\n"
		}
	}
	return append([]byte(line), payload...)
}

// frame reads one line of the protocol of NATS, and the payload that follows it.
func frame(r *bufio.Reader) (line string, payload []byte, err error) {
	if line, err = r.ReadString('\n'); err != nil {
		return "", nil, err
	}
	fields := strings.Fields(line)
	if len(fields) == 0 {
		return line, nil, nil
	}
	switch fields[0] {
	case "PUB", "HPUB", "MSG", "HMSG":
		size, err := strconv.Atoi(fields[len(fields)-1])
		if err != nil {
			return "", nil, fmt.Errorf("reading %q: %w", line, err)
		}
		payload = make([]byte, size+2)
		_, err = io.ReadFull(r, payload)
		return line, payload, err
	}
	return line, nil, nil
}
