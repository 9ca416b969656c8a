package main

import (
	"context"
	"errors"
	"flag"
	"os"

	"github.com/phrledger/phr/ledger/node"
	"github.com/phrledger/phr/ledger/repair"
)

// nodeRepair mends the storage of a node that does not run.
func nodeRepair(ctx context.Context, e *env, args []string) error {
	fs := e.flags()
	c := e.stopped(fs)
	seen := fs.String("checkpoint", "", "`FILE` with a checkpoint that a client or a witness has kept: what is made has to lead to it")
	dry := fs.Bool("dry-run", false, "only say what is damaged, as 'phr node scrub' does")
	if err := e.parseStopped(fs, args, c); err != nil {
		return err
	}
	var o node.RepairOptions
	if *seen != "" {
		var err error
		if o.Checkpoint, err = os.ReadFile(*seen); err != nil {
			return err
		}
	}
	return e.mend(ctx, *c, o, *dry)
}

// nodeScrub says what is damaged in the storage of a node that does not run.
func nodeScrub(ctx context.Context, e *env, args []string) error {
	fs := e.flags()
	c := e.stopped(fs)
	if err := e.parseStopped(fs, args, c); err != nil {
		return err
	}
	return e.mend(ctx, *c, node.RepairOptions{}, true)
}

// stopped adds the flags of a verb that works on a node's directory.
func (e *env) stopped(fs *flag.FlagSet) *node.Config {
	c := new(node.Config)
	fs.StringVar(&c.Dir, "data", "", "`DIR` of a node that does not run")
	fs.StringVar(&c.Tree, "tree", "", "`DIR` of the sealed copy of the log, if the node runs with --tree")
	fs.BoolVar(&e.json, "json", false, "write JSON for programs")
	return c
}

func (e *env) parseStopped(fs *flag.FlagSet, args []string, c *node.Config) error {
	if _, err := e.parse(fs, args, 0, 0); err != nil {
		return err
	}
	if c.Dir == "" {
		return e.misused("--data is missing")
	}
	return nil
}

// mend repairs a node's storage, or only looks at it, and says what came of it.
func (e *env) mend(ctx context.Context, c node.Config, o node.RepairOptions, look bool) error {
	p := e.progress("Looked at", 0)
	o.Progress = func(n uint64) { p.at(int(n)) }
	work := node.Repair
	if look {
		work = node.Scrub
	}
	report, err := work(ctx, c, o)
	p.done()
	if report != nil {
		if shown := e.showRepair(report); shown != nil {
			return shown
		}
	}
	switch {
	case errors.Is(err, repair.ErrForked):
		return &hinted{err, "nothing was repaired: keep all of it as it is, and put back a copy of DIR that leads to the checkpoint; people's homes and witnesses tell which one was shown to them"}
	case errors.Is(err, repair.ErrLost):
		return &hinted{err, "nothing was repaired: keep all of it as it is, and put back a copy of jetstream/ or of the tree into its place, then repair again"}
	case errors.Is(err, repair.ErrUnknown):
		return &hinted{err, "give one that a client or a witness has kept: --checkpoint FILE"}
	case err != nil:
		return err
	case look && len(report.Findings) > 0:
		return &hinted{errors.New("the node's storage is damaged"), "phr node repair --data " + c.Dir}
	}
	return nil
}

// showRepair prints what was found, what was done, what is gone, and what to do.
func (e *env) showRepair(r *repair.Report) error {
	if e.json {
		return e.emit(r)
	}
	e.say("%s, %s of them sealed", plural(int(r.Entries), "entry"), thousands(int(r.Sealed)))
	for _, f := range r.Findings {
		e.say("found: %s", f)
	}
	for _, done := range r.Done {
		e.say("done: %s", done)
	}
	for _, path := range r.Aside {
		e.say("moved aside: %s", path)
	}
	for _, gone := range r.Lost {
		e.say("gone: %s, which was not sealed", gone)
	}
	for _, p := range r.Parts {
		e.say("gone: key material %s", p.Subject)
	}
	if len(r.Lost) > 0 {
		e.say("What is gone of the log comes back by itself when those who wrote it use phr again: it waits in their homes.")
	}
	if len(r.Parts) > 0 {
		e.say("Key material has no second copy: whoever needs it is shut out of that epoch. The patients named there start new epochs with 'phr compartment rotate'.")
	}
	switch {
	case r.Sound():
		e.say("Nothing is damaged.")
	case len(r.Done) > 0:
		e.say("The node can be started, and says in its log that it was repaired. What was moved aside may hold key material: delete it when all is well.")
	}
	return nil
}
