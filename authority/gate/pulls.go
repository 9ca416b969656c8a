package gate

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/phrledger/phr/ledger/stream"
)

// pulls is the consumers of one session. It is safe for concurrent use.
type pulls struct {
	mu     sync.Mutex
	places []place
	count  int // of consumers ever made
	closed bool
}

// place is a name that stands in the session's JWT, and the consumer that has it.
type place struct {
	name   string
	filter string
	from   uint64
	made   int // when, as a count; 0 for not yet
}

func newPlaces(names []string) []place {
	places := make([]place, len(names))
	for i, name := range names {
		places[i].name = name
	}
	return places
}

// names returns what the consumers are called, made or not.
func (p *pulls) names() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	names := make([]string, len(p.places))
	for i := range p.places {
		names[i] = p.places[i].name
	}
	return names
}

// open makes a consumer. The lock is held while the server works, so that none is made after close.
func (p *pulls) open(ctx context.Context, l *stream.Ledger, filter string, from uint64) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return "", ended
	}
	at := p.choose(filter, from)
	if at.made > 0 {
		if err := l.DeleteConsumer(ctx, at.name); err != nil {
			return "", err
		}
	}
	p.count++
	*at = place{at.name, filter, from, p.count}
	return at.name, l.CreateConsumer(ctx, stream.Consumer{Name: at.name, Filter: filter, From: from})
}

// choose returns the place for a new consumer. A reader that asks for a chain again from further on is done with the place it
// had, which is the newest that began earlier; one that asks from the same entry on is another reader, of which the first may
// still wait for what comes. So a session can follow a chain and read it again and again beside that.
func (p *pulls) choose(filter string, from uint64) *place {
	oldest, before := &p.places[0], (*place)(nil)
	for i := range p.places {
		at := &p.places[i]
		if at.made < oldest.made {
			oldest = at
		}
		if at.made > 0 && at.filter == filter && at.from < from && (before == nil || at.made > before.made) {
			before = at
		}
	}
	return cmp.Or(before, oldest)
}

// close deletes all of them.
func (p *pulls) close(ctx context.Context, l *stream.Ledger) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	var failed []error
	for at := range slices.Values(p.places) {
		if at.made > 0 {
			failed = append(failed, l.DeleteConsumer(ctx, at.name))
		}
	}
	return errors.Join(failed...)
}
