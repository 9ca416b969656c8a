package client_test

import (
	"crypto/rand"
	"fmt"
	"testing"
	"time"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/crypto/abe"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
)

// encapsulation measures the yardstick: making one attribute encapsulation of one row.
func encapsulation(b *testing.B) time.Duration {
	b.Helper()
	const name = policy.Authority("city-hospital")
	master, err := abe.GenerateMasterKey(rand.Reader, name)
	must(b, err)
	p, err := policy.Parse("doctor@city-hospital")
	must(b, err)
	x, err := abe.NewExpression(p, func(policy.Attribute) (uint32, bool) { return 1, true }, master.PublicKey())
	must(b, err)
	const times = 20
	start := time.Now()
	for range times {
		_, _, err := x.Encapsulate(rand.Reader, abe.Wrap, nil)
		must(b, err)
	}
	return time.Since(start) / times
}

// BenchmarkRotation starts an epoch, by the number of terms: the client wraps it for each, the node checks, stores and appends
// it and erases the wraps of the one before. Beside it, what the encapsulations alone take.
func BenchmarkRotation(b *testing.B) {
	w := newWorld(b)
	w.the("doctor@city-hospital")
	alone := encapsulation(b)
	for _, terms := range []int{0, 1, 4, 16, ledger.MaxTerms} {
		b.Run(fmt.Sprintf("terms=%d", terms), func(b *testing.B) {
			w := &world{b, b.Context(), w.place}
			maria := w.patient()
			hers := w.book(maria, maria, ledger.Health)
			for range terms {
				w.grant(hers, client.GrantRequest{To: "doctor@city-hospital"})
			}
			for b.Loop() {
				w.clock.forward(time.Second)
				_, err := hers.StartEpoch(w.ctx, "because")
				must(b, err)
			}
			b.ReportMetric(float64(terms)*alone.Seconds()*1e3, "abe-ms/op")
		})
	}
}
