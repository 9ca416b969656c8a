package demo

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/client/agent"
	"github.com/phrledger/phr/ledger"
)

// keepKeys leaves Maria's keys to an agent, through which she does everything from here on.
func (d *demo) keepKeys(ctx context.Context, g *errgroup.Group) ([]string, error) {
	before, _, err := d.readAll(ctx, d.maria, ledger.Health)
	if err != nil {
		return nil, err
	}
	d.maria.Close()
	const idle = 200 * time.Millisecond
	if err := d.leaveAlone(ctx, g, d.maria.Home(), idle); err != nil {
		return nil, err
	}
	home, err := d.open("maria", []byte(passphrase))
	if err != nil {
		return nil, err
	}
	asked, err := d.serveAgent(ctx, g, home, agent.SocketName, 0)
	if err != nil {
		return nil, err
	}
	if d.maria, err = d.connect(ctx, "Maria", client.HomeWith(filepath.Join(d.homes, "maria"), asked, asked.Close)); err != nil {
		return nil, err
	}
	read, took, err := d.readAll(ctx, d.maria, ledger.Health)
	if err != nil {
		return nil, err
	}
	if err := expect(read == before, "through the agent she reads %d records, and %d without", read, before); err != nil {
		return nil, err
	}
	return []string{
		fmt.Sprintf("left alone for %s it locks by itself: the keys are wiped, and nothing is done without the passphrase", idle),
		fmt.Sprintf("unlocked, it signs and opens for another program of hers, which reads %d records in %s and holds no key", read, round(took)),
		"it gives no key away, opens no attribute key for a program, and signs in nobody else's name",
	}, d.tryAgent(asked)
}

// serveAgent runs an agent for a home of Maria's, and returns the way to it.
func (d *demo) serveAgent(ctx context.Context, g *errgroup.Group, home *client.Home, socket string, idle time.Duration) (*agent.Client, error) {
	dir := filepath.Join(d.homes, "maria")
	l, err := agent.Listen(filepath.Join(dir, socket))
	if err != nil {
		return nil, err
	}
	s := agent.NewServer(agent.Config{
		Home: home, Dir: dir, Idle: idle, Log: d.Log,
		Open: func(passphrase []byte) (*client.Home, error) { return d.open("maria", passphrase) },
	})
	g.Go(func() error { return s.Run(ctx, l) })
	return agent.Dial(filepath.Join(dir, socket))
}

// leaveAlone waits until an agent that nobody uses has locked a home.
func (d *demo) leaveAlone(ctx context.Context, g *errgroup.Group, home *client.Home, idle time.Duration) error {
	asked, err := d.serveAgent(ctx, g, home, "idle.sock", idle)
	if err != nil {
		return err
	}
	defer asked.Close()
	for range time.Tick(idle / 20) {
		status, err := asked.Status()
		if err != nil {
			return err
		}
		if status.Locked {
			break
		}
	}
	_, err = asked.Attributes()
	return expect(errors.Is(err, agent.ErrLocked), "the agent should be locked: %v", err)
}

// tryAgent asks the agent for what it does for nobody.
func (d *demo) tryAgent(asked *agent.Client) error {
	program := d.maria.Home()
	if err := expect(program.Identity() == nil && len(program.AttributeKeys()) == 0, "the program holds keys"); err != nil {
		return err
	}
	if _, err := program.Handover(); !errors.Is(err, client.ErrAgent) {
		return expect(false, "the program should not get the keystore: %v", err)
	}
	if _, err := asked.Open(ledger.IssueInfo, nil, nil); !errors.Is(err, agent.ErrRefused) {
		return expect(false, "the agent should not open attribute keys: %v", err)
	}
	err := asked.SignEvent(&ledger.Event{
		Chain: ledger.RecordChain(d.stranger.GID(), ledger.Profile), Author: d.stranger.GID(), Time: d.clock.now(),
		Body: &ledger.PatientRegistered{Key: []byte("key")},
	})
	return expect(errors.Is(err, agent.ErrRefused), "the agent should not sign for somebody else: %v", err)
}
