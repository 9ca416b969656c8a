package audit_test

import (
	"testing"
	"time"

	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/audit"
)

// However long a log is, only so many places of it are remembered, and those rightly.
func TestRecentPlaces(t *testing.T) {
	const all = 2*audit.ManyPlaces + 7
	var r audit.Recent
	hash := func(n uint64) ledger.Hash { return ledger.Hash{byte(n), byte(n >> 8)} }
	for n := uint64(1); n <= all; n++ {
		r.Add(n, hash(n))
	}
	if r.Len() != audit.ManyPlaces {
		t.Errorf("%d places are remembered, not %d", r.Len(), audit.ManyPlaces)
	}
	for n := uint64(1); n <= all; n++ {
		if h, ok := r.At(n); ok != (n > all-audit.ManyPlaces) || ok && h != hash(n) {
			t.Fatalf("place %d has %s, %t", n, h, ok)
		}
	}
}

// Of control entries the log times of so many are, and of those further back at least how late they can have been.
func TestRecentControls(t *testing.T) {
	const all, first = 2*audit.ManyControls + 7, audit.ManyControls + 8
	var c audit.Controls
	logged := func(n uint64) time.Time { return time.UnixMilli(1000 * int64(n)) }
	for n := uint64(1); n <= all; n++ {
		c.Add(logged(n))
	}
	for n := uint64(1); n <= all; n++ {
		if at, ok := c.After(n - 1); ok != (n >= first) || !at.Equal(logged(max(n, first))) {
			t.Fatalf("control entry %d was logged at %s, %t", n, at, ok)
		}
	}
}

// What stands in the log twice, or beside another event, is told apart further back than an audit remembers too.
func TestFarBack(t *testing.T) {
	s := newSealed(t)
	fork := s.Sign(s.patient.Identity, none, s.patient.Health, s.patient.Record(s.patient.GID(), []byte("another")))[0]
	first := len(s.Entries())
	s.write(1)
	for range audit.ManyPlaces/900 + 1 {
		s.write(900)
	}
	h := s.history()
	again := h.clone()
	again.entries = append(again.entries, h.entries[first])
	again.renumber()
	wantFindings(t, again.audit(t, audit.Options{}), found{audit.Replayed, uint64(len(again.entries)), 0})
	forked := h.clone()
	forked.place(t, len(h.entries), fork)
	wantFindings(t, forked.audit(t, audit.Options{}), found{audit.Fork, uint64(len(forked.entries)), 0})
}
