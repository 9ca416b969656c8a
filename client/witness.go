package client

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/phrledger/phr/ledger/witness"
)

const policyName = "witness-policy"

// WitnessPolicy returns whose cosignatures this home wants on a log's checkpoints; nil for nobody's.
func (h *Home) WitnessPolicy() (*witness.Policy, error) {
	text, err := h.read(policyName)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var p *witness.Policy
	if err == nil {
		p, err = witness.ParsePolicy(text)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the policy on witnesses: %w", err)
	}
	return p, nil
}

// SetWitnessPolicy keeps another policy on witnesses; nil is none.
func (h *Home) SetWitnessPolicy(p *witness.Policy) error {
	if p != nil {
		return h.write(policyName, []byte(p.String()))
	}
	if err := h.store.Remove(policyName); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// What has just been sealed is not cosigned yet: it is asked for again so often, so long after.
const (
	witnessTries = 4
	witnessPause = 500 * time.Millisecond
)

// errUnwitnessed means that fewer have cosigned what the node shows than the home's policy wants.
var errUnwitnessed = errors.New("not witnessed")

// witnessed demands, if the home has a policy on witnesses, that they have cosigned a tree with entry index in it.
func (c *Client) witnessed(ctx context.Context, index uint64) error {
	p, err := c.home.WitnessPolicy()
	if err != nil || p == nil {
		return err
	}
	for tries := 1; ; tries++ {
		err := c.seeWitnessed(ctx, p, index)
		if !errors.Is(err, errUnwitnessed) || tries == witnessTries || !pause(ctx, witnessPause) {
			return err
		}
	}
}

// IsWitnessed tells whether as many as the home's policy wants have cosigned a tree with entry index in it. Without a policy nobody counts.
func (c *Client) IsWitnessed(ctx context.Context, index uint64) (bool, error) {
	p, err := c.home.WitnessPolicy()
	if err != nil || p == nil {
		return false, err
	}
	if err = c.seeWitnessed(ctx, p, index); errors.Is(err, errUnwitnessed) {
		return false, nil
	}
	return err == nil, err
}

// seeWitnessed is witnessed by the newest checkpoint that the node shows with cosignatures. The log goes on from that too.
func (c *Client) seeWitnessed(ctx context.Context, p *witness.Policy, index uint64) error {
	at, answer, err := c.askCheckpoint(ctx)
	if err != nil {
		return err
	}
	if answer.Witnessed == nil {
		return fmt.Errorf("%w: the node shows no checkpoint with cosignatures", errUnwitnessed)
	}
	key := c.Node().Log
	log, err := logKey(c.config.Node.Root, key)
	if err != nil {
		return err
	}
	var few *witness.QuorumError
	if _, err := p.Check(answer.Witnessed, log, c.config.Now()); errors.As(err, &few) {
		return fmt.Errorf("%w: %w", errUnwitnessed, err)
	} else if err != nil {
		return err
	}
	seen, err := openCheckpoint(c.config.Node.Root, key, answer.Witnessed)
	if err != nil {
		return err
	}
	if err := at.Extends(seen, answer.Since); err != nil {
		return fmt.Errorf("the log that others have cosigned is not this one: %w", err)
	}
	if seen.Size <= index {
		return fmt.Errorf("%w: others have cosigned the first %d entries", errUnwitnessed, seen.Size)
	}
	return nil
}
