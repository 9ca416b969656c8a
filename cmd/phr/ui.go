package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"net"

	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/web"
)

// uiVerb serves the web interface for a node from this binary, until it is interrupted.
func uiVerb(ctx context.Context, e *env, args []string) error {
	fs := e.flags()
	fs.StringVar(&e.node, "node", "", "`URL` of the node (or PHR_NODE)")
	listen := fs.String("listen", "127.0.0.1:8422", "`HOST:PORT`, a loopback address; a browser keeps keys for each port apart")
	origins := originFlag(fs)
	fs.BoolVar(&e.json, "json", false, "write JSON for programs: the URL")
	fs.BoolVar(&e.verbose, "verbose", false, "log on standard error")
	if _, err := e.parse(fs, args, 0, 0); err != nil {
		return err
	}
	if e.node == "" {
		e.node = e.getenv("PHR_NODE")
	}
	if e.node == "" {
		return e.misused("--node is missing")
	}
	node, err := protocol.ParseURL(e.node)
	if err != nil {
		return err
	}
	if err := loopback(*listen); err != nil {
		return err
	}
	log := slog.New(slog.DiscardHandler)
	if e.verbose {
		log = slog.New(slog.NewTextHandler(e.stderr, nil))
	}
	build, err := e.openWeb(ctx)
	if err != nil {
		return err
	}
	h, err := web.New(web.Config{Build: build, Node: node, Version: buildVersion(), Origins: *origins, Log: log})
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", *listen)
	if err != nil {
		return err
	}
	if err := e.showURL(web.LocalURL(l.Addr())); err != nil {
		return err
	}
	if err := web.Serve(ctx, l, h, log); ctx.Err() == nil {
		return err
	}
	return nil
}

// originFlag returns the origins that a proxy serves under.
func originFlag(fs *flag.FlagSet) *[]string {
	var all []string
	fs.Func("origin", "`ORIGIN` under which browsers come by a proxy, as https://phr.example.org; may stand more than once", func(origin string) error {
		all = append(all, origin)
		return nil
	})
	return &all
}

// showURL tells where a browser finds what is served.
func (e *env) showURL(url string) error {
	if e.json {
		return e.emit(struct {
			URL string `json:"url"`
		}{url})
	}
	_, err := fmt.Fprintln(e.stdout, url)
	return err
}

// openWeb returns what is served to browsers, which may have to be built first.
func (e *env) openWeb(ctx context.Context) (*web.Build, error) {
	return web.Open(ctx, func(line string) { e.note("%s", line) })
}

// loopback fails for an address that others reach too: there is no TLS on it.
func loopback(address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("listening on %q: %w", address, err)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("listening on %q: not a loopback address, and there is no TLS on this port: put a proxy before it", address)
	}
	return nil
}
