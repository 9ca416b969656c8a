package client

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/phrledger/phr/authority/challenge"
	"github.com/phrledger/phr/crypto/canonical"
	"github.com/phrledger/phr/crypto/epoch"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/projections/chart"
)

// Book is one compartment of one patient's record, read and written by the client's person. It keeps what it has read, so
// that reading on costs only what is new. Its methods may be called concurrently; they wait for each other.
type Book struct {
	c     *Client
	chain ledger.Chain

	mu      sync.Mutex
	feed    *feed
	records []*ledger.Entry // record events in their order
	ids     map[ledger.EventID]bool
	keys    map[uint32]*epochKeys
	known   ledger.Head // where the chain ended when it was last read, on an earlier run too
}

// Book opens a compartment. Nothing is asked of the node yet.
func (c *Client) Book(ctx context.Context, patient identity.GID, name ledger.Compartment) (*Book, error) {
	if _, err := ledger.ParseCompartment(string(name)); err != nil {
		return nil, err
	}
	if _, err := identity.ParseGID(string(patient)); err != nil {
		return nil, fmt.Errorf("patient: %w", err)
	}
	chain := ledger.RecordChain(patient, name)
	c.mu.Lock()
	b, ok := c.books[chain]
	c.mu.Unlock()
	if ok {
		return b, nil
	}
	if _, err := c.Person(ctx, patient); err != nil {
		return nil, err
	}
	b = &Book{
		c: c, chain: chain, feed: newFeed(c, chain), ids: make(map[ledger.EventID]bool),
		keys: make(map[uint32]*epochKeys), known: c.home.head(chain),
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if before, ok := c.books[chain]; ok {
		return before, nil
	}
	c.books[chain] = b
	return b, nil
}

// Patient returns whose record it is.
func (b *Book) Patient() identity.GID { return b.chain.GID() }

// Compartment returns which compartment it is.
func (b *Book) Compartment() ledger.Compartment { return b.chain.Compartment }

// catchUp reads what is new, in a session for op, and returns the session.
func (b *Book) catchUp(ctx context.Context, op ledger.Operation) (*session, error) {
	var last error
	for try := range 3 {
		s, err := b.c.session(ctx, b.chain, op)
		if err != nil {
			return nil, err
		}
		if last = b.feed.catchUp(ctx, s, b.take); last == nil {
			return s, b.remember()
		}
		if !b.c.again(ctx, s, try, last) {
			return nil, last
		}
	}
	return nil, last
}

// take keeps a record event.
func (b *Book) take(e *ledger.Entry) {
	if e.Kind().IsRecord() {
		b.records = append(b.records, e)
		b.ids[e.ID] = true
	}
}

// remember checks that the chain goes through the place where it ended before, and keeps where it ends now. A node that
// was set back, or shows another history, is caught here.
func (b *Book) remember() error {
	head := b.c.head(b.chain)
	if head.Number < b.known.Number || head.Number == b.known.Number && head.Hash != b.known.Hash {
		return fmt.Errorf("%s ends at event %d on this node, and ended at %d before: the node has lost or hides events; "+
			"ask its operator, and do not write there", b.chain, head.Number, b.known.Number)
	}
	if head.Number > b.known.Number {
		b.known = head
		return b.c.home.setHead(b.chain, head)
	}
	return nil
}

// Fact returns what the log says of the compartment now.
func (b *Book) Fact(ctx context.Context) (ledger.CompartmentFact, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, err := b.catchUp(ctx, ledger.OpRead); err != nil {
		return ledger.CompartmentFact{}, err
	}
	f, ok := b.fact()
	if !ok {
		return f, fmt.Errorf("there is no compartment %q", b.chain.Compartment)
	}
	return f, nil
}

func (b *Book) fact() (ledger.CompartmentFact, bool) {
	b.c.mu.Lock()
	defer b.c.mu.Unlock()
	return b.c.state.Compartment(b.chain)
}

// Records returns every record event of the compartment, decrypted. One that can't be opened is there all the same, and
// says why.
func (b *Book) Records(ctx context.Context) ([]chart.Record, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, err := b.catchUp(ctx, ledger.OpRead); err != nil {
		return nil, err
	}
	all := make([]chart.Record, len(b.records))
	for i, e := range b.records {
		var err error
		if all[i], err = b.decrypt(ctx, e); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// decrypt opens a record. It fails only where the keys could not be asked for.
func (b *Book) decrypt(ctx context.Context, e *ledger.Entry) (chart.Record, error) {
	kind, content, refers := contentOf(e)
	r := chart.Record{
		ID: chart.RecordID(e.ID.String()), Compartment: string(b.chain.Compartment), Number: e.Number, Author: e.Author,
		Time: e.LogTime, Class: content.Media, Kind: kind,
	}
	if !refers.IsZero() {
		r.RefersTo = chart.RecordID(refers.String())
	}
	keys, err := b.epochKeys(ctx, content.Epoch)
	if errors.Is(err, errSealed) {
		r.Unreadable = err.Error()
		return r, nil
	}
	if err != nil {
		return r, err
	}
	if r.Body, err = epoch.Open(keys.keys, keys.shred, headerOf(e.Event), content.Sealed); err != nil {
		r.Unreadable = err.Error()
	}
	return r, nil
}

// contentOf returns the parts of a record event.
func contentOf(e *ledger.Entry) (chart.Kind, *ledger.Content, ledger.EventID) {
	switch body := e.Body.(type) {
	case *ledger.RecordWritten:
		return chart.Written, &body.Content, ledger.EventID{}
	case *ledger.RecordAmended:
		return chart.Amended, &body.Content, body.Refers
	case *ledger.RecordRetracted:
		return chart.Retracted, &body.Content, body.Refers
	}
	panic("not a record event: " + string(e.Kind()))
}

// headerOf returns what the seal of a record is bound to.
func headerOf(e *ledger.Event) epoch.Header {
	_, content, refers := contentOf(&ledger.Entry{Event: e})
	return epoch.Header{
		Version: 1, Patient: string(e.Chain.GID()), Compartment: string(e.Chain.Compartment), Epoch: content.Epoch,
		EventID: e.ID, Kind: string(e.Kind()), Author: string(e.Author), RefersTo: refers, Leaf: content.Leaf, Class: content.Media,
	}
}

// Watch calls fn with every record event from now on, decrypted as it comes, until ctx ends or access does. When a session
// ends it goes on in the next one, and misses nothing in between.
func (b *Book) Watch(ctx context.Context, fn func(chart.Record) error) error {
	if _, err := b.Records(ctx); err != nil {
		return err
	}
	b.mu.Lock()
	seen := len(b.records)
	b.mu.Unlock()
	for {
		s, err := b.c.session(ctx, b.chain, ledger.OpRead)
		if err != nil {
			return err
		}
		err = b.tail(ctx, s, &seen, fn)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil && s.usable(b.c.config.Now()) && !isTransient(err) {
			return err
		}
		b.c.forget(s)
	}
}

// tail follows in one session. It stops in time for the next one.
func (b *Book) tail(ctx context.Context, s *session, seen *int, fn func(chart.Record) error) error {
	ctx, cancel := context.WithDeadline(ctx, time.Now().Add(s.renew.Sub(b.c.config.Now())))
	defer cancel()
	follower := newFeed(b.c, b.chain)
	b.mu.Lock()
	follower.next = b.feed.next
	b.mu.Unlock()
	return follower.observe(ctx, s, func() error { return b.deliver(ctx, seen, fn) })
}

// deliver reads what is new and hands it on.
func (b *Book) deliver(ctx context.Context, seen *int, fn func(chart.Record) error) error {
	all, err := b.Records(ctx)
	if err != nil {
		return err
	}
	for _, r := range all[*seen:] {
		*seen++
		if err := fn(r); err != nil {
			return err
		}
	}
	return nil
}

// knownHeads are the heads that a hello shows to the gate, which must not be behind them.
func (c *Client) knownHeads(chain ledger.Chain) []challenge.Head {
	head := c.home.head(chain)
	if head.Number == 0 {
		return nil
	}
	return []challenge.Head{{Chain: chain.String(), Number: head.Number, Hash: head.Hash}}
}

// headRecord is a head as it is kept at home.
type headRecord struct {
	Number uint64      `cbor:"1,keyasint"`
	Hash   ledger.Hash `cbor:"2,keyasint"`
}

func headFile(chain ledger.Chain) string { return "heads-" + chain.String() }

// head returns the newest head of a chain that was ever seen from this home.
func (h *Home) head(chain ledger.Chain) ledger.Head {
	var r headRecord
	contents, err := h.read(headFile(chain))
	if err != nil || canonical.Unmarshal(contents, &r) != nil {
		return ledger.Head{}
	}
	return ledger.Head{Number: r.Number, Hash: r.Hash}
}

func (h *Home) setHead(chain ledger.Chain, head ledger.Head) error {
	contents, err := canonical.Marshal(headRecord{head.Number, head.Hash})
	if err != nil {
		return err
	}
	return h.write(headFile(chain), contents)
}

// forget drops a session that has ended.
func (c *Client) forget(s *session) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.own == s {
		c.own = nil
	}
	for key, open := range c.sessions {
		if open == s {
			delete(c.sessions, key)
		}
	}
	s.end()
}

// Chart folds the records of books into one chart.
func Chart(ctx context.Context, books ...*Book) (*chart.Chart, error) {
	folded := chart.New()
	for _, b := range books {
		records, err := b.Records(ctx)
		if err != nil {
			return nil, err
		}
		for r := range slices.Values(records) {
			if err := folded.Apply(r); err != nil {
				return nil, err
			}
		}
	}
	return folded, nil
}
