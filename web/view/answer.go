package view

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/crypto/identity"
)

// Config says for whom a View answers.
type Config struct {
	Client *client.Client
	Post   func(event string, data any) // called from several goroutines
	Now    func() time.Time             // nil: time.Now
	Sample bool                         // a sample person of the demonstration

	Serving bool // this process answers enrolments to the client's authority
}

// grace is how long a call may take while the node can't be reached: it comes back within, or what is here has to do.
const grace = 2 * time.Second

// View answers what the screens of one person ask. It may be called concurrently.
type View struct {
	config Config
	calls  map[string]Call
	names  names
	kinds  kinds
	shown  shown
	keys   *keys
	replay replay

	looking chan struct{}        // stirs Run
	retry   map[string]time.Time // of Run: when to try again to write what waits, by chain

	mu      sync.Mutex // guards what follows
	shelves map[identity.GID]*shelf
	me      *Me // as of when it was asked for last; nil before
}

// New returns a View of a client. The client stays the caller's to close.
func New(c Config) *View {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Post == nil {
		c.Post = func(string, any) {}
	}
	v := &View{
		config: c, calls: make(map[string]Call), names: names{known: make(map[identity.GID]Person)}, shelves: make(map[identity.GID]*shelf),
		looking: make(chan struct{}, 1), retry: make(map[string]time.Time),
	}
	v.replay.turn = make(chan struct{}, 1)
	v.keys = &keys{v: v, turn: make(chan struct{}, 1)}
	for _, call := range Calls() {
		v.calls[call.Name] = call
	}
	return v
}

// Call answers a call by its name. What it fails with is an *Error.
func (v *View) Call(ctx context.Context, name string, args json.RawMessage) (any, error) {
	call, ok := v.calls[name]
	if !ok || call.answer == nil {
		return nil, &Error{Code: CodeInput, Message: fmt.Sprintf("there is no call %q", name)}
	}
	if !v.config.Client.Connected() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, grace)
		defer cancel()
	}
	result, err := call.answer(v, ctx, args)
	if err != nil {
		return nil, errorOf(err)
	}
	return result, nil
}
