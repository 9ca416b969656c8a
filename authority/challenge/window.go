package challenge

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
)

// memory is how long a hello is remembered. It is longer than one can be repeated: its time is at most ClockSkew ahead when
// it first comes, and at most ClockSkew behind when it comes again.
const memory = 2 * ledger.ClockSkew

// maxPeople bounds who is remembered. Only who is registered, and entitled or logging in, gets here.
const maxPeople = 1 << 16

// window remembers the hellos of the last minutes by person. It is guarded by the gate's mutex.
type window map[identity.GID][]heard

type heard struct {
	at  time.Time
	th1 hash
}

func old(now time.Time) func(heard) bool {
	return func(h heard) bool { return now.Sub(h.at) > memory }
}

// forget drops what is too old: of one person, and of all when there are too many.
func (w window) forget(now time.Time, gid identity.GID) {
	if hs, ok := w[gid]; ok {
		w[gid] = slices.DeleteFunc(hs, old(now))
	}
	if len(w) < maxPeople {
		return
	}
	maps.DeleteFunc(w, func(_ identity.GID, hs []heard) bool { return len(hs) == 0 || old(now)(hs[len(hs)-1]) })
}

// checkNew fails for a hello that was heard before.
func (w window) checkNew(gid identity.GID, th1 hash) error {
	if slices.ContainsFunc(w[gid], func(h heard) bool { return h.th1 == th1 }) {
		return errors.New("the hello came before")
	}
	return nil
}

// checkRate fails for a person who was heard often enough, and for everybody new while too many people ask.
func (w window) checkRate(gid identity.GID, most int) error {
	if n := len(w[gid]); n >= most || n == 0 && len(w) >= maxPeople {
		return fmt.Errorf("%w: %d hellos within %s", ErrBusy, n, memory)
	}
	return nil
}

func (w window) add(now time.Time, gid identity.GID, th1 hash) {
	w[gid] = append(w[gid], heard{now, th1})
}
