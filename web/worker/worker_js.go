// Command worker is phr in a browser's Web Worker: the vault, the client and the views. The script that starts it leaves an object "phr"
// behind, by which the two speak in JSON: see web/app/src/worker/worker.ts. Started to derive, it runs Argon2id once and ends, so that the
// memory which that takes is given back.
package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"syscall/js"

	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/web/browser"
	"github.com/phrledger/phr/web/vault"
)

func main() {
	h := host{js.Global().Get("phr")}
	if task := h.Get("task"); task.Truthy() {
		h.deriveHere(task)
		return
	}
	defer h.guard()
	if err := start(h); err != nil {
		h.Call("fail", err.Error())
		return
	}
	select {} // until the page ends it
}

// worker answers the page.
type worker struct {
	host  host
	vault *vault.Vault
}

// start makes the vault of what the page's server says of itself, and has it answer.
func start(h host) error {
	var about struct {
		Node   string   `json:"node"`
		People []sample `json:"people"`
	}
	if err := json.Unmarshal([]byte(h.Get("about").String()), &about); err != nil {
		return fmt.Errorf("reading what this page is: %w", err)
	}
	node, err := protocol.ParseURL(about.Node)
	if err != nil {
		return fmt.Errorf("reading where the node is: %w", err)
	}
	database, err := browser.OpenDatabase()
	if err != nil {
		return err
	}
	w := &worker{host: h}
	w.vault = vault.New(vault.Config{
		Store: database.Store, Node: node, Dialer: browser.Dialer{URL: h.Get("socket").String()},
		Post:   func(event string, data any) { h.post(message{Event: event, Data: data}) },
		Tell:   w.tell,
		Derive: h.derive,
		Sample: samples{h, about.People}.fetch,
		Log:    slog.New(slog.DiscardHandler),
	})
	w.listen()
	return nil
}

// call is what the page asks.
type call struct {
	ID   int             `json:"id"`
	Name string          `json:"name"`
	Args json.RawMessage `json:"args"`
}

// listen has the page's calls and the other tabs' notes answered. What the browser calls may not wait.
func (w *worker) listen() {
	w.host.Set("ask", js.FuncOf(func(_ js.Value, args []js.Value) any {
		go w.answer(args[0].String())
		return nil
	}))
	w.host.Set("told", js.FuncOf(func(_ js.Value, args []js.Value) any {
		go w.hear(args[0].String())
		return nil
	}))
	w.host.Call("ready")
}

func (w *worker) tell(n vault.Note) {
	text, err := json.Marshal(n)
	if err == nil {
		w.host.Call("tell", string(text))
	}
}

// hear takes what another tab tells.
func (w *worker) hear(text string) {
	defer w.host.guard()
	var n vault.Note
	if err := json.Unmarshal([]byte(text), &n); err == nil {
		w.vault.Told(n)
	}
}

func (w *worker) answer(text string) {
	defer w.host.guard()
	var c call
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return // it can't be answered: whose it is is not known
	}
	m := message{ID: c.ID}
	result, err := w.vault.Call(context.Background(), c.Name, c.Args)
	if err != nil {
		m.Error = err
	} else {
		m.Result = result
	}
	w.host.post(m)
}

// message is what the page is told: an answer, or an event.
type message struct {
	ID     int    `json:"id,omitempty"`
	Result any    `json:"result,omitempty"`
	Error  error  `json:"error,omitempty"`
	Event  string `json:"event,omitempty"`
	Data   any    `json:"data,omitempty"`
}

// sample is somebody whom the page's server offers.
type sample struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

type samples struct {
	host   host
	people []sample
}

// fetch gets the keys of a sample person.
func (s samples) fetch(id string) (*vault.Sample, error) {
	for _, p := range s.people {
		if p.ID != id {
			continue
		}
		text, err := s.host.await("sample", id)
		if err != nil {
			return nil, err
		}
		handed, err := base64.StdEncoding.DecodeString(text.String())
		return &vault.Sample{Name: p.Name, Handed: handed}, err
	}
	return nil, errors.New("there is no such sample person")
}
