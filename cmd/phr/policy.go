package main

import (
	"context"
	"fmt"
	"os"

	"github.com/phrledger/phr/ledger/witness"
)

// witnessPolicy shows or replaces what the caller's home wants of witnesses.
func witnessPolicy(_ context.Context, e *env, args []string) error {
	operands, err := e.parse(e.personal(), args, 0, 1)
	if err != nil {
		return err
	}
	var next *witness.Policy
	if len(operands) > 0 && operands[0] != witness.None {
		if next, err = readPolicy(operands[0]); err != nil {
			return err
		}
	}
	h, err := e.open()
	if err != nil {
		return err
	}
	defer h.Close()
	if len(operands) > 0 {
		if err := h.SetWitnessPolicy(next); err != nil {
			return fmt.Errorf("keeping the policy: %w", err)
		}
	}
	p, err := h.WitnessPolicy()
	if err != nil {
		return err
	}
	return e.showPolicy(p)
}

// readPolicy reads a policy on witnesses from a file.
func readPolicy(file string) (*witness.Policy, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading the policy: %w", err)
	}
	p, err := witness.ParsePolicy(text)
	if err != nil {
		return nil, &hinted{err, "it is written as C2SP tlog-policy says: witness NAME KEY, group NAME 2 NAME NAME NAME, quorum NAME"}
	}
	return p, nil
}

func (e *env) showPolicy(p *witness.Policy) error {
	text := ""
	if p != nil {
		text = p.String()
	}
	switch {
	case e.json:
		return e.emit(struct {
			Policy string `json:"policy"`
		}{text})
	case p == nil:
		e.note("No witness needs to cosign the log.")
		return nil
	}
	_, err := e.stdout.Write(harmless([]byte(text)))
	return err
}
