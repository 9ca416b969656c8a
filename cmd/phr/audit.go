package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger/audit"
	"github.com/phrledger/phr/ledger/node"
	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/ledger/stream"
	"github.com/phrledger/phr/projections"
)

// auditVerb replays a log and says what is wrong with it.
func auditVerb(ctx context.Context, e *env, args []string) error {
	fs := e.online()
	dir := fs.String("dir", "", "`DIR` of a node that does not run, instead of asking one that does; its tables and tree are compared too")
	tree := fs.String("tree", "", "`DIR` of a tree: by itself, with the node's URL to name the root, or beside --dir if it is kept elsewhere")
	since := fs.String("since", "", "`FILE` with the JSON of an earlier audit, or a signed checkpoint: the log has to go on from there")
	policy := fs.String("policy", "", "`FILE` with a policy (C2SP tlog-policy): so many witnesses have to have cosigned the log")
	ticket := fs.Bool("ticket", false, "audit nothing, and print a ticket (a bearer token) to the entries at the node's HTTP address")
	if _, err := e.parse(fs, args, 0, 0); err != nil {
		return err
	}
	if *ticket {
		return e.auditTicket(ctx)
	}
	report, err := e.audit(ctx, *dir, *tree, *since, *policy)
	if err != nil {
		return fmt.Errorf("auditing: %w", err)
	}
	return e.showReport(report)
}

// auditTicket prints a ticket, for programs that read tlog-tiles.
func (e *env) auditTicket(ctx context.Context) error {
	c, err := e.dial(ctx)
	if err != nil {
		return err
	}
	defer hangUp(c)
	ticket, err := c.Ticket(ctx)
	if err != nil {
		return err
	}
	if e.json {
		return e.emit(struct {
			Ticket string `json:"ticket"`
		}{ticket})
	}
	e.say("%s", ticket)
	return nil
}

func (e *env) audit(ctx context.Context, dir, tree, since, policy string) (*audit.Report, error) {
	var o audit.Options
	if policy != "" {
		p, err := readPolicy(policy)
		if err != nil {
			return nil, err
		}
		o.Witnesses = func(signed []byte, log note.Verifier) error {
			_, err := p.Check(signed, log, time.Now())
			return err
		}
	}
	if since != "" {
		text, err := os.ReadFile(since)
		if err != nil {
			return nil, err
		}
		if o.Known, err = audit.ParseKept(text); err != nil {
			return nil, fmt.Errorf("reading %s: %w", since, err)
		}
	}
	switch {
	case dir != "":
		return e.auditDir(ctx, dir, tree, o)
	case tree != "":
		return e.auditTree(ctx, tree, o)
	}
	return e.auditNode(ctx, o)
}

// auditDir reads the log where it lies, and compares the tree and the tables beside it.
func (e *env) auditDir(ctx context.Context, dir, tree string, o audit.Options) (report *audit.Report, err error) {
	text, err := os.ReadFile(filepath.Join(dir, "node.url"))
	if err != nil {
		return nil, fmt.Errorf("finding the root's key: %w", err)
	}
	url, err := protocol.ParseURL(string(text))
	if err != nil {
		return nil, err
	}
	if tree == "" {
		if _, err := os.Stat(filepath.Join(dir, "tree", "checkpoint")); !errors.Is(err, fs.ErrNotExist) {
			tree = filepath.Join(dir, "tree")
		}
	}
	if tree != "" {
		if err := openTiles(tree, &o); err != nil {
			return nil, err
		}
	}
	err = node.ReadLog(ctx, dir, func(l *stream.Ledger) error {
		s := audit.Of(l)
		if report, err = e.replay(ctx, url.Root, s, o); err != nil {
			return err
		}
		return e.auditTables(ctx, dir, url.Root, s, report)
	})
	return report, err
}

// auditTables makes the node's tables anew and adds to the report how those that it has differ.
func (e *env) auditTables(ctx context.Context, dir string, root identity.GID, s audit.Source, r *audit.Report) error {
	p, n := e.progress("Compared the tables with", int(r.Entries)), 0
	defer p.done()
	c, err := node.CompareTables(ctx, dir, root, func(ctx context.Context, fn func([]stream.Entry) error) error {
		return s(ctx, func(entries []stream.Entry) error {
			n += len(entries)
			p.at(n)
			return fn(entries)
		})
	}, r.Entries)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		e.note("%s has no tables to compare", dir)
	case errors.Is(err, projections.ErrOtherVersion):
		e.note("the tables in %s were made by another version of phr, which its next start makes anew: they are not compared", dir)
	case err != nil:
		return err
	case len(c.Differ) > 0:
		r.Findings = append(r.Findings, audit.Finding{
			Problem: audit.Tables, Sequence: c.Position, What: "the node's tables are not what the log makes them",
			Evidence: "these differ: " + strings.Join(c.Differ, ", "),
		})
	default:
		r.Tables = c.Position
	}
	return nil
}

// auditTree replays the entries that lie beside a tree, of which nothing names the root but what the caller knows.
func (e *env) auditTree(ctx context.Context, dir string, o audit.Options) (*audit.Report, error) {
	text := e.node
	if text == "" {
		text = e.getenv("PHR_NODE")
	}
	if text == "" {
		return nil, &hinted{errors.New("a tree by itself does not say whom to trust"), "name the node that it is of with --node: its URL names the root"}
	}
	url, err := protocol.ParseURL(text)
	if err != nil {
		return nil, err
	}
	if err := openTiles(dir, &o); err != nil {
		return nil, err
	}
	return e.replay(ctx, url.Root, o.Tiles.Log, o)
}

// openTiles opens a tree, with the newest checkpoint there that witnesses have cosigned.
func openTiles(dir string, o *audit.Options) (err error) {
	if o.Tiles, err = audit.OpenTiles(dir); err != nil {
		return err
	}
	o.Witnessed, err = os.ReadFile(filepath.Join(dir, "witnessed"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// auditNode asks a node for its log, which it gives to those who hold auditor@phr.
func (e *env) auditNode(ctx context.Context, o audit.Options) (*audit.Report, error) {
	c, err := e.dial(ctx)
	if err != nil {
		return nil, err
	}
	defer hangUp(c)
	url, err := protocol.ParseURL(c.Home().Node())
	if err != nil {
		return nil, err
	}
	if o.Checkpoint, o.Witnessed, err = c.Checkpoints(ctx); err != nil {
		return nil, err
	}
	return e.replay(ctx, url.Root, c.Log, o)
}

func (e *env) replay(ctx context.Context, root identity.GID, s audit.Source, o audit.Options) (*audit.Report, error) {
	p := e.progress("Replayed", 0)
	defer p.done()
	o.Progress = func(n uint64) { p.at(int(n)) }
	return audit.Run(ctx, root, s, o)
}
