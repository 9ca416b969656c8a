package client_test

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/crypto/epoch"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/ledger/stream"
	"github.com/phrledger/phr/ledger/stream/embedded"
	"github.com/phrledger/phr/projections/chart"
)

// standing returns the files below directories in which something stands.
func standing(t *testing.T, what []byte, dirs ...string) (files []string) {
	t.Helper()
	for _, dir := range dirs {
		must(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			contents, err := os.ReadFile(path)
			if bytes.Contains(contents, what) {
				files = append(files, path)
			}
			return err
		}))
	}
	return files
}

// Of an erased record, its versions and the reason it was withdrawn for, no byte, no key of a leaf and no key state that gave it
// is in any file of the node or of those who read it. Whoever has all files of the node, and is given the keys of every
// epoch, opens none of them.
func TestAttack50_NothingIsLeft(t *testing.T) {
	w := newWorld(t)
	home, dir := createHome(t)
	maria := w.connect(home)
	must(t, maria.RegisterPatient(w.ctx))
	doctorHome, doctorDir := createHome(t)
	doctor := w.connect(doctorHome)
	w.enrol(doctor, "doctor@city-hospital")
	hers, his := w.book(maria, maria, ledger.Health), w.book(doctor, maria, ledger.Health)
	w.grant(hers, client.GrantRequest{To: "doctor@city-hospital", Write: true})

	words := []string{"canary-" + rand.Text(), "canary-" + rand.Text(), "canary-" + rand.Text()}
	ids := w.write(hers, words[0], "kept")
	must(t, hers.Rotate(w.ctx))
	w.put(his, about(chart.Amended, ids[0], words[1]))
	must(t, hers.Rotate(w.ctx))
	w.put(hers, about(chart.Retracted, ids[0], words[2]))
	w.leave(hers, about(chart.Amended, ids[0], words[0]+" once more"))
	w.reads("the doctor", his, words[0], "kept", words[1], words[2])

	gone := slices.DeleteFunc(slices.Clone(hers.Entries()), func(e *ledger.Entry) bool { return e.ID == ids[1] })
	secrets := map[string][]byte{}
	for i, e := range gone {
		r, err := hers.Remains(w.ctx, e)
		must(t, err)
		secrets["the text of version "+words[i]] = []byte(words[i])
		secrets["the leaf's secret of "+words[i]] = r.Leaf
		secrets["the key state of "+words[i]] = r.Shred[len(r.Shred)-32:]
		secrets["the stored key state of "+words[i]] = r.Sealed
		if len(standing(t, r.Sealed, w.dir)) == 0 {
			t.Fatal("the search finds nothing where there is something")
		}
	}
	w.erase(hers, ids[0])
	w.reads("the doctor", his, "?", "kept", "?", "?")
	for what, secret := range secrets {
		if files := standing(t, secret, w.dir, dir, doctorDir); len(files) > 0 {
			t.Errorf("%s stands in %q", what, files)
		}
	}

	// All that the node has, and the keys of every epoch, of the patient and of a reader who comes later.
	must(t, w.stop())
	stored := storedParts(t, w.dir)
	must(t, w.start())
	late, again := w.book(w.connect(doctorHome), maria, ledger.Health), w.book(w.connect(home), maria, ledger.Health)
	for _, b := range []*client.Book{late, again} {
		w.reads("whoever comes later", b, "?", "kept", "?", "?")
		for _, e := range b.Entries() {
			opens, err := b.OpensWith(w.ctx, e, stored, 3)
			if must(t, err); opens != (e.ID == ids[1]) {
				t.Errorf("opens is %t for %s", opens, e.ID)
			}
		}
	}
	for what, secret := range secrets {
		if files := standing(t, secret, w.dir, dir, doctorDir); len(files) > 0 {
			t.Errorf("after a restart, %s stands in %q", what, files)
		}
	}
}

// storedParts returns all that a node which does not run has in KEYS.
func storedParts(t *testing.T, dir string) (all [][]byte) {
	t.Helper()
	s, err := embedded.Start(t.Context(), embedded.Config{Dir: dir})
	must(t, err)
	defer s.Close()
	must(t, s.Ledger().Parts(t.Context(), "key.>", func(p stream.Part) error {
		all = append(all, p.Data)
		return nil
	}))
	return all
}

