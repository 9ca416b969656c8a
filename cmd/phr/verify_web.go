package main

import (
	"context"
	"fmt"
)

// verifyWeb compares a served copy of the web interface with this program's own.
func verifyWeb(ctx context.Context, e *env, args []string) error {
	fs := e.flags()
	fs.BoolVar(&e.json, "json", false, "write JSON for programs")
	operands, err := e.parse(fs, args, 1, 1)
	if err != nil {
		return err
	}
	build, err := e.openWeb(ctx)
	if err != nil {
		return err
	}
	c, err := build.Verify(ctx, operands[0])
	if err != nil {
		return err
	}
	if e.json {
		if err := e.emit(c); err != nil {
			return err
		}
	}
	for _, d := range c.Differences {
		if !e.json {
			e.say("%s: %s", d.Path, d.Why)
		}
	}
	if len(c.Differences) > 0 {
		err := fmt.Errorf("%s is not what this program serves", quote(operands[0]))
		if c.Go != c.OwnGo {
			return &hinted{err, "its program was built by " + quote(c.Go) + " and this one's by " + c.OwnGo + ": compare with a phr that was built by the same"}
		}
		return &hinted{err, "it is " + quote(c.Version) + ", and this is " + buildVersion() + "; if they are one release, do not unlock your keys there"}
	}
	if !e.json {
		e.say("%s: the same as this program's, with the same protection", plural(c.Files, "file"))
		e.note("That was served to you, now. The server may serve others, or later, something else: 'phr ui' serves the page from your own program.")
	}
	return nil
}
