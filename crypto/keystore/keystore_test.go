package keystore_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/phrledger/phr/crypto/keystore"
)

// floor is the cheapest that a keystore may be. Each Create and Open still costs 64 MiB and some 50 ms, many times that
// under the race detector, so that tests share what they can.
var floor = keystore.Params{Time: 1, MemoryKiB: 64 << 10, Threads: 2}

var passphrase = []byte("correct horse battery staple")

// create returns a new keystore in a directory of its own, and its path.
func create(t testing.TB, contents []byte) (*keystore.Keystore, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "home", "keystore")
	k, err := keystore.Create(keystore.At(path), contents, keystore.Passphrase(passphrase).Costing(floor))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	return k, path
}

func open(t testing.TB, path string) *keystore.Keystore {
	t.Helper()
	k, err := keystore.Open(keystore.At(path), keystore.Passphrase(passphrase))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	return k
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// write puts b where a keystore may be: in a new private directory.
func write(t testing.TB, b []byte) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "keystore")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestCreateSaveOpen(t *testing.T) {
	k, path := create(t, []byte("one"))
	if got := k.Contents(); string(got) != "one" || k.Generation() != 1 {
		t.Errorf("after Create: %q, generation %d", got, k.Generation())
	}
	for name, want := range map[string]fs.FileMode{path: 0o600, filepath.Dir(path): 0o700 | fs.ModeDir} {
		if info, err := os.Lstat(name); err != nil || info.Mode() != want {
			t.Errorf("mode of %s = %v, %v, want %v", name, info.Mode(), err, want)
		}
	}
	for i, contents := range []string{"two", "", strings.Repeat("long", 100_000)} {
		if err := k.Save([]byte(contents)); err != nil {
			t.Fatal(err)
		}
		again := open(t, path)
		if got := again.Contents(); string(got) != contents || again.Generation() != uint64(i+2) {
			t.Errorf("after Save: %d bytes, generation %d, want %d bytes", len(got), again.Generation(), len(contents))
		}
	}
	if bytes.Contains(read(t, path), []byte("longlong")) {
		t.Error("the contents stand in the file")
	}
}

func TestCreateRefuses(t *testing.T) {
	_, path := create(t, nil)
	before := read(t, path)
	if _, err := keystore.Create(keystore.At(path), nil, keystore.Passphrase(passphrase).Costing(floor)); !errors.Is(err, fs.ErrExist) {
		t.Errorf("Create over a keystore: %v, want ErrExist", err)
	}
	if !bytes.Equal(read(t, path), before) {
		t.Error("Create over a keystore changed it")
	}
	other := filepath.Join(filepath.Dir(path), "other")
	if _, err := keystore.Create(keystore.At(other), nil, keystore.Passphrase(nil).Costing(floor)); err == nil {
		t.Error("Create takes an empty passphrase")
	}
	for _, p := range []keystore.Params{
		{},
		{Time: 0, MemoryKiB: 64 << 10, Threads: 1},
		{Time: 17, MemoryKiB: 64 << 10, Threads: 1},
		{Time: 1, MemoryKiB: 64<<10 - 1, Threads: 1},
		{Time: 1, MemoryKiB: 512<<10 + 1, Threads: 1},
		{Time: 1, MemoryKiB: 64 << 10, Threads: 0},
		{Time: 1, MemoryKiB: 64 << 10, Threads: 17},
	} {
		if _, err := keystore.Create(keystore.At(other), nil, keystore.Passphrase(passphrase).Costing(p)); err == nil {
			t.Errorf("Create takes %+v", p)
		}
	}
	if _, err := os.Lstat(other); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a refused Create left a file: %v", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	_, path := create(t, nil)
	for _, wrong := range []string{"", "Correct horse battery staple", string(passphrase) + "\n"} {
		if _, err := keystore.Open(keystore.At(path), keystore.Passphrase([]byte(wrong))); !errors.Is(err, keystore.ErrPassphrase) {
			t.Errorf("passphrase %q: %v, want ErrPassphrase", wrong, err)
		}
	}
	if _, err := keystore.Open(keystore.At(path+"s"), keystore.Passphrase(passphrase)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no keystore: %v, want ErrNotExist", err)
	}
}

