package main

import (
	"context"
	"fmt"
	"time"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/ledger"
)

// grantEdit gives a grant another end or another right in place.
func grantEdit(ctx context.Context, e *env, args []string) error {
	fs := e.writing()
	t := targeted(fs)
	how := previewed(fs)
	until := fs.String("until", "", "`DATE`, the last day, or a time such as 30d: the new end")
	noEnd := fs.Bool("no-end", false, "let it last until it is revoked")
	write := fs.Bool("write", false, "let them write, too")
	readOnly := fs.Bool("read-only", false, "let them read and no longer write")
	operands, err := e.parse(fs, args, 1, 1)
	if err != nil {
		return err
	}
	if *until != "" && *noEnd || *write && *readOnly {
		return e.misused("--until goes without --no-end, and --write without --read-only")
	}
	var edit client.GrantEdit
	if *write || *readOnly {
		edit.Write = write
	}
	if *noEnd {
		edit.Until = new(time.Time)
	}
	if *until != "" {
		end, err := parseUntil(*until, time.Now())
		if err != nil {
			return e.misused("--until: " + err.Error())
		}
		edit.Until = &end
	}
	if edit == (client.GrantEdit{}) {
		return e.misused("say what changes: --until, --no-end, --write or --read-only")
	}
	return e.changeGrant(ctx, t, operands[0], how, func(b *client.Book, id ledger.TermID) (*client.Change, error) {
		return b.PlanEdit(ctx, id, edit)
	}, e.showEdited)
}

// changeGrant plans a change of a grant of the caller's own, shows what it comes to, makes it unless it is only to be shown,
// and tells what was done.
func (e *env) changeGrant(ctx context.Context, t *target, grant string, how *previewing,
	plan func(*client.Book, ledger.TermID) (*client.Change, error), told func(context.Context, *client.Book, ledger.TermID, client.Reached) error,
) error {
	id, err := ledger.ParseTermID(grant)
	if err != nil {
		return fmt.Errorf("the grant %s: %w", quote(grant), err)
	}
	c, err := e.dial(ctx)
	if err != nil {
		return err
	}
	defer hangUp(c)
	books, err := e.ownBooks(ctx, c, t)
	if err != nil {
		return err
	}
	b, err := holding(ctx, books, id)
	if err != nil {
		return err
	}
	change, err := plan(b, id)
	if err != nil {
		return err
	}
	if goOn, err := e.preview(ctx, change, how); !goOn || err != nil {
		return err
	}
	if err := change.Make(ctx); err != nil {
		return err
	}
	done, err := e.reach(ctx, c)
	if err != nil {
		return err
	}
	e.tellUnproven(c.Unproven())
	return told(ctx, b, id, done)
}

// showEdited says how a grant is now.
func (e *env) showEdited(ctx context.Context, b *client.Book, id ledger.TermID, done client.Reached) error {
	x, err := b.Explain(ctx, "")
	if err != nil {
		return err
	}
	for i := range x.Terms {
		if x.Terms[i].ID != id {
			continue
		}
		s := showTerm(x.Chain, &x.Terms[i])
		if e.json {
			return e.emit(struct {
				shownTerm
				client.Reached
			}{s, done})
		}
		e.note("Now let in to %s: %s, who may %s, %s%s.", s.Compartment, s.To, s.may(), s.from(), s.ending())
	}
	e.say("%s", id)
	return nil
}

// showRevoked says that a grant is no more.
func (e *env) showRevoked(ctx context.Context, b *client.Book, id ledger.TermID, done client.Reached) error {
	f, err := b.Fact(ctx)
	if err != nil {
		return err
	}
	if e.json {
		return e.emit(struct {
			Grant       ledger.TermID      `json:"grant"`
			Compartment ledger.Compartment `json:"compartment"`
			Epoch       uint32             `json:"epoch"`
			client.Reached
		}{id, b.Compartment(), f.Epoch.Number, done})
	}
	e.say("revoked %s", id)
	e.note("%s goes on under new keys, as epoch %d. What they opened before they may have kept.", b.Compartment(), f.Epoch.Number)
	return nil
}
