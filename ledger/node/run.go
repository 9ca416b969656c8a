package node

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
)

// urlFile is where the node leaves its URL, for people on the same machine.
const urlFile = "node.url"

// Run works until ctx ends, and returns nil then, or until the node can't go on. It is called once.
func (n *Node) Run(ctx context.Context) error {
	g, working := errgroup.WithContext(ctx)
	g.Go(func() error { return n.fold.Run(working, n.server.Ledger()) })
	g.Go(func() error { return n.ingest.Run(working) })
	g.Go(func() error { return n.tables.Run(working) })
	g.Go(func() error { return n.sealer.Run(working) })
	g.Go(func() error { return n.server.Ledger().Guard(working) })
	g.Go(func() error { return n.watch(working) })
	g.Go(func() error {
		if err := n.prepare(working); err != nil {
			return err
		}
		return n.serve(working)
	})
	err := g.Wait()
	if ctx.Err() != nil && (err == nil || errors.Is(err, context.Canceled)) {
		return nil
	}
	if isDamage(err) {
		err = fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return fmt.Errorf("running the node: %w", err)
}

// ErrWrite is returned, wrapped, when the log can't be written, as on a full disk. What was acknowledged is there; the node goes on when it
// is started again and there is room.
var ErrWrite = errors.New("the log can't be written")

// watch ends the node when its server takes nothing more: those who write would wait for nothing.
func (n *Node) watch(ctx context.Context) error {
	err := n.server.Watch(ctx)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return fmt.Errorf("%w: %w", ErrWrite, err)
}

// prepare waits until the node knows its log, and appends what is missing at its beginning.
func (n *Node) prepare(ctx context.Context) error {
	if err := n.fold.Wait(ctx, n.started); err != nil {
		return err
	}
	select {
	case <-n.sealer.Compared(): // before anybody builds on it
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := n.bootstrap(ctx); err != nil {
		return fmt.Errorf("preparing the ledger: %w", err)
	}
	if err := n.mirror(ctx); err != nil {
		return fmt.Errorf("comparing the copies of key material: %w", err)
	}
	return n.sayIncidents(ctx)
}

// mirror makes both copies of key material the same, and says so if one had lost something.
func (n *Node) mirror(ctx context.Context) error {
	restored, err := n.ingest.Mirror(ctx)
	if restored == 0 || err != nil {
		return err
	}
	text := fmt.Sprintf("%d parts of key material were missing, and came back from their second copies", restored)
	n.config.Log.Error("parts_restored", "count", restored)
	return n.say(ctx, n.keys.node, ledger.NodeChain(n.keys.node.GID()), &ledger.Incident{Text: text})
}

// serve runs the services.
func (n *Node) serve(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return n.ingest.Serve(ctx) })
	g.Go(func() error { return n.gate.Run(ctx) })
	if err := n.serveDirectory(ctx, g); err != nil {
		return errors.Join(err, g.Wait())
	}
	if n.site != nil {
		g.Go(func() error { return n.serveSite(ctx) })
	}
	if n.config.EndorseAll {
		g.Go(func() error { return n.endorseAll(ctx) })
	}
	g.Go(func() error { return n.disown(ctx) })
	g.Go(func() error { return n.watchStale(ctx) })
	g.Go(func() error { return n.openEmergencies(ctx) })
	g.Go(func() error { return n.keepCheckpoint(ctx) })
	g.Go(func() error { return n.scrub(ctx) })
	for _, listening := range []<-chan struct{}{n.ingest.Listening(), n.gate.Listening()} {
		select {
		case <-listening:
		case <-ctx.Done():
			return g.Wait()
		}
	}
	if err := writeFile(filepath.Join(n.config.Dir, urlFile), []byte(n.URL().String()+"\n"), 0o644); err != nil {
		return err
	}
	close(n.ready)
	return g.Wait()
}

// disown has the gate close the sessions that were open when the node stopped.
func (n *Node) disown(ctx context.Context) error {
	if err := n.tables.Wait(ctx, n.started); err != nil {
		return err
	}
	rows, err := n.tables.DB().QueryContext(ctx,
		`SELECT patient, session FROM disclosure WHERE session IS NOT NULL AND NOT closed AND ends > ? AND sequence <= ?`,
		n.config.Now().UnixMilli(), n.started)
	if err != nil {
		return fmt.Errorf("looking for sessions left open: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var patient identity.GID
		var id []byte
		if err := rows.Scan(&patient, &id); err != nil {
			return fmt.Errorf("looking for sessions left open: %w", err)
		}
		var session ledger.SessionID
		copy(session[:], id)
		n.gate.Disown(patient, session)
	}
	return rows.Err()
}

// settle waits until fold and tables show everything that was in the log when it was called.
func (n *Node) settle(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, maxLag)
	defer cancel()
	last, err := n.server.Ledger().LastSeq(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return errBehind
	}
	if err != nil {
		return err
	}
	if err := n.fold.Wait(ctx, last); err != nil {
		return errBehind
	}
	if err := n.tables.Wait(ctx, last); err != nil {
		return errBehind
	}
	return nil
}

const maxLag = 5 * time.Second // how far fold and tables may be behind the log
