package main

import (
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
	console := fs.String("console", "", "`HOST:PORT`, a loopback address at which a browser shows the authority to its operator")
	if _, err := e.parse(fs, args, 0, 0); err != nil {
		return err
	}
	if *console != "" {
		if err := loopback(*console); err != nil {
			return err
		}
	}
	e.serving = true
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
	told := func(*authority.Admission) {}
	g, serving := errgroup.WithContext(ctx)
	if *console != "" {
		opened, err := e.openConsole(c, *console)
		if err != nil {
			return err
		}
		told = opened.admitted
		g.Go(func() error { return opened.serve(serving) })
	}
	g.Go(func() error { return e.enrolling(serving, c, told) })
	if err := g.Wait(); ctx.Err() == nil {
		return err
	}
	return nil
}

// enrolling answers enrolments until ctx ends, and tells of each.
func (e *env) enrolling(ctx context.Context, c *client.Client, told func(*authority.Admission)) error {
	serving, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	err := c.Serve(serving, func(m *authority.Admission) {
		told(m)
		if err := e.showAdmission(m); err != nil {
			stop(err)
		}
	})
	if ctx.Err() == nil && serving.Err() != nil {
		return context.Cause(serving)
	}
	return err
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
