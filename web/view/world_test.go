package view_test

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/phrledger/phr/authority"
	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/node"
	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/web/view"
)

// world is a node and the people around it.
type world struct {
	t     testing.TB
	ctx   context.Context
	dir   string
	node  *node.Node
	clock *clock
	stop  func() // ends the node

	founding sync.Mutex
	found    map[policy.Authority]*client.Client
	away     map[policy.Authority]func() // ends that it serves
}

// clock is the time in a world. It runs five times as fast as outside, so that nobody seems to say hello too often, and can be put
// forward.
type clock struct {
	mu    sync.Mutex
	start time.Time
	ahead time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.start.Add(5*time.Since(c.start) + c.ahead)
}

func (c *clock) forward(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += d
}

// newWorld starts a node that endorses everyone.
func newWorld(t testing.TB) *world {
	t.Helper()
	if t, ok := t.(*testing.T); ok {
		t.Parallel()
	}
	w := &world{t: t, ctx: t.Context(), dir: t.TempDir(), clock: &clock{start: time.Now()}, found: make(map[policy.Authority]*client.Client), away: make(map[policy.Authority]func())}
	w.start()
	t.Cleanup(func() { w.stop() })
	return w
}

// start starts the node in its directory.
func (w *world) start() {
	w.t.Helper()
	var err error
	w.node, err = node.Start(context.Background(), node.Config{Dir: w.dir, EndorseAll: true, Now: w.clock.now})
	must(w.t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.node.Run(ctx) }()
	w.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
			w.t.Error(err)
		}
		must(w.t, w.node.Close())
	})
	<-w.node.Ready()
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// someone is a person with what their screens are told.
type someone struct {
	*client.Client
	*view.View
	w      *world
	line   *line
	events chan event
}

type event struct {
	name string
	data any
}

// line is somebody's way to the node, which may be cut.
type line struct {
	dial func(network, address string) (net.Conn, error)

	mu   sync.Mutex
	down bool
	open map[net.Conn]bool
}

// Dial is stream.Dialer's.
func (l *line) Dial(network, address string) (net.Conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.down {
		return nil, errors.New("the line is cut")
	}
	c, err := l.dial(network, address)
	if err == nil {
		l.open[c] = true
	}
	return c, err
}

// SkipTLSHandshake is stream.Dialer's.
func (l *line) SkipTLSHandshake() bool { return true }

// cut ends all that goes over the line, until it is mended.
func (l *line) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.down = true
	for c := range l.open {
		c.Close()
	}
	clear(l.open)
}

func (l *line) mend() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.down = false
}

// person connects someone new.
func (w *world) person() *someone {
	w.t.Helper()
	home, err := client.NewHome()
	must(w.t, err)
	return w.at(home)
}

// at connects who has a home.
func (w *world) at(home *client.Home) *someone {
	w.t.Helper()
	l := &line{dial: w.node.Dialer().Dial, open: make(map[net.Conn]bool)}
	c, err := client.Dial(w.ctx, client.Config{Home: home, Node: protocol.URL{Root: w.node.URL().Root}, Dialer: l, Now: w.clock.now})
	must(w.t, err)
	w.t.Cleanup(c.Close)
	p := &someone{Client: c, w: w, line: l, events: make(chan event, 1000)}
	p.View = view.New(view.Config{Client: c, Now: w.clock.now, Post: func(name string, data any) { p.events <- event{name, data} }})
	return p
}

// patient registers someone new as a patient of a name.
func (w *world) patient(name string) *someone {
	w.t.Helper()
	p := w.person()
	must(w.t, p.RegisterPatient(w.ctx))
	if name != "" {
		must(w.t, p.Client.SetName(w.ctx, name))
	}
	return p
}

// kinds of the authorities that tests may ask for.
var kinds = map[policy.Authority]ledger.AuthorityKind{
	"city-hospital": ledger.Hospital, "iron-gym": ledger.HealthClub, "acme-insurance": ledger.Insurer, "acme-works": ledger.Employer,
}

// authority returns the authority of a name, which serves until the test ends.
func (w *world) authority(name policy.Authority) *client.Client {
	w.t.Helper()
	w.founding.Lock()
	defer w.founding.Unlock()
	if c := w.found[name]; c != nil {
		return c
	}
	c := w.founded(name)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.Serve(ctx, nil) }()
	w.away[name] = sync.OnceFunc(func() {
		cancel()
		<-done
	})
	w.t.Cleanup(w.away[name])
	w.found[name] = c
	return c
}

// founded returns the authority of a name that is new, or the registry, whose keys are the node's to keep.
func (w *world) founded(name policy.Authority) *client.Client {
	w.t.Helper()
	if name == ledger.RegistryName {
		person, registry, err := node.Registry(w.dir)
		must(w.t, err)
		home := client.HomeOf(person)
		must(w.t, home.SetAuthority(registry))
		return w.at(home).Client
	}
	c := w.person().Client
	_, err := c.FoundAuthority(w.ctx, name, kinds[name])
	must(w.t, err)
	for {
		if _, err := c.Authority(w.ctx, name); err == nil {
			return c
		}
		must(w.t, w.ctx.Err())
	}
}

// leave ends that an authority serves.
func (w *world) leave(name policy.Authority) {
	w.founding.Lock()
	defer w.founding.Unlock()
	w.away[name]()
}

// holder connects someone new who is called so and holds an attribute, as in doctor@city-hospital.
func (w *world) holder(attribute, name string) *someone {
	w.t.Helper()
	a, err := policy.ParseAttribute(attribute)
	must(w.t, err)
	p := w.person()
	code, _, err := w.authority(a.Authority).Invite(w.ctx, authority.Offer{Attributes: []string{a.Name}})
	must(w.t, err)
	_, err = p.Client.Enroll(w.ctx, code, name)
	must(w.t, err)
	return p
}

// book opens a compartment of a patient's record for somebody.
func (p *someone) book(of *someone, name ledger.Compartment) *client.Book {
	p.w.t.Helper()
	b, err := p.Client.Book(p.w.ctx, of.GID(), name)
	must(p.w.t, err)
	return b
}

// grant lets somebody into a compartment of the person's own.
func (p *someone) grant(name ledger.Compartment, r client.GrantRequest) *client.Granted {
	p.w.t.Helper()
	g, err := p.book(p, name).Grant(p.w.ctx, r)
	must(p.w.t, err)
	return g
}

// call asks as a screen does, and reads the answer as one.
func call[R any](p *someone, name string, args any) R {
	p.w.t.Helper()
	r, err := try[R](p, name, args)
	must(p.w.t, err)
	return r
}

// try is call that may fail.
func try[R any](p *someone, name string, args any) (r R, err error) {
	p.w.t.Helper()
	asked, err := json.Marshal(args)
	must(p.w.t, err)
	result, err := p.View.Call(p.w.ctx, name, asked)
	if err != nil {
		return r, err
	}
	answer, err := json.Marshal(result)
	must(p.w.t, err)
	must(p.w.t, json.Unmarshal(answer, &r))
	return r, nil
}

// failing checks the code of what somebody is told.
func failing(t testing.TB, err error, code string) {
	t.Helper()
	var told *view.Error
	if !errors.As(err, &told) || told.Code != code {
		t.Errorf("%v, want an error %q", err, code)
	}
}
