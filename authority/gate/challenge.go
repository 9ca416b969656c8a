package gate

import (
	"context"
	"crypto/rand"
	"errors"

	"github.com/phrledger/phr/authority/challenge"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/ledger/stream"
)

// refused is all that anybody is told who is not given a session, whatever the cause.
var refused = &stream.Error{
	Code: protocol.CodeRefused, Text: "the node does not open this session",
	Hint: "what it was asked for may have been revoked: ask again what is shared with you",
}

var busy = &stream.Error{Code: protocol.CodeBusy, Text: "too many sessions are asked for at once", Hint: "try again in a moment"}

// hello answers M1 with M2.
func (g *Gate) hello(ctx context.Context, r *stream.Request) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, maxRequest)
	defer cancel()
	if err := g.caughtUp(ctx); err != nil {
		return nil, err
	}
	m2, err := g.challenges.Hello(g.Now(), g.facts, r.Data)
	if err != nil {
		return nil, g.refuse(err)
	}
	return m2, nil
}

// answer answers M3 with M4.
func (g *Gate) answer(ctx context.Context, r *stream.Request) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, maxRequest)
	defer cancel()
	if err := g.caughtUp(ctx); err != nil {
		return nil, err
	}
	v, err := g.challenges.Answer(g.Now(), g.facts, r.Data)
	if err != nil {
		return nil, g.refuse(err)
	}
	return g.open(ctx, v)
}

// refuse makes what the caller is told, and remembers the refusal of a person whom the log knows.
func (g *Gate) refuse(err error) error {
	if errors.Is(err, challenge.ErrBusy) {
		return busy
	}
	var r *challenge.Refusal
	if errors.As(err, &r) {
		g.Log.Debug("session_refused", "error", r.Detail)
		g.noteRefusal(r)
	}
	return refused
}

// open makes a right answer a session and returns M4.
func (g *Gate) open(ctx context.Context, v *challenge.Verified) ([]byte, error) {
	if v.Renews() {
		return g.renew(ctx, v)
	}
	opened := v.Opened()
	names := consumerNames(opened.Operation)
	grant := challenge.Grant{Inbox: rand.Text()}
	scope, err := g.scope(ctx, v, &grant)
	if err != nil {
		return nil, err
	}
	scope.Inbox, scope.Consumers = grant.Inbox, names
	logged, err := g.log(ctx, v)
	if err != nil {
		return nil, err
	}
	// If we were to crash after this, the log would show a session that nobody was given. The next start closes it.
	m4, err := g.give(v, logged, scope, &grant)
	if err != nil && logged != nil {
		g.journal.add(statement{logged.Chain, &ledger.SessionClosed{Session: opened.Session, Reason: reasonNotGiven}})
	}
	return m4, err
}

// log appends session.opened or session.renewed. A login is the person's own affair and stands nowhere.
func (g *Gate) log(ctx context.Context, v *challenge.Verified) (*ledger.Event, error) {
	if v.Patient() == "" {
		return nil, nil
	}
	access := ledger.RecordChain(v.Patient(), ledger.Access)
	logged, err := g.Ingest.Say(ctx, access, v.Statement())
	if err == nil {
		return logged, nil
	}
	var told *stream.Error
	if !errors.As(err, &told) && v.Renews() {
		return nil, err // and the session ends with it
	}
	if !errors.As(err, &told) {
		// It is not known whether it was appended. If it was, this ends it; if not, there is nothing to end.
		g.journal.add(statement{access, &ledger.SessionClosed{Session: v.Opened().Session, Reason: reasonNotGiven}})
		return nil, err
	}
	g.Log.Warn("session_not_logged", "error", err)
	if told.Code == protocol.CodeBusy || told.Code == protocol.CodeConflict {
		return nil, busy
	}
	return nil, refused
}

// give seals the grant of a new session and makes the session live.
func (g *Gate) give(v *challenge.Verified, logged *ledger.Event, scope stream.Scope, grant *challenge.Grant) ([]byte, error) {
	session, m4, err := g.seal(v, logged, scope, grant)
	if err != nil {
		return nil, err
	}
	for _, out := range g.table.add(newLive(session, scope.Inbox, scope.Consumers)) {
		g.cut(out, reasonReplaced)
	}
	return m4, nil
}

// seal mints the session's user and seals the grant.
func (g *Gate) seal(v *challenge.Verified, logged *ledger.Event, scope stream.Scope, grant *challenge.Grant) (*challenge.Session, []byte, error) {
	opened := v.Opened()
	if !g.Now().Before(expires(opened)) {
		return nil, nil, refused // the term has ended meanwhile
	}
	user, err := scope.Grant(opened.User, opened.Session.String(), expires(opened))
	if err != nil {
		return nil, nil, err
	}
	if grant.JWT, err = g.Users.MintUser(user); err != nil {
		return nil, nil, err
	}
	return g.challenges.Seal(v, logged, *grant)
}
