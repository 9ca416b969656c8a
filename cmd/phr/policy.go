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
		text, err := os.ReadFile(operands[0])
		if err != nil {
			return fmt.Errorf("reading the policy: %w", err)
		}
		if next, err = witness.ParsePolicy(text); err != nil {
			return &hinted{err, "it is written as C2SP tlog-policy says: witness NAME KEY, group NAME 2 NAME NAME NAME, quorum NAME"}
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
