package tree_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/phrledger/phr/ledger/tree"
)

// What is kept is there, also for the next who opens it; what is erased is overwritten where it lay, and then gone.
func TestParts(t *testing.T) {
	dir := t.TempDir()
	p := must(tree.OpenParts(tree.Dir(dir)))
	secret := bytes.Repeat([]byte("secret"), 100)
	check(t, p.Keep("key.a", secret))
	check(t, p.Keep("key.b", []byte("b")))
	check(t, p.Keep("key.b", []byte("another b")))
	p = must(tree.OpenParts(tree.Dir(dir)))
	for subject, want := range map[string]string{"key.a": string(secret), "key.b": "another b"} {
		if got, err := p.Read(subject); err != nil || string(got) != want {
			t.Errorf("%s is %q, %v", subject, got, err)
		}
	}
	old := other(t, dir, secret)
	check(t, p.Erase("key.a"))
	check(t, p.Erase("key.a"))
	if _, err := p.Read("key.a"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an erased part: %v, want ErrNotExist", err)
	}
	if left, err := os.ReadFile(old); err != nil || len(left) == 0 || bytes.Contains(left, []byte("secret")) {
		t.Errorf("where it lay there is %q, %v", left, err)
	}
	check(t, p.EraseOthers(func(subject string) bool { return subject != "key.b" }))
	if _, err := p.Read("key.b"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a part that is not wanted: %v, want ErrNotExist", err)
	}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// other gives the file that holds something a second name, by which it can be looked at when it is gone.
func other(t *testing.T, dir string, holds []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "other")
	check(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		contents, err := os.ReadFile(path)
		if err == nil && bytes.Contains(contents, holds) {
			err = os.Link(path, name)
		}
		return err
	}))
	return name
}

// What a crash has left half written is overwritten and removed by the next who opens it: it may have been erased since.
func TestPartsHalfWritten(t *testing.T) {
	dir := t.TempDir()
	p := must(tree.OpenParts(tree.Dir(dir)))
	check(t, p.Keep("key.a", []byte("whole")))
	whole := must(filepath.Glob(filepath.Join(dir, "parts", "*", "*")))
	half := whole[0] + ".new"
	check(t, os.WriteFile(half, []byte("key.a\nsecret"), 0o600))
	kept := other(t, dir, []byte("secret"))
	p = must(tree.OpenParts(tree.Dir(dir)))
	if _, err := os.Stat(half); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it is there: %v", err)
	}
	if left, err := os.ReadFile(kept); err != nil || bytes.Contains(left, []byte("secret")) {
		t.Errorf("where it lay there is %q, %v", left, err)
	}
	if got, err := p.Read("key.a"); err != nil || string(got) != "whole" {
		t.Errorf("beside it is %q, %v", got, err)
	}
}
