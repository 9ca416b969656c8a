package main

import (
	"cmp"
	"context"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/phrledger/phr/authority"
	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/crypto/identity"
)

// authorityServe answers enrolments.
func authorityServe(ctx context.Context, e *env, args []string) error {
	fs := e.online()
	data := registryFlag(fs)
	if _, err := e.parse(fs, args, 0, 0); err != nil {
		return err
	}
	c, err := e.dialAuthority(ctx, *data)
	if err != nil {
		return err
	}
	defer hangUp(c)
	a, err := c.Home().Authority()
	if err != nil {
		return err
	}
	if a != nil {
		e.note("Serving %s until interrupted.", a.Name())
	}
	g, serving := errgroup.WithContext(ctx)
	g.Go(func() error { return e.admit(serving, c) })
	if *data != "" {
		g.Go(func() error { return followRegistry(serving, *data, c.Home()) })
	}
	if err := g.Wait(); ctx.Err() == nil {
		return err
	}
	return nil
}

// admit answers enrolments and prints who came in.
func (e *env) admit(ctx context.Context, c *client.Client) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	err := c.Serve(ctx, func(m *authority.Admission) {
		if err := e.showAdmission(m); err != nil {
			cancel(err)
		}
	})
	return cmp.Or(context.Cause(ctx), err)
}

func (e *env) showAdmission(m *authority.Admission) error {
	if e.json {
		return e.emit(struct {
			GID        identity.GID `json:"gid"`
			Display    string       `json:"display,omitempty"`
			Attributes []string     `json:"attributes"`
		}{m.GID, m.Display, m.Attributes})
	}
	e.say("enrolled %s %s as %s", m.GID, m.Display, strings.Join(m.Attributes, ", "))
	return nil
}
