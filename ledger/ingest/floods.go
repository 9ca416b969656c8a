package ingest

import (
	"sync"
	"time"

	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/ledger/stream"
)

// How fast strangers may register and enrol. Whoever has a session is not held up by them.
const (
	registerBurst = 200
	registerPer   = 20 * time.Millisecond // one more becomes free
	enrolBurst    = 100
	enrolPer      = 50 * time.Millisecond
)

// floods bounds what requests without a session may cost.
type floods struct{ register, enrol *bucket }

func newFloods(now func() time.Time) floods {
	return floods{
		register: &bucket{now: now, burst: registerBurst, per: registerPer, full: now()},
		enrol:    &bucket{now: now, burst: enrolBurst, per: enrolPer, full: now()},
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
