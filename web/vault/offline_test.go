package vault_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/keystore"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/web/view"
)

// TestDraftsOfAnOldEpoch: what is written while the node is away waits, sealed, and goes out when it is back: for the epoch that is in
// force then, not for the one in force when it was written.
func TestDraftsOfAnOldEpoch(t *testing.T) {
	w := newWorld(t)
	d := w.device()
	tab := d.tab()
	maria, _ := setUp(tab, "first")
	call[view.Written](tab, "write", view.Draft{Compartment: "health", Note: "before"})
	file := call[view.Download](tab, "vault.export", view.Nothing{})
	before := epochs(t, w, identity.GID(maria.GID), file.Bytes)
	elsewhere := w.device().tab()
	call[view.VaultPerson](elsewhere, "vault.import", view.KeystoreFile{Bytes: file.Bytes, Passphrase: "first"})

	d.line.set(true)
	await(tab, "connection", func(c view.Connection) bool { return c.State != "online" })
	for _, note := range []string{"while it was away", "and again"} {
		if got := call[view.Written](tab, "write", view.Draft{Compartment: "health", Note: note}); !got.Queued {
			t.Errorf("written while the line is cut: %+v", got)
		}
	}
	await(tab, "connection", func(c view.Connection) bool { return c.Queued == 2 })
	call[view.Sharing](elsewhere, "compartment.renew", view.CompartmentName{Compartment: "health"})

	d.line.set(false)
	await(tab, "connection", func(c view.Connection) bool { return c.State == "online" && c.Queued == 0 })
	got := epochs(t, w, identity.GID(maria.GID), file.Bytes)
	if len(got) != len(before)+2 || !slices.Equal(got[:len(before)], before) {
		t.Fatalf("records are sealed for the epochs %v, and before for %v", got, before)
	}
	for _, number := range got[len(before):] {
		if number != slices.Max(before)+1 {
			t.Errorf("what waited is sealed for epoch %d", number)
		}
	}
}

// TestLockedWithDrafts: what waits is still there, and goes out, when somebody unlocks again.
func TestLockedWithDrafts(t *testing.T) {
	w := newWorld(t)
	d := w.device()
	tab := d.tab()
	maria, _ := setUp(tab, "first")
	before := call[view.Timeline](tab, "timeline", view.TimelineQuery{Compartment: "health"}).Total
	d.line.set(true)
	await(tab, "connection", func(c view.Connection) bool { return c.State != "online" })
	call[view.Written](tab, "write", view.Draft{Compartment: "health", Note: "a note"})
	call[view.Nothing](tab, "vault.lock", view.Nothing{})
	fails(tab, view.CodeOffline, "vault.unlock", view.Unlock{GID: maria.GID, Passphrase: "first"})
	d.line.set(false)
	call[view.VaultPerson](tab, "vault.unlock", view.Unlock{GID: maria.GID, Passphrase: "first"})
	await(tab, "connection", func(c view.Connection) bool { return c.State == "online" && c.Queued == 0 })
	if got := call[view.Timeline](tab, "timeline", view.TimelineQuery{Compartment: "health"}); got.Total != before+1 {
		t.Errorf("%d records, want %d and the one that waited", got.Total, before)
	}
}

// epochs returns for which epochs the records of somebody are sealed, as the log has them.
func epochs(t *testing.T, w *world, gid identity.GID, keys []byte) (all []uint32) {
	t.Helper()
	home, err := client.RestoreHomeIn(client.InMemory(), keys, keystore.Passphrase([]byte("first")))
	must(t, err)
	defer home.Close()
	c, err := client.Dial(t.Context(), client.Config{Home: home, Node: w.url(), Dialer: w.node.Dialer(), Now: w.now})
	must(t, err)
	defer c.Close()
	book, err := c.Book(t.Context(), gid, ledger.Health)
	must(t, err)
	records, err := book.Records(t.Context())
	must(t, err)
	for _, r := range records {
		id, err := ledger.ParseEventID(string(r.ID))
		must(t, err)
		proof, err := book.Prove(t.Context(), id)
		for ; errors.Is(err, client.ErrUnsealed) && t.Context().Err() == nil; proof, err = book.Prove(t.Context(), id) {
		}
		must(t, err)
		entry, err := ledger.ParseEntry(proof.Entry)
		must(t, err)
		all = append(all, entry.Body.(*ledger.RecordWritten).Content.Epoch)
	}
	return all
}
