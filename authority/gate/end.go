package gate

import (
	"context"
	"errors"
	"time"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
)

// tick is how often sessions are looked at when the log stands still, for those whose time is up.
const tick = time.Second

// endLoop looks at all sessions whenever the fold has moved.
func (g *Gate) endLoop(ctx context.Context) error {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		moved := g.Ingest.Fold.Moved()
		for _, l := range g.table.all() {
			if why := g.judge(l); why != nil {
				g.end(l, why)
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-moved:
		case <-ticker.C:
			g.flushRefusals()
		}
	}
}

// end takes away what a session that was judged ended still has. An expired one has lost its connection already.
func (g *Gate) end(l *live, why error) {
	if !g.table.remove(l) {
		return
	}
	if errors.Is(why, errExpired) {
		g.dropConsumers(l)
		return
	}
	g.cut(l, why.Error())
}

// cut ends a session that is in the table no more. What it can still do is taken away first, and then logged: if we were to
// crash in between, the next start would close it.
func (g *Gate) cut(l *live, why string) {
	s := l.session
	l.mu.Lock()
	if l.ended == nil {
		l.ended = errors.New(why)
	}
	l.mu.Unlock()
	g.dropConsumers(l)
	if err := g.Users.Kick(s.User()); err != nil {
		g.Log.Error("kick_failed", "session", s.ID().String(), "error", err)
	}
	g.Log.Info("session_ended", "session", s.ID().String(), "reason", why)
	if s.Patient() != "" {
		access := ledger.RecordChain(s.Patient(), ledger.Access)
		g.journal.add(statement{access, &ledger.SessionClosed{Session: s.ID(), Reason: why}})
	}
}

// dropConsumers deletes a session's consumers and keeps new ones from being made. Those that can't be deleted now idle out.
func (g *Gate) dropConsumers(l *live) {
	ctx, cancel := context.WithTimeout(context.Background(), maxRequest)
	defer cancel()
	if err := l.pulls.close(ctx, g.Ingest.Ledger); err != nil {
		g.Log.Error("consumers_left", "session", l.session.ID().String(), "error", err)
	}
}

// Disown closes a session that the log shows as open and that this gate does not know: it was opened before a restart, and
// the tables that let it be used are gone.
func (g *Gate) Disown(patient identity.GID, id ledger.SessionID) {
	if g.table.has(id) {
		return
	}
	access := ledger.RecordChain(patient, ledger.Access)
	g.journal.add(statement{access, &ledger.SessionClosed{Session: id, Reason: reasonRestart}})
}
