package identity_test

import (
	"crypto/rand"
	"testing"

	"github.com/phrledger/phr/crypto/identity"
)

func BenchmarkGenerate(b *testing.B) {
	for b.Loop() {
		if _, _, err := identity.Generate(rand.Reader); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseKeys(b *testing.B) {
	id, _ := generate(b)
	for b.Loop() {
		if _, err := identity.ParseKeys(id.Keys().Sign[:], id.Keys().Seal); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	id, _ := generate(b)
	message := make([]byte, 1024)
	signature := id.Sign("phr/bench", message)
	for b.Loop() {
		if err := id.Keys().Verify("phr/bench", message, signature); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSealTo(b *testing.B) {
	id, _ := generate(b)
	for b.Loop() {
		if _, err := id.Keys().SealTo("phr/bench", nil, make([]byte, 144)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	id, _ := generate(b)
	sealed, err := id.Keys().SealTo("phr/bench", nil, make([]byte, 144))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := id.Open("phr/bench", nil, sealed); err != nil {
			b.Fatal(err)
		}
	}
}
