package view

import (
	"context"
	"crypto/ed25519"
	"errors"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/ledger/tree"
)

// Log tells of the node's log: what it shows now, whether that goes on from what this device saw before, and who has cosigned it.
func (v *View) Log(ctx context.Context, _ Nothing) (LogState, error) {
	c := v.config.Client
	state := LogState{Origin: tree.Origin(c.Root()), Witnesses: []string{}}
	before, err := c.LogSeen()
	if err != nil {
		return state, err
	}
	state.Before = before.Size
	newest, witnessed, err := c.Checkpoints(ctx)
	var other *client.LogError
	if errors.As(err, &other) {
		state.Note = string(other.Shown) // another log than before: red
		return state, nil
	}
	if err != nil {
		return state, err
	}
	if newest == nil {
		return state, &Error{Code: CodeOther, Message: "This server keeps no tree of its log.", Todo: "Ask whoever runs it to keep one."}
	}
	log, err := v.logKey()
	if err != nil {
		return state, err
	}
	at, err := tree.OpenCheckpoint(newest, log)
	if err != nil {
		return state, err
	}
	state.Size, state.Root, state.Note, state.Consistent = at.Size, at.Root.String(), string(newest), true
	if err := v.addWitnesses(&state, witnessed, log); err != nil {
		return state, err
	}
	v.addReplay(&state)
	return state, nil
}

// logKey returns what verifies the log's checkpoints: the root has signed the key.
func (v *View) logKey() (note.Verifier, error) {
	key := v.config.Client.Node().Log
	return tree.NewVerifier(tree.Origin(v.config.Client.Root()), ed25519.PublicKey(key[:]))
}

// addWitnesses adds who has cosigned the log, of those whom the policy of this device names.
func (v *View) addWitnesses(state *LogState, witnessed []byte, log note.Verifier) error {
	policy, err := v.config.Client.Home().WitnessPolicy()
	if err != nil || policy == nil || witnessed == nil {
		return err
	}
	checked, err := policy.Check(witnessed, log, v.config.Now())
	if err != nil {
		return nil // too few, or not theirs: nobody counts
	}
	state.Witnessed = checked.Size
	for _, c := range checked.Cosignatures {
		state.Witnesses = append(state.Witnesses, c.Cosigner)
	}
	if len(checked.Cosignatures) > 0 {
		at := checked.Cosignatures[0].Time.UTC().Truncate(time.Second)
		state.Time = &at
	}
	return nil
}
