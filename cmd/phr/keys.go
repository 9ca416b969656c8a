package main

import (
	"context"
	"errors"
	"strconv"

	"github.com/phrledger/phr/client"
)

// keys fetches what was issued to the caller and lists what they hold.
func keys(ctx context.Context, e *env, args []string) error {
	if _, err := e.parse(e.online(), args, 0, 0); err != nil {
		return err
	}
	c, err := e.dial(ctx)
	if err != nil {
		return err
	}
	defer hangUp(c)
	if err := c.RegisterIdentity(ctx); err != nil {
		return err
	}
	_, bad := c.FetchKeys(ctx)
	t := e.table("ATTRIBUTE", "VERSION", "WHAT FOR")
	held, err := c.Home().Keys().Attributes()
	if err != nil {
		return err
	}
	for _, k := range held {
		a := k.Attribute
		use := "as a member of " + string(a.Authority)
		if a.Authority.IsGID() {
			use = "a grant to you by name, by " + string(a.Authority)
		}
		if err := t.row(showKey(k), a.String(), strconv.FormatUint(uint64(k.Version), 10), use); err != nil {
			return err
		}
	}
	return errors.Join(t.end("You hold no attribute keys yet. An authority issues them to those who enroll with it."), bad)
}

// fetchKeys brings home what was issued meanwhile. One that can't be used is told of, and stops nothing.
func (e *env) fetchKeys(ctx context.Context, c *client.Client) {
	if _, err := c.FetchKeys(ctx); err != nil {
		e.note("note: %v", err)
	}
}
