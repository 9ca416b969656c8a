package client_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/phrledger/phr/authority"
	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/node"
	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/projections/chart"
)

// world is a node and the people around it, as one test sees them.
type world struct {
	t   testing.TB
	ctx context.Context
	*place
}

// place is what tests may share.
type place struct {
	dir      string
	clock    clock
	node     *node.Node
	stop     func() error
	refusals refusals

	founding sync.Mutex
	found    map[policy.Authority]*client.Client
	casting  sync.Mutex
	cast     map[string]*client.Client
	leaving  sync.Mutex
	away     []func()      // ends what runs beside the node
	pace     time.Duration // of the node's sealing; zero for its own
}

// refusals hears of enrolments that authorities refuse: they say so in their own log alone.
type refusals chan string

func (r refusals) logger() *slog.Logger {
	return slog.New(ear(func(record slog.Record) {
		if record.Message == "enrolment_refused" {
			r <- record.Message
		}
	}))
}

// ear is a log handler that hears everything.
type ear func(slog.Record)

func (e ear) Enabled(context.Context, slog.Level) bool { return true }
func (e ear) WithAttrs([]slog.Attr) slog.Handler       { return e }
func (e ear) WithGroup(string) slog.Handler            { return e }
func (e ear) Handle(_ context.Context, r slog.Record) error {
	e(r)
	return nil
}

// tally counts the lines of a log by message.
type tally struct {
	mu     sync.Mutex
	counts map[string]int
}

func newTally() *tally { return &tally{counts: make(map[string]int)} }

func (y *tally) logger() *slog.Logger {
	return slog.New(ear(func(r slog.Record) {
		y.mu.Lock()
		defer y.mu.Unlock()
		y.counts[r.Message]++
	}))
}

func (y *tally) of(message string) int {
	y.mu.Lock()
	defer y.mu.Unlock()
	return y.counts[message]
}

// clock is the time in a world. It runs five times as fast as outside, so that nobody seems to say hello too often, and can
// be put forward.
type clock struct {
	mu    sync.Mutex
	start time.Time
	ahead time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.start.IsZero() {
		c.start = time.Now()
	}
	return c.start.Add(5*time.Since(c.start) + c.ahead)
}

func (c *clock) forward(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += d
}

func newPlace(dir string) (*place, error) {
	p := &place{
		dir: dir, found: make(map[policy.Authority]*client.Client), cast: make(map[string]*client.Client), refusals: make(refusals, 100),
	}
	return p, p.start()
}

// newWorld starts a node of a test's own, that endorses everyone.
func newWorld(t testing.TB) *world {
	t.Helper()
	beside(t)
	p, err := newPlace(t.TempDir())
	must(t, err)
	t.Cleanup(func() { must(t, p.close()) })
	return &world{t, t.Context(), p}
}

// beside lets a test run beside others.
func beside(t testing.TB) {
	if t, ok := t.(*testing.T); ok {
		t.Parallel()
	}
}

var town struct {
	sync.Once
	*place
	err error
}

// inTown returns a world that tests share, for those that neither stop the node nor put the clock forward.
func inTown(t testing.TB) *world {
	t.Helper()
	beside(t)
	town.Do(func() {
		var dir string
		if dir, town.err = os.MkdirTemp("", "phr-town-*"); town.err == nil {
			town.place, town.err = newPlace(dir)
		}
	})
	must(t, town.err)
	return &world{t, t.Context(), town.place}
}

func TestMain(m *testing.M) {
	code := m.Run()
	if town.place != nil {
		if err := errors.Join(town.close(), os.RemoveAll(town.dir)); err != nil {
			code = 1
		}
	}
	os.Exit(code)
}

func (p *place) start() error {
	n, err := node.Start(context.Background(), node.Config{Dir: p.dir, EndorseAll: true, SealEvery: p.pace, Now: p.clock.now})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	p.node = n
	p.stop = sync.OnceValue(func() error {
		cancel()
		if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
			return errors.Join(err, n.Close())
		}
		return n.Close()
	})
	select {
	case <-n.Ready():
		return nil
	case err := <-done:
		return errors.Join(err, n.Close())
	}
}

func (p *place) onLeave(f func()) {
	p.leaving.Lock()
	defer p.leaving.Unlock()
	p.away = append(p.away, f)
}

