package audit

import (
	"time"

	"github.com/phrledger/phr/ledger"
)

// How many of the newest places, and of the log times of control entries, an audit remembers, however long the log is. No node
// writes as many control entries in the time that one may be behind.
const (
	manyPlaces   = 1 << 12
	manyControls = 1 << 16
)

// recent is which events stand at the places that were filled last, on all chains together.
type recent struct {
	hashes map[place]ledger.Hash
	places []place
	next   int // in places, once they are full
}

func (r *recent) add(p place, h ledger.Hash) {
	if r.hashes == nil {
		r.hashes = make(map[place]ledger.Hash)
	}
	r.hashes[p] = h
	if len(r.places) < manyPlaces {
		r.places = append(r.places, p)
		return
	}
	delete(r.hashes, r.places[r.next])
	r.places[r.next] = p
	r.next = (r.next + 1) % manyPlaces
}

func (r *recent) at(p place) (ledger.Hash, bool) {
	h, ok := r.hashes[p]
	return h, ok
}

// controls is when the newest control entries were logged.
type controls struct {
	count uint64
	times []int64 // unix milliseconds, by count modulo manyControls
}

func (c *controls) add(t time.Time) {
	if c.count < manyControls {
		c.times = append(c.times, 0)
	}
	c.times[c.count%manyControls] = t.UnixMilli()
	c.count++
}

// after returns when the first control entry after so many others was logged; of one that is further back than is remembered,
// when the oldest remembered was, and false.
func (c *controls) after(count uint64) (time.Time, bool) {
	oldest := c.count - uint64(len(c.times))
	return time.UnixMilli(c.times[max(count, oldest)%manyControls]), count >= oldest
}
