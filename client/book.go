package client

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
)

// Book is one compartment of one patient's record, read and written by the client's person. It keeps what it has read, so
// that reading on fetches only what is new. Its methods may be called concurrently; they wait for each other.
type Book struct {
	c     *Client
	chain ledger.Chain

	turn    turn // whose holder may touch what follows
	feed    *feed
	seen    *mark
	hashes  []ledger.Hash             // of all events in their order
	records []*ledger.Entry           // record events in their order
	sets    []*ledger.Entry           // policies in their order
	ids     map[ledger.EventID]uint64 // of records, with their places in the log
	ahead   time.Duration             // of log time, before the caller's clock
	keys    map[uint32]*openEpoch
	tended  string // the picture of what there was to tend when that was last tried

	restoring bool // what the node has lost is being sent again
	erasures  int  // events that took keys away
}

// Book opens a compartment. Nothing is asked of the node but who the patient is.
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
	seen, err := newMark(c.home, chain)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if before, ok := c.books[chain]; ok {
		return before, nil
	}
	b = &Book{
		c: c, chain: chain, turn: newTurn(), feed: newFeed(c, chain), seen: seen,
		ids: make(map[ledger.EventID]uint64), keys: make(map[uint32]*openEpoch),
	}
	c.books[chain] = b
	return b, nil
}

// Patient returns whose record it is.
func (b *Book) Patient() identity.GID { return b.chain.GID() }

// Compartment returns which compartment it is.
func (b *Book) Compartment() ledger.Compartment { return b.chain.Compartment }

// own tells whether the caller is the patient.
func (b *Book) own() bool { return b.chain.GID() == b.c.GID() }

// readKey and writeKey say what sessions on the book are for.
func (b *Book) readKey() sessionKey  { return b.c.keyFor(b.chain, ledger.OpRead) }
func (b *Book) writeKey() sessionKey { return b.c.keyFor(b.chain, ledger.OpWrite) }

// do has the turn while it attempts something on the chain as it stands then.
func (b *Book) do(ctx context.Context, key sessionKey, try func(*session) error) error {
	if err := b.turn.take(ctx); err != nil {
		return err
	}
	defer b.turn.give()
	return b.c.attempt(ctx, key, func(s *session) error {
		if err := b.catchUp(ctx, s); err != nil {
			return err
		}
		for {
			err := try(s)
			b.guess(err)
			var missing *missingPart
			if !errors.As(err, &missing) {
				return err
			}
			if moved, failed := b.moved(ctx, s); failed != nil || !moved {
				return errors.Join(err, failed)
			}
		}
	})
}

// guess takes log time to be something else after an epoch was refused. Which terms have ended, and get no wrap, is judged by
// log time, and the caller's clock may be a minute off: whoever is refused tries again as if it was behind, then as if it was
// ahead.
func (b *Book) guess(err error) {
	switch {
	case err == nil, codeOf(err) == protocol.CodeStale && b.ahead < 0:
		b.ahead = 0
	case codeOf(err) == protocol.CodeStale && b.ahead > 0:
		b.ahead = -ledger.ClockSkew
	case codeOf(err) == protocol.CodeStale:
		b.ahead = ledger.ClockSkew
	}
}

// logTime is what log time is now, for all the caller knows.
func (b *Book) logTime() time.Time { return b.c.config.Now().Add(b.ahead) }

// moved reads what is new, and tells whether there is anything: what was looked for may have been replaced meanwhile.
func (b *Book) moved(ctx context.Context, s *session) (bool, error) {
	before := b.c.head(b.chain).Number
	err := b.catchUp(ctx, s)
	return b.c.head(b.chain).Number > before, err
}

// catchUp reads what is new, and demands that it is all there is by what the log proves. What this home has sent and the node has lost is
// sent again.
func (b *Book) catchUp(ctx context.Context, s *session) error {
	if b.restoring {
		return b.read(ctx, s)
	}
	end, err := b.c.ends(ctx, s, b.chain) // first: what was there then is there when it is read
	if err != nil {
		return err
	}
	if err := b.c.restore(ctx, b.chain, func() (*mark, error) { return b.seen, b.read(ctx, s) }, b.again); err != nil {
		return err
	}
	var there ledger.Hash
	if end.Number > 0 && end.Number <= uint64(len(b.hashes)) {
		there = b.hashes[end.Number-1]
	}
	return b.c.through(b.chain, end, uint64(len(b.hashes)), there)
}

// read reads what is new.
func (b *Book) read(ctx context.Context, s *session) error {
	if err := b.seen.expect(); err != nil {
		return err
	}
	if err := b.feed.catchUp(ctx, s, b.take); err != nil {
		return err
	}
	b.seen.rejected = b.feed.rejected
	if err := b.c.note(ctx, b.seen); err != nil {
		return err
	}
	if err := b.adopt(ctx); err != nil {
		return err
	}
	if b.own() && b.c.isErased() {
		return b.seen.astray // the home keeps nothing of it any more
	}
	return b.seen.reach(b.c.head(b.chain))
}

