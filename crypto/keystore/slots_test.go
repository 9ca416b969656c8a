package keystore_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/phrledger/phr/crypto/keystore"
)

var (
	secret    = [32]byte{1, 2, 3}
	newPhrase = []byte("staple battery horse correct")
)

func openRecovery(t testing.TB, path string, secret [32]byte) *keystore.Keystore {
	t.Helper()
	k, err := keystore.Open(keystore.At(path), keystore.Recovery(secret))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	return k
}

func TestSetPassphrase(t *testing.T) {
	k, path := create(t, []byte("one"))
	sealed, err := k.Seal("outbox", []byte("draft"))
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Set(keystore.Passphrase(newPhrase).Costing(floor)); err != nil {
		t.Fatal(err)
	}
	if _, err := keystore.Open(keystore.At(path), keystore.Passphrase(passphrase)); !errors.Is(err, keystore.ErrPassphrase) {
		t.Errorf("the passphrase before: %v, want ErrPassphrase", err)
	}
	again, err := keystore.Open(keystore.At(path), keystore.Passphrase(newPhrase))
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if got := again.Contents(); string(got) != "one" || again.Generation() != 2 {
		t.Errorf("under the new passphrase: %q, generation %d", got, again.Generation())
	}
	if got, err := again.Unseal("outbox", sealed); err != nil || string(got) != "draft" {
		t.Errorf("a file sealed before: %q, %v", got, err)
	}
	if err := k.Save([]byte("two")); err != nil {
		t.Errorf("Save after the change: %v", err)
	}
}

// TestSlotsBetweenProcesses: who has the keystore open while another process changes how it opens notices, and keeps the change.
func TestSlotsBetweenProcesses(t *testing.T) {
	first, path := create(t, []byte("one"))
	second := open(t, path)
	if err := first.Set(keystore.Recovery(secret)); err != nil {
		t.Fatal(err)
	}
	if err := second.Set(keystore.Passphrase(newPhrase).Costing(floor)); !errors.Is(err, keystore.ErrConflict) {
		t.Errorf("a change on a version that is not the newest: %v, want ErrConflict", err)
	}
	if changed, err := second.Reload(); err != nil || !changed {
		t.Fatalf("Reload: %v, %v", changed, err)
	}
	if err := second.Save([]byte("two")); err != nil {
		t.Fatal(err)
	}
	if got := openRecovery(t, path, secret).Contents(); string(got) != "two" {
		t.Errorf("by the recovery code: %q", got)
	}
}

func TestCreateRecoverable(t *testing.T) {
	path := filepath.Join(t.TempDir(), "home", "keystore")
	if _, err := keystore.Create(keystore.At(path), nil, keystore.Passphrase(passphrase).Costing(floor), keystore.Recovery([32]byte{})); err == nil {
		t.Error("a keystore was made with no recovery secret at all")
	}
	k, err := keystore.Create(keystore.At(path), []byte("one"), keystore.Passphrase(passphrase).Costing(floor), keystore.Recovery(secret))
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	for name, again := range map[string]*keystore.Keystore{"passphrase": open(t, path), "recovery": openRecovery(t, path, secret)} {
		if got := again.Contents(); string(got) != "one" || again.Generation() != 1 {
			t.Errorf("by %s: %q, generation %d", name, got, again.Generation())
		}
	}
}