func (p *place) close() error {
	for _, end := range slices.Backward(p.away) {
		end()
	}
	return p.stop()
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// config is how somebody reaches the node.
func (w *world) config(home *client.Home) client.Config {
	return client.Config{Home: home, Node: protocol.URL{Root: w.node.URL().Root}, Dialer: w.node.Dialer(), Now: w.clock.now}
}

// dial connects somebody until the test ends.
func (w *world) dial(c client.Config) *client.Client {
	w.t.Helper()
	dialed, err := client.Dial(w.ctx, c)
	must(w.t, err)
	w.t.Cleanup(dialed.Close)
	return dialed
}

func (w *world) connect(home *client.Home) *client.Client {
	w.t.Helper()
	return w.dial(w.config(home))
}

func newHome(t testing.TB) *client.Home {
	t.Helper()
	home, err := client.NewHome()
	must(t, err)
	return home
}

// person connects someone new.
func (w *world) person() *client.Client {
	w.t.Helper()
	return w.connect(newHome(w.t))
}

// patient registers someone new as a patient.
func (w *world) patient() *client.Client {
	w.t.Helper()
	c := w.person()
	must(w.t, c.RegisterPatient(w.ctx))
	return c
}

// lasting connects someone new for as long as the place lasts.
func (w *world) lasting() *client.Client {
	w.t.Helper()
	config := w.config(newHome(w.t))
	config.Log = w.refusals.logger()
	c, err := client.Dial(context.Background(), config)
	must(w.t, err)
	w.onLeave(c.Close)
	return c
}

// kinds of the authorities that tests may ask for.
var kinds = map[policy.Authority]ledger.AuthorityKind{
	"city-hospital": ledger.Hospital, "county-hospital": ledger.Hospital, "iron-gym": ledger.HealthClub,
	"acme-insurance": ledger.Insurer, "acme-works": ledger.Employer,
}

// authority returns the authority of a name, which serves for as long as the place lasts.
func (w *world) authority(name policy.Authority) *client.Client {
	w.t.Helper()
	w.founding.Lock()
	defer w.founding.Unlock()
	if c := w.found[name]; c != nil {
		return c
	}
	c := w.lasting()
	_, err := c.FoundAuthority(w.ctx, name, kinds[name])
	must(w.t, err)
	for {
		if _, err := c.Authority(w.ctx, name); err == nil {
			break
		}
		must(w.t, w.ctx.Err())
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.Serve(ctx, nil) }()
	w.onLeave(func() {
		cancel()
		<-done
	})
	w.found[name] = c
	return c
}

// later puts the clock forward, and lets the authorities that are served say that they are still there.
func (w *world) later(d time.Duration) {
	w.t.Helper()
	w.clock.forward(d)
	w.founding.Lock()
	defer w.founding.Unlock()
	for name, c := range w.found {
		for {
			heard, err := c.Heard(w.ctx, name)
			must(w.t, err)
			if w.clock.now().Sub(heard) < 24*time.Hour {
				break
			}
		}
	}
}

// enrol makes somebody a holder of attributes of one authority.
func (w *world) enrol(c *client.Client, attributes ...string) {
	w.t.Helper()
	first, err := policy.ParseAttribute(attributes[0])
	must(w.t, err)
	names := make([]string, len(attributes))
	for i, text := range attributes {
		a, err := policy.ParseAttribute(text)
		must(w.t, err)
		names[i] = a.Name
	}
	code, _, err := w.authority(first.Authority).Invite(w.ctx, authority.Offer{Attributes: names})
	must(w.t, err)
	_, err = c.Enroll(w.ctx, code, "Dr "+names[0])
	must(w.t, err)
}

// the returns somebody who holds an attribute, the same one for all tests that share the place.
func (w *world) the(attribute string) *client.Client {
	w.t.Helper()
	w.casting.Lock()
	defer w.casting.Unlock()
	c := w.cast[attribute]
	if c == nil {
		c = w.lasting()
		w.enrol(c, attribute)
		w.cast[attribute] = c
	}
	return c
}

func (w *world) book(c *client.Client, patient *client.Client, name ledger.Compartment) *client.Book {
	w.t.Helper()
	return w.bookOf(c, patient.GID(), name)
}

func (w *world) bookOf(c *client.Client, patient identity.GID, name ledger.Compartment) *client.Book {
	w.t.Helper()
	b, err := c.Book(w.ctx, patient, name)
	must(w.t, err)
	return b
}

func (w *world) grant(b *client.Book, r client.GrantRequest) *client.Granted {
	w.t.Helper()
	g, err := b.Grant(w.ctx, r)
	must(w.t, err)
	return g
}

func note(text string) client.Draft {
	return client.Draft{Kind: chart.Written, Media: chart.Note, Body: []byte(text)}
}

func notes(texts ...string) []client.Draft {
	drafts := make([]client.Draft, len(texts))
	for i, text := range texts {
		drafts[i] = note(text)
	}
	return drafts
}

func (w *world) write(b *client.Book, texts ...string) []ledger.EventID {
	w.t.Helper()
	ids, err := b.Write(w.ctx, notes(texts...), nil)
	must(w.t, err)
	return ids
}

// texts returns what a reader can read, in order; "?" for what they can't.
func (w *world) texts(b *client.Book) []string {
	w.t.Helper()
	records, err := b.Records(w.ctx)
	must(w.t, err)
	all := make([]string, len(records))
	for i, r := range records {
		all[i] = string(r.Body)
		if r.Unreadable != "" {
			all[i] = "?"
		}
	}
	return all
}

// reads checks what somebody reads.
func (w *world) reads(who string, b *client.Book, want ...string) {
	w.t.Helper()
	if got := w.texts(b); !slices.Equal(got, want) {
		w.t.Errorf("%s reads %q, want %q", who, got, want)
	}
}

// barred checks that somebody is not let in.
func (w *world) barred(who string, b *client.Book) {
	w.t.Helper()
	if got, err := b.Records(w.ctx); !errors.Is(err, client.ErrNotShared) {
		w.t.Errorf("%s: %d records, %v; want ErrNotShared", who, len(got), err)
	}
}

// refused checks that somebody may not write.
func (w *world) refused(who string, b *client.Book) {
	w.t.Helper()
	if _, err := b.Write(w.ctx, notes("no"), nil); !errors.Is(err, client.ErrNotShared) {
		w.t.Errorf("%s writes: %v; want ErrNotShared", who, err)
	}
}
