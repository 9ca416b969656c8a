package main

import (
	"context"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
)

// compartmentRotate starts the next epoch of a compartment on purpose.
func compartmentRotate(ctx context.Context, e *env, args []string) error {
	fs := e.online()
	t := new(target)
	fs.StringVar(&t.patient, "patient", "", "`ID` of the patient (yourself)")
	reason := fs.String("reason", "asked for", "`TEXT` that anybody who sees the log can read")
	names, err := e.parse(fs, args, 1, 1)
	if err != nil {
		return err
	}
	t.compartment = names[0]
	c, err := e.dial(ctx)
	if err != nil {
		return err
	}
	defer hangUp(c)
	books, err := e.books(ctx, c, t)
	if err != nil {
		return err
	}
	b := books[0]
	number, err := b.StartEpoch(ctx, *reason)
	if err != nil {
		return err
	}
	if e.json {
		return e.emit(struct {
			Patient     identity.GID       `json:"patient"`
			Compartment ledger.Compartment `json:"compartment"`
			Epoch       uint32             `json:"epoch"`
		}{b.Patient(), b.Compartment(), number})
	}
	e.say("%s goes on under new keys, as epoch %d", b.Compartment(), number)
	return nil
}
