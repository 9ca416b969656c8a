// Package storetest holds what every store of a home must do: one in a directory, in memory, or in a browser.
package storetest

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/crypto/keystore"
)

// Run tests stores. Each call of fresh returns an empty store, and a second way to the same one, as another process has it.
func Run(t *testing.T, fresh func(t *testing.T) (one, other client.Store)) {
	for name, test := range map[string]func(t *testing.T, one, other client.Store){
		"files": files, "list": list, "lock": lock, "place": place, "keystore": keystoreIn,
	} {
		t.Run(name, func(t *testing.T) {
			one, other := fresh(t)
			must(t, one.Keystore().Create(func() ([]byte, error) { return []byte("first"), nil }))
			test(t, one, other)
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func holds(t *testing.T, read func() ([]byte, error), want string) {
	t.Helper()
	if got, err := read(); err != nil || string(got) != want {
		t.Errorf("it holds %q, %v, want %q", got, err, want)
	}
}

func files(t *testing.T, one, other client.Store) {
	if _, err := one.Read("note"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("reading what is not there: %v", err)
	}
	if err := one.Remove("note"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("removing what is not there: %v", err)
	}
	for _, contents := range []string{"one", "", strings.Repeat("long", 100_000), "\x00\xff"} {
		data := []byte(contents)
		must(t, one.Write("note", data))
		clear(data) // which is the caller's
		holds(t, func() ([]byte, error) { return other.Read("note") }, contents)
	}
	must(t, other.Remove("note"))
	if _, err := one.Read("note"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("reading what another has removed: %v", err)
	}
	holds(t, one.Keystore().Read, "first")
}

func list(t *testing.T, one, other client.Store) {
	for _, name := range []string{"head-b", "head-a", "heads", "outbox"} {
		must(t, one.Write(name, []byte(name)))
	}
	names, err := other.List("head-")
	slices.Sort(names)
	if err != nil || !slices.Equal(names, []string{"head-a", "head-b"}) {
		t.Errorf("list: %q, %v", names, err)
	}
	if none, err := other.List("tail-"); err != nil || len(none) != 0 {
		t.Errorf("list of what is not there: %q, %v", none, err)
	}
}

// lock: nobody has a lock that another has, and who waits for it can stop waiting.
func lock(t *testing.T, one, other client.Store) {
	release, err := one.Lock(t.Context(), "turn")
	must(t, err)
	another, err := one.Lock(t.Context(), "another turn")
	must(t, err)
	another()
	if one != other { // a store without other processes has nobody to wait for
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if _, err := other.Lock(ctx, "turn"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a lock that another has: %v", err)
		}
	}
	release()
	release, err = other.Lock(t.Context(), "turn")
	must(t, err)
	release()
}

func place(t *testing.T, one, other client.Store) {
	err := other.Keystore().Create(func() ([]byte, error) {
		t.Error("what is not needed is made")
		return nil, nil
	})
	if !errors.Is(err, fs.ErrExist) {
		t.Errorf("creating over a keystore: %v", err)
	}
	must(t, one.Keystore().Replace(func(current []byte) ([]byte, error) { return append(current, " and second"...), nil }))
	holds(t, other.Keystore().Read, "first and second")
	given := errors.New("given up")
	if err := other.Keystore().Replace(func([]byte) ([]byte, error) { return nil, given }); !errors.Is(err, given) {
		t.Errorf("giving up: %v", err)
	}
	holds(t, one.Keystore().Read, "first and second")
	done := make(chan error)
	const writers = 4
	for i := range writers {
		at := []client.Store{one, other}[i%2].Keystore()
		go func() { done <- at.Replace(func(current []byte) ([]byte, error) { return append(current, '!'), nil }) }()
	}
	for range writers {
		must(t, <-done)
	}
	holds(t, one.Keystore().Read, "first and second!!!!")
}

// keystoreIn: a keystore lies in the store, and who has not seen its newest version does not overwrite that.
func keystoreIn(t *testing.T, one, other client.Store) {
	secret := [32]byte{1}
	var file []byte
	must(t, one.Keystore().Replace(func([]byte) ([]byte, error) {
		scratch := client.InMemory()
		k, err := keystore.Create(scratch.Keystore(), []byte("contents"), keystore.Recovery(secret))
		if err != nil {
			return nil, err
		}
		defer k.Close()
		file, err = k.Copy()
		return file, err
	}))
	k, err := keystore.Open(one.Keystore(), keystore.Recovery(secret))
	must(t, err)
	defer k.Close()
	behind, err := keystore.Open(other.Keystore(), keystore.Recovery(secret))
	must(t, err)
	defer behind.Close()
	must(t, k.Save([]byte("more")))
	if err := behind.Save([]byte("lost")); !errors.Is(err, keystore.ErrConflict) {
		t.Errorf("over a version that was not seen: %v", err)
	}
	if changed, err := behind.Reload(); err != nil || !changed || string(behind.Contents()) != "more" {
		t.Errorf("read anew: %v, %v, %q", changed, err, behind.Contents())
	}
}
