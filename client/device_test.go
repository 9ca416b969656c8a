package client_test

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/crypto/keystore"
	"github.com/phrledger/phr/ledger"
)

// adopt hands the keys of a home over to a new one.
func adopt(t *testing.T, home *client.Home) *client.Home {
	t.Helper()
	handed, err := home.Handover()
	must(t, err)
	second, err := client.AdoptCheapHome(filepath.Join(t.TempDir(), "second"), passphrase, handed, nil)
	must(t, err)
	t.Cleanup(second.Close)
	return second
}

// Two devices of one person, each with a home of its own, write, grant and read side by side: where they meet, one of them does it
// again, and nothing is lost or there twice.
func TestTwoDevices(t *testing.T) {
	w := inTown(t)
	home, _ := createHome(t)
	phone := w.connect(home)
	must(t, phone.RegisterPatient(w.ctx))
	laptop := w.connect(adopt(t, home))
	if laptop.GID() != phone.GID() {
		t.Fatal("the second device is somebody else")
	}

	w.the("doctor@city-hospital")
	const each = 8
	var all sync.WaitGroup
	for name, device := range map[string]*client.Client{"phone": phone, "laptop": laptop} {
		b := w.bookOf(device, phone.GID(), ledger.Health)
		all.Go(func() {
			for i := range each {
				if _, err := b.Write(w.ctx, notes(fmt.Sprintf("%s %d", name, i)), nil); err != nil {
					t.Error(err)
				}
			}
		})
		all.Go(func() { // meanwhile, so that epochs change under the writers
			granted, err := b.Grant(w.ctx, client.GrantRequest{To: "doctor@city-hospital"})
			if err == nil {
				err = b.Revoke(w.ctx, granted.Term.ID)
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	var want []string
	for i := range each {
		want = append(want, fmt.Sprintf("laptop %d", i), fmt.Sprintf("phone %d", i))
	}
	slices.Sort(want)
	sees := func(who string, c *client.Client) {
		got := w.texts(w.bookOf(c, phone.GID(), ledger.Health))
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s reads %q, want %q", who, got, want)
		}
	}
	sees("phone", phone)
	sees("laptop", laptop)

	// What one device grants by name works with what the other has: both have the key of the patient's own authority.
	reader := w.the("doctor@city-hospital")
	w.grant(w.bookOf(laptop, phone.GID(), ledger.Health), client.GrantRequest{To: "gid:" + string(reader.GID())})
	sees("who was let in by the second device", reader)
}

func TestAdopt(t *testing.T) {
	t.Parallel()
	dir, code := filepath.Join(t.TempDir(), "home"), newCode(t)
	home, err := client.CreateCheapHome(dir, passphrase, code)
	must(t, err)
	defer home.Close()
	must(t, home.SetNode("phr://127.0.0.1:1/x"))
	handed, err := home.Handover()
	must(t, err)

	second := filepath.Join(t.TempDir(), "second")
	if _, err := client.AdoptCheapHome(second, passphrase, handed, newCode(t)); err == nil || !strings.Contains(err.Error(), "not this identity's") {
		t.Errorf("with another's recovery code: %v", err)
	}
	if _, err := client.AdoptCheapHome(second, passphrase, handed[1:], nil); err == nil {
		t.Error("a part of what was handed over is adopted")
	}
	adopted, err := client.AdoptCheapHome(second, passphrase, handed, code)
	must(t, err)
	defer adopted.Close()
	if adopted.GID() != home.GID() || adopted.Node() != home.Node() {
		t.Error("another home came over")
	}
	again, err := client.RecoverHome(second, code)
	must(t, err)
	again.Close()
	if _, err := client.AdoptCheapHome(second, passphrase, handed, nil); err == nil || !strings.Contains(err.Error(), "already") {
		t.Errorf("over an identity: %v", err)
	}
}

func TestCopyOfHome(t *testing.T) {
	t.Parallel()
	dir, code := filepath.Join(t.TempDir(), "home"), newCode(t)
	home, err := client.CreateCheapHome(dir, passphrase, code)
	must(t, err)
	defer home.Close()
	copied, err := home.Copy()
	must(t, err)
	must(t, home.SetCheapPassphrase([]byte("a second passphrase")))

	if _, err := client.RestoreHome(dir, copied, passphrase); err == nil || !strings.Contains(err.Error(), "already") {
		t.Errorf("over an identity: %v", err)
	}
	place := filepath.Join(t.TempDir(), "restored")
	if _, err := client.RestoreHome(place, copied, []byte("a second passphrase")); !errors.Is(err, keystore.ErrPassphrase) {
		t.Errorf("by a passphrase from after the copy: %v", err)
	}
	for name, restore := range map[string]func(dir string) (*client.Home, error){
		"passphrase":    func(dir string) (*client.Home, error) { return client.RestoreHome(dir, copied, passphrase) },
		"recovery code": func(dir string) (*client.Home, error) { return client.RestoreHomeRecovery(dir, copied, code) },
	} {
		restored, err := restore(filepath.Join(t.TempDir(), "restored"))
		if err != nil || restored.GID() != home.GID() {
			t.Errorf("by the %s: %v", name, err)
			continue
		}
		must(t, restored.SetNode("phr://127.0.0.1:1/x"))
		restored.Close()
	}
}

// A home that is closed holds no secret any more, and does nothing.
func TestCloseWipes(t *testing.T) {
	t.Parallel()
	home, _ := createHome(t)
	if _, err := home.Keys().MasterKey(); err != nil {
		t.Fatal(err)
	}
	secrets := home.SecretBytes()
	home.Close()
	for i, secret := range secrets {
		if len(secret) == 0 || strings.Trim(string(secret), "\x00") != "" {
			t.Errorf("secret %d of %d bytes is not wiped", i, len(secret))
		}
	}
	if _, err := home.Keys().Seal("note", nil); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("a closed home seals: %v", err)
	}
	if _, err := home.Copy(); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("a closed home is copied: %v", err)
	}
}
