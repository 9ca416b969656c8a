package gate

import (
	"context"
	"errors"

	"github.com/phrledger/phr/authority/challenge"
	"github.com/phrledger/phr/ledger/stream"
)

// renew lets a session go on, and returns M4. It keeps its consumers and where its replies go: a connection with the new JWT
// takes over from the one with the old.
func (g *Gate) renew(ctx context.Context, v *challenge.Verified) ([]byte, error) {
	opened := v.Opened()
	before, ok := g.live(opened.User)
	if !ok || before.session.ID() != opened.Session {
		return nil, refused // opened before a restart, or by another node
	}
	grant := challenge.Grant{Inbox: before.inbox}
	scope, err := g.scope(ctx, v, &grant)
	if err != nil {
		return nil, err
	}
	scope.Inbox, scope.Consumers = before.inbox, before.pulls.names()
	logged, err := g.log(ctx, v)
	var told *stream.Error
	if errors.As(err, &told) {
		return nil, err // it goes on as it is
	}
	if err != nil {
		g.end(before, errors.New(reasonNotGiven)) // until when the log says that it lasts is not known
		return nil, err
	}
	// If we were to crash after this, the log would show a session that goes on. The next start closes it.
	session, m4, err := g.seal(v, logged, scope, &grant)
	if err == nil && !g.table.replace(before, &live{session: session, pulls: before.pulls, inbox: before.inbox}) {
		return nil, refused // it has ended meanwhile, and the log says why or is about to
	}
	if err != nil {
		g.end(before, errors.New(reasonNotGiven))
		return nil, err
	}
	return m4, nil
}
