package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/phrledger/phr/ledger/node"
	"github.com/phrledger/phr/web"
)

// StageOptions say how the stage for browsers is opened.
type StageOptions struct {
	Out     io.Writer
	JSON    bool       // one object with the URL instead of text
	Dir     string     // the node's data directory; empty: a temporary one, removed afterwards
	Listen  string     // host:port, a loopback address
	Build   *web.Build // what is served
	Version string     // of this program
	Log     *slog.Logger
}

// Stage opens a node of its own to browsers, with sample people on it, as whom anybody on this machine can log in, until ctx ends.
func Stage(ctx context.Context, o StageOptions) error {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Dir == "" {
		dir, err := os.MkdirTemp("", "phr-stage-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		o.Dir = dir
	}
	n, err := node.Start(ctx, node.Config{Dir: o.Dir, Listen: "127.0.0.1:0", Log: o.Log})
	if err != nil {
		return fmt.Errorf("starting the node: %w", err)
	}
	defer n.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return n.Run(ctx) })
	s := &stage{troupe: troupe{node: n, log: o.Log, now: time.Now}}
	defer s.leave()
	g.Go(func() error {
		if err := s.rehearse(ctx, g, o.Dir); err != nil {
			return fmt.Errorf("preparing the sample people: %w", err)
		}
		return s.open(ctx, o)
	})
	if err := g.Wait(); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// open serves the stage until ctx ends.
func (s *stage) open(ctx context.Context, o StageOptions) error {
	handler, err := web.New(web.Config{Build: o.Build, Node: s.node.URL(), Version: o.Version, People: s.people(), Log: o.Log})
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", o.Listen)
	if err != nil {
		return err
	}
	url := web.LocalURL(listener.Addr())
	if o.JSON {
		err = json.NewEncoder(o.Out).Encode(struct {
			URL string `json:"url"`
		}{url})
	} else {
		_, err = fmt.Fprintf(o.Out, "Open %s in a browser, as any of %s. Their keys are handed to whoever asks; stop with Ctrl-C.\n", url, s.names())
	}
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	return web.Serve(ctx, listener, handler, o.Log)
}

func (s *stage) names() string {
	var all []string
	for _, r := range s.roles {
		all = append(all, r.name)
	}
	return strings.Join(all, ", ")
}

// people are those whom the page offers.
func (s *stage) people() []web.Person {
	var all []web.Person
	for _, r := range s.roles {
		all = append(all, web.Person{ID: r.id, Name: r.name, Role: r.role, Handover: r.person.Home().Handover})
	}
	return all
}
