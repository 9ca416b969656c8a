package client_test

import (
	"context"
	"errors"
	"testing"

	"github.com/phrledger/phr/authority"
	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/node"
	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/projections/chart"
)

// world is a node and the people around it.
type world struct {
	t    *testing.T
	ctx  context.Context
	dir  string
	node *node.Node
	stop func()
}

// newWorld starts a node that endorses everyone.
func newWorld(t *testing.T) *world {
	w := &world{t: t, ctx: t.Context(), dir: t.TempDir()}
	w.start()
	t.Cleanup(func() { w.stop() })
	return w
}

func (w *world) start() {
	w.t.Helper()
	n, err := node.Start(w.ctx, node.Config{Dir: w.dir, EndorseAll: true})
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(w.ctx))
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	select {
	case <-n.Ready():
	case err := <-done:
		w.t.Fatal(err)
	}
	w.node = n
	w.stop = func() {
		cancel()
		if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
			w.t.Error(err)
		}
		if err := n.Close(); err != nil {
			w.t.Error(err)
		}
	}
}

// person connects someone new.
func (w *world) person() *client.Client {
	w.t.Helper()
	home, err := client.NewHome()
	if err != nil {
		w.t.Fatal(err)
	}
	return w.connect(home)
}

func (w *world) connect(home *client.Home) *client.Client {
	w.t.Helper()
	c, err := client.Dial(w.ctx, client.Config{Home: home, Node: protocol.URL{Root: w.node.URL().Root}, Dialer: w.node.Dialer()})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(c.Close)
	return c
}

// patient registers someone new as a patient.
func (w *world) patient() *client.Client {
	w.t.Helper()
	c := w.person()
	if err := c.RegisterPatient(w.ctx); err != nil {
		w.t.Fatal(err)
	}
	return c
}

// authority founds an authority and serves it until the test ends.
func (w *world) authority(name policy.Authority, kind ledger.AuthorityKind) *client.Client {
	w.t.Helper()
	c := w.person()
	if _, err := c.FoundAuthority(w.ctx, name, kind); err != nil {
		w.t.Fatal(err)
	}
	for {
		if _, err := c.Authority(w.ctx, name); err == nil {
			break
		}
	}
	w.serve(c)
	return c
}

func (w *world) serve(c *client.Client) {
	ctx, cancel := context.WithCancel(w.ctx)
	done := make(chan error, 1)
	go func() { done <- c.Serve(ctx, nil) }()
	w.t.Cleanup(func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			w.t.Error(err)
		}
	})
}

// member enrols someone new.
func (w *world) member(at *client.Client, attributes ...string) *client.Client {
	w.t.Helper()
	code, _, err := at.Invite(w.ctx, authority.Offer{Attributes: attributes})
	if err != nil {
		w.t.Fatal(err)
	}
	c := w.person()
	if _, err := c.Enroll(w.ctx, code, "somebody"); err != nil {
		w.t.Fatal(err)
	}
	return c
}

func (w *world) book(c, patient *client.Client, name ledger.Compartment) *client.Book {
	w.t.Helper()
	b, err := c.Book(w.ctx, patient.GID(), name)
	if err != nil {
		w.t.Fatal(err)
	}
	return b
}

func (w *world) grant(b *client.Book, r client.GrantRequest) *client.Granted {
	w.t.Helper()
	g, err := b.Grant(w.ctx, r)
	if err != nil {
		w.t.Fatal(err)
	}
	return g
}

func note(text string) client.Draft {
	return client.Draft{Kind: chart.Written, Media: chart.Note, Body: []byte(text)}
}

func (w *world) write(b *client.Book, drafts ...client.Draft) []ledger.EventID {
	w.t.Helper()
	ids, err := b.Write(w.ctx, drafts, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return ids
}

// texts returns what a reader can read, in order; "?" for what they can't.
func (w *world) texts(b *client.Book) []string {
	w.t.Helper()
	records, err := b.Records(w.ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	var all []string
	for _, r := range records {
		if r.Unreadable != "" {
			all = append(all, "?")
			continue
		}
		all = append(all, string(r.Body))
	}
	return all
}
