package witness_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/phrledger/phr/ledger/witness"
)

// verified fails the test unless a line is the cosignature of a text.
func verified(t *testing.T, by note.Verifier, text string, line []byte) {
	t.Helper()
	if n, err := note.Open([]byte(text+"\n"+string(line)), note.VerifierList(by)); err != nil || len(n.Sigs) != 1 || len(n.UnverifiedSigs) != 0 {
		t.Fatalf("%q: %v", line, err)
	}
}

// A log gets its cosignatures whatever it believes about where its witness is, and lets a policy be met by them.
func TestAsk(t *testing.T) {
	l := newLog(t, origin, 30, "a")
	w := open(t, t.TempDir(), l)
	address, client := serve(t, w)
	var line []byte
	for _, test := range []struct {
		old  uint64
		size int64
	}{{0, 5}, {5, 5}, {0, 7}, {3, 9}, {12, 12}, {11, 12}, {29, 30}} {
		var err error
		// The note has a cosignature already, an older one or somebody else's.
		signed := appended(l.signed(test.size), cosignAt(newCosigner(t, "other"), l.text(test.size), 1))
		if line, err = witness.Ask(t.Context(), client, address+"/", w.Key(), test.old, l.prove(test.size), signed); err != nil {
			t.Fatalf("%d from %d: %v", test.size, test.old, err)
		}
		verified(t, w.Key(), l.text(test.size), line)
	}
	p := must(witness.ParsePolicy([]byte("witness w " + w.Key().String() + " " + address + "\nquorum w\n")))
	if c, err := p.Check(appended(l.signed(30), line), l.key, time.Now()); err != nil || c.Size != 30 {
		t.Errorf("%+v, %v", c, err)
	}
	if _, err := witness.Ask(t.Context(), client, address, w.Key(), 20, l.prove(20), l.signed(20)); err == nil || !strings.Contains(err.Error(), "larger tree, of size 30") {
		t.Errorf("for an older checkpoint: %v", err)
	}
}

// What a witness refuses comes back with what it said.
func TestAskRefused(t *testing.T) {
	l := newLog(t, origin, 30, "a")
	fork := l.forked(30, "b")
	w := open(t, t.TempDir(), l)
	address, client := serve(t, w)
	must(witness.Ask(t.Context(), client, address, w.Key(), 0, l.prove(9), l.signed(9)))
	stranger := newLog(t, "log.example/other", 9, "a")
	for _, test := range []struct {
		name string
		log  *aLog
		size int64
		want int
	}{
		{"a fork", fork, 9, http.StatusConflict},
		{"what a fork goes on with", fork, 12, http.StatusUnprocessableEntity},
		{"a stranger", stranger, 9, http.StatusNotFound},
	} {
		_, err := witness.Ask(t.Context(), client, address, w.Key(), 9, test.log.prove(test.size), test.log.signed(test.size))
		var refused *witness.AnswerError
		if !errors.As(err, &refused) || refused.Status != test.want || refused.Text == "" {
			t.Errorf("%s: %v, want %d", test.name, err, test.want)
		}
	}
	broken := errors.New("a tile is missing")
	_, err := witness.Ask(t.Context(), client, address, w.Key(), 9, func(uint64) ([]tlog.Hash, error) { return nil, broken }, l.signed(12))
	if !errors.Is(err, broken) {
		t.Errorf("without a proof: %v", err)
	}
	if _, err := witness.Ask(t.Context(), client, address, w.Key(), 9, l.prove(12), []byte("no note")); err == nil {
		t.Error("what is no checkpoint is cosigned")
	}
	if _, err := witness.Ask(t.Context(), client, "http://127.0.0.1:1", w.Key(), 9, l.prove(12), l.signed(12)); err == nil {
		t.Error("nobody has cosigned")
	}
}