func TestSetRecovery(t *testing.T) {
	k, path := create(t, []byte("one"))
	if _, err := keystore.Open(keystore.At(path), keystore.Recovery(secret)); !errors.Is(err, keystore.ErrRecovery) {
		t.Errorf("a recovery code that was never set: %v, want ErrRecovery", err)
	}
	if err := k.Set(keystore.Recovery([32]byte{})); err == nil {
		t.Error("no secret at all was set")
	}
	for _, s := range [][32]byte{{9}, secret} { // the second replaces the first
		if err := k.Set(keystore.Recovery(s)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := keystore.Open(keystore.At(path), keystore.Recovery([32]byte{9})); !errors.Is(err, keystore.ErrRecovery) {
		t.Errorf("the recovery code before: %v, want ErrRecovery", err)
	}
	if want := []keystore.SlotKind{keystore.PassphraseSlot, keystore.RecoverySlot}; !slices.Equal(k.Slots(), want) {
		t.Errorf("slots %v, want %v", k.Slots(), want)
	}
	byCode := openRecovery(t, path, secret)
	if err := byCode.Set(keystore.Passphrase(newPhrase).Costing(floor)); err != nil { // forgotten, and set anew
		t.Fatal(err)
	}
	if _, err := keystore.Open(keystore.At(path), keystore.Passphrase(passphrase)); !errors.Is(err, keystore.ErrPassphrase) {
		t.Errorf("the forgotten passphrase: %v, want ErrPassphrase", err)
	}
	if err := byCode.RemoveRecovery(); err != nil {
		t.Fatal(err)
	}
	if _, err := keystore.Open(keystore.At(path), keystore.Recovery(secret)); !errors.Is(err, keystore.ErrRecovery) {
		t.Errorf("a recovery code that was removed: %v, want ErrRecovery", err)
	}
}

func TestLastSlotStays(t *testing.T) {
	v := readVectors(t)
	path := write(t, v.GoodByRecovery[1].In) // which has a recovery slot alone
	if err := openRecovery(t, path, [32]byte(v.Secret)).RemoveRecovery(); err == nil {
		t.Error("the only way in was removed")
	}
	openRecovery(t, path, [32]byte(v.Secret))
}

func TestSlotsOfClosed(t *testing.T) {
	k, _ := create(t, nil)
	k.Close()
	for name, err := range map[string]error{
		"passphrase": k.Set(keystore.Passphrase(newPhrase).Costing(floor)), "recovery": k.Set(keystore.Recovery(secret)), "RemoveRecovery": k.RemoveRecovery(),
	} {
		if !errors.Is(err, fs.ErrClosed) {
			t.Errorf("%s after Close: %v, want ErrClosed", name, err)
		}
	}
}

// TestAttack53_OldSlotPutBack: a thief of the old passphrase puts its slot back into the newest file, whose header does not
// let them.
func TestAttack53_OldSlotPutBack(t *testing.T) {
	k, path := create(t, []byte("one"))
	before := read(t, path)
	if err := k.Set(keystore.Passphrase(newPhrase).Costing(floor)); err != nil {
		t.Fatal(err)
	}
	after := read(t, path)
	spliced, err := keystore.Splice(after, before)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, spliced, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := keystore.Open(keystore.At(path), keystore.Passphrase(passphrase)); !errors.Is(err, keystore.ErrMalformed) {
		t.Errorf("the old slot in the new file: %v, want ErrMalformed", err)
	}
	if _, err := k.Reload(); !errors.Is(err, keystore.ErrMalformed) {
		t.Errorf("Reload of it: %v, want ErrMalformed", err)
	}
}

// TestAttack53_SlotsOfOldVersionRestored: an old copy opens by what opened it then, and a process that has the newer one open
// refuses it.
func TestAttack53_SlotsOfOldVersionRestored(t *testing.T) {
	k, path := create(t, []byte("one"))
	if err := k.Set(keystore.Recovery(secret)); err != nil {
		t.Fatal(err)
	}
	old := read(t, path)
	if err := k.RemoveRecovery(); err != nil {
		t.Fatal(err)
	}
	if err := k.Set(keystore.Passphrase(newPhrase).Costing(floor)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, old, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := k.Reload(); !errors.Is(err, keystore.ErrMalformed) {
		t.Errorf("Reload of an older version: %v, want ErrMalformed", err)
	}
	if err := k.Set(keystore.Passphrase(newPhrase).Costing(floor)); !errors.Is(err, keystore.ErrConflict) {
		t.Errorf("a change over an older version: %v, want ErrConflict", err)
	}
	if restored := openRecovery(t, path, secret); restored.Generation() >= k.Generation() {
		t.Errorf("generation %d of the old version, %d of the new one", restored.Generation(), k.Generation())
	}
}

// TestFailedSlotChange: a change that can't be saved changes nothing, in the file or in memory.
func TestFailedSlotChange(t *testing.T) {
	k, path := create(t, []byte("one"))
	before := read(t, path)
	if err := os.MkdirAll(path+".new/full", 0o700); err != nil { // the new version has no place
		t.Fatal(err)
	}
	if err := k.Set(keystore.Passphrase(newPhrase).Costing(floor)); err == nil {
		t.Fatal("Set succeeds")
	}
	if !bytes.Equal(read(t, path), before) || k.Generation() != 1 {
		t.Errorf("after a failed change: generation %d", k.Generation())
	}
	if err := os.RemoveAll(path + ".new"); err != nil {
		t.Fatal(err)
	}
	if err := k.Save([]byte("two")); err != nil {
		t.Fatal(err)
	}
	if got := open(t, path).Contents(); string(got) != "two" {
		t.Errorf("after Save by the old passphrase: %q", got)
	}
}
