package stream

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/phrledger/phr/crypto/canonical"
)

// An answer is an error exactly if the service marked it, and then one that reads back as it was written.
func FuzzAnswer(f *testing.F) {
	for _, e := range []*Error{{Code: "busy", Text: "t"}, {Code: "busy", Text: "t", Hint: "h"}, {}} {
		m, err := e.wire()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(m.Data, true)
		f.Add(m.Data, false)
	}
	f.Fuzz(func(t *testing.T, body []byte, marked bool) {
		m := nats.NewMsg("")
		m.Data = body
		if marked {
			m.Header.Set(hdrError, "1")
		}
		data, err := answerOf(m)
		var e *Error
		switch {
		case !marked:
			if err != nil || string(data) != string(body) {
				t.Fatalf("an ordinary answer came as %q, %v", data, err)
			}
		case errors.As(err, &e):
			again, err := e.wire()
			if err != nil || string(again.Data) != string(body) {
				t.Fatalf("%x reads as %+v, which is %x", body, e, again.Data)
			}
		case !errors.Is(err, canonical.ErrMalformed):
			t.Fatalf("unexpected %v", err)
		}
	})
}

// Nobody is a caller but who the server put there, in people's account.
func FuzzCaller(f *testing.F) {
	l := &Ledger{clients: "ACLIENTS"}
	for _, h := range []string{``, `{}`, `{"acc":"ACLIENTS","name_tag":"U1"}`, `{"acc":"ALEDGER","name_tag":"U1"}`, `{"acc":1}`, `[`} {
		f.Add(h)
	}
	f.Fuzz(func(t *testing.T, header string) {
		m := nats.NewMsg("dir.node")
		m.Header.Set("Nats-Request-Info", header)
		got := l.caller(m)
		if got == "" {
			return
		}
		var info map[string]any
		if err := json.Unmarshal([]byte(header), &info); err != nil {
			t.Fatalf("%q names a caller", header)
		}
	})
}
