package gate

import (
	"sync"
	"time"

	"github.com/phrledger/phr/authority/challenge"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
)

const (
	refusalEvery = time.Hour
	maxRefusals  = 10_000 // that are counted at a time; more are not logged
)

// refusals counts who was refused what, so that a patient's access chain tells it at most once an hour for each person.
type refusals struct {
	mu     sync.Mutex
	counts map[refusalKey]*tally
}

type refusalKey struct{ gid, patient identity.GID }

type tally struct {
	said time.Time
	next ledger.SessionRefused // what is still to be said; its Count is 0 for nothing
}

// noteRefusal counts the refusal of a registered person who asked for a registered patient's record. What strangers try is
// not logged: anybody could fill the log.
func (g *Gate) noteRefusal(r *challenge.Refusal) {
	if r.Proven == "" || r.Request.Patient == "" {
		return
	}
	now := g.Now()
	key := refusalKey{r.Proven, r.Request.Patient}
	g.refusals.mu.Lock()
	defer g.refusals.mu.Unlock()
	t := g.refusals.counts[key]
	if t == nil {
		if len(g.refusals.counts) >= maxRefusals {
			return
		}
		if g.refusals.counts == nil {
			g.refusals.counts = make(map[refusalKey]*tally)
		}
		t = new(tally)
		g.refusals.counts[key] = t
	}
	t.next = ledger.SessionRefused{
		GID: r.Proven, Operation: r.Request.Operation, Compartment: r.Request.Chain().Compartment,
		Reason: "nothing in force grants it", Count: t.next.Count + 1,
	}
	g.sayRefusal(key, t, now)
}

// sayRefusal says what was counted, unless something was said within the hour.
func (g *Gate) sayRefusal(key refusalKey, t *tally, now time.Time) {
	if now.Sub(t.said) < refusalEvery {
		return
	}
	body := t.next
	t.said, t.next.Count = now, 0
	g.journal.add(statement{ledger.RecordChain(key.patient, ledger.Access), &body})
}

// flushRefusals says what was counted since the last hour, and forgets who was not refused again.
func (g *Gate) flushRefusals() {
	now := g.Now()
	g.refusals.mu.Lock()
	defer g.refusals.mu.Unlock()
	for key, t := range g.refusals.counts {
		switch {
		case now.Sub(t.said) < refusalEvery:
		case t.next.Count > 0:
			g.sayRefusal(key, t, now)
		default:
			delete(g.refusals.counts, key)
		}
	}
}
