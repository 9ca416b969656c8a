package vault_test

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/crypto/keystore"
	"github.com/phrledger/phr/ledger/node"
	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/web/vault"
	"github.com/phrledger/phr/web/view"
)

// floor is the cheapest that a passphrase may be.
var floor = keystore.Params{Time: 1, MemoryKiB: 64 << 10, Threads: 2}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// world is a node, and devices that reach it.
type world struct {
	t     testing.TB
	node  *node.Node
	mu    sync.Mutex
	ahead time.Duration // that the time is, of what it is outside
}

func newWorld(t *testing.T) *world {
	t.Parallel()
	w := &world{t: t}
	var err error
	w.node, err = node.Start(context.Background(), node.Config{Dir: t.TempDir(), EndorseAll: true, Now: w.now, SealEvery: 100 * time.Millisecond})
	must(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.node.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		must(t, w.node.Close())
	})
	<-w.node.Ready()
	return w
}

func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Now().Add(w.ahead)
}

// pass lets time go by, without any timer running out.
func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ahead += d
}

func (w *world) url() protocol.URL { return protocol.URL{Root: w.node.URL().Root} }

// device is where the stores of a browser's tabs lie.
type device struct {
	w      *world
	line   *line
	mu     sync.Mutex
	stores map[string]client.Store
	tabs   []*tab
}

func (w *world) device() *device {
	return &device{w: w, line: &line{node: w.node}, stores: make(map[string]client.Store)}
}

func (d *device) store(name string) client.Store {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.stores[name] == nil {
		d.stores[name] = client.InMemory()
	}
	return d.stores[name]
}

// tab is one vault of a device, and what it has told.
type tab struct {
	*vault.Vault
	t    testing.TB
	told chan event
}

type event struct {
	name string
	data any
}

func (d *device) tab() *tab {
	t := &tab{t: d.w.t, told: make(chan event, 1000)}
	t.Vault = vault.New(vault.Config{
		Store: d.store, Node: d.w.url(), Dialer: d.line, Cost: floor, Now: d.w.now,
		Post: func(name string, data any) { t.told <- event{name, data} },
		Tell: func(n vault.Note) {
			for _, other := range d.tabs {
				if other != t {
					other.Told(n)
				}
			}
		},
	})
	d.tabs = append(d.tabs, t)
	d.w.t.Cleanup(func() { _, _ = t.Call(context.Background(), "vault.lock", nil) })
	return t
}

// await waits for an event that is as wanted.
func await[D any](t *tab, name string, wanted func(D) bool) D {
	t.t.Helper()
	late := time.After(30 * time.Second)
	for {
		select {
		case e := <-t.told:
			if data, ok := e.data.(D); ok && e.name == name && wanted(data) {
				return data
			}
		case <-late:
			t.t.Fatalf("no event %q", name)
		}
	}
}

// call asks a tab for something that has to go well, and try for anything.
func call[R any](t *tab, name string, args any) R {
	t.t.Helper()
	r, err := try[R](t, name, args)
	if err != nil {
		t.t.Fatalf("%s: %v", name, err)
	}
	return r
}

func try[R any](t *tab, name string, args any) (r R, err error) {
	t.t.Helper()
	raw, err := json.Marshal(args)
	must(t.t, err)
	result, err := t.Call(t.t.Context(), name, raw)
	if err == nil {
		r = result.(R)
	}
	return r, err
}

func fails(t *tab, code, name string, args any) {
	t.t.Helper()
	_, err := try[any](t, name, args)
	var told *view.Error
	if !errors.As(err, &told) || told.Code != code {
		t.t.Errorf("%s: %v, want the code %s", name, err, code)
	}
}

// line is a way to the node that can be cut.
type line struct {
	node *node.Node
	mu   sync.Mutex
	cut  bool
	open []net.Conn
}

func (l *line) SkipTLSHandshake() bool { return true }

func (l *line) Dial(network, address string) (net.Conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cut {
		return nil, &net.OpError{Op: "dial", Net: network, Err: errors.New("the line is cut")}
	}
	c, err := l.node.Dialer().Dial(network, address)
	if err == nil {
		l.open = append(l.open, c)
	}
	return c, err
}

func (l *line) set(cut bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut = cut
	for _, c := range l.open {
		if cut {
			c.Close()
		}
	}
	l.open = nil
}

// setUp makes somebody who opens by a passphrase, and returns the words of the sheet.
func setUp(t *tab, passphrase string) (view.VaultPerson, []string) {
	t.t.Helper()
	sheet := call[view.SetupWords](t, "vault.begin", view.SetupBegin{Name: "Maria", Patient: true})
	var words []string
	for _, at := range sheet.Ask {
		words = append(words, sheet.Words[at-1])
	}
	call[view.Nothing](t, "vault.check", view.SetupCheck{Words: words})
	return call[view.VaultPerson](t, "vault.finish", view.SetupFinish{Passphrase: passphrase}), sheet.Words
}
