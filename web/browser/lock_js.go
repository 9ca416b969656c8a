package browser

import (
	"context"
	"sync"
	"syscall/js"
)

// lock waits until nobody else of this origin, in any tab, has the lock of that name. It ends by release, or with the tab.
func lock(ctx context.Context, name string) (release func(), err error) {
	var end js.Value
	hold := js.FuncOf(func(_ js.Value, args []js.Value) any { end = args[0]; return nil })
	defer hold.Release()
	held := js.Global().Get("Promise").New(hold) // the lock is ours until end is called
	got := make(chan struct{})
	have := js.FuncOf(func(js.Value, []js.Value) any { close(got); return held })
	over := js.FuncOf(func(js.Value, []js.Value) any { return nil })
	abort := js.Global().Get("AbortController").New()
	asked := js.Global().Get("navigator").Get("locks").Call("request", name, map[string]any{"signal": abort.Get("signal")}, have)
	asked.Call("then", over, over) // it was not to be: the context says so
	free := sync.OnceFunc(func() {
		end.Invoke()
		have.Release()
	})
	select {
	case <-got:
		return free, nil
	case <-ctx.Done():
		abort.Call("abort")
		select {
		case <-got: // it was ours after all
			free()
		default:
		}
		return nil, ctx.Err()
	}
}
