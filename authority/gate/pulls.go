package gate

import (
	"context"
	"errors"
	"sync"

	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/ledger/stream"
)

// pulls is the consumers of one session. It is safe for concurrent use.
type pulls struct {
	mu     sync.Mutex
	places []place
	closed bool
}

// place is a name that stands in the session's JWT, for a consumer.
type place struct {
	name string
	made bool
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

var noPlace = &stream.Error{Code: protocol.CodeBad, Text: "a session does not have that many consumers"}

// open makes the consumer of a place, in the place of the one before, and returns its name. The lock is held while the server works, so
// that none is made after close.
func (p *pulls) open(ctx context.Context, l *stream.Ledger, number uint32, c stream.Consumer) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return "", ended
	}
	if number >= uint32(len(p.places)) {
		return "", noPlace
	}
	at := &p.places[number]
	if at.made {
		if err := l.DeleteConsumer(ctx, at.name); err != nil {
			return "", err
		}
	}
	at.made, c.Name = true, at.name
	return at.name, l.CreateConsumer(ctx, c)
}

// close deletes all of them.
func (p *pulls) close(ctx context.Context, l *stream.Ledger) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	var failed []error
	for _, at := range p.places {
		if at.made {
			failed = append(failed, l.DeleteConsumer(ctx, at.name))
		}
	}
	return errors.Join(failed...)
}
