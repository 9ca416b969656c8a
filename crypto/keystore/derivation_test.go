package keystore_test

import (
	"errors"
	"testing"

	"github.com/phrledger/phr/crypto/keystore"
)

// TestDerived opens in two steps what a passphrase opens in one, and the other way round.
func TestDerived(t *testing.T) {
	k, path := create(t, []byte("one"))
	ways, err := keystore.Ways(read(t, path))
	if err != nil || len(ways) != 1 {
		t.Fatalf("ways %v, %v", ways, err)
	}
	needed := ways[0].Derivation
	derive := func(d keystore.Derivation, passphrase []byte) keystore.Key {
		t.Helper()
		key, err := d.Run(passphrase)
		if err != nil {
			t.Fatal(err)
		}
		return keystore.Derived(d, key)
	}
	inSteps, err := keystore.Open(keystore.At(path), derive(needed, passphrase))
	if err != nil || string(inSteps.Contents()) != "one" {
		t.Fatalf("in two steps: %v", err)
	}
	inSteps.Close()
	for name, key := range map[string]keystore.Key{
		"by another passphrase": derive(needed, newPhrase),
		"by another salt":       derive(keystore.NewDerivation(floor), passphrase),
		"at another cost":       derive(keystore.Derivation{Salt: needed.Salt, Params: keystore.Params{Time: 2, MemoryKiB: 64 << 10, Threads: 2}}, passphrase),
	} {
		if _, err := keystore.Open(keystore.At(path), key); !errors.Is(err, keystore.ErrPassphrase) {
			t.Errorf("%s: %v, want ErrPassphrase", name, err)
		}
	}
	if err := k.Set(derive(keystore.NewDerivation(floor), newPhrase)); err != nil {
		t.Fatal(err)
	}
	again, err := keystore.Open(keystore.At(path), keystore.Passphrase(newPhrase))
	if err != nil {
		t.Fatal(err)
	}
	again.Close()
}

// TestAttack53_DoctoredDerivation: who doctors a file can't have a derivation run that is cheap to guess, or that takes all memory.
func TestAttack53_DoctoredDerivation(t *testing.T) {
	for _, bad := range readVectors(t).Bad {
		ways, err := keystore.Ways(bad.In)
		if err != nil && !errors.Is(err, keystore.ErrMalformed) {
			t.Errorf("%s: %v, want ErrMalformed", bad.Name, err)
		}
		for _, w := range ways {
			if d := w.Derivation; w.Kind == keystore.PassphraseSlot && (d.MemoryKiB < 64<<10 || d.MemoryKiB > 512<<10 || d.Time < 1 || d.Time > 16 || len(d.Salt) != 16) {
				t.Errorf("%s: %+v", bad.Name, d)
			}
		}
	}
	for _, d := range []keystore.Derivation{
		{Params: floor},
		{Salt: make([]byte, 16)},
		{Salt: make([]byte, 16), Params: keystore.Params{Time: 1, MemoryKiB: 1 << 30, Threads: 1}},
	} {
		if _, err := d.Run(passphrase); err == nil {
			t.Errorf("%+v was run", d)
		}
	}
}
