package main

import (
	"context"
	"fmt"

	"github.com/phrledger/phr/web"
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
	if err := e.showCompared(c); err != nil {
		return err
	}
	switch different := fmt.Errorf("%s is not what this program serves", quote(operands[0])); {
	case len(c.Differences) == 0:
		return nil
	case c.Go != c.OwnGo:
		return &hinted{different, "its program was built by " + quote(c.Go) + " and this one's by " + c.OwnGo + ": compare with a phr that was built by the same"}
	default:
		return &hinted{different, "it is " + quote(c.Version) + ", and this is " + buildVersion() + "; if they are one release, do not unlock your keys there"}
	}
}

// shownDifferences is how many a person is shown: two releases differ in nearly every file.
const shownDifferences = 10

func (e *env) showCompared(c *web.Compared) error {
	if e.json {
		return e.emit(c)
	}
	for i, d := range c.Differences {
		if i == shownDifferences {
			e.say("and %s more; --json lists all", plural(len(c.Differences)-i, "file"))
			break
		}
		e.say("%s: %s", d.Path, d.Why)
	}
	if len(c.Differences) == 0 {
		e.say("%s: the same as this program's, with the same protection", plural(c.Files, "file"))
		e.note("That was served to you, now. The server may serve others, or later, something else: 'phr ui' serves the page from your own program.")
	}
	return nil
}
