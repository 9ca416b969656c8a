package keystore_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/phrledger/phr/crypto/keystore"
)

func TestCopyAndRestore(t *testing.T) {
	k, path := create(t, []byte("one"))
	if err := k.Set(keystore.Recovery(secret)); err != nil {
		t.Fatal(err)
	}
	if err := open(t, path).Save([]byte("two")); err != nil { // by another process
		t.Fatal(err)
	}
	copied, err := k.Copy()
	if err != nil || !bytes.Equal(copied, read(t, path)) {
		t.Fatalf("the copy is not the newest version, or %v", err)
	}
	place := func() string { return filepath.Join(t.TempDir(), "home", "keystore") }
	restored, err := keystore.Restore(keystore.At(place()), copied, keystore.Passphrase(passphrase))
	if err != nil {
		t.Fatal(err)
	}
	defer restored.Close()
	if got := restored.Contents(); string(got) != "two" || restored.Generation() != k.Generation() {
		t.Errorf("restored: %q, generation %d", got, restored.Generation())
	}
	if err := restored.Save([]byte("three")); err != nil {
		t.Error(err)
	}
	byCode, err := keystore.Restore(keystore.At(place()), copied, keystore.Recovery(secret))
	if err != nil || string(byCode.Contents()) != "two" {
		t.Fatalf("by the recovery code: %v", err)
	}
	byCode.Close()

	if _, err := keystore.Restore(keystore.At(path), copied, keystore.Passphrase(passphrase)); !errors.Is(err, fs.ErrExist) {
		t.Errorf("over a keystore: %v, want ErrExist", err)
	}
	empty := place()
	for name, c := range map[string]struct {
		copied, passphrase []byte
		want               error
	}{
		"by another passphrase": {copied, []byte("wrong"), keystore.ErrPassphrase},
		"cut short":             {copied[:len(copied)-1], passphrase, keystore.ErrMalformed},
		"nothing":               {nil, passphrase, keystore.ErrMalformed},
	} {
		if _, err := keystore.Restore(keystore.At(empty), c.copied, keystore.Passphrase(c.passphrase)); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if _, err := os.Lstat(filepath.Dir(empty)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what was refused left a directory: %v", err)
	}
}

// TestAttack53_CopyOfRestored: where an older version was put back, nothing is copied.
func TestAttack53_CopyOfRestored(t *testing.T) {
	k, path := create(t, []byte("one"))
	old := read(t, path)
	if err := k.Save([]byte("two")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, old, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := k.Copy(); !errors.Is(err, keystore.ErrMalformed) {
		t.Errorf("a copy of an older version: %v, want ErrMalformed", err)
	}
}
