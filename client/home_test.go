package client_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/crypto/recovery"
	"github.com/phrledger/phr/ledger"
)

var passphrase = []byte("correct horse battery staple")

func createHome(t *testing.T) (*client.Home, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "home")
	home, err := client.CreateCheapHome(dir, passphrase, newCode(t))
	must(t, err)
	t.Cleanup(home.Close)
	return home, dir
}

func newCode(t testing.TB) *recovery.Secret {
	t.Helper()
	code, err := recovery.Generate(rand.Reader)
	must(t, err)
	return code
}

func openHome(t *testing.T, dir string) *client.Home {
	t.Helper()
	home, err := client.OpenHome(dir, passphrase)
	must(t, err)
	t.Cleanup(home.Close)
	return home
}

func TestHome(t *testing.T) {
	t.Parallel()
	home, dir := createHome(t)
	must(t, home.SetNode("phr://127.0.0.1:1/x"))
	again := openHome(t, dir)
	if again.Identity().GID() != home.Identity().GID() || again.Node() != "phr://127.0.0.1:1/x" {
		t.Error("another home came back")
	}
	for _, c := range []struct {
		name, says string
		open       func() (*client.Home, error)
	}{
		{"made twice", "there is an identity in", func() (*client.Home, error) { return client.CreateCheapHome(dir, passphrase, newCode(t)) }},
		{"with another passphrase", "passphrase", func() (*client.Home, error) { return client.OpenHome(dir, []byte("wrong")) }},
		{"where there is none", "phr id create", func() (*client.Home, error) { return client.OpenHome(filepath.Join(t.TempDir(), "none"), passphrase) }},
	} {
		if _, err := c.open(); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want an error that says %q", c.name, err, c.says)
		}
	}
	home.Close()
	if err := home.SetNode("phr://127.0.0.1:2/x"); err == nil {
		t.Error("a closed home was changed")
	}
}

// Nothing that a home keeps can be read without the passphrase: no key, no draft, and not whose records somebody reads, neither
// in a file nor in the name of one.
func TestAttack54_CanaryInHome(t *testing.T) {
	w := inTown(t)
	home, dir := createHome(t)
	me := w.connect(home)
	must(t, me.RegisterPatient(w.ctx))
	w.enrol(me, "doctor@city-hospital")
	maria := w.patient()
	hers := w.book(maria, maria, ledger.Health)
	granted := w.grant(hers, client.GrantRequest{To: "doctor@city-hospital", Write: true})
	his := w.book(me, maria, ledger.Health)
	const canary = "canary-7f3a"
	w.write(his, canary+" sent")
	must(t, hers.Revoke(w.ctx, granted.Term.ID))
	if _, err := his.Write(w.ctx, notes(canary+" unsent"), nil); !errors.Is(err, client.ErrNotShared) {
		t.Fatal(err)
	}
	w.write(w.book(me, me, ledger.Health), canary+" own")

	secret := [][]byte{[]byte(canary), []byte(maria.GID()), []byte(me.GID()), home.Identity().Bytes()[:32], []byte("127.0.0.1")}
	for _, k := range home.AttributeKeys() {
		secret = append(secret, k.Bytes()[len(k.Bytes())-48:])
	}
	files := 0
	must(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		contents, err := os.ReadFile(path)
		for _, s := range secret {
			if bytes.Contains(contents, s) || strings.Contains(path, string(s)) {
				t.Errorf("%s shows %q", path, s)
			}
		}
		info, statErr := d.Info()
		if statErr == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		return errors.Join(err, statErr)
	}))
	if files < 5 {
		t.Errorf("looked at %d files", files)
	}
	for _, shown := range []string{fmt.Sprint(home), fmt.Sprintf("%v %+v %#v %d", home, home, home, home)} {
		for _, s := range secret {
			if bytes.Contains([]byte(shown), s) {
				t.Errorf("a home prints as %q", shown)
			}
		}
	}
}

// Two programs use one home at the same time. What either learns is there for the other, and what waits is sent once.
func TestHomeShared(t *testing.T) {
	w := inTown(t)
	first, dir := createHome(t)
	second := openHome(t, dir)
	me := w.connect(first)
	must(t, me.RegisterPatient(w.ctx))
	want := numbered(0, 10)
	chain := ledger.RecordChain(me.GID(), ledger.Health)
	must(t, first.Keep(w.ctx, chain, notes(want...)))
	var all sync.WaitGroup
	for i, home := range []*client.Home{first, second} {
		b := w.bookOf(w.connect(home), me.GID(), ledger.Health)
		all.Go(func() {
			if _, err := b.Resume(w.ctx, nil); err != nil {
				t.Error(err)
			}
			for j := range 5 {
				if _, err := b.Write(w.ctx, notes(fmt.Sprintf("%d by %d", j, i)), nil); err != nil {
					t.Error(err)
				}
			}
		})
		for j := range 5 {
			want = append(want, fmt.Sprintf("%d by %d", j, i))
		}
	}
	all.Wait()
	got := w.texts(w.bookOf(me, me.GID(), ledger.Health))
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("read %q, want %q", got, want)
	}
	for _, home := range []*client.Home{first, second} {
		if unsent, err := home.Unsent(); err != nil || len(unsent) != 0 || !home.KeepsHead(chain) {
			t.Errorf("unsent %v, %v; keeps the head: %v", unsent, err, home.KeepsHead(chain))
		}
	}
	// The key that one of them fetches does not undo what the other has saved.
	must(t, second.SetNode("phr://127.0.0.1:1/x"))
	w.enrol(me, "doctor@city-hospital")
	again := openHome(t, dir)
	if len(again.AttributeKeys()) != 1 || again.Node() != "phr://127.0.0.1:1/x" {
		t.Errorf("%d keys and node %q after two have saved", len(again.AttributeKeys()), again.Node())
	}
}

// Whoever waits for a lock of the home can stop waiting.
func TestHomeLockWaits(t *testing.T) {
	t.Parallel()
	_, dir := createHome(t)
	first, second := openHome(t, dir), openHome(t, dir)
	release, err := first.Lock(t.Context(), "outbox")
	must(t, err)
	for _, home := range []*client.Home{first, second} {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() {
			_, err := home.Lock(ctx, "outbox")
			done <- err
		}()
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("waiting for a lock: %v", err)
		}
	}
	release()
	release, err = second.Lock(t.Context(), "outbox")
	must(t, err)
	release()
}

// A head that can't be read is no head to start anew from.
func TestHeadDamaged(t *testing.T) {
	w := inTown(t)
	home, dir := createHome(t)
	me := w.connect(home)
	must(t, me.RegisterPatient(w.ctx))
	w.texts(w.bookOf(me, me.GID(), ledger.Health))
	heads, err := filepath.Glob(filepath.Join(dir, "head-*"))
	must(t, err)
	if len(heads) == 0 {
		t.Fatal("no head is kept")
	}
	for _, path := range heads {
		must(t, os.WriteFile(path, []byte("damaged"), 0o600))
	}
	if _, err := w.connect(home).Book(w.ctx, me.GID(), ledger.Health); err == nil {
		t.Error("opened a book whose head is damaged")
	}
}
