// Package vault keeps the keys of the people who use one browser, and answers what the screens ask: about the keys itself, about records
// by a view.View of whoever has unlocked. One person is unlocked at a time. It knows nothing of browsers but what its Config gives it.
//
// What this does not protect: who controls the device while somebody has unlocked, or serves the page, has that person's keys. The names
// that people give themselves, and when they were set up, stand in clear beside their sealed keys, so that they find themselves.
package vault

import (
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/keystore"
	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/ledger/stream"
	"github.com/phrledger/phr/web/view"
)

// Config says where a vault lies and what it reaches.
type Config struct {
	Store  func(name string) client.Store // the store of that name on this device
	Node   protocol.URL
	Dialer stream.Dialer
	Post   func(event string, data any)     // tells the screens; called from several goroutines
	Tell   func(Note)                       // tells the other tabs, who call Told; nil: there are none
	Derive Derive                           // nil: here
	Sample func(id string) (*Sample, error) // the keys of a sample person; nil: there are none
	Now    func() time.Time                 // nil: time.Now
	Idle   time.Duration                    // after which it locks; 0 is 15 minutes
	Cost   keystore.Params                  // of passphrases that are set here; zero is keystore.Browser
	Log    *slog.Logger                     // nil: none
}

// Derive runs the derivation of a passphrase where the memory that it takes is given back.
type Derive func(ctx context.Context, d keystore.Derivation, passphrase []byte) ([32]byte, error)

// Sample is a sample person of a demonstration, with what client.AdoptInMemory takes.
type Sample struct {
	Name   string
	Handed []byte
}

const idle = 15 * time.Minute

// Vault is a device's. It is safe for concurrent use.
type Vault struct {
	config Config
	calls  map[string]answer
	line   *line

	mu    sync.Mutex // guards what follows
	open  *unlocked  // nil while it is locked
	setup *setup     // nil while nobody sets up
}

// New returns a locked vault. Lock ends what it does.
func New(c Config) *Vault {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Idle == 0 {
		c.Idle = idle
	}
	if c.Cost == (keystore.Params{}) {
		c.Cost = keystore.Browser
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Derive == nil {
		c.Derive = func(_ context.Context, d keystore.Derivation, passphrase []byte) ([32]byte, error) {
			return d.Run(passphrase)
		}
	}
	if c.Tell == nil {
		c.Tell = func(Note) {}
	}
	v := &Vault{config: c}
	v.line = newLine(c.Dialer, v.connected)
	v.calls = v.answers()
	return v
}

// Call answers a call by its name. What it fails with is a *view.Error.
func (v *Vault) Call(ctx context.Context, name string, args json.RawMessage) (any, error) {
	result, err := v.call(ctx, name, args)
	if err != nil {
		return nil, view.Say(err)
	}
	return result, nil
}

func (v *Vault) call(ctx context.Context, name string, args json.RawMessage) (any, error) {
	if strings.HasPrefix(name, "vault.") {
		answer, ok := v.calls[name]
		if !ok {
			return nil, misused("There is no call " + name + ".")
		}
		return answer(ctx, args)
	}
	o, err := v.current()
	if err != nil {
		return nil, err
	}
	defer v.count(o) // a draft may have come to wait
	return o.view.Call(ctx, name, args)
}

// current returns who is unlocked, unless they were away too long: a computer that slept runs no timers.
func (v *Vault) current() (*unlocked, error) {
	v.mu.Lock()
	o := v.open
	v.mu.Unlock()
	if o == nil {
		return nil, errLocked
	}
	if v.config.Now().Sub(o.lastUsed()) >= v.config.Idle {
		v.lock(o, whyIdle)
		return nil, errLocked
	}
	return o, nil
}

var errLocked = &view.Error{Code: view.CodeLocked, Message: "Nobody has unlocked."}

func misused(message string) *view.Error { return &view.Error{Code: view.CodeInput, Message: message} }

// An answer is how a call is answered.
type answer func(context.Context, json.RawMessage) (any, error)

func answerBy[A, R any](do func(context.Context, A) (R, error)) answer {
	return func(ctx context.Context, raw json.RawMessage) (any, error) {
		args, err := view.Args[A](raw)
		if err != nil {
			return nil, err
		}
		return do(ctx, args)
	}
}

func (v *Vault) answers() map[string]answer {
	return map[string]answer{
		"vault.state":         answerBy(v.state),
		"vault.begin":         answerBy(v.begin),
		"vault.check":         answerBy(v.check),
		"vault.finish":        answerBy(v.finish),
		"vault.unlock":        answerBy(v.unlock),
		"vault.lock":          answerBy(v.lockAsked),
		"vault.used":          answerBy(v.used),
		"vault.keys":          answerBy(v.keys),
		"vault.addPasskey":    answerBy(v.addPasskey),
		"vault.setPassphrase": answerBy(v.setPassphrase),
		"vault.removeSlot":    answerBy(v.removeSlot),
		"vault.export":        answerBy(v.export),
		"vault.import":        answerBy(v.importFile),
		"vault.remove":        answerBy(v.remove),
		"vault.sample":        answerBy(v.sample),
	}
}

func (v *Vault) store(gid identity.GID) client.Store { return v.config.Store(string(gid)) }
