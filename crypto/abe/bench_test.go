package abe_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cloudflare/circl/ecc/bls12381"

	"github.com/phrledger/phr/crypto/abe"
)

// pairingTime is how long one bare pairing of circl takes: the yardstick by which machines and versions compare.
func pairingTime() time.Duration {
	p, q := bls12381.G1Generator(), bls12381.G2Generator()
	bls12381.Pair(p, q)
	best := time.Hour
	for range 20 {
		start := time.Now()
		bls12381.Pair(p, q)
		best = min(best, time.Since(start))
	}
	return best
}

// measure runs op and reports its cost in pairings as well.
func measure(b *testing.B, op func() error) {
	yardstick := pairingTime()
	for b.Loop() {
		if err := op(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed())/float64(b.N)/float64(yardstick), "pairings/op")
}

// conjunction is an and of n attributes of two authorities.
func conjunction(n int) (text string, attributes []string) {
	for i := range n {
		attributes = append(attributes, fmt.Sprintf("a%d@%s", i, [...]string{"hospital", "club"}[i%2]))
	}
	return strings.Join(attributes, " and "), attributes
}

var rows = []int{1, 3, 10, 50}

func BenchmarkPairing(b *testing.B) {
	p, q := bls12381.G1Generator(), bls12381.G2Generator()
	measure(b, func() error { bls12381.Pair(p, q); return nil })
}

func BenchmarkEncapsulate(b *testing.B) {
	for _, n := range rows {
		b.Run(fmt.Sprintf("rows=%d", n), func(b *testing.B) {
			text, _ := conjunction(n)
			e := expression(b, text)
			random := stream("bench")
			measure(b, func() error { _, _, err := e.Encapsulate(random, abe.Wrap, nil); return err })
		})
	}
}

func BenchmarkDecapsulate(b *testing.B) {
	for _, n := range rows {
		b.Run(fmt.Sprintf("rows=%d", n), func(b *testing.B) {
			text, attributes := conjunction(n)
			e := expression(b, text)
			keys := issue(b, alice, attributes...)
			_, ct := encapsulate(b, e, abe.Wrap, "")
			measure(b, func() error { _, err := e.Decapsulate(keys, abe.Wrap, nil, ct); return err })
		})
	}
}

func BenchmarkCheck(b *testing.B) {
	text, _ := conjunction(3)
	e := expression(b, text)
	_, ct := encapsulate(b, e, abe.Wrap, "")
	measure(b, func() error { return e.Check(abe.Wrap, ct) })
}

func BenchmarkIssue(b *testing.B) {
	random := stream("bench")
	measure(b, func() error { _, err := master("hospital").Issue(random, alice, "doctor", 1); return err })
}

func BenchmarkVerify(b *testing.B) {
	pk, key := master("hospital").PublicKey(), issue(b, alice, "doctor@hospital")[0]
	measure(b, func() error { return key.Verify(pk) })
}

func BenchmarkParsePublicKey(b *testing.B) {
	enc := master("hospital").PublicKey().Bytes()
	measure(b, func() error { _, err := abe.ParsePublicKey(enc); return err })
}
