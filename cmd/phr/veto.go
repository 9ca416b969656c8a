package main

import (
	"context"

	"github.com/phrledger/phr/ledger"
)

// idVeto ends the request to recover the caller's identity.
func idVeto(ctx context.Context, e *env, args []string) error {
	fs := e.online()
	reason := fs.String("reason", "", "`TEXT` for the log, which everybody can read")
	if _, err := e.parse(fs, args, 0, 0); err != nil {
		return err
	}
	h, err := e.open()
	if err != nil {
		return err
	}
	c, err := e.connect(ctx, h)
	if err != nil {
		h.Close()
		return err
	}
	defer hangUp(c)
	vetoed, err := c.Veto(ctx, *reason)
	if err != nil {
		return err
	}
	if e.json {
		return e.emit(struct {
			Request ledger.EventID `json:"request"`
		}{vetoed.Request})
	}
	e.say("%s", vetoed.Request)
	e.note("The request is vetoed. Whoever made it has your recovery words: draw others, with new keys, by 'phr id rotate'.")
	return nil
}
