package main

import (
	"context"
	"log/slog"

	"github.com/phrledger/phr/cmd/phr/demo"
)

// demoVerb shows all of phr in this process, and opens the stage for browsers then. What follows --data, up to the end, are files.
func demoVerb(ctx context.Context, e *env, args []string) error {
	fs := e.flags()
	var data []string
	fs.Func("data", "`FILE…` with FHIR records to import, instead of the sample record", func(path string) error {
		data = append(data, path)
		return nil
	})
	exit := fs.Bool("exit", false, "end after the steps instead of opening the stage for browsers")
	atOnce := fs.Bool("web", false, "open the stage for browsers at once, without the steps")
	listen := fs.String("listen", "127.0.0.1:0", "`HOST:PORT` of the stage, a loopback address; port 0 is any that is free")
	dir := fs.String("data-dir", "", "`DIR` that the stage's node keeps its data in, and leaves them (a temporary one)")
	fs.BoolVar(&e.json, "json", false, "write JSON for programs, one object a step, and one with the URL of the stage")
	fs.BoolVar(&e.verbose, "verbose", false, "log on standard error")
	more, err := e.parse(fs, args, 0, -1)
	switch {
	case err != nil:
		return err
	case len(more) > 0 && len(data) == 0:
		return e.misused("files to import follow --data")
	case *exit && *atOnce:
		return e.misused("--exit and --web leave nothing to show")
	}
	o := demo.Options{Out: e.stdout, JSON: e.json, Data: append(data, more...), Log: slog.New(slog.DiscardHandler)}
	if e.verbose {
		o.Log = slog.New(slog.NewTextHandler(e.stderr, nil))
	}
	if !*atOnce {
		err = demo.Run(ctx, o)
	}
	if err != nil || *exit {
		return err
	}
	return e.openStage(ctx, demo.StageOptions{Out: e.stdout, JSON: e.json, Dir: *dir, Listen: *listen, Version: buildVersion(), Log: o.Log})
}

// openStage has sample people to log in as in a browser, until it is interrupted.
func (e *env) openStage(ctx context.Context, o demo.StageOptions) (err error) {
	if err := loopback(o.Listen); err != nil {
		return err
	}
	if o.Build, err = e.openWeb(ctx); err != nil {
		return err
	}
	e.note("Opening a stage for the browser: a node with two patients and those whom they have let in.")
	return demo.Stage(ctx, o)
}
