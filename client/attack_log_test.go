package client_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/ledger/tree"
)

// copied returns a copy of the node's directory, which has to stand still.
func (w *world) copied() string {
	w.t.Helper()
	dir := w.t.TempDir()
	must(w.t, os.CopyFS(dir, os.DirFS(w.dir)))
	must(w.t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			err = os.Chmod(path, 0o600)
		}
		return err
	}))
	must(w.t, os.Chmod(filepath.Join(dir, "keys"), 0o700))
	return dir
}

// goOn starts the node of a directory in the place of the one that runs.
func (w *world) goOn(dir string) {
	w.t.Helper()
	must(w.t, w.stop())
	w.dir = dir
	must(w.t, w.start())
}

// sees connects somebody who believes all but what is left out, and tells how looking at the node's log goes.
func (w *world) sees(home *client.Home, through *meddler, left ...client.Check) error {
	w.t.Helper()
	before := home.Files()
	defer home.Restore(before) // nothing is kept of what is believed wrongly
	config := w.config(home)
	if through != nil {
		config.Dialer = through
	}
	c := w.dial(config)
	c.LeaveOut(left...)
	_, err := c.FetchKeys(w.ctx)
	return err
}

// lostWith checks that a client holds two checkpoints against the node.
func lostWith(t *testing.T, what string, err error) {
	t.Helper()
	var told *client.LogError
	if !errors.As(err, &told) || !errors.Is(err, client.ErrLost) || !strings.Contains(err.Error(), "operator") {
		t.Errorf("%s: %v, want a LogError that says what to do", what, err)
	} else if len(told.Before) == 0 || len(told.Shown) == 0 {
		t.Errorf("%s: the evidence is %q and %q, want two checkpoints", what, told.Before, told.Shown)
	}
}

// A node that is set back to an older state, and one that has gone on from there as if nothing had happened since, is found out by
// whoever has seen its log later, though none of their own chains changed. It takes the one check: without it, nobody notices.
func TestAttack45_LogSetBackAndForked(t *testing.T) {
	w := newWorld(t)
	home := newHome(t)
	must(t, w.connect(home).RegisterIdentity(w.ctx))
	must(t, w.sealed(home))
	must(t, w.stop())
	old := w.copied()
	must(t, w.start())
	w.patient()
	must(t, w.sealed(home))
	fresh := client.HomeOf(home.Identity())

	w.goOn(old)
	lostWith(t, "set back", w.sees(home, nil))
	must(t, w.sees(home, nil, client.LogExtends))
	must(t, w.sees(fresh, nil))
	for range 3 {
		w.patient()
	}
	lostWith(t, "forked", w.sees(home, nil))
	must(t, w.sees(home, nil, client.LogExtends))
}

// sealed has somebody see a checkpoint of everything that is in the log now.
func (w *world) sealed(home *client.Home) error {
	health, err := w.node.Health(w.ctx)
	must(w.t, err)
	c := w.connect(home)
	for {
		size, err := c.SealedSize(w.ctx)
		if err != nil || size >= health.Sequence {
			return err
		}
	}
}

// What was seen and what is shown is written down, for the node's operator and for auditors.
func TestAttack45_EvidenceIsKept(t *testing.T) {
	w := newWorld(t)
	home, dir := createHome(t)
	must(t, w.connect(home).RegisterIdentity(w.ctx))
	must(t, w.sealed(home))
	must(t, w.stop())
	old := w.copied()
	must(t, w.start())
	w.patient()
	must(t, w.sealed(home))
	w.goOn(old)
	var told *client.LogError
	_, err := w.connect(home).FetchKeys(w.ctx)
	if !errors.As(err, &told) || filepath.Dir(told.File) != dir || !strings.Contains(err.Error(), told.File) {
		t.Fatalf("%v, want a LogError that names a file in %s", err, dir)
	}
	text, err := os.ReadFile(told.File)
	must(t, err)
	for what, part := range map[string][]byte{"what was seen": told.Before, "what is shown": told.Shown} {
		if len(part) == 0 || !strings.Contains(string(text), string(part)) {
			t.Errorf("%s is not in the evidence", what)
		}
	}
	if !strings.Contains(string(text), "phr/"+string(w.node.URL().Root)+"+") {
		t.Error("the evidence does not have the log's key")
	}
}

