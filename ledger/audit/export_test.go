package audit

import (
	"time"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
)

// How much of the newest of a log an audit remembers.
const (
	ManyPlaces   = manyPlaces
	ManyControls = manyControls
)

// Recent remembers events by number, all on one chain.
type Recent struct{ recent }

func (r *Recent) Add(number uint64, h ledger.Hash)     { r.add(place{number: number}, h) }
func (r *Recent) At(number uint64) (ledger.Hash, bool) { return r.at(place{number: number}) }
func (r *Recent) Len() int                             { return len(r.hashes) }

// Controls remembers when control entries were logged.
type Controls struct{ controls }

func (c *Controls) Add(t time.Time)                      { c.add(t) }
func (c *Controls) After(count uint64) (time.Time, bool) { return c.after(count) }

// HeadMap is the map of heads.
type HeadMap struct{ heads }

func (h *HeadMap) Set(c ledger.Chain, head Head) { h.set(c, head) }
func (h *HeadMap) Root() ledger.Hash             { return h.root() }

// Check is one check of an audit, for tests that leave it out.
type Check = check

const CheckCount = checkCount

const (
	CheckServed     = checkServed
	CheckOrder      = checkOrder
	CheckSubject    = checkSubject
	CheckClock      = checkClock
	CheckRules      = checkRules
	CheckTwice      = checkTwice
	CheckMarked     = checkMarked
	CheckEndsOfRuns = checkEndsOfRuns
	CheckMark       = checkMark
	CheckBehind     = checkBehind
	CheckNewEpoch   = checkNewEpoch
	CheckReviewed   = checkReviewed
	CheckPassed     = checkPassed
	CheckEnds       = checkEnds
	CheckAhead      = checkAhead
	CheckBack       = checkBack
	CheckRoot       = checkRoot
	CheckMap        = checkMap
	CheckOrigin     = checkOrigin
	CheckSigned     = checkSigned
	CheckShown      = checkShown
	CheckKept       = checkKept
	CheckShort      = checkShort
	CheckWitnesses  = checkWitnesses
	CheckTiles      = checkTiles
	CheckBundles    = checkBundles
	CheckData       = checkData
)

// LeaveOut makes an audit go on without checks.
func (o Options) LeaveOut(left ...Check) Options {
	for _, c := range left {
		o.left |= 1 << c
	}
	return o
}

// Second is a second opinion by itself.
type Second struct{ s *second }

func NewSecond(root identity.GID) Second            { return Second{newSecond(root)} }
func (s Second) Apply(e *ledger.Entry)              { s.s.apply(e) }
func (s Second) Remembers(id ledger.SessionID) bool { return s.s.sessions[id] != nil }
