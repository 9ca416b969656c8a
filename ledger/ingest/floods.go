package ingest

import (
	"sync"
	"time"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/ledger/stream"
)

// How fast strangers may register and enrol. Whoever has a session is not held up by them.
const (
	registerBurst = 200
	registerPer   = 20 * time.Millisecond // one more becomes free
	enrolBurst    = 100
	enrolPer      = 50 * time.Millisecond

	emergencyBurst = 12 // of one person: two emergencies with all that belongs to them, and some conflicts
	emergencyPer   = time.Minute
)

// floods bounds what requests without a session may cost.
type floods struct {
	register, enrol *bucket
	emergencies     *pace
}

func newFloods(now func() time.Time) floods {
	return floods{
		register:    &bucket{now: now, burst: registerBurst, per: registerPer, full: now()},
		enrol:       &bucket{now: now, burst: enrolBurst, per: enrolPer, full: now()},
		emergencies: &pace{now: now, own: make(map[identity.GID]*bucket)},
	}
}

// pace bounds how often one person has something to say in emergencies. Only who may say something at all comes this far, so
// that the log bounds who is remembered.
type pace struct {
	now func() time.Time

	mu  sync.Mutex
	own map[identity.GID]*bucket
}

func (p *pace) take(gid identity.GID) error {
	p.mu.Lock()
	own := p.own[gid]
	if own == nil {
		own = &bucket{now: p.now, burst: emergencyBurst, per: emergencyPer, full: p.now()}
		p.own[gid] = own
	}
	p.mu.Unlock()
	if own.take() != nil {
		return &stream.Error{
			Code: protocol.CodeRefused, Text: "you have said too much in emergencies within a short time", Hint: "try again in some minutes",
		}
	}
	return nil
}

// give takes back that somebody has said something: it did not come to stand.
func (p *pace) give(gid identity.GID) {
	p.mu.Lock()
	own := p.own[gid]
	p.mu.Unlock()
	if own != nil {
		own.give()
	}
}

// bucket is a token bucket: burst at once, then one every per.
type bucket struct {
	now   func() time.Time
	burst int
	per   time.Duration

	mu   sync.Mutex
	full time.Time // when the bucket will be full again
}

func (b *bucket) take() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	if most := now.Add(time.Duration(b.burst) * b.per); b.full.Before(now) || b.full.After(most) {
		b.full = now // full since then, or the clock was set back
	}
	if b.full.Sub(now) > time.Duration(b.burst-1)*b.per {
		return &stream.Error{Code: protocol.CodeBusy, Text: "too many newcomers at once", Hint: "try again in a moment"}
	}
	b.full = b.full.Add(b.per)
	return nil
}

// give puts back what take took.
func (b *bucket) give() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.full = b.full.Add(-b.per)
}
