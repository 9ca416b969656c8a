package epoch_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"testing"
	"time"

	"github.com/phrledger/phr/crypto/epoch"
)

// benchBody is FHIR text in which the values differ, as in a real record book.
func benchBody(size int) []byte {
	var b bytes.Buffer
	for i := 0; b.Len() < size; i++ {
		id := sha256.Sum256([]byte{byte(i), byte(i >> 8)})
		fmt.Fprintf(&b, `{"resourceType":"Observation","id":"%x","status":"final","category":[{"coding":[{"system":`+
			`"http://terminology.hl7.org/CodeSystem/observation-category","code":"vital-signs"}]}],"code":{"coding":[{"system":`+
			`"http://loinc.org","code":"8867-4"}]},"valueQuantity":{"value":%d,"unit":"/min"}}`+"\n", id[:16], 50+i*37%60)
	}
	return b.Bytes()[:size]
}

var benchSizes = []struct {
	name string
	size int
}{{"1KiB", 1 << 10}, {"64KiB", 64 << 10}}

// reportBare runs AES-256-GCM alone, its key set up anew for each record as every seal does, over the same bytes as often
// as the benchmark ran, and reports how many times longer the benchmark took.
func reportBare(b *testing.B, body []byte, run func(cipher.AEAD)) {
	b.Helper()
	elapsed := b.Elapsed()
	key := make([]byte, 32)
	start := time.Now()
	for range b.N {
		block, err := aes.NewCipher(key)
		if err != nil {
			b.Fatal(err)
		}
		gcm, err := cipher.NewGCM(block)
		if err != nil {
			b.Fatal(err)
		}
		run(gcm)
	}
	bare := time.Since(start)
	b.ReportMetric(float64(bare.Nanoseconds())/float64(b.N), "gcm-ns/op")
	b.ReportMetric(float64(elapsed)/float64(bare), "x-gcm")
	b.SetBytes(int64(len(body)))
}

func BenchmarkSeal(b *testing.B) {
	for _, s := range benchSizes {
		b.Run(s.name, func(b *testing.B) {
			keys, shred, body := generate(b, "current"), newShred(b, "s"), benchBody(s.size)
			var sealed []byte
			b.ReportAllocs()
			for b.Loop() {
				var err error
				if sealed, err = epoch.Seal(rand.Reader, keys, shred, header(), body); err != nil {
					b.Fatal(err)
				}
			}
			reportBare(b, body, func(gcm cipher.AEAD) { gcm.Seal(nil, make([]byte, 12), body, nil) })
			b.ReportMetric(float64(len(sealed)), "sealed-B")
		})
	}
}

func BenchmarkOpen(b *testing.B) {
	for _, s := range benchSizes {
		b.Run(s.name, func(b *testing.B) {
			keys, shred, body := generate(b, "current"), newShred(b, "s"), benchBody(s.size)
			sealed := sealRecord(b, "n", header(), body)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := epoch.Open(keys, shred, header(), sealed); err != nil {
					b.Fatal(err)
				}
			}
			nonce := make([]byte, 12)
			block, err := aes.NewCipher(make([]byte, 32))
			if err != nil {
				b.Fatal(err)
			}
			gcm, err := cipher.NewGCM(block)
			if err != nil {
				b.Fatal(err)
			}
			bare := gcm.Seal(nil, nonce, body, nil)
			reportBare(b, body, func(gcm cipher.AEAD) {
				if _, err := gcm.Open(nil, nonce, bare, nil); err != nil {
					b.Fatal(err)
				}
			})
		})
	}
}

// BenchmarkCipher is what remains of sealing without compression: tree, key derivation, commitment and AES-GCM.
func BenchmarkCipher(b *testing.B) {
	for _, s := range benchSizes {
		b.Run(s.name, func(b *testing.B) {
			keys, shred, framed := generate(b, "current"), newShred(b, "s"), benchBody(s.size)
			for b.Loop() {
				if _, err := epoch.SealFrame(rand.Reader, keys, shred, header(), framed); err != nil {
					b.Fatal(err)
				}
			}
			reportBare(b, framed, func(gcm cipher.AEAD) { gcm.Seal(nil, make([]byte, 12), framed, nil) })
		})
	}
}

func BenchmarkShred(b *testing.B) {
	for _, erased := range []int{0, 100, 1000} {
		shred, random := newShred(b, "s"), stream("leaves")
		for range erased {
			l, err := epoch.DrawLeaf(random)
			if err != nil {
				b.Fatal(err)
			}
			shred.Puncture(l)
		}
		b.Run(fmt.Sprintf("Leaf/%d", erased), func(b *testing.B) {
			for b.Loop() {
				if _, err := shred.Leaf(leaf(12345)); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("Parse/%d", erased), func(b *testing.B) {
			state := shred.Bytes()
			for b.Loop() {
				if _, err := epoch.ParseShred(state); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(state)), "state-B")
		})
	}
}
