package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/phrledger/phr/ledger/tree"
)

// listenHTTP takes the address that the tree is shown at.
func (n *Node) listenHTTP() error {
	if n.config.HTTP == "" {
		return nil
	}
	host, _, err := net.SplitHostPort(n.config.HTTP)
	if err != nil {
		return fmt.Errorf("listening on %q: %w", n.config.HTTP, err)
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return fmt.Errorf("listening on %q: not a loopback address, and there is no TLS on this port: put a proxy before it", n.config.HTTP)
	}
	if n.config.Web != nil {
		if n.web, err = n.config.Web(n.URL()); err != nil {
			return err
		}
	}
	n.site, err = net.Listen("tcp", n.config.HTTP)
	return err
}

// Site returns the address that the tree is shown at; nil if it is not.
func (n *Node) Site() net.Addr {
	if n.site == nil {
		return nil
	}
	return n.site.Addr()
}

// serveSite shows the tree, and what is served beside it, until ctx ends.
func (n *Node) serveSite(ctx context.Context) error {
	server := &http.Server{
		Handler: http.HandlerFunc(n.answerHTTP), ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 10 * time.Second,
		WriteTimeout: time.Minute, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
		BaseContext: func(net.Listener) context.Context { return ctx },
		ErrorLog:    slog.NewLogLogger(n.config.Log.Handler(), slog.LevelDebug),
	}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() }) // Serve says so
	defer stop()
	if err := server.Serve(n.site); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("showing the tree: %w", err)
	}
	return ctx.Err()
}

func (n *Node) answerHTTP(w http.ResponseWriter, r *http.Request) {
	if n.web == nil || tree.IsPath(r.URL.Path) {
		n.showTree(w, r)
		return
	}
	n.web.ServeHTTP(w, r)
}

// showTree asks the tree as it is now: the sealer opens it anew after a failure.
func (n *Node) showTree(w http.ResponseWriter, r *http.Request) {
	site := tree.Site{Tree: n.sealer.Tree(), Allow: n.allow}
	site.ServeHTTP(w, r)
}

// allow lets those have leaves who show the ticket of a session, and entries an auditor's.
func (n *Node) allow(r *http.Request, part tree.Part) bool {
	ticket, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return ok && n.gate.Admits(ticket, part == tree.Data)
}
