package ingest

import (
	"fmt"
	"sync"
	"time"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/ledger/stream"
)

// Bounds on submissions of which only a part has come.
const (
	stagedBytes = 256 << 20   // of all
	stagedEach  = 32 << 20    // of one person
	stagedOwn   = 4           // submissions of one person
	stagedFor   = time.Minute // since its last request
	maxRequests = 1024        // of one submission
)

// staging keeps the requests of submissions until the last one has come, in bounded memory.
type staging struct {
	mu    sync.Mutex
	open  map[stageKey]*staged
	bytes int
}

type stageKey struct {
	person identity.GID
	id     ledger.SubmissionID
}

type staged struct {
	requests map[uint32]*protocol.Submission // by index
	count    uint32                          // how many there will be
	bytes    int
	touched  time.Time
}

// add takes a request that came over a session of a person. It returns the whole submission if that was the last one, and
// nil if others are to come. A request that comes again is passed over.
func (s *staging) add(person identity.GID, r *protocol.Submission, size int, now time.Time) (*protocol.Submission, error) {
	if r.Count == 0 || r.Count > maxRequests || r.Index >= r.Count {
		return nil, fmt.Errorf("%w: request %d of %d", ledger.ErrMalformed, r.Index, r.Count)
	}
	if r.Count == 1 {
		return r, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop(now)
	key := stageKey{person, r.ID}
	st, err := s.place(key, r, size)
	if err != nil {
		return nil, err
	}
	if st.requests[r.Index] != nil {
		return nil, nil
	}
	st.requests[r.Index], st.touched = r, now
	st.bytes += size
	s.bytes += size
	if len(st.requests) < int(st.count) {
		return nil, nil
	}
	s.remove(key)
	whole := &protocol.Submission{ID: r.ID, Count: 1}
	for i := range st.count {
		part := st.requests[i]
		whole.Events = append(whole.Events, part.Events...)
		whole.Parts = append(whole.Parts, part.Parts...)
	}
	return whole, nil
}

// place finds or makes the place for a request, if there is room.
func (s *staging) place(key stageKey, r *protocol.Submission, size int) (*staged, error) {
	own, bytes := 0, size
	for k, st := range s.open {
		if k.person == key.person {
			own, bytes = own+1, bytes+st.bytes
		}
	}
	st, begun := s.open[key]
	switch {
	case begun && st.count != r.Count:
		return nil, fmt.Errorf("%w: its requests do not agree on how many they are", ledger.ErrMalformed)
	case s.bytes+size > stagedBytes:
		return nil, &stream.Error{Code: protocol.CodeBusy, Text: "the node holds as much as it can", Hint: "try again in a moment"}
	case bytes > stagedEach:
		return nil, &stream.Error{
			Code: protocol.CodeBad, Text: fmt.Sprintf("submissions that are not complete hold more than %d MiB", stagedEach>>20),
			Hint: "send smaller ones, one after the other",
		}
	case begun:
		return st, nil
	case own >= stagedOwn:
		return nil, &stream.Error{Code: protocol.CodeBusy, Text: "too many submissions are begun and not finished", Hint: "finish one first"}
	}
	if s.open == nil {
		s.open = make(map[stageKey]*staged)
	}
	st = &staged{requests: make(map[uint32]*protocol.Submission), count: r.Count}
	s.open[key] = st
	return st, nil
}

// drop forgets submissions that nothing was added to for a while.
func (s *staging) drop(now time.Time) {
	for key, st := range s.open {
		if now.Sub(st.touched) > stagedFor {
			s.remove(key)
		}
	}
}

func (s *staging) remove(key stageKey) {
	s.bytes -= s.open[key].bytes
	delete(s.open, key)
}
