package main

import (
	"context"
	"encoding/json"
	"errors"
	"syscall/js"

	"github.com/phrledger/phr/crypto/keystore"
)

// host is the script that has started this program.
type host struct{ js.Value }

// post tells the page something.
func (h host) post(m message) {
	text, err := json.Marshal(m)
	if err != nil {
		panic(err) // no message has what JSON does not
	}
	h.Call("post", string(text))
}

// guard ends the program where it panicked: the page then starts another, which is locked. What went wrong may hold what is nobody's
// business, and is not told.
func (h host) guard() {
	if recover() != nil {
		h.Call("panicked")
	}
}

// await calls a method of the script that returns a promise, and waits for what that comes to.
func (h host) await(method string, args ...any) (js.Value, error) {
	type outcome struct {
		value js.Value
		err   error
	}
	done := make(chan outcome, 1)
	well := js.FuncOf(func(_ js.Value, args []js.Value) any { done <- outcome{value: args[0]}; return nil })
	defer well.Release()
	ill := js.FuncOf(func(_ js.Value, args []js.Value) any {
		done <- outcome{err: errors.New(args[0].Get("message").String())}
		return nil
	})
	defer ill.Release()
	h.Call(method, args...).Call("then", well, ill)
	o := <-done
	return o.value, o.err
}

// derive has another worker run Argon2id.
func (h host) derive(_ context.Context, d keystore.Derivation, passphrase []byte) (key [32]byte, err error) {
	got, err := h.await("derive", task{d}.value(passphrase))
	if err != nil {
		return key, err
	}
	if js.CopyBytesToGo(key[:], got) != len(key) {
		return key, errors.New("the passphrase could not be worked on: try again")
	}
	got.Call("fill", 0)
	return key, nil
}

// task is a derivation as it goes to another worker.
type task struct{ keystore.Derivation }

func (t task) value(passphrase []byte) map[string]any {
	return map[string]any{
		"passphrase": array(passphrase), "salt": array(t.Salt), "time": t.Time, "memory": t.MemoryKiB, "threads": t.Threads,
	}
}

// deriveHere does a task that another worker has given, and hands back the key.
func (h host) deriveHere(v js.Value) {
	d := keystore.Derivation{Salt: bytesOf(v.Get("salt")), Params: keystore.Params{
		Time: uint32(v.Get("time").Int()), MemoryKiB: uint32(v.Get("memory").Int()), Threads: uint8(v.Get("threads").Int()),
	}}
	key, err := d.Run(bytesOf(v.Get("passphrase")))
	if err != nil {
		h.Call("fail", err.Error())
		return
	}
	h.Call("done", array(key[:]))
}

func array(b []byte) js.Value {
	a := js.Global().Get("Uint8Array").New(len(b))
	js.CopyBytesToJS(a, b)
	return a
}

func bytesOf(a js.Value) []byte {
	b := make([]byte, a.Length())
	js.CopyBytesToGo(b, a)
	return b
}
