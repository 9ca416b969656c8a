package view

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/ledger/stream"
	"github.com/phrledger/phr/projections/chart"
	"github.com/phrledger/phr/projections/chart/fhir"
)

// shelf is a patient's record as far as it is open to the caller. It is kept, so that what was opened once is there at once, and also while
// the node is away.
type shelf struct {
	v       *View
	patient identity.GID
	turn    chan struct{} // of whoever opens what there is

	mu      sync.Mutex // guards what follows
	asked   time.Time  // when a screen last looked
	stocked time.Time  // when it was last looked which compartments there are; zero before
	volumes []*volume
	sealed  []Sealed
	terms   []client.Shared // by which somebody else's record is read
	drawn   drawn           // what screens show of all that; zero when something came since
}

// volume is a compartment that is open.
type volume struct {
	shelf *shelf
	book  *client.Book
	turn  chan struct{} // of whoever reads on

	// Guarded by shelf.mu:
	read      bool // at least once
	reading   client.Reading
	chart     *chart.Chart
	newest    uint64 // number of the newest record event
	seen      uint64 // of the newest that the person had looked at when it was opened
	looked    uint64 // of the newest that they have looked at
	partial   bool   // what was written before the grant stays sealed
	following bool   // somebody sees to that
	followed  bool   // what comes is read as it comes
}

// stockEvery is how often it is looked which compartments there are.
const stockEvery = time.Minute

// gid returns the patient that is meant: the caller if none is named.
func (v *View) gid(patient string) (identity.GID, error) {
	if patient == "" {
		return v.config.Client.GID(), nil
	}
	gid, err := identity.ParseGID(patient)
	if err != nil {
		return "", misused("there is no such patient")
	}
	return gid, nil
}

// shelf opens a patient's record for somebody to look at, and reads on in what was opened before. It fails if nothing is open.
func (v *View) shelf(ctx context.Context, patient string) (*shelf, error) {
	gid, err := v.gid(patient)
	if err != nil {
		return nil, err
	}
	s, err := v.peek(ctx, gid)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.asked = time.Now()
	s.mu.Unlock()
	select {
	case v.looking <- struct{}{}:
	default: // whoever follows will look anyhow
	}
	return s, nil
}

