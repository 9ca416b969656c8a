package lean

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"
)

const (
	maxLine    = 32 << 10
	maxPayload = 8 << 20 // that is believed; nodes allow less
)

var errProtocol = errors.New("nats: the server does not speak the protocol")

// open makes a connection and logs in.
func (c *Conn) open() (net.Conn, *bufio.Reader, error) {
	nc, err := c.o.Dial()
	if err != nil {
		return nil, nil, err
	}
	r := bufio.NewReaderSize(nc, maxLine)
	err = nc.SetDeadline(time.Now().Add(c.o.Timeout))
	if err == nil {
		err = c.login(nc, r)
	}
	if err == nil {
		err = nc.SetDeadline(time.Time{})
	}
	if err == nil {
		err = c.begin(nc)
	}
	if err != nil {
		nc.Close()
		return nil, nil, err
	}
	return nc, r, nil
}

// begin makes a connection the one in use.
func (c *Conn) begin(nc net.Conn) error {
	if err := c.write(nc, []byte("SUB "+c.inbox+".* 0\r\n")); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return ErrConnectionClosed
	}
	c.nc, c.at = nc, 0
	c.stir()
	return nil
}

// login says who connects, and waits until the server has agreed.
func (c *Conn) login(nc net.Conn, r *bufio.Reader) error {
	line, err := readLine(r)
	if err != nil {
		return err
	}
	text, ok := strings.CutPrefix(line, "INFO ")
	var info struct {
		Nonce string `json:"nonce"`
	}
	if !ok || json.Unmarshal([]byte(text), &info) != nil {
		return errProtocol
	}
	hello := map[string]any{
		"verbose": false, "pedantic": false, "protocol": 1, "headers": true, "no_responders": true, "lang": "go", "version": "lean",
	}
	if c.o.JWT != nil {
		if hello["jwt"], err = c.o.JWT(); err != nil {
			return err
		}
		sig, err := c.o.Sign([]byte(info.Nonce))
		if err != nil {
			return err
		}
		hello["sig"] = base64.RawURLEncoding.EncodeToString(sig)
	}
	encoded, err := json.Marshal(hello)
	if err != nil {
		return err
	}
	if err := c.write(nc, fmt.Appendf(nil, "CONNECT %s\r\nPING\r\n", encoded)); err != nil {
		return err
	}
	for {
		line, err := readLine(r)
		switch {
		case err != nil:
			return err
		case line == "PONG":
			return nil
		case strings.HasPrefix(line, "-ERR"):
			return refusalOf(errorText(line))
		}
	}
}

func errorText(line string) string { return strings.Trim(strings.TrimPrefix(line, "-ERR"), " '") }

func readLine(r *bufio.Reader) (string, error) {
	line, err := r.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		return "", errProtocol
	}
	if err != nil {
		return "", err
	}
	return string(bytes.TrimRight(line, "\r\n")), nil
}

// read hands out what comes until the connection ends, and returns why it did.
func (c *Conn) read(r *bufio.Reader) error {
	var refused error // what the server said before it ended the connection
	for {
		line, err := readLine(r)
		if err != nil {
			return errors.Join(refused, err)
		}
		op, rest, _ := strings.Cut(line, " ")
		switch strings.ToUpper(op) {
		case "MSG", "HMSG":
			if err := c.deliver(r, strings.Fields(rest), len(op) == 4); err != nil {
				return err
			}
		case "PING":
			c.mu.Lock()
			nc := c.nc
			c.mu.Unlock()
			if err := c.write(nc, []byte("PONG\r\n")); err != nil {
				return err
			}
		case "PONG":
			c.mu.Lock()
			c.at = 0
			c.mu.Unlock()
		case "-ERR":
			err := refusalOf(errorText(line))
			if !errors.Is(err, ErrPermissionViolation) {
				refused = err
			}
			c.o.Failed(err)
		case "+OK", "INFO":
		default:
			return errProtocol
		}
	}
}

// deliver reads a message and gives it to who waits for it.
func (c *Conn) deliver(r io.Reader, args []string, headed bool) error {
	m, sid, err := readMsg(r, args, headed)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if sid != 0 {
		if s := c.subs[uint64(sid)]; s != nil {
			s.put(m)
		}
		return nil
	}
	if answer := c.requests[m.Subject]; answer != nil {
		answer <- m // it has room for the one
		delete(c.requests, m.Subject)
	}
	return nil
}

// readMsg reads what follows the arguments "subject sid [reply] [size of the header] size".
func readMsg(r io.Reader, args []string, headed bool) (m *Msg, sid int, err error) {
	sizes := 1
	if headed {
		sizes = 2
	}
	if len(args) != 2+sizes && len(args) != 3+sizes {
		return nil, 0, errProtocol
	}
	m = &Msg{Subject: args[0]}
	if len(args) == 3+sizes {
		m.reply = args[2]
	}
	sid, err = number(args[1])
	size, failed := number(args[len(args)-1])
	head := 0
	if headed {
		var bad error
		head, bad = number(args[len(args)-2])
		failed = errors.Join(failed, bad)
	}
	if err != nil || failed != nil || head > size || size > maxPayload {
		return nil, 0, errProtocol
	}
	data := make([]byte, size+len("\r\n"))
	if _, err := io.ReadFull(r, data); err != nil {
		return nil, 0, err
	}
	m.Data = data[head:size:size]
	m.Header, err = parseHeader(data[:head])
	return m, sid, err
}
