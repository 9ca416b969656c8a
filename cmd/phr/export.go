package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/projections/chart"
)

// recordExport writes the FHIR resources of a record as one Bundle.
func recordExport(ctx context.Context, e *env, args []string) error {
	fs := e.online()
	t := targeted(fs)
	out := fs.String("o", "", "`FILE` to write, instead of standard output")
	if _, err := e.parse(fs, args, 0, 0); err != nil {
		return err
	}
	if *out == "" && isTerminal(e.stdout) {
		return &hinted{errors.New("a record is more than a terminal shows, and may hold characters that it would act on"), "name a file with -o"}
	}
	c, err := e.dial(ctx)
	if err != nil {
		return err
	}
	defer hangUp(c)
	folded, err := e.chart(ctx, c, t)
	if err != nil {
		return err
	}
	var n int
	if *out == "" {
		n, err = client.ExportFHIR(e.stdout, folded)
	} else {
		err = replaceFile(*out, func(w io.Writer) error {
			n, err = client.ExportFHIR(w, folded)
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("exporting: %w", err)
	}
	e.note("%s", exported(n, folded))
	return nil
}

// exported says what was written and what was left out.
func exported(n int, folded *chart.Chart) string {
	text := plural(n, "resource") + " written"
	var retracted, erased, sealed, others int
	for _, item := range records(folded) {
		switch {
		case item.Latest.Unreadable == client.ErrErased.Error():
			erased++
		case item.Latest.Unreadable != "":
			sealed++
		case item.Latest.Class != chart.FHIR:
			others++
		case item.Retraction != nil:
			retracted++
		}
	}
	for _, left := range []struct {
		n    int
		what string
	}{{retracted, "retracted"}, {others, "not FHIR"}, {erased, "erased"}, {sealed, "not readable"}} {
		if left.n > 0 {
			text += fmt.Sprintf("; %s left out: %s", thousands(left.n), left.what)
		}
	}
	return text
}

// replaceFile writes a file for its owner alone, such that a crash leaves what was there or all that is new.
func replaceFile(path string, write func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone already if all goes well
	err = write(f)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