// A node that had a log and shows none any more, or one that its key has not signed, is not gone on with.
func TestAttack45_NoLogAnyMore(t *testing.T) {
	w := inTown(t)
	home := newHome(t)
	c := w.connect(home)
	must(t, c.RegisterIdentity(w.ctx))
	_, err := c.FetchKeys(w.ctx)
	must(t, err)
	liar := newMeddler(w.node.Dialer())
	meddle(t, liar, protocol.DirCheckpoint, func(c *protocol.Checkpoint) { *c = protocol.Checkpoint{} })
	if err := w.sees(home, liar); !errors.Is(err, client.ErrLost) {
		t.Errorf("no checkpoint: %v, want ErrLost", err)
	}
	must(t, w.sees(home, liar, client.LogStays))
	must(t, w.sees(client.HomeOf(home.Identity()), liar))

	meddle(t, liar, protocol.DirCheckpoint, func(c *protocol.Checkpoint) { c.Note[len(c.Note)-8]++ })
	if err := w.sees(home, liar); !errors.Is(err, tree.ErrNotProven) {
		t.Errorf("a checkpoint that the log's key has not signed: %v, want ErrNotProven", err)
	}
	liar.change(protocol.DirCheckpoint, nil)
	must(t, w.sees(home, liar))

	c = w.connect(home)
	c.ForgetLogKey()
	if _, err := c.FetchKeys(w.ctx); !errors.Is(err, client.ErrLost) {
		t.Errorf("a description without a log: %v, want ErrLost", err)
	}
	c = w.connect(client.HomeOf(home.Identity()))
	c.ForgetLogKey()
	_, err = c.FetchKeys(w.ctx)
	must(t, err) // of a log without a tree nothing is demanded
}

// One command asks for the checkpoint once, and a second time only if it works for long or has lost its connection.
func TestLogIsLookedAtOnce(t *testing.T) {
	w := newWorld(t)
	maria := w.patient()
	counted := newMeddler(w.node.Dialer())
	config := w.config(maria.Home())
	config.Dialer = counted
	c := w.dial(config)
	hers := w.book(c, maria, ledger.Health)
	for range 3 {
		w.write(hers, "one")
	}
	if n, heads := counted.count(protocol.DirCheckpoint), counted.count(protocol.DirHeads); n != 1 || heads != 1 {
		t.Errorf("%d requests for the checkpoint and %d for heads, want 1 each", n, heads)
	}
	w.clock.forward(20 * time.Minute)
	w.write(hers, "two")
	if n, heads := counted.count(protocol.DirCheckpoint), counted.count(protocol.DirHeads); n != 2 || heads != 2 {
		t.Errorf("after a while %d and %d, want 2 each", n, heads)
	}
}

// withheld has a node keep the newest event of a chain from whoever reads it, as one that does not count.
func (w *world) withheld(liar *meddler, newest ledger.Hash) {
	meddle(w.t, liar, protocol.GateConsumer, func(c *protocol.Consumer) { c.Rejected = append(c.Rejected, newest) })
}

// A node keeps the newest event from someone who has never read the chain: a reader, and the patient on another device. The map
// of heads shows it.
func TestAttack58_EventsWithheld(t *testing.T) {
	w := newWorld(t)
	maria, ruiz := w.patient(), w.the("doctor@city-hospital")
	hers := w.book(maria, maria, ledger.Health)
	w.grant(hers, client.GrantRequest{To: "doctor@city-hospital"})
	w.write(hers, "one")
	w.write(hers, "two")
	w.texts(hers)
	head := hers.Head()
	w.clock.forward(6 * time.Minute) // until the log says anew where chains end
	for name, c := range map[string]*client.Client{"a reader": ruiz, "the patient": maria} {
		for _, left := range [][]client.Check{nil, {client.HeadReached}} {
			liar := newMeddler(w.node.Dialer())
			w.withheld(liar, head.Hash)
			its := w.unseen(c, hers, liar, left...)
			records, err := its.Records(w.ctx)
			switch {
			case left == nil && (!errors.Is(err, client.ErrLost) || !strings.Contains(err.Error(), "withheld")):
				t.Errorf("%s reads %d records, %v; want ErrLost", name, len(records), err)
			case left != nil && (err != nil || len(records) != 1):
				t.Errorf("%s, who does not look: %d records, %v; the test proves nothing", name, len(records), err)
			}
		}
	}
	profile := ledger.RecordChain(maria.GID(), ledger.Profile)
	var entries []*ledger.Entry
	read := func(c *client.Client) error {
		return c.Say(w.ctx, profile, func(all []*ledger.Entry) ([]ledger.Body, error) {
			entries = all
			return nil, nil
		})
	}
	must(t, read(maria))
	w.clock.forward(6 * time.Minute)
	liar := newMeddler(w.node.Dialer())
	w.withheld(liar, entries[len(entries)-1].Hash)
	config := w.config(client.HomeOf(maria.Home().Identity()))
	config.Dialer = liar
	if err := read(w.dial(config)); !errors.Is(err, client.ErrLost) {
		t.Errorf("a profile without its newest event: %v, want ErrLost", err)
	}
}

// unseen opens a book as somebody who has seen nothing yet, by way of a liar.
func (w *world) unseen(c *client.Client, b *client.Book, liar *meddler, left ...client.Check) *client.Book {
	w.t.Helper()
	home := client.HomeOf(c.Home().Identity())
	must(w.t, home.AddKeys(c.Home().AttributeKeys()...))
	config := w.config(home)
	config.Dialer = liar
	its := w.dial(config)
	its.LeaveOut(left...)
	return w.bookOf(its, b.Patient(), b.Compartment())
}

