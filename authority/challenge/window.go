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
type window struct {
	heard map[identity.GID][]heard
	swept time.Time
}

type heard struct {
	at  time.Time
	th1 hash
}

func newWindow() window { return window{heard: make(map[identity.GID][]heard)} }

// forget drops what is too old: of one person at once, of everybody now and then.
func (w *window) forget(now time.Time, gid identity.GID) {
	old := func(h heard) bool { return now.Sub(h.at) > memory }
	if hs, ok := w.heard[gid]; ok {
		w.heard[gid] = slices.DeleteFunc(hs, old)
	}
	if now.Sub(w.swept) > memory {
		w.swept = now
		maps.DeleteFunc(w.heard, func(_ identity.GID, hs []heard) bool { return len(hs) == 0 || old(hs[len(hs)-1]) })
	}
}

// checkNew fails for a hello that was heard before.
func (w *window) checkNew(gid identity.GID, th1 hash) error {
	if slices.ContainsFunc(w.heard[gid], func(h heard) bool { return h.th1 == th1 }) {
		return errors.New("the hello came before")
	}
	return nil
}

// checkRate fails for a person who was heard often enough, and for everybody new while too many people ask.
func (w *window) checkRate(gid identity.GID, most int) error {
	hs, known := w.heard[gid]
	if len(hs) >= most || !known && len(w.heard) >= maxPeople {
		return fmt.Errorf("%w: %d hellos within %s", ErrBusy, len(hs), memory)
	}
	return nil
}

func (w *window) add(now time.Time, gid identity.GID, th1 hash) {
	w.heard[gid] = append(w.heard[gid], heard{now, th1})
}
