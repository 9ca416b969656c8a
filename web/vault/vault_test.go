package vault_test

import (
	"crypto/rand"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/crypto/keystore"
	"github.com/phrledger/phr/crypto/recovery"
	"github.com/phrledger/phr/web/view"
)

var passkey = view.Passkey{Credential: []byte("credential"), Salt: make([]byte, 32), Secret: []byte(strings.Repeat("s", 32))}

func kinds(p view.VaultPerson) (all []string) {
	for _, s := range p.Slots {
		all = append(all, s.Kind)
	}
	slices.Sort(all)
	return all
}

// Somebody sets up, locks, and gets in by the passphrase, a passkey and the words of the sheet.
func TestSetUpAndUnlock(t *testing.T) {
	w := newWorld(t)
	d := w.device()
	tab := d.tab()
	fails(tab, view.CodeLocked, "me", view.Nothing{})
	fails(tab, view.CodeInput, "vault.finish", view.SetupFinish{Passphrase: "first"})
	maria, words := setUp(tab, "first")
	if got := kinds(maria); !slices.Equal(got, []string{"passphrase", "recovery"}) {
		t.Errorf("slots %q", got)
	}
	if me := call[view.Me](tab, "me", view.Nothing{}); me.Name != "Maria" || !slices.Equal(me.Roles, []string{"patient"}) {
		t.Errorf("me %+v", me)
	}
	call[view.KeysState](tab, "vault.addPasskey", passkey)
	call[view.KeysState](tab, "vault.setPassphrase", view.Passphrase{Passphrase: "second"})
	call[view.Nothing](tab, "vault.lock", view.Nothing{})
	await(tab, "locked", func(l view.Locked) bool { return l.Why == "asked" })
	fails(tab, view.CodeLocked, "me", view.Nothing{})

	fresh := d.tab()
	if s := call[view.VaultState](fresh, "vault.state", view.Nothing{}); len(s.People) != 1 || s.People[0].GID != maria.GID || s.Open != "" {
		t.Errorf("state %+v", s)
	}
	wrong := passkey
	wrong.Secret = []byte(strings.Repeat("w", 32))
	for name, u := range map[string]view.Unlock{
		"the passphrase before": {Passphrase: "first"}, "no word of ours": {Words: "one two three"}, "another secret": {Passkey: &wrong}, "nothing": {},
	} {
		u.GID = maria.GID
		if _, err := try[view.VaultPerson](fresh, "vault.unlock", u); err == nil {
			t.Errorf("unlocked by %s", name)
		}
	}
	fails(fresh, view.CodePassphrase, "vault.unlock", view.Unlock{GID: maria.GID, Passphrase: "first"})
	for _, u := range []view.Unlock{{Passphrase: "second"}, {Words: strings.Join(words, " ")}, {Passkey: &passkey}} {
		u.GID = maria.GID
		call[view.VaultPerson](fresh, "vault.unlock", u)
	}
	keys := call[view.KeysState](fresh, "vault.removeSlot", view.SlotName{Kind: "passkey", ID: keysID(t, fresh)})
	if got := kinds(keys.Person); !slices.Equal(got, []string{"passphrase", "recovery"}) {
		t.Errorf("slots after removing the passkey: %q", got)
	}
	fails(fresh, view.CodeInput, "vault.removeSlot", view.SlotName{Kind: "recovery"})
}

func keysID(t *testing.T, tab *tab) string {
	t.Helper()
	for _, s := range call[view.KeysState](tab, "vault.keys", view.Nothing{}).Person.Slots {
		if s.Kind == "passkey" {
			return s.ID
		}
	}
	t.Fatal("no passkey is shown")
	return ""
}

// The words of the sheet are asked back, and nothing is kept before they are right.
func TestSheetIsTested(t *testing.T) {
	w := newWorld(t)
	tab := w.device().tab()
	sheet := call[view.SetupWords](tab, "vault.begin", view.SetupBegin{Name: "Maria"})
	if len(sheet.Ask) != 3 || !slices.IsSorted(sheet.Ask) || sheet.Ask[2] > len(sheet.Words) {
		t.Errorf("asks for %v of %d", sheet.Ask, len(sheet.Words))
	}
	fails(tab, view.CodeInput, "vault.check", view.SetupCheck{Words: []string{"not", "these", "words"}})
	fails(tab, view.CodeInput, "vault.check", view.SetupCheck{})
	fails(tab, view.CodeInput, "vault.finish", view.SetupFinish{Passphrase: "first"})
	if s := call[view.VaultState](tab, "vault.state", view.Nothing{}); len(s.People) != 0 {
		t.Errorf("people %+v", s.People)
	}
	fails(tab, view.CodeInput, "vault.begin", view.SetupBegin{Name: " "})
}

