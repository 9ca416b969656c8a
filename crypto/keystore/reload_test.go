package keystore_test

import (
	"errors"
	"os"
	"testing"

	"github.com/phrledger/phr/crypto/keystore"
)

func TestReload(t *testing.T) {
	first, path := create(t, []byte("one"))
	second := open(t, path)
	if changed, err := second.Reload(); err != nil || changed {
		t.Errorf("Reload of what is the newest: %v, %v", changed, err)
	}
	old, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Save([]byte("two")); err != nil {
		t.Fatal(err)
	}
	if changed, err := second.Reload(); err != nil || !changed {
		t.Errorf("Reload of what another saved: %v, %v", changed, err)
	}
	if got := second.Contents(); string(got) != "two" || second.Generation() != 2 {
		t.Errorf("after Reload: %q, generation %d", got, second.Generation())
	}
	if err := second.Save([]byte("three")); err != nil {
		t.Errorf("Save after Reload: %v", err)
	}
	if err := os.WriteFile(path, old, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := second.Reload(); !errors.Is(err, keystore.ErrMalformed) {
		t.Errorf("Reload of an older version: %v, want ErrMalformed", err)
	}
	if got := second.Contents(); string(got) != "three" {
		t.Errorf("after the refusal: %q, want what was there", got)
	}
}

func TestReloadOfAnother(t *testing.T) {
	first, path := create(t, []byte("mine"))
	other, otherPath := create(t, []byte("theirs"))
	if err := other.Save([]byte("theirs, later")); err != nil {
		t.Fatal(err)
	}
	foreign, err := os.ReadFile(otherPath)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, foreign, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := first.Reload(); !errors.Is(err, keystore.ErrMalformed) {
		t.Errorf("Reload of another keystore: %v, want ErrMalformed", err)
	}
}
