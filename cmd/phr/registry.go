package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"

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
		return &hinted{fmt.Errorf("reading the fingerprint: %w", err), "copy it again, whole"}
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
		e.direct = true // an authority's keys are in the keystore alone
		return e.dial(ctx)
	}
	return e.dialRegistry(ctx, data)
}

// dialRegistry connects to the running node of a directory as the registry that lives there.
func (e *env) dialRegistry(ctx context.Context, dir string) (*client.Client, error) {
	registry, _, err := node.Registry(dir)
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
	load := func() (*authority.Authority, error) {
		_, phr, err := node.Registry(dir)
		return phr, err
	}
	h, err := client.HomeOfAuthority(registry, load, func(phr *authority.Authority) error { return node.SaveRegistry(dir, phr) })
	if err != nil {
		return nil, err
	}
	c, err := client.Dial(ctx, client.Config{Home: h, Node: url, Log: e.log()})
	if err != nil {
		return nil, &hinted{err, "the node of " + dir + " has to run"}
	}
	return c, nil
}
