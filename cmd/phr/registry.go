package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/phrledger/phr/authority"
	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger/node"
	"github.com/phrledger/phr/ledger/protocol"
)

// authorityEndorse gives a name to an authority, as the registry whose keys are in a node's directory.
func authorityEndorse(ctx context.Context, e *env, args []string) error {
	fs := e.flags()
	dir := fs.String("data", "", "`DIR` of the node, where the registry's keys are")
	fs.BoolVar(&e.verbose, "verbose", false, "tell more on standard error")
	operands, err := e.parse(fs, args, 2, 2)
	if err != nil {
		return err
	}
	if *dir == "" {
		return e.misused("--data is missing")
	}
	name, err := policy.ParseAuthority(operands[0])
	if err != nil {
		return err
	}
	fingerprint, err := authority.ParseFingerprint(operands[1])
	if err != nil {
		return fmt.Errorf("reading the fingerprint: %w", err)
	}
	c, err := e.dialRegistry(ctx, *dir)
	if err != nil {
		return err
	}
	defer hangUp(c)
	if err := c.Endorse(ctx, name, fingerprint); err != nil {
		return fmt.Errorf("endorsing %q: %w", name, err)
	}
	e.say("endorsed %s", name)
	return nil
}

// registryFlag adds the flag by which the verbs of an authority act as the registry.
func registryFlag(fs *flag.FlagSet) *string {
	return fs.String("data", "", "`DIR` of a node: act as the registry that lives there, instead of the authority of your home")
}

// dialAuthority connects as the authority of the caller's home, or as the registry of a node's directory.
func (e *env) dialAuthority(ctx context.Context, data string) (*client.Client, error) {
	if data == "" {
		return e.dial(ctx)
	}
	return e.dialRegistry(ctx, data)
}

// dialRegistry connects to the running node of a directory as the registry that lives there.
func (e *env) dialRegistry(ctx context.Context, dir string) (*client.Client, error) {
	registry, phr, err := node.Registry(dir)
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(filepath.Join(dir, "node.url"))
	if err != nil {
		return nil, fmt.Errorf("finding the node of %s: %w", dir, err)
	}
	url, err := protocol.ParseURL(string(text))
	if err != nil {
		return nil, err
	}
	h := client.HomeOf(registry)
	if err := h.SetAuthority(phr); err != nil {
		return nil, err
	}
	c, err := client.Dial(ctx, client.Config{Home: h, Node: url, Log: e.log()})
	if err != nil {
		return nil, &hinted{err, "the node of " + dir + " has to run"}
	}
	return c, nil
}

// saveRegistry keeps what the registry has changed in its state: its invitations.
func saveRegistry(dir string, h *client.Home) error {
	phr, err := h.Authority()
	if err != nil {
		return err
	}
	return node.SaveRegistry(dir, phr)
}

// followRegistry takes over the invitations that other processes save, until ctx ends. Who came in by one is read from the log.
func followRegistry(ctx context.Context, dir string, h *client.Home) error {
	var seen []byte
	for tick := time.NewTicker(time.Second / 2); ; {
		_, phr, err := node.Registry(dir)
		if err != nil {
			return err
		}
		if now := phr.Bytes(); !bytes.Equal(now, seen) {
			if err := h.SetAuthority(phr); err != nil {
				return err
			}
			seen = now
		}
		select {
		case <-ctx.Done():
			tick.Stop()
			return ctx.Err()
		case <-tick.C:
		}
	}
}
