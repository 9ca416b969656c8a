package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"runtime/debug"
	"slices"
	"strings"
	"text/tabwriter"
)

// help lists the verbs by role, or says what one verb, or those of one group, take.
func help(ctx context.Context, e *env, args []string) error {
	names, err := e.parse(e.flags(), args, 0, 2)
	if err != nil {
		return err
	}
	if len(names) == 0 {
		return helpAll(e.stdout)
	}
	v, rest, err := find(names)
	if err == nil && len(rest) == 0 {
		e.verb = v
		return v.run(ctx, e, []string{"-h"})
	}
	group := slices.DeleteFunc(verbs(), func(v verb) bool { return !strings.HasPrefix(v.name, names[0]+" ") })
	if len(group) == 0 || len(names) > 1 {
		return &usageError{text: "there is no verb " + quote(strings.Join(names, " ")), hint: "phr help lists them"}
	}
	return list(e.stdout, group)
}

func helpAll(w io.Writer) error {
	fmt.Fprint(w, "phr keeps personal health records on a server that cannot read them.\n")
	for _, role := range []string{everybody, patients, readers, founders, operators} {
		fmt.Fprintf(w, "\n%s:\n", role)
		if err := list(w, slices.DeleteFunc(verbs(), func(v verb) bool { return v.role != role })); err != nil {
			return err
		}
	}
	_, err := fmt.Fprint(w, "\n'phr VERB -h' says what a verb takes, with an example.\n"+
		"New here: 'phr demo' shows all of it, and 'phr node --data DIR' starts a node of one's own.\n")
	return err
}

func list(w io.Writer, all []verb) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, v := range all {
		fmt.Fprintf(table, "  %s\t%s\n", v.name, v.does)
	}
	return table.Flush()
}

// explain writes what the verb is for and takes.
func (v *verb) explain(w io.Writer, fs *flag.FlagSet) {
	fmt.Fprintf(w, "usage: phr %s\n\n%s.\n\n", strings.TrimSpace(v.name+" "+v.takes), strings.ToUpper(v.does[:1])+v.does[1:])
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	some := false
	fs.VisitAll(func(f *flag.Flag) {
		value, text := flag.UnquoteUsage(f)
		dashes := "--"
		if len(f.Name) == 1 {
			dashes = "-"
		}
		fmt.Fprintf(table, "  %s\t%s\n", strings.TrimSpace(dashes+f.Name+" "+value), text)
		some = true
	})
	table.Flush()
	if some {
		fmt.Fprintln(w)
	}
	for line := range strings.Lines(v.example) {
		fmt.Fprintf(w, "  %s\n", strings.TrimSpace(line))
	}
}

// version prints which build this is.
func version(_ context.Context, e *env, args []string) error {
	if _, err := e.parse(e.flags(), args, 0, 0); err != nil {
		return err
	}
	_, err := fmt.Fprintln(e.stdout, "phr", buildVersion())
	return err
}

// buildVersion names this build, and the Go that built it.
func buildVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	return info.Main.Version + " " + info.GoVersion
}
