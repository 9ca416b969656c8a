package view_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/tree"
	"github.com/phrledger/phr/web/view"
)

func TestLog(t *testing.T) {
	w := newWorld(t)
	maria, auditor := w.patient("Maria"), w.holder("auditor@phr", "A. Udit")
	ids := maria.writes(maria, ledger.Health, "one", "two")
	_, err := maria.Client.Await(w.ctx, client.Sealed, nil)
	must(t, err)
	me := call[view.Me](auditor, "me", view.Nothing{})
	if !slices.Equal(me.Roles, []string{"auditor"}) || len(me.Keys) != 1 || me.Keys[0].Kind != "registry" || me.Name != "A. Udit" {
		t.Errorf("the auditor is %+v", me)
	}
	audited := call[view.Audit](auditor, "log.audit", view.Nothing{})
	if !audited.OK || audited.Entries == 0 || slices.ContainsFunc(audited.Findings, func(f view.Finding) bool { return f.Severity != "note" }) || len(audited.Kinds) == 0 || !strings.Contains(string(audited.Report), `"findings"`) {
		t.Errorf("audited: %d entries, %+v", audited.Entries, audited.Findings)
	}
	state := call[view.LogState](auditor, "log", view.Nothing{})
	if !state.Consistent || state.Size == 0 || state.Before == 0 || len(state.Root) != 64 || !strings.HasPrefix(state.Note, state.Origin+"\n") ||
		len(state.Log) == 0 || state.Log[0].Sequence < state.Log[len(state.Log)-1].Sequence {
		t.Errorf("the log: %+v", state)
	}
	found := call[view.LogLines](auditor, "log.find", view.LogQuery{Text: string(maria.GID())})
	if found.Total == 0 || len(found.Lines) != found.Total || !found.Lines[0].Valid {
		t.Errorf("found %+v", found)
	}
	one := call[view.LogLines](auditor, "log.find", view.LogQuery{Text: ids[1].String()})
	if one.Total != 1 || one.Lines[0].Event != ids[1].String() || one.Lines[0].Kind != "record.written" {
		t.Fatalf("found %+v", one)
	}
	proof := call[view.VerifiedProof](auditor, "log.proof", view.ProofQuery{Sequence: one.Lines[0].Sequence})
	if !proof.Valid || proof.Line.Event != ids[1].String() || len(proof.Steps) < 4 || proof.Steps[0].What != "leaf" ||
		proof.Steps[len(proof.Steps)-2].What != "root" {
		t.Errorf("proven by %+v", proof)
	}
	if _, err := tree.ParseProof([]byte(proof.Proof)); err != nil {
		t.Error(err)
	}
	_, err = try[view.VerifiedProof](auditor, "log.proof", view.ProofQuery{Sequence: 1 << 40})
	failing(t, err, view.CodeInput)
	if _, err := try[view.Audit](maria, "log.audit", view.Nothing{}); err == nil {
		t.Error("a patient reads the whole log")
	}
}

// Every step of a proof counts: none is shown as valid over another entry, place, sibling or checkpoint.
func TestAttack45_ForgedSteps(t *testing.T) {
	w := newWorld(t)
	maria := w.patient("Maria")
	ids := maria.writes(maria, ledger.Health, "one", "two", "three", "four", "five")
	_, err := maria.Client.Await(w.ctx, client.Sealed, nil)
	must(t, err)
	b := maria.book(maria, ledger.Health)
	for _, id := range ids {
		p, err := b.Prove(w.ctx, id)
		must(t, err)
		log := maria.LogKey(t)
		if all, valid := view.Climb(p.Entry, p.Proof, log); !valid || slices.ContainsFunc(all, func(s view.ProofStep) bool { return !s.Valid }) {
			t.Errorf("%s: %+v", id, all)
		}
		forged := func(what string, entry []byte, change func(*tree.Proof)) {
			q := &tree.Proof{Index: p.Proof.Index, Hashes: slices.Clone(p.Proof.Hashes), Signed: slices.Clone(p.Proof.Signed)}
			change(q)
			if _, valid := view.Climb(entry, q, log); valid {
				t.Errorf("%s: %s is valid", id, what)
			}
		}
		none := func(*tree.Proof) {}
		forged("another entry", append([]byte("x"), p.Entry...), none)
		forged("another place", p.Entry, func(q *tree.Proof) { q.Index ^= 1 })
		forged("a place beyond the tree", p.Entry, func(q *tree.Proof) { q.Index += p.Checkpoint.Size })
		forged("another sibling", p.Entry, func(q *tree.Proof) { q.Hashes[0][0] ^= 1 })
		forged("too few siblings", p.Entry, func(q *tree.Proof) { q.Hashes = q.Hashes[1:] })
		forged("too many siblings", p.Entry, func(q *tree.Proof) { q.Hashes = append(q.Hashes, ledger.Hash{1}) })
		forged("no siblings", p.Entry, func(q *tree.Proof) { q.Hashes = nil })
		forged("another checkpoint", p.Entry, func(q *tree.Proof) { q.Signed[len(q.Signed)-5] ^= 1 })
		forged("no checkpoint", p.Entry, func(q *tree.Proof) { q.Signed = nil })
	}
}

// Whoever has seen more of a log than is there now is shown that it is not the one that it was.
func TestAttack45_LogSetBack(t *testing.T) {
	w := newWorld(t)
	maria := w.patient("Maria")
	w.stop()
	before := filepath.Join(t.TempDir(), "before")
	must(t, os.CopyFS(before, os.DirFS(w.dir)))
	must(t, filepath.WalkDir(before, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.Chmod(path, 0o700)
		}
		return os.Chmod(path, 0o600)
	}))
	w.start()
	again := w.at(maria.Home())
	again.writes(again, ledger.Health, "one")
	_, err := again.Client.Await(w.ctx, client.Sealed, nil)
	must(t, err)
	if state := call[view.LogState](again, "log", view.Nothing{}); !state.Consistent || state.Size == 0 {
		t.Fatalf("%+v", state)
	}
	w.stop()
	w.dir = before
	w.start()
	if state := call[view.LogState](w.at(maria.Home()), "log", view.Nothing{}); state.Consistent || state.Before == 0 {
		t.Errorf("of a log that was set back: %+v", state)
	}
	_, err = try[view.Timeline](w.at(maria.Home()), "timeline", view.TimelineQuery{})
	failing(t, err, view.CodeLost)
}