func TestSaveConflict(t *testing.T) {
	first, path := create(t, []byte("one"))
	second := open(t, path)
	if err := first.Save([]byte("two")); err != nil {
		t.Fatal(err)
	}
	if err := second.Save([]byte("lost?")); !errors.Is(err, keystore.ErrConflict) {
		t.Errorf("Save over another's version: %v, want ErrConflict", err)
	}
	if got := second.Contents(); string(got) != "one" || second.Generation() != 1 {
		t.Errorf("after the conflict: %q, generation %d", got, second.Generation())
	}
	if got := open(t, path).Contents(); string(got) != "two" {
		t.Errorf("the file holds %q, want the first writer's version", got)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := first.Save([]byte("three")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Save where the keystore was removed: %v, want ErrNotExist", err)
	}
}

func TestSaveRace(t *testing.T) {
	const writers = 4
	_, path := create(t, nil)
	var (
		wg     sync.WaitGroup
		opened [writers]*keystore.Keystore
		saved  [writers]error
	)
	for i := range opened {
		opened[i] = open(t, path)
	}
	for i, k := range opened {
		wg.Go(func() { saved[i] = k.Save(fmt.Append(nil, i)) })
	}
	wg.Wait()
	winner := -1
	for i, err := range saved {
		switch {
		case err == nil && winner < 0:
			winner = i
		case !errors.Is(err, keystore.ErrConflict):
			t.Errorf("writer %d: %v, want one success and conflicts", i, err)
		}
	}
	if k := open(t, path); string(k.Contents()) != fmt.Sprint(winner) || k.Generation() != 2 {
		t.Errorf("the file holds %q, generation %d, writer %d won", k.Contents(), k.Generation(), winner)
	}
}

func TestParts(t *testing.T) {
	k, path := create(t, []byte("one"))
	sealed, err := k.Seal("outbox", []byte("draft"))
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Save([]byte("two")); err != nil {
		t.Fatal(err)
	}
	k = open(t, path)
	if got, err := k.Unseal("outbox", sealed); err != nil || string(got) != "draft" {
		t.Fatalf("Unseal = %q, %v", got, err)
	}
	if again, err := k.Seal("outbox", []byte("draft")); err != nil || bytes.Equal(again, sealed) {
		t.Errorf("Seal gives the same twice, or %v", err)
	}
	other, _ := create(t, nil)
	refused := func(name string, k *keystore.Keystore, part string, sealed []byte) {
		if got, err := k.Unseal(part, sealed); !errors.Is(err, keystore.ErrMalformed) || got != nil {
			t.Errorf("%s: %q, %v, want ErrMalformed", name, got, err)
		}
	}
	refused("other name", k, "heads", sealed)
	refused("other keystore", other, "outbox", sealed)
	refused("trailing byte", k, "outbox", append(bytes.Clone(sealed), 0))
	for i := range sealed {
		refused("truncated", k, "outbox", sealed[:i])
		flipped := bytes.Clone(sealed)
		flipped[i] ^= 1
		refused("flipped", k, "outbox", flipped)
	}
}

func TestClose(t *testing.T) {
	k, _ := create(t, []byte("one"))
	k.Close()
	k.Close()
	if got := k.Contents(); got != nil {
		t.Errorf("Contents after Close = %q", got)
	}
	_, sealErr := k.Seal("outbox", nil)
	_, unsealErr := k.Unseal("outbox", nil)
	for name, err := range map[string]error{"Save": k.Save(nil), "Seal": sealErr, "Unseal": unsealErr} {
		if !errors.Is(err, fs.ErrClosed) {
			t.Errorf("%s after Close: %v, want ErrClosed", name, err)
		}
	}
}

func TestAttack54_KeystoreDoesNotPrint(t *testing.T) {
	k, path := create(t, []byte("canary"))
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		if got := fmt.Sprintf(verb, k); got != "redacted" {
			t.Errorf("%s = %s", verb, got)
		}
	}
	if got, err := json.Marshal(k); err != nil || string(got) != `"redacted"` {
		t.Errorf("JSON = %s, %v", got, err)
	}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("test", "keystore", k)
	if !strings.Contains(log.String(), "keystore=redacted") {
		t.Errorf("log = %s", log.String())
	}
	if _, err := keystore.Open(keystore.At(path), keystore.Passphrase([]byte("canary"))); strings.Contains(err.Error(), "canary") {
		t.Errorf("the error shows the passphrase: %v", err)
	}
}
