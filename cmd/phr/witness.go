package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/ledger/tree"
	"github.com/phrledger/phr/ledger/witness"
)

// witnessVerb cosigns checkpoints of logs until it is interrupted.
func witnessVerb(ctx context.Context, e *env, args []string) error {
	fs := e.flags()
	dir := fs.String("data", "", "`DIR` of everything the witness keeps; made if it is not there")
	name := fs.String("name", "", "`NAME` of its key, such as witness.example.org/phr, given at the first start and for good")
	listen := fs.String("listen", "127.0.0.1:4280", "`HOST:PORT` for logs that ask, a loopback address; port 0 is any that is free")
	var logs []string
	fs.Func("log", "`LOG` to follow from now on: the URL of a node, or a log's verifier key; may stand more than once", func(log string) error {
		logs = append(logs, log)
		return nil
	})
	fs.BoolVar(&e.json, "json", false, "write JSON for programs, and log in it")
	if _, err := e.parse(fs, args, 0, 0); err != nil {
		return err
	}
	if *dir == "" {
		return e.misused("--data is missing")
	}
	l, err := listenLoopback(*listen)
	if err != nil {
		return err
	}
	defer l.Close()
	w, err := witness.Open(witness.Config{Dir: *dir, Name: *name, Log: e.witnessLog()})
	if err != nil {
		return err
	}
	defer w.Close()
	for _, log := range logs {
		if err := e.follow(ctx, w, log); err != nil {
			return fmt.Errorf("following the log %s: %w", log, err)
		}
	}
	if err := e.showWitness(w, "http://"+l.Addr().String()); err != nil {
		return err
	}
	return w.Run(ctx, l)
}

// witnessLog tells what is cosigned, and what logs are not to be believed for.
func (e *env) witnessLog() *slog.Logger {
	if e.json {
		return slog.New(slog.NewJSONHandler(e.stderr, nil))
	}
	return slog.New(slog.NewTextHandler(e.stderr, nil))
}

// follow makes a witness follow a log. A node that can't be reached now may have been before.
func (e *env) follow(ctx context.Context, w *witness.Witness, log string) error {
	if !strings.HasPrefix(log, "phr://") {
		key, err := witness.ParseKey(log)
		if err != nil {
			return &hinted{err, "a log is named by the URL that its phr node prints, or by its verifier key"}
		}
		return w.Follow(key)
	}
	url, err := protocol.ParseURL(log)
	if err != nil {
		return err
	}
	key, err := logOf(ctx, url)
	known := func(k witness.Key) bool { return k.Name() == tree.Origin(url.Root) }
	if err != nil && slices.ContainsFunc(w.Logs(), known) {
		e.note("The node of %s says nothing now; its log is followed by the key it had before: %v", tree.Origin(url.Root), err)
		return nil
	}
	if err != nil {
		return err
	}
	return w.Follow(key)
}

// logOf returns the key of a node's log, as the root that the URL names has signed it.
func logOf(ctx context.Context, url protocol.URL) (witness.Key, error) {
	node, err := client.Description(ctx, client.Config{Node: url})
	if err != nil {
		return witness.Key{}, err
	}
	if node.Log == [32]byte{} {
		return witness.Key{}, fmt.Errorf("the node keeps no tree of its log: it runs an older version")
	}
	text, err := tree.VerifierKey(tree.Origin(url.Root), node.Log[:])
	if err != nil {
		return witness.Key{}, err
	}
	return witness.ParseKey(text)
}

// listenLoopback listens where this machine alone comes in: there is no TLS.
func listenLoopback(address string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if ip := net.ParseIP(host); host != "localhost" && !ip.IsLoopback() {
		return nil, &hinted{fmt.Errorf("%s is not a loopback address", quote(address)), "let a proxy with TLS, or a tunnel, pass on what comes from elsewhere"}
	}
	return net.Listen("tcp", address)
}

// showWitness tells where a witness is asked, and what policies name it by.
func (e *env) showWitness(w *witness.Witness, url string) error {
	var logs []string
	for _, key := range w.Logs() {
		logs = append(logs, key.String())
	}
	if e.json {
		return e.emit(struct {
			Key  string   `json:"key"`
			URL  string   `json:"url"`
			Logs []string `json:"logs"`
		}{w.Key().String(), url, logs})
	}
	e.say("%s", w.Key())
	e.say("%s", url)
	for _, log := range logs {
		e.note("It follows %s", log)
	}
	if len(logs) == 0 {
		e.note("It follows no log yet: name one with --log.")
	}
	return nil
}
