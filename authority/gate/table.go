package gate

import (
	"container/list"
	"slices"
	"sync"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
)

// Bounds on live sessions. A new one beyond them ends the oldest, so that a flood costs bounded memory and keeps nobody out.
// Logins have a bound of their own, since anybody can register.
const (
	maxSessions = 10_000 // on somebody else's record
	maxLogins   = 10_000
	maxOwn      = 64 // of one person
)

// table is the live sessions.
type table struct {
	mu       sync.RWMutex
	byUser   map[string]*live
	byPerson map[identity.GID][]*live // oldest first
	logins   list.List                // of *live, oldest first
	sessions list.List
}

func newTable() table {
	return table{byUser: make(map[string]*live), byPerson: make(map[identity.GID][]*live)}
}

// add makes a session live. It returns those that are live no more for it: the one before it with the same nkey, and the
// oldest where there are too many.
func (t *table) add(l *live) (out []*live) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if before := t.byUser[l.session.User()]; before != nil {
		out = append(out, before)
		t.drop(before)
	}
	gid := l.session.GID()
	if own := t.byPerson[gid]; len(own) >= maxOwn {
		out = append(out, own[0])
		t.drop(own[0])
	}
	kind, most := t.kind(l)
	if kind.Len() >= most {
		oldest := kind.Front().Value.(*live)
		out = append(out, oldest)
		t.drop(oldest)
	}
	t.byUser[l.session.User()] = l
	t.byPerson[gid] = append(t.byPerson[gid], l)
	l.place = kind.PushBack(l)
	return out
}

func (t *table) kind(l *live) (q *list.List, most int) {
	if l.session.Operation() == ledger.OpLogin {
		return &t.logins, maxLogins
	}
	return &t.sessions, maxSessions
}

// replace puts a session that was renewed in the place of what it was; false says that it has ended meanwhile.
func (t *table) replace(before, renewed *live) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.byUser[before.session.User()] != before {
		return false
	}
	t.byUser[before.session.User()] = renewed
	own := t.byPerson[before.session.GID()]
	own[slices.Index(own, before)] = renewed
	renewed.place = before.place
	renewed.place.Value = renewed
	return true
}

// remove drops a session; false says that somebody else has.
func (t *table) remove(l *live) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.byUser[l.session.User()] != l {
		return false
	}
	t.drop(l)
	return true
}

func (t *table) drop(l *live) {
	delete(t.byUser, l.session.User())
	gid := l.session.GID()
	own := slices.DeleteFunc(t.byPerson[gid], func(other *live) bool { return other == l })
	if t.byPerson[gid] = own; len(own) == 0 {
		delete(t.byPerson, gid)
	}
	kind, _ := t.kind(l)
	kind.Remove(l.place)
}

func (t *table) find(nkey string) *live {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.byUser[nkey]
}

func (t *table) has(id ledger.SessionID) bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	for _, l := range t.byUser {
		if l.session.ID() == id {
			return true
		}
	}
	return false
}

func (t *table) size() int {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return len(t.byUser)
}

// all returns the live sessions as of now.
func (t *table) all() []*live {
	t.mu.RLock()
	defer t.mu.RUnlock()
	list := make([]*live, 0, len(t.byUser))
	for _, l := range t.byUser {
		list = append(list, l)
	}
	return list
}
