package challenge_test

import (
	"testing"

	"github.com/phrledger/phr/authority/challenge"
)

// BenchmarkExchange is a whole exchange, both sides, without a network.
func BenchmarkExchange(b *testing.B) {
	w := newWorld()
	for _, bench := range []struct {
		name    string
		request challenge.Request
	}{{"login", login}, {"read", w.reading(w.review)}} {
		b.Run(bench.name, func(b *testing.B) {
			w, at := newWorld(challenge.HelloRate, challenge.GrantLogged), w.nodes[0]
			g := w.gate(at)
			for b.Loop() {
				c := w.client(w.ruiz, at, bench.request)
				x, err := w.upTo(3, c, g, at, noon)
				if err != nil {
					b.Fatal(err)
				}
				v, err := g.Answer(noon, w.log, x.m3)
				if err != nil {
					b.Fatal(err)
				}
				_, m4, err := g.Seal(v, nil, grantFor(v))
				if err != nil {
					b.Fatal(err)
				}
				if _, err := c.Open(m4); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkStranger is what a hello by nobody costs a gate.
func BenchmarkStranger(b *testing.B) {
	w := newWorld()
	g := w.gate(w.nodes[0])
	m1 := must(w.client(newPerson(), w.nodes[0], w.reading(w.review)).Hello(noon))
	for b.Loop() {
		if _, err := g.Hello(noon, w.log, m1); err == nil {
			b.Fatal("a stranger is challenged")
		}
	}
}