// again sends a submission that the node has lost, in a session that may write.
func (b *Book) again(ctx context.Context, m *mark, l *sent) error {
	s, err := b.c.session(ctx, b.writeKey())
	if err != nil {
		return err
	}
	b.restoring = true
	defer func() { b.restoring = false }()
	if !l.Records {
		return b.c.resend(ctx, s, m, l, b.sessionID(s))
	}
	w, err := b.rewriting(l)
	if err != nil {
		return err
	}
	err = w.try(ctx, s)
	code := codeOf(err)
	if code == protocol.CodeInvalid || code == protocol.CodeBad || errors.Is(err, ErrErased) || errors.Is(err, errGone) {
		return b.c.giveUp(ctx, l, err)
	}
	return err
}

// take keeps a record event or a policy. Every entry passes here, so a history that leaves out what was seen before is noticed.
func (b *Book) take(e *ledger.Entry, sequence uint64) {
	b.seen.pass(e, sequence)
	b.hashes = append(b.hashes, e.Hash)
	if e.Kind().IsRecord() {
		b.records = append(b.records, e)
		b.ids[e.ID] = sequence
	}
	if e.Kind() == ledger.PolicySetKind {
		b.sets = append(b.sets, e)
	}
	b.forget(e.Body)
}

// append submits bodies as the next events of the chain, with the parts that they name and with events of other chains of
// the patient, and catches up with them.
func (b *Book) append(ctx context.Context, s *session, others []*ledger.Event, bodies []ledger.Body, parts []protocol.PartData) error {
	events, err := b.next(s, bodies)
	if err != nil {
		return err
	}
	subject := protocol.Ingest(b.chain)
	if len(others) > 0 {
		subject = protocol.IngestOwner(b.chain.Owner)
	}
	if err := b.c.submit(ctx, s.conn, subject, slices.Concat(others, events), parts); err != nil {
		return err
	}
	return b.catchUp(ctx, s)
}

// next makes bodies the next events of the chain.
func (b *Book) next(s *session, bodies []ledger.Body) ([]*ledger.Event, error) {
	events := make([]*ledger.Event, len(bodies))
	for i, body := range bodies {
		var err error
		if events[i], err = b.c.event(b.chain, body); err != nil {
			return nil, err
		}
	}
	return events, b.sign(s, events)
}

// sign gives events their places after the end of the chain, and signs them. Who acts for the patient says so in each.
func (b *Book) sign(s *session, events []*ledger.Event) error {
	for _, e := range events {
		if err := e.Act(s.acting()); err != nil {
			return err
		}
	}
	return b.c.place(events, b.c.head(b.chain), b.sessionID(s))
}

// sessionID is what events of a session name: the patient's own name none.
func (b *Book) sessionID(s *session) ledger.SessionID {
	if b.own() {
		return ledger.SessionID{}
	}
	return s.id
}

// Fact returns what the log says of the compartment now.
func (b *Book) Fact(ctx context.Context) (f ledger.CompartmentFact, err error) {
	err = b.do(ctx, b.readKey(), func(*session) error {
		f, err = b.existing()
		return err
	})
	return f, err
}

func (b *Book) fact() (ledger.CompartmentFact, bool) {
	b.c.mu.Lock()
	defer b.c.mu.Unlock()
	return b.c.state.Compartment(b.chain)
}

// existing returns what the log says of the compartment, as far as it was read.
func (b *Book) existing() (ledger.CompartmentFact, error) {
	f, ok := b.fact()
	if f.Erased {
		return f, fmt.Errorf("compartment %q is %w", b.chain.Compartment, ErrErased)
	}
	if !ok || f.Epoch == nil {
		return f, fmt.Errorf("%w %q: see 'phr compartment list'", errNoCompartment, b.chain.Compartment)
	}
	return f, nil
}

var errNoCompartment = errors.New("there is no compartment")

// Stale says why a new epoch is due before anything is written, and since what log time; why is empty while none is.
func (b *Book) Stale(ctx context.Context) (why string, since time.Time, err error) {
	err = b.do(ctx, b.readKey(), func(*session) error {
		if err := b.learnTerms(ctx); err != nil {
			return err
		}
		why, since = b.stale()
		return nil
	})
	return why, since, err
}

// learnTerms learns anew what the authorities say that the terms in force rest on.
func (b *Book) learnTerms(ctx context.Context) error {
	f, err := b.existing()
	if err != nil {
		return err
	}
	for _, t := range f.Terms {
		if err := b.c.learnPolicy(ctx, t.Policy); err != nil {
			return err
		}
	}
	return nil
}

// stale says why a new epoch is due and since when, as far as the caller can see.
func (b *Book) stale() (why string, since time.Time) {
	b.c.mu.Lock()
	defer b.c.mu.Unlock()
	return b.c.state.Stale(b.chain, b.c.config.Now())
}
