package view

import (
	"crypto/rand"
	"sync"
	"time"
)

// keptFor is how long what was shown in a preview may be made.
const keptFor = 10 * time.Minute

// shown is what was shown in previews and may be made: each once, by a token that nobody can guess, and not for long.
type shown struct {
	mu   sync.Mutex
	kept map[string]kept
}

type kept struct {
	what  any
	until time.Time
}

var errMoved = &Error{CodeMoved, "What you looked at does not stand any more.", "Nothing was changed.", "Look again, and decide then."}

// keep returns the token of something that was shown at a time.
func (s *shown) keep(what any, now time.Time) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for token, k := range s.kept {
		if !now.Before(k.until) {
			delete(s.kept, token)
		}
	}
	if s.kept == nil {
		s.kept = make(map[string]kept)
	}
	token := rand.Text()
	s.kept[token] = kept{what, now.Add(keptFor)}
	return token
}

// redeem returns what was shown under a token, which is of no more use.
func redeem[T any](s *shown, token string, now time.Time) (what T, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k, ok := s.kept[token]
	delete(s.kept, token)
	what, fits := k.what.(T)
	if !ok || !fits || !now.Before(k.until) {
		return what, errMoved
	}
	return what, nil
}
