package view

import (
	"context"
	"slices"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/ledger"
)

// access passes on what comes on the caller's access log.
func (v *View) access(ctx context.Context) error {
	c := v.config.Client
	told := func(a client.Access) error {
		line := Changed{What: "access", Patient: string(c.GID()), Compartment: string(a.Compartment)}
		v.post("changed", line)
		if a.Emergency != nil {
			line.What = "emergency"
			v.post("changed", line)
		}
		return nil
	}
	for {
		patient, err := c.IsPatient(ctx)
		if err == nil && patient {
			if err = c.Newcomers(ctx, told); err == nil {
				_ = c.WatchAccess(ctx, told) // it ends when the node goes away: then it begins anew
			}
		}
		if !pause(ctx, pauseAfter) {
			return ctx.Err()
		}
	}
}

// emergencies tells those whom a hospital has given a key of emergencies that concern them, as something comes of one.
func (v *View) emergencies(ctx context.Context) error {
	c, begun := v.config.Client, v.config.Now()
	told := func(e *client.Emergency) error {
		all := e.Entries()
		if all[len(all)-1].LogTime.After(begun) {
			v.post("changed", Changed{What: "emergency", Patient: string(e.Patient()), Compartment: string(e.Chain().Compartment)})
		}
		return nil
	}
	for {
		keys, err := v.heldKeys(ctx)
		if err == nil && slices.ContainsFunc(keys, func(k HeldKey) bool { return k.Kind == string(ledger.Hospital) }) {
			_ = c.FollowEmergencies(ctx, "", told) // as above
		}
		if !pause(ctx, pauseAfter) {
			return ctx.Err()
		}
	}
}
