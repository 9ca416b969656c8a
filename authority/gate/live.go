package gate

import (
	"container/list"
	"errors"
	"sync"
	"time"

	"github.com/phrledger/phr/authority/challenge"
	"github.com/phrledger/phr/ledger"
)

// Why sessions end, as the patient's access log says it.
const (
	reasonIdentity   = "the identity is revoked"
	reasonRotated    = "the keys of the identity were replaced"
	reasonGrant      = "what it was granted by is no longer in force"
	reasonEnded      = "its grant has ended"
	reasonQuarantine = "the log says something about it that this node does not understand"
	reasonAuditor    = "no longer an auditor"
	reasonReplaced   = "replaced by a newer session"
	reasonNotGiven   = "it could not be given out"
	reasonRestart    = "the node was restarted"
)

// errExpired ends a session without a word: the log says itself when that is.
var errExpired = errors.New("expired")

// live is a session that may still be used.
type live struct {
	session *challenge.Session
	pulls   *pulls        // the same after a renewal
	inbox   string        // where its replies go
	place   *list.Element // in the table, whose it is

	mu     sync.Mutex
	audits bool   // it reads the whole log
	ended  error  // why; nil while it lasts
	judged uint64 // place in the log up to which it was judged
	ground ground // what that judgement rested on
	term   *ledger.LiveTerm
}

func newLive(s *challenge.Session, inbox string, consumers []string) *live {
	return &live{session: s, pulls: &pulls{places: newPlaces(consumers)}, inbox: inbox}
}

// ground is what the right to a session on a compartment follows from. While it stays the same, so does the right: people,
// authorities, attributes and who holds them stand on control chains, terms in the policy, grants to a person on the profile,
// emergencies on the access chain.
type ground struct {
	control uint64
	policy  *ledger.Entry
	profile uint64
	opened  *ledger.Breakglass // the emergency that it rests on; nil if on none
}

func groundOf(s *ledger.State, session *challenge.Session, now time.Time) ground {
	chain := session.Chain()
	fact, _ := s.Compartment(chain)
	profile, _ := s.Head(ledger.RecordChain(chain.GID(), ledger.Profile))
	return ground{s.Position().Count, fact.Set, profile.Number, s.OpenEmergency(session.GID(), chain, session.Term(), now)}
}

// judge tells whether a session may still be used, by the fold as it is now: nil, or why it has ended.
func (g *Gate) judge(l *live) error {
	now := g.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.ended != nil:
		return l.ended
	case !now.Before(l.session.Expires()):
		l.ended = errExpired
	case l.term != nil && l.term.Until != 0 && now.UnixMilli() >= l.term.Until:
		l.ended = errors.New(reasonEnded)
	default:
		// The sequence is read before the fold is: what is judged is at least as new.
		if at := g.Ingest.Fold.Sequence(); at != l.judged || at == 0 {
			l.ended = g.judgeNow(l, now)
			l.judged = at
		}
	}
	return l.ended
}

func (g *Gate) judgeNow(l *live, now time.Time) (why error) {
	s, chain := l.session, l.session.Chain()
	if s.Operation() == ledger.OpLogin {
		keys, err := g.facts.Person(s.GID())
		if err != nil {
			return errors.New(reasonIdentity)
		}
		if keys.Sign != s.Key() {
			return errors.New(reasonRotated)
		}
		if l.audits && !g.facts.audits(s.GID()) {
			return errors.New(reasonAuditor)
		}
		return nil
	}
	g.Ingest.Fold.View(func(state *ledger.State) {
		if ground := groundOf(state, s, now); ground != l.ground {
			l.ground = ground
			why = l.judgeBy(state, now)
		}
	})
	if why == nil && g.facts.closed(s.GID(), chain, l.term) != nil {
		return errors.New(reasonQuarantine)
	}
	return why
}

func (l *live) judgeBy(state *ledger.State, now time.Time) (why error) {
	s := l.session
	keys, err := state.Person(s.GID())
	if err != nil {
		return errors.New(reasonIdentity)
	}
	if keys.Sign != s.Key() {
		return errors.New(reasonRotated)
	}
	if l.term, why = state.Entitled(s.GID(), s.Chain(), s.Operation(), s.Term(), now); why != nil {
		return errors.New(reasonGrant)
	}
	return nil
}

// Live returns the session of a connection's public nkey while it lasts. It refuses as soon as the fold shows the end.
func (g *Gate) Live(nkey string) (*challenge.Session, bool) {
	l, ok := g.live(nkey)
	if !ok {
		return nil, false
	}
	return l.session, true
}

func (g *Gate) live(nkey string) (*live, bool) {
	l := g.table.find(nkey)
	if l == nil || g.judge(l) != nil {
		return nil, false
	}
	return l, true
}

// Sessions returns how many sessions are live, those of people on their own record included.
func (g *Gate) Sessions() int { return g.table.size() }