// Nothing that a witness says is believed but its signature of this very checkpoint, made now. It can't keep the log busy either.
func TestAttack45_LyingWitness(t *testing.T) {
	l := newLog(t, origin, 9, "a")
	c, other := newCosigner(t, "witness.example/w"), newCosigner(t, "witness.example/w")
	by := must(witness.ParseKey(c.key))
	text, now := l.text(9), uint64(time.Now().Unix())
	asked := 0
	size := func(s string) http.HandlerFunc {
		return func(rw http.ResponseWriter, _ *http.Request) {
			asked++
			rw.Header().Set("Content-Type", "text/x.tlog.size; charset=utf-8")
			rw.WriteHeader(http.StatusConflict)
			fmt.Fprint(rw, s)
		}
	}
	say := func(lines ...[]byte) http.HandlerFunc {
		return func(rw http.ResponseWriter, _ *http.Request) { _, _ = rw.Write(appended(nil, lines...)) }
	}
	for _, test := range []struct {
		name  string
		serve http.HandlerFunc
		want  string // empty: it is believed
	}{
		{"nothing", say(), "malformed note"},
		{"no newline", say(cosignAt(c, text, now)[:20]), "malformed note"},
		{"another key", say(cosignAt(other, text, now)), "no verifiable signatures"},
		{"another text", say(cosignAt(c, l.text(8), now)), "invalid signature"},
		{"a text of its own", say([]byte("\nlog.example/one\n"), cosignAt(c, text, now)), "malformed note"},
		{"a note of its own", say([]byte("\n"+text+"\n"), cosignAt(c, text+"\n\n"+text, now)), "more than signatures"},
		{"an old signature", say(cosignAt(c, text, now-600)), "its clock is wrong"},
		{"a signature of tomorrow", say(cosignAt(c, text, now+86400)), "its clock is wrong"},
		{"the end of time", say(cosignAt(c, text, 1<<63)), "its clock is wrong"},
		{"without a time", say(plain(c, text)), "no verifiable signatures"},
		{"without end", func(rw http.ResponseWriter, _ *http.Request) {
			for err := error(nil); err == nil; {
				_, err = rw.Write([]byte(strings.Repeat("— a AAAAAAAAAA==\n", 60)))
			}
		}, "malformed note"},
		{"the size that was asked", size("9\n"), "names another size each time"},
		{"a size that is none", size("-1\n"), "not a number of leaves"},
		{"a size with more after it", size("3\n3\n"), "not a number of leaves"},
		{"a larger size", size("10\n"), "larger tree"},
		{"elsewhere, without end", func(rw http.ResponseWriter, r *http.Request) {
			http.Redirect(rw, r, r.URL.Path, http.StatusPermanentRedirect)
		}, "redirects"},
		{"what a terminal acts on", func(rw http.ResponseWriter, _ *http.Request) {
			http.Error(rw, "\x1b[2J"+strings.Repeat("x", 1000), 500)
		}, `"\x1b[2Jx`},
		{"its signature among others", say(cosignAt(other, text, now), cosignAt(c, text, now), cosignAt(newCosigner(t, "z"), text, now)), ""},
	} {
		asked = 0
		address, client := serve(t, test.serve)
		line, err := witness.Ask(t.Context(), client, address, by, 5, l.prove(9), l.signed(9))
		if asked > 4 {
			t.Errorf("%s: asked %d times", test.name, asked)
		}
		switch {
		case test.want == "" && err == nil:
			verified(t, by, text, line)
		case test.want == "" || err == nil || !strings.Contains(err.Error(), test.want):
			t.Errorf("%s: %q, %v, want %q", test.name, line, err, test.want)
		case len(err.Error()) > 500:
			t.Errorf("%s: the error has %d bytes", test.name, len(err.Error()))
		}
	}
}

// A witness that never answers is left in the end, and at once when the caller has no more time.
func TestAskWaits(t *testing.T) {
	l := newLog(t, origin, 9, "a")
	by := must(witness.ParseKey(newCosigner(t, "w").key))
	arrived := make(chan struct{})
	address, client := serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		close(arrived)
		<-r.Context().Done()
	}))
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-arrived; cancel() }()
	if _, err := witness.Ask(ctx, client, address, by, 5, l.prove(9), l.signed(9)); !errors.Is(err, context.Canceled) {
		t.Errorf("it ended with %v", err)
	}
}
