// Package demo shows the whole of phr in one process: a node, the registry and four authorities, and a dozen people, over real
// connections and the real gate. Every step says what it proves and how long it took, and fails loudly if it proves nothing.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/ledger/node"
)

// Options say what to show.
type Options struct {
	Out  io.Writer
	JSON bool     // one object a line instead of text
	Data []string // FHIR files to import; none: the sample record of Maria
	Dir  string   // the node's data directory; empty: a temporary one, removed afterwards
	Log  *slog.Logger
}

// ErrExpectation is wrapped by the error of a step that did not show what it should.
var ErrExpectation = errors.New("expectation failed")

// step is one thing to show. Its text says what is proven, with the figures of this very run.
type step struct {
	title string
	show  func(context.Context) (proven []string, err error)
}

// demo is the stage.
type demo struct {
	Options
	troupe
	clock clock
	homes string // the directory of people's homes

	witness *outside
	cast
	record
}

// Run shows every step, and returns an error if any expectation failed.
func Run(ctx context.Context, o Options) error {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Dir == "" {
		dir, err := os.MkdirTemp("", "phr-demo-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		o.Dir = dir
	}
	homes, err := os.MkdirTemp("", "phr-demo-homes-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(homes)
	d := &demo{Options: o, homes: homes}
	d.log, d.now = o.Log, d.clock.now
	if d.witness, err = newOutside(filepath.Join(homes, "witness"), o.Log); err != nil {
		return fmt.Errorf("opening a witness: %w", err)
	}
	defer d.witness.Close()
	n, err := node.Start(ctx, node.Config{
		Dir: o.Dir, Listen: "127.0.0.1:0", Witnesses: d.witness.policy(), Log: o.Log, Now: d.clock.now,
	})
	if err != nil {
		return fmt.Errorf("starting the node: %w", err)
	}
	defer n.Close()
	d.node = n
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return n.Run(ctx) })
	g.Go(func() error { return d.witness.Run(ctx, d.witness.listener) })
	g.Go(func() error {
		defer cancel()
		return d.play(ctx, g)
	})
	defer d.leave()
	if err := g.Wait(); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// play shows the steps one after the other. A failed expectation is reported at the end, so that all of them are seen.
func (d *demo) play(ctx context.Context, g *errgroup.Group) error {
	select {
	case <-d.node.Ready():
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := d.witness.follow(ctx, d.node); err != nil {
		return fmt.Errorf("following the log: %w", err)
	}
	began := time.Now()
	var failed []error
	for i, s := range d.steps(g) {
		start := time.Now()
		proven, err := s.show(ctx)
		took := time.Since(start)
		d.print(i+1, s.title, proven, took, err)
		if err != nil && !errors.Is(err, ErrExpectation) {
			return fmt.Errorf("step %d, %s: %w", i+1, s.title, err)
		}
		if err != nil {
			failed = append(failed, fmt.Errorf("step %d, %s: %w", i+1, s.title, err))
		}
	}
	d.summary(len(failed), time.Since(began))
	return errors.Join(failed...)
}

func (d *demo) steps(g *errgroup.Group) []step {
	return []step{
		{"A node starts; four authorities are endorsed; everyone joins", func(ctx context.Context) ([]string, error) { return d.gather(ctx, g) }},
		{"Maria imports her record", d.importRecord},
		{"Maria reads it", d.mariaReads},
		{"What the server holds of it", d.serverHolds},
		{"What she wrote is sealed and witnessed, and she can prove it", d.sealed},
		{"Maria leaves her keys to an agent", func(ctx context.Context) ([]string, error) { return d.keepKeys(ctx, g) }},
		{"Dr Ruiz, by a grant to his role, reads and writes health data", d.doctor},
		{"Leo reads and writes training data, and can't open health data", d.trainer},
		{"The insurer, granted reading, reads; its write is refused three times", d.insurer},
		{"The employer reads what was granted to one person, and nothing else", d.employer},
		{"A stranger, and two colluders who pool their keys, get nothing", d.outsiders},
		{"A relay in the middle of a challenge gets nothing", d.relay},
		{"A doctor leaves the hospital, which takes the attribute back", d.leaveHospital},
		{"The hospital replaces its master key", d.rekey},
		{"Maria looks before she signs, and narrows a grant", d.consider},
		{"Maria revokes: Dr Ruiz is out at once, and for what comes after", d.revoke},
		{"Her son acts for her, until a date", d.proxy},
		{"In an emergency, two people of the hospital open what she put ready", d.breakGlass},
		{"Maria erases what she wishes she had not written", d.erase},
		{"Maria loses her machine, and comes back by her friends' shares of the recovery words", d.loseDevice},
		{"A grant that was for a day has ended by itself", d.expire},
		{"She adopts a second device", d.adoptDevice},
		{"Who looked", d.whoLooked},
		{"Maria erases her whole record", d.eraseAll},
		{"An auditor without any key replays the whole log", d.audit},
	}
}

// expect fails a step.
func expect(ok bool, format string, args ...any) error {
	if ok {
		return nil
	}
	return fmt.Errorf("%w: "+format, append([]any{ErrExpectation}, args...)...)
}

// refused tells whether err is a refusal, and not a fault on the way.
func refused(err error, what string) error {
	return expect(err != nil && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, context.Canceled),
		"%s should have been refused: %v", what, err)
}

// person is somebody on the stage.
type person struct {
	name string
	*client.Client
}
