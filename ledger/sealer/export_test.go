package sealer

import "time"

// Retry has a sealer wait less after a failure.
func (s *Sealer) Retry(after time.Duration) { s.retry = after }

// Overdue tells whether a checkpoint event is due unasked.
func (s *Sealer) Overdue() bool { return s.overdue() }