// Only the patient erases, their own records, by the leaves that these have, and none before it is written.
func TestAttack50_WhoErases(t *testing.T) {
	w := inTown(t)
	maria, other, doctor := w.patient(), w.patient(), w.the("doctor@city-hospital")
	hers, his := w.book(maria, maria, ledger.Health), w.book(doctor, maria, ledger.Health)
	theirs := w.book(other, other, ledger.Health)
	w.grant(hers, client.GrantRequest{To: "doctor@city-hospital", Write: true})
	ids := w.write(his, "the doctor's own")
	w.write(theirs, "somebody else's")
	w.reads("the doctor", his, "the doctor's own")
	w.texts(hers)
	written := hers.Entries()[0].Body.(*ledger.RecordWritten).Content
	data := []byte("a key state")
	erasure := func(epoch uint32, id ledger.EventID, leaf [6]byte) *ledger.RecordErased {
		return &ledger.RecordErased{Epoch: epoch, Records: []ledger.EventID{id}, Leaves: [][6]byte{leaf}, Shred: sha256.Sum256(data)}
	}
	later, err := ledger.NewEventID(rand.Reader, w.clock.now())
	must(t, err)
	for _, tt := range []struct {
		name string
		who  *client.Client
		b    *client.Book
		op   ledger.Operation
		body ledger.Body
		says string
	}{
		{"a writer, of what they wrote", doctor, his, ledger.OpWrite, erasure(1, ids[0], written.Leaf), "only the patient erases"},
		{"a writer, of the compartment", doctor, his, ledger.OpWrite, &ledger.CompartmentErased{}, "only the patient erases"},
		{"another patient", other, theirs, ledger.OpLogin, erasure(1, ids[0], written.Leaf), "there is no record"},
		{"with another leaf", maria, hers, ledger.OpLogin, erasure(1, ids[0], [6]byte{1}), "there is no record"},
		{"in another epoch", maria, hers, ledger.OpLogin, erasure(2, ids[0], written.Leaf), "there is no record"},
		{"before it is written", maria, hers, ledger.OpLogin, erasure(1, later, [6]byte{7}), "there is no record"},
		{"as a whole, with a compartment left", maria, hers, ledger.OpLogin, &ledger.PatientErased{}, "does not belong"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := &ledger.Event{ID: newID(t), Chain: ledger.RecordChain(tt.b.Patient(), tt.b.Compartment()), Author: tt.who.GID(), Time: w.clock.now(), Body: tt.body}
			var parts []protocol.PartData
			if b, ok := tt.body.(*ledger.RecordErased); ok {
				parts = []protocol.PartData{{Chain: e.Chain.String(), Epoch: b.Epoch, Name: ledger.PartShred, Data: data}}
			}
			if err := tt.b.Submit(w.ctx, tt.op, parts, e); err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("it is told %v; want: %s", err, tt.says)
			}
		})
	}
	w.reads("the patient", hers, "the doctor's own")
	w.reads("the doctor", his, "the doctor's own")
	w.reads("the other patient", theirs, "somebody else's")
}

func newID(t *testing.T) ledger.EventID {
	t.Helper()
	id, err := ledger.NewEventID(rand.Reader, time.Now())
	must(t, err)
	return id
}

// A node that keeps the old key state and serves it in place of the new one is refused, as is the erased id itself: with the
// right key state there is no way to it either.
func TestAttack61_LyingNode(t *testing.T) {
	w := inTown(t)
	maria, doctor := w.patient(), w.the("doctor@city-hospital")
	hers, his := w.book(maria, maria, ledger.Health), w.book(doctor, maria, ledger.Health)
	w.grant(hers, client.GrantRequest{To: "doctor@city-hospital"})
	ids := w.write(hers, "doomed", "kept")
	w.reads("the doctor", his, "doomed", "kept")
	doomed, kept := his.Entries()[0], his.Entries()[1]
	old, err := his.Remains(w.ctx, doomed)
	must(t, err)
	if text, err := his.ReadWith(w.ctx, doomed, old.Sealed); err != nil || text != "doomed" {
		t.Fatalf("before it is erased, the key state gives %q, %v", text, err)
	}
	w.erase(hers, ids[0])
	for what, e := range map[string]*ledger.Entry{"the erased record": doomed, "the other one": kept} {
		if text, err := his.ReadWith(w.ctx, e, old.Sealed); err == nil || !strings.Contains(err.Error(), "does not have part") {
			t.Errorf("with the old key state %s gives %q, %v", what, text, err)
		}
	}
	fresh, err := his.Remains(w.ctx, kept)
	must(t, err)
	if text, err := his.ReadWith(w.ctx, kept, fresh.Sealed); err != nil || text != "kept" {
		t.Errorf("with the new key state, what is kept gives %q, %v", text, err)
	}
	if _, err := his.ReadWith(w.ctx, doomed, fresh.Sealed); err == nil || !strings.Contains(err.Error(), epoch.ErrErased.Error()) {
		t.Errorf("with the new key state, what is erased gives %v", err)
	}
	w.reads("the doctor", his, "?", "kept")
}
