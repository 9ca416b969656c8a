package browser

import (
	"errors"
	"fmt"
	"syscall/js"
)

// await waits until one of the target's handlers is called: it returns nil for done, and the error of failed.
func await(target js.Value, done string, failed ...string) error {
	result := make(chan error, 1)
	tell := func(err func() error) js.Func {
		return js.FuncOf(func(js.Value, []js.Value) any {
			select {
			case result <- err():
			default: // it was told already
			}
			return nil
		})
	}
	ok := tell(func() error { return nil })
	defer ok.Release()
	not := tell(func() error { return asError(target.Get("error")) })
	defer not.Release()
	target.Set("on"+done, ok)
	for _, name := range failed {
		target.Set("on"+name, not)
	}
	err := <-result
	target.Set("on"+done, js.Null())
	for _, name := range failed {
		target.Set("on"+name, js.Null())
	}
	return err
}

// asError says what a DOMException is about.
func asError(e js.Value) error {
	if !e.Truthy() {
		return errors.New("the browser has stopped it")
	}
	switch name := e.Get("name").String(); name {
	case "QuotaExceededError":
		return errors.New("the browser has no room left for this page: free some space on this device, and try again")
	case "InvalidStateError", "UnknownError":
		return fmt.Errorf("the browser can't keep anything for this page now (%s): close private windows or restart the browser, and try again", e.Get("message").String())
	default:
		return fmt.Errorf("%s: %s", name, e.Get("message").String())
	}
}

// caught returns what a call into the browser throws as an error.
func caught(call func()) (err error) {
	defer func() {
		switch thrown := recover().(type) {
		case nil:
		case js.Error:
			err = asError(thrown.Value)
		default:
			panic(thrown)
		}
	}()
	call()
	return nil
}

// bytesOf copies a Uint8Array or ArrayBuffer.
func bytesOf(v js.Value) []byte {
	array := js.Global().Get("Uint8Array").New(v)
	b := make([]byte, array.Length())
	js.CopyBytesToGo(b, array)
	return b
}

// arrayOf copies into a Uint8Array.
func arrayOf(b []byte) js.Value {
	array := js.Global().Get("Uint8Array").New(len(b))
	js.CopyBytesToJS(array, b)
	return array
}