// Keys go from one device to another as a file, those of the command line too, and are removed.
func TestExportAndImport(t *testing.T) {
	w := newWorld(t)
	tab := w.device().tab()
	maria, words := setUp(tab, "first")
	file := call[view.Download](tab, "vault.export", view.Nothing{})
	fails(tab, view.CodeInput, "vault.import", view.KeystoreFile{Bytes: file.Bytes, Passphrase: "first"})

	for _, by := range []view.KeystoreFile{{Passphrase: "first"}, {Words: strings.Join(words, " ")}} {
		other := w.device().tab()
		by.Bytes, by.Name = file.Bytes, "Maria"
		fails(other, view.CodePassphrase, "vault.import", view.KeystoreFile{Bytes: file.Bytes, Passphrase: "second"})
		if s := call[view.VaultState](other, "vault.state", view.Nothing{}); len(s.People) != 0 {
			t.Errorf("what did not open was kept: %+v", s.People)
		}
		if got := call[view.VaultPerson](other, "vault.import", by); got.GID != maria.GID {
			t.Errorf("imported %+v", got)
		}
		if s := call[view.VaultState](other, "vault.remove", view.Gone{GID: maria.GID}); len(s.People) != 0 || s.Open != "" {
			t.Errorf("after removing: %+v", s)
		}
		fails(other, view.CodeLocked, "me", view.Nothing{})
	}
	if _, err := try[view.VaultPerson](tab, "vault.import", view.KeystoreFile{Bytes: []byte("no keystore")}); err == nil {
		t.Error("a file that is no keystore is imported")
	}
}

// TestRemoveLeavesNothing: of somebody who is removed no file stays on the device.
func TestRemoveLeavesNothing(t *testing.T) {
	w := newWorld(t)
	d := w.device()
	tab := d.tab()
	maria, _ := setUp(tab, "first")
	call[view.VaultState](tab, "vault.remove", view.Gone{GID: maria.GID})
	for name, store := range d.stores {
		if files, err := store.List(""); err != nil || len(files) != 0 {
			t.Errorf("%s still has %q, %v", name, files, err)
		}
	}
}

// An authority's keys stay out of browsers.
func TestAuthorityStaysOut(t *testing.T) {
	w := newWorld(t)
	code, err := recovery.Generate(rand.Reader)
	must(t, err)
	person, err := client.NewIdentity(code)
	must(t, err)
	home, err := client.CreateHomeIn(client.InMemory(), person, code, keystore.Passphrase([]byte("first")).Costing(floor))
	must(t, err)
	c, err := client.Dial(t.Context(), client.Config{Home: home, Node: w.url(), Dialer: w.node.Dialer()})
	must(t, err)
	defer c.Close()
	must(t, c.RegisterIdentity(t.Context()))
	_, err = c.FoundAuthority(t.Context(), "city-hospital", "hospital")
	must(t, err)
	copied, err := home.Copy()
	must(t, err)
	fails(w.device().tab(), view.CodeInput, "vault.import", view.KeystoreFile{Bytes: copied, Passphrase: "first"})
}

// When nobody was there for a quarter of an hour, it locks, also where a computer slept that ran no timers.
func TestIdle(t *testing.T) {
	w := newWorld(t)
	tab := w.device().tab()
	setUp(tab, "first")
	for range 3 {
		w.pass(14 * time.Minute)
		call[view.Nothing](tab, "vault.used", view.Nothing{})
	}
	call[view.Me](tab, "me", view.Nothing{})
	w.pass(15 * time.Minute)
	fails(tab, view.CodeLocked, "me", view.Nothing{})
	await(tab, "locked", func(l view.Locked) bool { return l.Why == "idle" })
}

// What one tab does, the others learn.
func TestTabs(t *testing.T) {
	w := newWorld(t)
	d := w.device()
	one, other := d.tab(), d.tab()
	maria, _ := setUp(one, "first")
	call[view.VaultPerson](other, "vault.unlock", view.Unlock{GID: maria.GID, Passphrase: "first"})
	call[view.KeysState](one, "vault.addPasskey", passkey)
	await(other, "changed", func(c view.Changed) bool { return c.What == "keys" })
	call[view.KeysState](other, "vault.setPassphrase", view.Passphrase{Passphrase: "second"})
	if got := kinds(call[view.KeysState](one, "vault.keys", view.Nothing{}).Person); !slices.Equal(got, []string{"passkey", "passphrase", "recovery"}) {
		t.Errorf("slots %q", got)
	}
	call[view.Nothing](one, "vault.lock", view.Nothing{})
	await(other, "locked", func(l view.Locked) bool { return l.Why == "elsewhere" })
	fails(other, view.CodeLocked, "me", view.Nothing{})
}
