package keystore_test

import (
	"errors"
	"os"
	"testing"

	"github.com/phrledger/phr/crypto/keystore"
)

func TestAttack53_TruncatedAtEveryOffset(t *testing.T) {
	v := readVectors(t)
	path := write(t, nil)
	for _, golden := range []hexBytes{v.Good[0].In, v.GoodByRecovery[0].In, v.GoodByPasskey[0].In} {
		for n := range golden {
			if err := os.WriteFile(path, golden[:n], 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := keystore.Open(keystore.At(path), keystore.Passphrase(passphrase)); !errors.Is(err, keystore.ErrMalformed) {
				t.Errorf("first %d of %d bytes: %v, want ErrMalformed", n, len(golden), err)
			}
			if _, err := keystore.Open(keystore.At(path), keystore.Recovery([32]byte(v.Secret))); !errors.Is(err, keystore.ErrMalformed) {
				t.Errorf("first %d of %d bytes, by recovery: %v, want ErrMalformed", n, len(golden), err)
			}
			if _, err := keystore.Open(keystore.At(path), keystore.ByPasskey(v.passkey(), [32]byte(v.Secret))); !errors.Is(err, keystore.ErrMalformed) {
				t.Errorf("first %d of %d bytes, by passkey: %v, want ErrMalformed", n, len(golden), err)
			}
		}
	}
}

func TestAttack53_Oversized(t *testing.T) {
	path := write(t, nil)
	if err := os.Truncate(path, 1<<40); err != nil { // sparse
		t.Skip(err)
	}
	if _, err := keystore.Open(keystore.At(path), keystore.Passphrase(passphrase)); !errors.Is(err, keystore.ErrMalformed) {
		t.Errorf("a file of 1 TiB: %v, want ErrMalformed", err)
	}
}

// TestAttack53_OldVersionRestored: the file alone can't tell that it is old. A process that has it open notices, and so does
// whoever remembers the generation.
func TestAttack53_OldVersionRestored(t *testing.T) {
	k, path := create(t, []byte("old"))
	old := read(t, path)
	if err := k.Save([]byte("new")); err != nil {
		t.Fatal(err)
	}
	remembered := k.Generation()
	if err := os.WriteFile(path, old, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := k.Save([]byte("newer")); !errors.Is(err, keystore.ErrConflict) {
		t.Errorf("Save over the restored version: %v, want ErrConflict", err)
	}
	restored := open(t, path)
	if restored.Generation() >= remembered {
		t.Errorf("generation of the old version = %d, of the new one %d", restored.Generation(), remembered)
	}
}
