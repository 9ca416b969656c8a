package witness_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/phrledger/phr/ledger/witness"
)

// evidence returns the files in which a witness keeps what logs did.
func evidence(t *testing.T, dir string) []string {
	t.Helper()
	return must(filepath.Glob(filepath.Join(dir, "evidence", "*")))
}

// A log that shows its witness another history than before gets nothing for it, in whatever way it asks. What it signed is kept
// and told, once.
func TestAttack45_WitnessFork(t *testing.T) {
	l := newLog(t, origin, 20, "a")
	fork := l.forked(20, "b")
	late := l.forked(6, "a") // the same up to there
	late.grow(20, "b")
	for _, test := range []struct {
		name, what string
		asked      *aLog
		size       int64
		body       string
	}{
		{"another tree of the size", "log_forked", fork, 7, fork.request(7, 7)},
		{"another tree, with the proof of its own", "log_not_shown_to_extend", fork, 9, fork.request(7, 9)},
		{"another tree, with the proof of the first", "log_not_shown_to_extend", fork, 9, body(7, must(tlog.ProveTree(9, 7, l)), fork.signed(9))},
		{"a tree that differs in the last leaf", "log_forked", late, 7, late.request(7, 7)},
		{"a tree that goes on from a tree with another last leaf", "log_not_shown_to_extend", late, 16, late.request(7, 16)},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			var told bytes.Buffer
			w := must(witness.Open(witness.Config{Dir: dir, Log: slog.New(slog.NewTextHandler(&told, &slog.HandlerOptions{Level: slog.LevelError}))}))
			defer w.Close()
			if err := w.Follow(l.key); err != nil {
				t.Fatal(err)
			}
			before := do(w, l.request(0, 7)).body
			for range 3 {
				if a := do(w, test.body); a.status != http.StatusConflict && a.status != http.StatusUnprocessableEntity || strings.Contains(a.body, "— ") {
					t.Fatalf("answered %v", a)
				}
			}
			if n := strings.Count(told.String(), "msg="+test.what); n != 1 {
				t.Errorf("told %d times, want once:\n%s", n, &told)
			}
			files := evidence(t, dir)
			if len(files) != 1 {
				t.Fatalf("the evidence is %q", files)
			}
			kept := string(must(os.ReadFile(files[0])))
			for _, want := range []string{l.text(7), before, test.asked.text(test.size), string(test.asked.signed(test.size))} {
				if !strings.Contains(kept, want) {
					t.Errorf("the evidence lacks %q:\n%s", want, kept)
				}
			}
			cosigned(t, w, l.text(9), do(w, l.request(7, 9))) // the history that it knows goes on
		})
	}
}

// Nothing takes a witness back to a smaller tree, or to an earlier moment: requests that were right once, and those that never were.
func TestAttack45_WitnessRollback(t *testing.T) {
	dir := t.TempDir()
	l := newLog(t, origin, 20, "a")
	w := open(t, dir, l)
	cosigned(t, w, l.text(5), do(w, l.request(0, 5)))
	cosigned(t, w, l.text(9), do(w, l.request(5, 9)))
	for old := range int64(10) {
		for size := range int64(9) {
			if size == 0 {
				continue // has no tree to prove from
			}
			if a := do(w, l.request(old, size)); a.status != http.StatusConflict && a.status != http.StatusBadRequest {
				t.Errorf("from %d to %d: %v", old, size, a)
			}
		}
	}
	if got := newest(t, w, l); got != "9" {
		t.Errorf("it is at %s, want 9", got)
	}
	if len(evidence(t, dir)) != 0 {
		t.Error("a log is accused of what anybody could have sent again")
	}
}

// Strangers can send what they like, and the log's own words as often as they like: no evidence against the log comes of it but for a
// checkpoint of its own that nobody proved, one file each, and no more files than the disk can take.
func TestEvidenceIsBounded(t *testing.T) {
	dir := t.TempDir()
	l, stranger := newLog(t, origin, 40, "a"), newLog(t, origin, 40, "b")
	w := open(t, dir, l)
	cosigned(t, w, l.text(5), do(w, l.request(0, 5)))
	for n := int64(5); n < 40; n++ {
		do(w, stranger.request(5, n))
	}
	if got := evidence(t, dir); len(got) != 0 {
		t.Errorf("there is evidence by a stranger: %q", got)
	}
	for i := range byte(20) {
		do(w, body(5, []tlog.Hash{{i}}, l.signed(9)))
	}
	if got := evidence(t, dir); len(got) != 1 {
		t.Errorf("for one checkpoint there is %q", got)
	}
	for i := range 1000 {
		if err := os.WriteFile(filepath.Join(dir, "evidence", fmt.Sprint(i)), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	before := len(evidence(t, dir))
	if a := do(w, body(5, nil, l.signed(11))); a.status != http.StatusUnprocessableEntity {
		t.Errorf("answered %v", a)
	}
	if got := len(evidence(t, dir)); got != before {
		t.Errorf("there are %d files, and were %d", got, before)
	}
}

// A signature by the witness's own key, or a hundred of them, makes no checkpoint the log's.
func TestAttack45_WitnessAskedInItsOwnName(t *testing.T) {
	l := newLog(t, origin, 9, "a")
	w := open(t, t.TempDir(), l)
	line := do(w, l.request(0, 5)).body
	alone := l.text(5) + "\n" + line
	if a := do(w, "old 5\n\n"+alone); a.status != http.StatusForbidden {
		t.Errorf("its own signature alone: %v", a)
	}
	if a := do(w, "old 5\n\n"+alone+strings.Repeat(line, 100)); a.status != http.StatusBadRequest {
		t.Errorf("a hundred signatures: %v", a)
	}
	twice := do(w, "old 5\n\n"+string(l.signed(5))+line)
	cosigned(t, w, l.text(5), twice)
	n := must(note.Open([]byte(l.text(5)+"\n"+twice.body), note.VerifierList(w.Key())))
	if len(n.Sigs) != 1 || strings.Count(twice.body, "\n") != 1 {
		t.Errorf("it answers %q", twice.body)
	}
}
