package main

import (
	"context"
	"strings"

	"github.com/phrledger/phr/authority"
	"github.com/phrledger/phr/crypto/identity"
)

// authorityServe answers enrolments.
func authorityServe(ctx context.Context, e *env, args []string) error {
	fs := e.online()
	data := registryFlag(fs)
	if _, err := e.parse(fs, args, 0, 0); err != nil {
		return err
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
	serving, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	err = c.Serve(serving, func(m *authority.Admission) {
		if err := e.showAdmission(m); err != nil {
			stop(err)
		}
	})
	switch {
	case ctx.Err() != nil:
		return nil
	case serving.Err() != nil:
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
