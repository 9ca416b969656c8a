package witness_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/phrledger/phr/ledger/witness"
)

// FuzzAddCheckpoint asks for all sorts of things, before and after the log's signature is put under them. What is cosigned extends what was
// cosigned before.
func FuzzAddCheckpoint(f *testing.F) {
	l := newLog(f, origin, 20, "a")
	fork := l.forked(20, "b")
	for _, b := range []string{
		l.request(0, 7), l.request(7, 7), l.request(7, 9), l.request(6, 9), fork.request(7, 7), fork.request(7, 12), l.request(7, 20),
		body(7, nil, l.signed(6)), "old 0\n\n" + l.text(3) + "extension\n\n— a b\n", "old 7\n\n\n\n",
	} {
		f.Add([]byte(b))
	}
	w := open(f, f.TempDir(), l)
	if a := do(w, l.request(0, 7)); a.status != http.StatusOK {
		f.Fatal(a)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if again, err := witness.Remarshal(data); err == nil && !bytes.Equal(again, data) {
			t.Fatalf("parsed %q, marshalled %q", data, again)
		}
		ask := []string{string(data)}
		if head, rest, ok := strings.Cut(string(data), "\n\n"); ok {
			if i := strings.LastIndex(rest, "\n\n"); i >= 0 {
				if signed, err := note.Sign(&note.Note{Text: rest[:i+1]}, l.signer); err == nil {
					ask = append(ask, head+"\n\n"+string(signed))
				}
			}
		}
		for _, b := range ask {
			a := do(w, b)
			switch a.status {
			case http.StatusOK:
				line := strings.TrimPrefix(a.body, "— ")
				if !genuine(l, b) || strings.Count(line, "\n") != 1 {
					t.Fatalf("%q was answered by %q", b, a.body)
				}
			case http.StatusBadRequest, http.StatusForbidden, http.StatusNotFound, http.StatusConflict, http.StatusUnprocessableEntity:
				if strings.Contains(a.body, "— witness.example/w ") {
					t.Fatalf("%q was refused by %q", b, a.body)
				}
			default:
				t.Fatalf("%q was answered %d", b, a.status)
			}
		}
	})
}

// genuine tells whether a request is about a tree that the log has.
func genuine(l *aLog, b string) bool {
	for n := range l.size {
		if text := strings.TrimSuffix(l.text(n+1), "\n"); strings.Contains(b, "\n\n"+text+"\n") {
			return true
		}
	}
	return false
}
