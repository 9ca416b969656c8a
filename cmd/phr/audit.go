package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger/audit"
	"github.com/phrledger/phr/ledger/protocol"
)

// auditVerb replays a log and says what is wrong with it.
func auditVerb(ctx context.Context, e *env, args []string) error {
	fs := e.online()
	dir := fs.String("dir", "", "`DIR` of a node that does not run, instead of asking one that does")
	if _, err := e.parse(fs, args, 0, 0); err != nil {
		return err
	}
	var report *audit.Report
	var err error
	if *dir != "" {
		report, err = e.auditDir(ctx, *dir)
	} else {
		report, err = e.auditNode(ctx)
	}
	if err != nil {
		return fmt.Errorf("auditing: %w", err)
	}
	return e.showReport(report)
}

func (e *env) auditDir(ctx context.Context, dir string) (report *audit.Report, err error) {
	text, err := os.ReadFile(filepath.Join(dir, "node.url"))
	if err != nil {
		return nil, fmt.Errorf("finding the root's key: %w", err)
	}
	url, err := protocol.ParseURL(string(text))
	if err != nil {
		return nil, err
	}
	err = audit.FromDir(ctx, dir, func(s audit.Source) error {
		report, err = e.audit(ctx, url.Root, s)
		return err
	})
	return report, err
}

// auditNode asks a node for its log, which it gives to those who hold auditor@phr.
func (e *env) auditNode(ctx context.Context) (*audit.Report, error) {
	c, err := e.dial(ctx)
	if err != nil {
		return nil, err
	}
	defer hangUp(c)
	url, err := protocol.ParseURL(c.Home().Node())
	if err != nil {
		return nil, err
	}
	return e.audit(ctx, url.Root, c.Log)
}

func (e *env) audit(ctx context.Context, root identity.GID, s audit.Source) (*audit.Report, error) {
	p := e.progress("Replayed", 0)
	defer p.done()
	return audit.Run(ctx, root, s, audit.Options{Progress: func(n uint64) { p.at(int(n)) }})
}

// showReport prints a report. A log that is not sound is an error.
func (e *env) showReport(r *audit.Report) error {
	if e.json {
		if err := e.emit(r); err != nil {
			return err
		}
	} else {
		e.say("%s, %s of them count; %s, %s, %s, %s", plural(int(r.Entries), "entry"), thousands(int(r.Counted)),
			plural(r.Patients, "patient"), plural(int(r.Records), "record"), plural(int(r.Sessions.Opened), "session"), plural(r.Authorities, "authority"))
		if n := len(r.Erased) + len(r.ErasedCompartments) + len(r.ErasedPatients); n > 0 {
			e.say("erased, as their patients wanted: %s, %s, %s", plural(len(r.Erased), "version")+" of records",
				plural(len(r.ErasedCompartments), "compartment"), plural(len(r.ErasedPatients), "whole record"))
		}
		for _, f := range r.Findings {
			e.say("%s", findingLine(f))
		}
		for _, m := range r.Emergencies {
			e.say("emergency at entry %d on %s: %s was opened to %s, approved by %s; %s, review due until %s", m.Sequence, m.Chain, m.Compartment,
				m.Requester, m.Approver, plural(m.Reviews, "review"), moment(m.Due))
		}
		for _, o := range r.Outdated {
			e.say("outdated at entry %d on %s: epoch %d was wrapped for %s in version %d, when version %d was in force",
				o.Sequence, o.Chain, o.Epoch, o.Attribute, o.Named, o.InForce)
		}
	}
	if !r.Sound() {
		return &hinted{fmt.Errorf("the log is not sound: %s", plural(len(r.Findings), "finding")), "keep a copy of it as it is, and ask the node's operator"}
	}
	if !e.json {
		e.say("Nothing is wrong with this log.")
	}
	return nil
}

func findingLine(f audit.Finding) string {
	var b strings.Builder
	fmt.Fprintf(&b, "finding: %s", f.Problem)
	if f.Sequence != 0 {
		fmt.Fprintf(&b, " at entry %d", f.Sequence)
	}
	if f.Chain.Owner != "" {
		fmt.Fprintf(&b, " on %s", f.Chain)
	}
	fmt.Fprintf(&b, ": %s", f.What)
	if f.Evidence != "" {
		fmt.Fprintf(&b, " (%s)", f.Evidence)
	}
	return b.String()
}