// forgery is a log that a node with the log's key makes up for one person: a single checkpoint event, by whom it likes, with a map in which
// a chain ends earlier.
func (w *world) forgery(author *identity.Identity, as ledger.Chain, chain ledger.Chain, head tree.Head) (*protocol.Checkpoint, *protocol.Heads) {
	w.t.Helper()
	heads := tree.Heads{}.With(chain, head)
	id, err := ledger.NewEventID(rand.Reader, w.clock.now())
	must(w.t, err)
	e := &ledger.Event{ID: id, Chain: as, Number: 1, Author: author.GID(), Time: w.clock.now(), Body: &ledger.Checkpoint{Map: heads.Root()}}
	must(w.t, e.Sign(author))
	encoded, err := e.Marshal()
	must(w.t, err)
	entry, err := ledger.NewEntry(encoded, w.clock.now(), ledger.Position{Count: 1 << 20})
	must(w.t, err)
	raw, err := entry.Marshal()
	must(w.t, err)
	leaf := tree.Leaf(raw)
	signer, err := tree.NewSigner(tree.Origin(w.node.URL().Root), w.logKey())
	must(w.t, err)
	note, err := tree.Checkpoint{Origin: tree.Origin(w.node.URL().Root), Size: 1, Root: ledger.Hash(tlog.RecordHash(leaf[:]))}.Sign(signer)
	must(w.t, err)
	return &protocol.Checkpoint{Note: note}, &protocol.Heads{Entry: raw, Note: note, Heads: []tree.HeadProof{heads.Prove(chain)}}
}

// logKey returns the key that signs the log's checkpoints.
func (w *world) logKey() ed25519.PrivateKey {
	w.t.Helper()
	seed, err := os.ReadFile(filepath.Join(w.dir, "keys", "log.seed"))
	must(w.t, err)
	return ed25519.NewKeyFromSeed(seed)
}

// A node makes up what is to prove that a chain ends earlier. Each step of the proof is needed: without one of the checks the forgery
// that it is there for is believed.
func TestAttack58_ForgedHeads(t *testing.T) {
	w := inTown(t)
	maria, ruiz := w.patient(), w.the("doctor@city-hospital")
	hers := w.book(maria, maria, ledger.Health)
	w.grant(hers, client.GrantRequest{To: "doctor@city-hospital"})
	w.write(hers, "one")
	w.texts(hers)
	short := tree.Head{Number: hers.Head().Number, Hash: hers.Head().Hash}
	w.write(hers, "two")
	w.texts(hers)
	newest := hers.Head().Hash
	chain := ledger.RecordChain(maria.GID(), ledger.Health)
	secret, err := os.ReadFile(filepath.Join(w.dir, "keys", "node.identity"))
	must(t, err)
	node, err := identity.Parse(secret)
	must(t, err)
	checkpoint, forged := w.forgery(ruiz.Home().Identity(), ledger.NodeChain(node.GID()), chain, short)
	_, unlogged := w.forgery(node, ledger.NodeChain(node.GID()), chain, short)
	for _, tt := range []struct {
		name  string
		lie   func(*meddler)
		needs client.Check
	}{
		{"a map of its own, by somebody who is no node, in a log of its own", func(m *meddler) {
			meddle(t, m, protocol.DirCheckpoint, func(c *protocol.Checkpoint) { *c = *checkpoint })
			meddle(t, m, protocol.DirHeads, func(h *protocol.Heads) { *h = *forged })
		}, client.HeadSigned},
		{"a map of its own, in an event that is not in the log", func(m *meddler) {
			meddle(t, m, protocol.DirHeads, func(h *protocol.Heads) { h.Entry, h.Heads = unlogged.Entry, unlogged.Heads })
		}, client.HeadSealed},
		{"an older head than the map has", func(m *meddler) {
			meddle(t, m, protocol.DirHeads, func(h *protocol.Heads) { h.Heads[0].Head = &short })
		}, client.HeadMapped},
	} {
		for _, left := range [][]client.Check{nil, {tt.needs}} {
			liar := newMeddler(w.node.Dialer())
			w.withheld(liar, newest)
			tt.lie(liar)
			records, err := w.unseen(ruiz, hers, liar, left...).Records(w.ctx)
			switch {
			case left == nil && !errors.Is(err, tree.ErrNotProven):
				t.Errorf("%s: %d records, %v; want ErrNotProven", tt.name, len(records), err)
			case left != nil && (err != nil || len(records) != 1):
				t.Errorf("%s: without the check %d records, %v; the test proves nothing", tt.name, len(records), err)
			}
		}
	}
}
