package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/phrledger/phr/client"
)

// flags returns the flags of the verb that is run, none yet.
func (e *env) flags() *flag.FlagSet {
	fs := flag.NewFlagSet(e.verb.name, flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	return fs
}

// personal returns the flags of a verb that acts for the person of a home.
func (e *env) personal() *flag.FlagSet {
	fs := e.flags()
	fs.StringVar(&e.home, "home", "", "`DIR` of your keys (or PHR_HOME; ~/.phr)")
	fs.StringVar(&e.passphraseFile, "passphrase-file", "", "`FILE` whose first line is the passphrase, instead of a prompt")
	fs.BoolVar(&e.json, "json", false, "write JSON for programs, one object a line")
	return fs
}

// online returns the flags of a verb that talks to a node.
func (e *env) online() *flag.FlagSet {
	fs := e.personal()
	fs.StringVar(&e.node, "node", "", "`URL` of the node (or PHR_NODE; the one used last)")
	fs.BoolVar(&e.verbose, "verbose", false, "tell more on standard error")
	return fs
}

// writing returns the flags of a verb that writes to the log.
func (e *env) writing() *flag.FlagSet {
	fs := e.online()
	e.wait = client.Accepted
	fs.Func("wait", "`LEVEL` to wait for: accepted (it is on the node's disk), sealed (and in the log's tree) or witnessed", func(text string) (err error) {
		e.wait, err = client.ParseLevel(text)
		return err
	})
	return fs
}

// attainable tells whether what is written can reach the level asked for, before anything is.
func (e *env) attainable(h *client.Home) error {
	if e.wait != client.Witnessed {
		return nil
	}
	p, err := h.WitnessPolicy()
	if err == nil && p == nil {
		err = &hinted{client.ErrNoWitnesses, "name them with 'phr witness policy FILE'"}
	}
	return err
}

// reach waits until what was written has reached the level asked for.
func (e *env) reach(ctx context.Context, c *client.Client) (client.Reached, error) {
	p := e.progress("Waiting until it is sealed", 0)
	done, err := c.Await(ctx, e.wait, p.at)
	if e.wait == client.Accepted {
		return done, err
	}
	p.done()
	if err == nil && !e.json {
		e.note("Sealed, as entry %s of the log.", thousands(int(done.Sequence)))
	}
	return done, err
}

// parse reads flags and operands in any order, and returns the operands, of which there are least to most; most < 0 is any
// number. It answers -h by itself, with flag.ErrHelp.
func (e *env) parse(fs *flag.FlagSet, args []string, least, most int) ([]string, error) {
	var operands []string
	for {
		err := fs.Parse(args)
		if errors.Is(err, flag.ErrHelp) {
			e.verb.explain(e.stdout, fs)
			return nil, err
		}
		if err != nil {
			return nil, e.misused(err.Error())
		}
		rest := fs.Args()
		if len(rest) == 0 {
			break
		}
		if n := len(args) - len(rest); n > 0 && args[n-1] == "--" {
			operands = append(operands, rest...)
			break
		}
		operands, args = append(operands, rest[0]), rest[1:]
	}
	switch {
	case len(operands) < least:
		return nil, e.misused("something is missing: phr " + e.verb.name + " " + e.verb.takes)
	case most >= 0 && len(operands) > most:
		return nil, e.misused("there is too much: " + quote(operands[most]))
	}
	return operands, nil
}

// misused returns the error for a command line that can't be run.
func (e *env) misused(text string) error {
	return &usageError{text: e.verb.name + ": " + text, hint: "phr " + e.verb.name + " -h says what it takes"}
}

// A span is a stretch of time as it is typed: 2024, 2024-05, 2024-05-17, or one moment in RFC 3339.
type span struct{ start, end time.Time }

// parseSpan reads a span, in the local zone where it names none.
func parseSpan(s string) (span, error) {
	for _, form := range []struct {
		layout              string
		years, months, days int
	}{{"2006", 1, 0, 0}, {"2006-01", 0, 1, 0}, {time.DateOnly, 0, 0, 1}} {
		if t, err := time.ParseInLocation(form.layout, s, time.Local); err == nil {
			return span{t, t.AddDate(form.years, form.months, form.days)}, nil
		}
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return span{}, fmt.Errorf("%s is not a date such as 2024-05-17, 2024-05 or 2024", quote(s))
	}
	return span{t, t}, nil
}

// between reads the bounds of what is asked for: from the beginning of one span to the end of another. What is empty bounds nothing.
func between(since, until string) (from, to time.Time, err error) {
	if since != "" {
		s, err := parseSpan(since)
		if err != nil {
			return from, to, err
		}
		from = s.start
	}
	if until != "" {
		s, err := parseSpan(until)
		if err != nil {
			return from, to, err
		}
		to = s.end
	}
	return from, to, nil
}

// parseUntil reads when something ends: a time from now, as 30d or 12h, or a date, which is then the last day.
func parseUntil(s string, now time.Time) (time.Time, error) {
	if d, err := parseDuration(s); err == nil {
		return now.Add(d), nil
	}
	day, err := parseSpan(s)
	if err != nil {
		return time.Time{}, fmt.Errorf("%s is neither a date such as 2026-12-31 nor a time such as 30d", quote(s))
	}
	if !day.end.After(now) {
		return time.Time{}, fmt.Errorf("%s is over", s)
	}
	return day.end, nil
}

// parseDuration reads a number of days (30d) or weeks (2w), or what time.ParseDuration reads.
func parseDuration(s string) (time.Duration, error) {
	const day = 24 * time.Hour
	for suffix, unit := range map[string]time.Duration{"d": day, "w": 7 * day} {
		if digits, ok := strings.CutSuffix(s, suffix); ok {
			n, err := strconv.ParseUint(digits, 10, 16)
			if err != nil || n == 0 {
				return 0, fmt.Errorf("%s is not a time such as 30d", quote(s))
			}
			return time.Duration(n) * unit, nil
		}
	}
	d, err := time.ParseDuration(s)
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("%s is not a time such as 30d or 12h", quote(s))
	}
	return d, nil
}
