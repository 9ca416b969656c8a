package main

import (
	"context"
	"log/slog"

	"github.com/phrledger/phr/cmd/phr/demo"
)

// demoVerb shows all of phr in this process. What follows --data, up to the end, are files.
func demoVerb(ctx context.Context, e *env, args []string) error {
	fs := e.flags()
	var data []string
	fs.Func("data", "`FILE…` with FHIR records to import, instead of the sample record", func(path string) error {
		data = append(data, path)
		return nil
	})
	exit := fs.Bool("exit", false, "end after the steps instead of serving on")
	fs.BoolVar(&e.json, "json", false, "write JSON for programs, one object a step")
	fs.BoolVar(&e.verbose, "verbose", false, "log on standard error")
	more, err := e.parse(fs, args, 0, -1)
	if err != nil {
		return err
	}
	if len(more) > 0 && len(data) == 0 {
		return e.misused("files to import follow --data")
	}
	o := demo.Options{Out: e.stdout, JSON: e.json, Data: append(data, more...), Stay: !*exit}
	if e.verbose {
		o.Log = slog.New(slog.NewTextHandler(e.stderr, nil))
	}
	return demo.Run(ctx, o)
}
