package node_test

import (
	"testing"

	"github.com/phrledger/phr/authority/challenge"
	"github.com/phrledger/phr/ledger"
)

// From hello to an open connection: a session on a term with one attribute, and a login.
func BenchmarkOpen(b *testing.B) {
	w := newWorld(b)
	for _, bb := range []struct {
		name    string
		who     *person
		request challenge.Request
	}{
		{"session", w.doctor, requestFor(w.health, ledger.OpWrite, w.term.ID)},
		{"login", w.patient, loginRequest},
	} {
		b.Run(bb.name, func(b *testing.B) {
			for range b.N {
				b.StopTimer()
				x := bb.who.begin(b, bb.request)
				b.StartTimer()
				must(b, x.hello(b))
				must(b, x.answer(b))
				_, err := x.connect(b)
				must(b, err)
			}
		})
	}
}