// peek is shelf for a list: nobody looks at the record as a whole, so it is not followed.
func (v *View) peek(ctx context.Context, gid identity.GID) (*shelf, error) {
	v.mu.Lock()
	s := v.shelves[gid]
	if s == nil {
		s = &shelf{v: v, patient: gid, turn: make(chan struct{}, 1)}
		v.shelves[gid] = s
	}
	v.mu.Unlock()
	if err := s.stock(ctx); err != nil {
		return nil, err
	}
	if err := s.read(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// refresh has it looked anew which compartments of a record are open.
func (v *View) refresh(gid identity.GID) {
	v.mu.Lock()
	s := v.shelves[gid]
	v.mu.Unlock()
	if s != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.stocked = s.stocked.Add(-stockEvery)
	}
}

// own tells whether the record is the caller's.
func (s *shelf) own() bool { return s.patient == s.v.config.Client.GID() }

// take waits for a turn.
func take(ctx context.Context, turn chan struct{}) error {
	select {
	case turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// stock finds out which compartments there are, unless that is known. What is known stays while the node is away.
func (s *shelf) stock(ctx context.Context) error {
	if err := take(ctx, s.turn); err != nil {
		return err
	}
	defer func() { <-s.turn }()
	s.mu.Lock()
	known := !s.stocked.IsZero()
	fresh := s.v.config.Now().Sub(s.stocked) < stockEvery
	s.mu.Unlock()
	if fresh || known && !s.v.config.Client.Connected() {
		return nil
	}
	err := s.restock(ctx)
	if known && client.Unreached(err) {
		return nil
	}
	return err
}

func (s *shelf) restock(ctx context.Context) error {
	names, terms, err := s.compartments(ctx)
	if err != nil {
		return err
	}
	var books []*client.Book
	for _, name := range names {
		b, err := s.v.config.Client.Book(ctx, s.patient, name)
		if err != nil {
			return err
		}
		books = append(books, b)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var volumes []*volume
	for _, b := range books {
		i := slices.IndexFunc(s.volumes, func(o *volume) bool { return o.book == b })
		if i >= 0 {
			volumes = append(volumes, s.volumes[i])
			continue
		}
		seen, err := b.Seen()
		if err != nil {
			return err
		}
		volumes = append(volumes, &volume{shelf: s, book: b, turn: make(chan struct{}, 1), chart: chart.New(), seen: seen, looked: seen})
	}
	s.terms = terms
	for _, o := range volumes {
		o.partial = !s.own() && !slices.ContainsFunc(terms, func(t client.Shared) bool {
			return t.Chain.Compartment == o.book.Compartment() && t.Term.History
		})
	}
	s.volumes, s.drawn, s.stocked = volumes, drawn{}, s.v.config.Now()
	return nil
}

// compartments returns which compartments may be open to the caller, and by which terms. It says of the others why they are not.
func (s *shelf) compartments(ctx context.Context) (names []ledger.Compartment, terms []client.Shared, err error) {
	c := s.v.config.Client
	if s.own() {
		facts, err := c.Compartments(ctx)
		if err != nil {
			return nil, nil, err
		}
		for _, f := range facts {
			names = append(names, f.Chain.Compartment)
		}
		if len(names) == 0 {
			return nil, nil, &Error{Code: CodeSealed, Message: "You have no record here yet.", Todo: "Start one."}
		}
		return names, nil, nil
	}
	all, err := s.v.shared(ctx)
	if err != nil {
		return nil, nil, err
	}
	var sealed []Sealed
	for _, t := range all {
		name := t.Chain.Compartment
		switch {
		case t.Chain.GID() != s.patient:
		case s.v.over(&t.Term):
			sealed = append(sealed, Sealed{Compartment: string(name), Why: "ended", Since: milli(t.Term.Until)})
		default:
			terms = append(terms, t)
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	s.name(ctx, names, sealed)
	return names, terms, nil
}

// name names what is sealed: what was open once, and the compartments that every record has.
func (s *shelf) name(ctx context.Context, open []ledger.Compartment, ended []Sealed) {
	known := func(name string, all []Sealed) bool {
		return slices.Contains(open, ledger.Compartment(name)) || slices.ContainsFunc(all, func(o Sealed) bool { return o.Compartment == name })
	}
	var sealed []Sealed
	for _, e := range ended {
		if !known(e.Compartment, sealed) {
			sealed = append(sealed, e)
		}
	}
	for _, name := range []ledger.Compartment{ledger.Health, ledger.Training} {
		if known(string(name), sealed) {
			continue
		}
		why := "never"
		if b, err := s.v.config.Client.Book(ctx, s.patient, name); err == nil {
			if seen, err := b.Seen(); err == nil && seen > 0 {
				why = "revoked"
			}
		}
		sealed = append(sealed, Sealed{Compartment: string(name), Why: why})
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.volumes {
		name := string(o.book.Compartment())
		if !known(name, sealed) {
			sealed = append(sealed, Sealed{Compartment: name, Why: "revoked"})
		}
	}
	s.sealed = sealed
}

// read reads on in all volumes at once. One that turns out to be sealed is taken off the shelf; if all are, it fails.
func (s *shelf) read(ctx context.Context) error {
	s.mu.Lock()
	volumes := slices.Clone(s.volumes)
	sealed := slices.Clone(s.sealed)
	s.mu.Unlock()
	g, reading := errgroup.WithContext(ctx)
	for _, o := range volumes {
		g.Go(func() error {
			err := o.current(reading)
			if isSealed(err) {
				o.seal()
				return nil
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	s.mu.Lock()
	left := len(s.volumes)
	s.mu.Unlock()
	if left > 0 {
		return nil
	}
	for _, o := range sealed {
		if o.Why == "ended" {
			return &Error{
				CodeExpired, fmt.Sprintf("Your access ended on %s.", o.Since.Format(time.DateOnly)), "", "Ask the patient to share it with you again.",
			}
		}
	}
	return fmt.Errorf("the record of %s: %w", s.patient, client.ErrNotShared)
}

// isSealed tells whether an error means that nobody opens this for the caller now.
func isSealed(err error) bool {
	var told *stream.Error
	return errors.Is(err, client.ErrNotShared) || errors.As(err, &told) && told.Code == protocol.CodeRefused
}

// seal takes a volume off the shelf.
func (o *volume) seal() {
	s := o.shelf
	s.mu.Lock()
	defer s.mu.Unlock()
	s.volumes = slices.DeleteFunc(s.volumes, func(other *volume) bool { return other == o })
	why := "never"
	if o.read || o.looked > 0 {
		why = "revoked"
	}
	name := string(o.book.Compartment())
	if !slices.ContainsFunc(s.sealed, func(e Sealed) bool { return e.Compartment == name }) {
		s.sealed = append(s.sealed, Sealed{Compartment: name, Why: why})
	}
	s.drawn = drawn{}
}

// current reads on, unless what comes is read anyhow, or the node is away and there is what was read before.
func (o *volume) current(ctx context.Context) error {
	o.shelf.mu.Lock()
	there, followed := o.read, o.followed
	o.shelf.mu.Unlock()
	if followed || there && !o.shelf.v.config.Client.Connected() {
		return nil
	}
	_, err := o.readOn(ctx)
	if there && client.Unreached(err) {
		return nil
	}
	return err
}

// readOn reads what is new, and returns it.
func (o *volume) readOn(ctx context.Context) ([]chart.Record, error) {
	if err := take(ctx, o.turn); err != nil {
		return nil, err
	}
	defer func() { <-o.turn }()
	fresh, now, anew, err := o.book.Since(ctx, o.reading)
	if err != nil {
		return nil, err
	}
	o.shelf.v.learnAuthors(ctx, fresh)
	s := o.shelf
	s.mu.Lock()
	defer s.mu.Unlock()
	if anew {
		o.chart = chart.New()
	}
	for _, r := range fresh {
		if err := o.chart.Apply(r); err != nil {
			return nil, err
		}
		o.newest = max(o.newest, r.Number)
	}
	o.read, o.reading = true, now
	if len(fresh) > 0 || anew {
		s.drawn = drawn{}
		o.readCard()
	}
	return fresh, nil
}

// learnAuthors finds out who wrote records.
func (v *View) learnAuthors(ctx context.Context, records []chart.Record) {
	var authors []identity.GID
	for _, r := range records {
		if !slices.Contains(authors, r.Author) {
			authors = append(authors, r.Author)
		}
	}
	v.learn(ctx, authors...)
}

// readCard takes the patient's name from their card. Only their own word counts.
func (o *volume) readCard() {
	cards := o.chart.List(chart.Query{Type: client.CardMedia, Author: o.shelf.patient, Current: true})
	for _, card := range slices.Backward(cards) {
		if card.Latest.Unreadable == "" && len(card.Latest.Body) > 0 {
			o.shelf.v.names.call(Person{GID: string(o.shelf.patient), Name: fhir.Printable(string(card.Latest.Body))})
			return
		}
	}
}

// look remembers that the person has looked at all that there is.
func (s *shelf) look() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.volumes {
		if o.looked >= o.newest {
			continue
		}
		if err := o.book.SetSeen(o.newest); err != nil {
			return err
		}
		o.looked = o.newest
	}
	return nil
}
