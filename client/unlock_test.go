package client_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/crypto/keystore"
)

// A passphrase is changed, forgotten, and set anew by the recovery code; what lies beside the keystore stays readable.
func TestHomePassphrase(t *testing.T) {
	t.Parallel()
	dir, code := filepath.Join(t.TempDir(), "home"), newCode(t)
	home, err := client.CreateCheapHome(dir, passphrase, code)
	must(t, err)
	defer home.Close()
	must(t, home.WriteFile("note", []byte("draft")))
	other := openHome(t, dir)
	must(t, other.SetNode("phr://127.0.0.1:1/x")) // so that the first is behind

	second := []byte("a second passphrase")
	must(t, home.SetCheapPassphrase(second))
	if _, err := client.OpenHome(dir, passphrase); !errors.Is(err, keystore.ErrPassphrase) {
		t.Errorf("the passphrase before: %v", err)
	}
	again, err := client.OpenHome(dir, second)
	must(t, err)
	defer again.Close()
	if again.Node() != "phr://127.0.0.1:1/x" || again.Identity().GID() != home.Identity().GID() {
		t.Error("changing the passphrase changed more")
	}
	if got, err := again.ReadFile("note"); err != nil || string(got) != "draft" {
		t.Errorf("a file from before: %q, %v", got, err)
	}

	if _, err := client.RecoverHome(dir, newCode(t)); !errors.Is(err, keystore.ErrRecovery) {
		t.Errorf("another's recovery code: %v", err)
	}
	byCode, err := client.RecoverHome(dir, code)
	must(t, err)
	defer byCode.Close()
	must(t, byCode.SetCheapPassphrase(passphrase))
	openHome(t, dir)
}

// The home of an identity is made with the recovery code that the identity was drawn for, and with no other.
func TestHomeKeepsItsOwnCode(t *testing.T) {
	t.Parallel()
	person, err := client.NewIdentity(newCode(t))
	must(t, err)
	_, err = client.CreateHome(filepath.Join(t.TempDir(), "home"), passphrase, person, newCode(t))
	if err == nil || !strings.Contains(err.Error(), "not this identity's") {
		t.Errorf("a home with another's recovery code: %v", err)
	}
}

// TestAttack53_KeystoreHoldsNoRecoveryKey: who opens a home by its passphrase finds nothing in it that rotates the identity or
// opens the recovery slot.
func TestAttack53_KeystoreHoldsNoRecoveryKey(t *testing.T) {
	t.Parallel()
	dir, code := filepath.Join(t.TempDir(), "home"), newCode(t)
	home, err := client.CreateCheapHome(dir, passphrase, code)
	must(t, err)
	home.Close()
	ks, err := keystore.Open(keystore.At(filepath.Join(dir, "keystore")), keystore.Passphrase(passphrase))
	must(t, err)
	defer ks.Close()
	contents := string(ks.Contents())
	for name, secret := range map[string][]byte{
		"code": code.Bytes(), "identity seed": code.IdentitySeed(), "keystore secret": code.KeystoreSecret(), "escrow seed": code.EscrowSeed(),
	} {
		if strings.Contains(contents, string(secret)) {
			t.Errorf("the keystore holds the %s", name)
		}
	}
}
