package keystore_test

import (
	"path/filepath"
	"testing"

	"github.com/phrledger/phr/crypto/keystore"
)

func BenchmarkOpen(b *testing.B) {
	for _, c := range []struct {
		name   string
		params keystore.Params
	}{
		{"native", keystore.Native},
		{"browser", keystore.Browser},
		{"floor", floor},
	} {
		b.Run(c.name, func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "home", "keystore")
			k, err := keystore.Create(keystore.At(path), make([]byte, 4096), keystore.Passphrase(passphrase).Costing(c.params))
			if err != nil {
				b.Fatal(err)
			}
			k.Close()
			for b.Loop() {
				k, err := keystore.Open(keystore.At(path), keystore.Passphrase(passphrase))
				if err != nil {
					b.Fatal(err)
				}
				k.Close()
			}
		})
	}
}

func BenchmarkOpenRecovery(b *testing.B) {
	k, path := create(b, make([]byte, 4096))
	if err := k.Set(keystore.Recovery(secret)); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		k, err := keystore.Open(keystore.At(path), keystore.Recovery(secret))
		if err != nil {
			b.Fatal(err)
		}
		k.Close()
	}
}

func BenchmarkSave(b *testing.B) {
	k, _ := create(b, nil)
	contents := make([]byte, 4096)
	for b.Loop() {
		if err := k.Save(contents); err != nil {
			b.Fatal(err)
		}
	}
}
