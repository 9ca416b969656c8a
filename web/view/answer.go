package view

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/phrledger/phr/client"
)

// Config says for whom a View answers.
type Config struct {
	Client *client.Client
	Post   func(event string, data any) // called from several goroutines
	Sample bool                         // a sample person of the demonstration
}

// View answers what the screens of one person ask. It may be called concurrently.
type View struct {
	config Config
	calls  map[string]Call
}

// New returns a View of a client. The client stays the caller's to close.
func New(c Config) *View {
	v := &View{config: c, calls: make(map[string]Call)}
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
	return call.answer(v, ctx, args)
}

var errNotBuilt = errors.New("not built yet")
