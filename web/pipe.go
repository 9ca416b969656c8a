package web

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/coder/websocket"
)

const natsPath = "/nats"

const (
	maxPipes    = 2000             // connections of browsers together; the node takes five times as many, and some are to be left
	maxMessage  = 4 << 20          // that a browser may send at once
	pipeBuffer  = 32 << 10         // that is under way in each direction
	dialTimeout = 10 * time.Second // for reaching the node
	sendTimeout = 30 * time.Second // for a browser to take a buffer; the node is as strict with who reads slowly
	pingEvery   = 30 * time.Second // so that proxies see that it is not over, and we see that it is
)

// connect joins a browser to the node. Binary messages are the bytes of the NATS protocol, cut anywhere. The node sees one more
// connection of a guest, and asks of it what it asks of any.
func (h *Handler) connect(w http.ResponseWriter, r *http.Request) {
	if !h.hosts.own(r) {
		http.Error(w, "only the page that is served here connects to the node", http.StatusForbidden)
		return
	}
	select {
	case h.pipes <- struct{}{}:
		defer func() { <-h.pipes }()
	default:
		http.Error(w, "there are too many connections: try again in a moment", http.StatusServiceUnavailable)
		return
	}
	browser, err := websocket.Accept(w, r, &websocket.AcceptOptions{
		InsecureSkipVerify: true, // own has looked at the origin
		CompressionMode:    websocket.CompressionDisabled,
	})
	if err != nil {
		return // Accept has answered
	}
	defer browser.CloseNow()
	browser.SetReadLimit(maxMessage)
	dialer := net.Dialer{Timeout: dialTimeout}
	node, err := dialer.DialContext(r.Context(), "tcp", h.config.Node.Address)
	if err != nil {
		h.config.Log.Warn("node_away", "err", err)
		_ = browser.Close(websocket.StatusTryAgainLater, "the node can't be reached")
		return
	}
	defer node.Close()
	pipe(r.Context(), browser, node)
}

// pipe moves bytes both ways until one side has ended, and then ends the other. A side that does not take what the other sends
// holds it up: at most a buffer is kept here.
func pipe(ctx context.Context, browser *websocket.Conn, node net.Conn) {
	pinging, stop := context.WithCancel(ctx)
	ended := make(chan error, 3)
	go func() { ended <- toNode(ctx, browser, node) }()
	go func() { ended <- toBrowser(ctx, browser, node) }()
	go func() { ended <- ping(pinging, browser) }()
	switch err := <-ended; {
	case errors.Is(err, errText):
		_ = browser.Close(websocket.StatusUnsupportedData, err.Error())
	case errors.Is(err, io.EOF) && ctx.Err() == nil:
		_ = browser.Close(websocket.StatusGoingAway, "the node has ended the connection")
	}
	stop()
	_ = node.Close()
	_ = browser.CloseNow()
	<-ended
	<-ended
}

var errText = errors.New("only binary messages")

func toNode(ctx context.Context, browser *websocket.Conn, node io.Writer) error {
	buffer := make([]byte, pipeBuffer)
	for {
		kind, message, err := browser.Reader(ctx)
		if err != nil {
			return err
		}
		if kind != websocket.MessageBinary {
			return errText
		}
		if _, err := io.CopyBuffer(onlyWriter{node}, message, buffer); err != nil {
			return err
		}
	}
}

// onlyWriter keeps io.CopyBuffer to the buffer it is given.
type onlyWriter struct{ io.Writer }

func toBrowser(ctx context.Context, browser *websocket.Conn, node io.Reader) error {
	buffer := make([]byte, pipeBuffer)
	for {
		n, err := node.Read(buffer)
		if err != nil {
			return err
		}
		if err := send(ctx, browser, buffer[:n]); err != nil {
			return err
		}
	}
}

func send(ctx context.Context, browser *websocket.Conn, message []byte) error {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	return browser.Write(ctx, websocket.MessageBinary, message)
}

// ping fails once the browser does not answer.
func ping(ctx context.Context, browser *websocket.Conn) error {
	for tick := time.NewTicker(pingEvery); ; {
		select {
		case <-tick.C:
		case <-ctx.Done():
			tick.Stop()
			return ctx.Err()
		}
		if err := pong(ctx, browser); err != nil {
			return err
		}
	}
}

func pong(ctx context.Context, browser *websocket.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	return browser.Ping(ctx)
}
