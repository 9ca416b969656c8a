package client

import (
	"context"
	"sync"
	"time"

	"github.com/phrledger/phr/ledger/protocol"
)

// renewable tells whether a session may go on in place: it is somebody else's record, and not over. A login is opened anew,
// which costs little and stands nowhere.
func (s *session) renewable(now time.Time) bool {
	return s != nil && s.term != nil && !s.ended.Load() && !now.Before(s.renew) && now.Before(s.expires)
}

// renewSession goes through a challenge by which a session goes on, under its id, on another connection with the same key. It
// returns nil where another session is to be opened: under a better term, or because the node does not know this one any more.
func (c *Client) renewSession(ctx context.Context, key sessionKey, before *session) (*session, error) {
	term, err := c.termFor(ctx, key.chain, key.op)
	if err != nil {
		return nil, err
	}
	if term.ID != before.term.ID {
		return nil, nil
	}
	heads, err := c.knownHeads(key.chain)
	if err != nil {
		return nil, err
	}
	s, err := c.challengeAs(ctx, before.user, before.id, key.request(term.ID), heads)
	switch code := codeOf(err); {
	case code == protocol.CodeRefused, code == protocol.CodeBusy:
		return nil, nil
	case err != nil:
		return nil, err
	case s.id != before.id:
		s.end()
		return nil, nil
	}
	s.term, s.places = term, before.places
	c.config.Log.Debug("session_renewed", "session", s.id.String())
	return s, nil
}

// uses counts who is under way in a session. The zero value is one that nobody uses.
type uses struct {
	mu      sync.Mutex
	count   int
	retired bool
}

func (u *uses) enter() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.count++
}

// leave calls end for the last one in a session that another one has taken over from.
func (u *uses) leave(end func()) {
	u.mu.Lock()
	u.count--
	last := u.retired && u.count == 0
	u.mu.Unlock()
	if last {
		end()
	}
}

// retire calls end at once if nobody is under way, and lets the last one do it otherwise.
func (u *uses) retire(end func()) {
	u.mu.Lock()
	u.retired = true
	idle := u.count == 0
	u.mu.Unlock()
	if idle {
		end()
	}
}
