package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/phrledger/phr/ledger/node"
	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/ledger/witness"
	"github.com/phrledger/phr/web"
)

// nodeVerb runs a node until it is interrupted.
func nodeVerb(ctx context.Context, e *env, args []string) error {
	fs := e.flags()
	dir := fs.String("data", "", "`DIR` of everything the node keeps; made if it is not there")
	tree := fs.String("tree", "", "`DIR` of the sealed copy of the log, best on another disk (tree in the data directory)")
	listen := fs.String("listen", "127.0.0.1:4222", "`HOST:PORT` for people, a loopback address; port 0 is any that is free")
	endorse := fs.Bool("endorse-all", false, "endorse every authority that registers: for trying things out")
	site := fs.String("http", "", "`HOST:PORT`, a loopback address, that serves the web interface and the tree of the log (C2SP tlog-tiles)")
	origins := originFlag(fs)
	noWeb := fs.Bool("no-web", false, "serve no web interface, but the tree alone")
	witnesses := fs.String("witnesses", "", "`FILE` with a policy (C2SP tlog-policy) that says where witnesses are, who are asked to cosign")
	fs.BoolVar(&e.verbose, "verbose", false, "log on standard error")
	if _, err := e.parse(fs, args, 0, 0); err != nil {
		return err
	}
	if *dir == "" {
		return e.misused("--data is missing")
	}
	level := slog.LevelWarn
	if e.verbose {
		level = slog.LevelInfo
	}
	asked, err := cosigners(*witnesses)
	if err != nil {
		return err
	}
	c := node.Config{
		Dir: *dir, Tree: *tree, Listen: *listen, HTTP: *site, EndorseAll: *endorse, Witnesses: asked,
		Log: slog.New(slog.NewTextHandler(e.stderr, &slog.HandlerOptions{Level: level})),
	}
	if *site != "" && !*noWeb {
		if c.Web, err = e.webOf(ctx, *origins, c.Log); err != nil {
			return err
		}
	}
	n, err := node.Start(ctx, c)
	if err != nil {
		return repairable(err, *dir)
	}
	defer n.Close()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return n.Run(ctx) })
	g.Go(func() error {
		select {
		case <-ctx.Done():
			return nil
		case <-n.Ready():
			return e.showNode(n, c.Web != nil)
		}
	})
	return repairable(g.Wait(), *dir)
}

// showNode prints where the node is, and then where its tree and its web interface are.
func (e *env) showNode(n *node.Node, served bool) error {
	lines := n.URL().String() + "\n"
	if site := n.Site(); site != nil {
		lines += "http://" + site.String() + "\n"
		if served {
			lines += web.LocalURL(site) + "\n"
		}
	}
	_, err := io.WriteString(e.stdout, lines)
	return err
}

// webOf returns what makes the web interface of a node.
func (e *env) webOf(ctx context.Context, origins []string, log *slog.Logger) (node.Web, error) {
	build, err := e.openWeb(ctx)
	if err != nil {
		return nil, &hinted{err, "--no-web has the node do without"}
	}
	return func(url protocol.URL) (http.Handler, error) {
		return web.New(web.Config{Build: build, Node: url, Version: buildVersion(), Origins: origins, Log: log})
	}, nil
}

// repairable says what to do about an error of a node whose storage is damaged.
func repairable(err error, dir string) error {
	if errors.Is(err, node.ErrDamaged) {
		return &hinted{err, "nothing was lost by this start: run 'phr node repair --data " + dir + "', which says what is damaged and mends it"}
	}
	if errors.Is(err, node.ErrWrite) {
		return &hinted{err, "make room on the disk, or repair it, and start the node again: nothing that was acknowledged is lost"}
	}
	return err
}

// cosigners reads who is asked to cosign; nobody if no policy is named.
func cosigners(file string) (*witness.Policy, error) {
	if file == "" {
		return nil, nil
	}
	p, err := readPolicy(file)
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(p.Cosigners, func(c witness.Cosigner) bool { return c.URL != "" }) {
		return nil, fmt.Errorf("%s names no witness with a URL: nobody would be asked", file)
	}
	return p, nil
}
