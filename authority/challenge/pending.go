package challenge

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/phrledger/phr/crypto/abe"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
)

// pending is a challenge that waits for its answer.
type pending struct {
	sid      ledger.SessionID
	gid      identity.GID
	user     string
	request  Request
	renews   ledger.SessionID // zero for a new session
	th2      hash
	keys     keys
	resolved []resolved // by target
	expires  time.Time
}

// resolved is what a policy's names stood for when it was encapsulated to.
type resolved struct {
	policy   string
	versions []uint32
	keys     [][32]byte
}

func resolve(e *abe.Expression) resolved {
	return resolved{e.Policy().String(), e.Versions(), e.KeyHashes()}
}

func (r *resolved) equal(other *resolved) bool {
	return r.policy == other.policy && slices.Equal(r.versions, other.versions) && slices.Equal(r.keys, other.keys)
}

// room is the places for challenges of one kind. It is guarded by the gate's mutex.
type room struct {
	size    int
	working int // places taken by challenges that are being made
	pending map[ledger.SessionID]*pending
}

func newRoom(size int) room { return room{size: size, pending: make(map[ledger.SessionID]*pending)} }

// full tells whether all places are taken, after those were cleared that expired.
func (r *room) full(now time.Time) bool {
	if len(r.pending)+r.working < r.size {
		return false
	}
	maps.DeleteFunc(r.pending, func(_ ledger.SessionID, p *pending) bool { return now.After(p.expires) })
	return len(r.pending)+r.working >= r.size
}

// room returns where challenges for an operation wait. Logins have places of their own: anybody can register, and must not
// be able to keep those out to whom something was granted.
func (g *Gate) room(op ledger.Operation) *room {
	if op == ledger.OpLogin {
		return &g.logins
	}
	return &g.sessions
}

// admit takes a place for a challenge, unless the person or all together ask for too much. The caller gives it back.
func (g *Gate) admit(now time.Time, gid identity.GID, th1 hash, r *room) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.window.forget(now, gid)
	if err := g.left.must(helloReplay, g.window.checkNew(gid, th1)); err != nil {
		return err
	}
	if err := g.left.must(helloRate, g.window.checkRate(gid, g.config.Rate)); err != nil {
		return err
	}
	var full error
	if r.full(now) {
		full = fmt.Errorf("%w: %d challenges wait for an answer", ErrBusy, len(r.pending))
	}
	if err := g.left.must(helloPending, full); err != nil {
		return err
	}
	g.window.add(now, gid, th1)
	r.working++
	return nil
}

// find returns the challenge with an id and where it waits.
func (g *Gate) find(sid ledger.SessionID) (*pending, *room) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, r := range []*room{&g.sessions, &g.logins} {
		if p, ok := r.pending[sid]; ok {
			return p, r
		}
	}
	return nil, nil
}

// burn removes a challenge. Of many answers at once, one finds it still there.
func (g *Gate) burn(r *room, sid ledger.SessionID) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.left.has(answerBurn) {
		return nil
	}
	if _, there := r.pending[sid]; !there {
		return errors.New("the challenge was answered before")
	}
	delete(r.pending, sid)
	return nil
}
