// Package testlog writes logs for the tests of projections: real identities, authorities and patients, every event signed
// and judged by ledger.State as it is appended. A Log is a projections.Source.
package testlog

import (
	"context"
	"crypto/rand"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/projections"
)

// Log is a log under construction, with a node and a registry in it. Time passes by a second an entry.
type Log struct {
	Root  *identity.Identity
	Node  *identity.Identity
	State *ledger.State // the fold of what was appended and counts
	Batch int           // messages that Follow hands over at once; 0 is all there are

	t        testing.TB
	registry *Authority
	now      time.Time

	mu       sync.Mutex
	messages []projections.Message
	grown    chan struct{} // closed when messages grow
}

// New starts a log.
func New(t testing.TB) *Log {
	t.Helper()
	l := &Log{t: t, now: time.UnixMilli(1767225600000), grown: make(chan struct{})}
	l.Root = l.Stranger()
	l.State = ledger.NewState(l.Root.GID(), ledger.WholeLog)
	l.register(l.Root)
	l.Node = l.Person()
	l.registry = l.found(l.Person(), ledger.RegistryName, ledger.Registry)
	return l
}

// Stranger returns an identity that is not registered.
func (l *Log) Stranger() *identity.Identity {
	id, _, err := identity.Generate(rand.Reader)
	l.must(err)
	return id
}

func (l *Log) must(err error) {
	l.t.Helper()
	if err != nil {
		l.t.Fatal(err)
	}
}

// Person registers a new identity.
func (l *Log) Person() *identity.Identity {
	id := l.Stranger()
	l.register(id)
	return id
}

func (l *Log) register(id *identity.Identity) {
	l.Append(id, ledger.PersonChain(id.GID()), &ledger.IdentityRegistered{
		Sign: id.Keys().Sign, Seal: id.Keys().Seal, Recovery: id.RecoveryHash(),
	})
}

// Append appends an event by the owner of a chain, which must count.
func (l *Log) Append(author ledger.Signer, c ledger.Chain, b ledger.Body) *ledger.Entry {
	l.t.Helper()
	return l.AppendIn(ledger.SessionID{}, author, c, b)
}

// AppendIn appends a run of events in a session, which must count, and returns the last entry.
func (l *Log) AppendIn(session ledger.SessionID, author ledger.Signer, c ledger.Chain, bodies ...ledger.Body) *ledger.Entry {
	l.t.Helper()
	run := l.Events(session, author, c, bodies...)
	l.must(l.State.Fold(run...))
	l.Store(run...)
	return run[len(run)-1]
}

// Events returns a run of events that would come next on a chain, signed but not appended.
func (l *Log) Events(session ledger.SessionID, author ledger.Signer, c ledger.Chain, bodies ...ledger.Body) []*ledger.Entry {
	l.t.Helper()
	head, _ := l.State.Head(c)
	number, prev := head.Number, head.Hash
	var run []*ledger.Entry
	for i, b := range bodies {
		number++
		e := &ledger.Event{Chain: c, Number: number, Prev: prev, Author: author.(gidder).GID(), Session: session, Body: b}
		l.must(e.Act(l.acting(session)))
		next := l.entry(e, author, i == len(bodies)-1)
		prev = next.Hash
		run = append(run, next)
	}
	return run
}

// gidder is a signer with a name.
type gidder interface{ GID() identity.GID }

func (l *Log) entry(e *ledger.Event, author ledger.Signer, sign bool) *ledger.Entry {
	l.t.Helper()
	l.now = l.now.Add(time.Second)
	var err error
	e.ID, err = ledger.NewEventID(rand.Reader, l.now)
	l.must(err)
	e.Time = l.now
	if sign {
		l.must(e.Sign(author))
	}
	raw, err := e.Marshal()
	l.must(err)
	entry, err := ledger.NewEntry(raw, l.now, l.State.Position())
	l.must(err)
	return entry
}

// Store puts entries into the log as they are, without judging them.
func (l *Log) Store(entries ...*ledger.Entry) {
	l.t.Helper()
	for _, e := range entries {
		data, err := e.Marshal()
		l.must(err)
		l.StoreRaw(e.Subject(), data)
	}
}

// StoreRaw puts any bytes into the log, under any subject.
func (l *Log) StoreRaw(subject string, data []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.messages = append(l.messages, projections.Message{Sequence: uint64(len(l.messages)) + 1, Subject: subject, Data: data})
	close(l.grown)
	l.grown = make(chan struct{})
}

// Sleep lets time pass.
func (l *Log) Sleep(d time.Duration) { l.now = l.now.Add(d) }

// Now returns the log time of the newest entry.
func (l *Log) Now() time.Time { return l.now }

// Len returns how many messages the log has.
func (l *Log) Len() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return uint64(len(l.messages))
}

// Until returns a copy of the log's first n messages, as a Source.
func (l *Log) Until(n uint64) *Log {
	l.mu.Lock()
	defer l.mu.Unlock()
	return &Log{Root: l.Root, Batch: l.Batch, t: l.t, messages: slices.Clone(l.messages[:n]), grown: make(chan struct{})}
}

// Last implements projections.Source.
func (l *Log) Last(context.Context) (uint64, error) { return l.Len(), nil }

// Follow implements projections.Source.
func (l *Log) Follow(ctx context.Context, from uint64, fn func([]projections.Message) error) error {
	for {
		l.mu.Lock()
		batch, grown := l.messages[from-1:], l.grown
		l.mu.Unlock()
		if l.Batch > 0 {
			batch = batch[:min(l.Batch, len(batch))]
		}
		if len(batch) > 0 {
			if err := fn(slices.Clone(batch)); err != nil {
				return err
			}
			from += uint64(len(batch))
			continue
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
