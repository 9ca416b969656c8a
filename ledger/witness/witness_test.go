package witness_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	cosignature "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/phrledger/phr/ledger/witness"
)

const origin = "log.example/one"

// Every answer that the page of C2SP on tlog-witness knows, over HTTP.
func TestAnswers(t *testing.T) {
	l := newLog(t, origin, 20, "a")
	stranger := newLog(t, "log.example/other", 20, "a")
	imposter := newLog(t, origin, 20, "a")
	fork := l.forked(20, "b")
	w := open(t, t.TempDir(), l)
	address, client := serve(t, w)
	if a := post(t, client, address, l.request(0, 7)); a.status != http.StatusOK {
		t.Fatalf("the first checkpoint: %v", a)
	}
	longer := must(note.Sign(&note.Note{Text: l.text(9) + "an extension\n"}, l.signer))
	tooMany := make([]tlog.Hash, 64)
	for _, test := range []struct {
		name string
		body string
		want answer
	}{
		{"nothing", "", answer{status: 400}},
		{"no empty line", "old 7\n", answer{status: 400}},
		{"no old size", strings.TrimPrefix(l.request(7, 9), "old 7\n"), answer{status: 400}},
		{"an old size with a zero before it", strings.Replace(l.request(7, 9), "old 7", "old 07", 1), answer{status: 400}},
		{"an old size with a sign", strings.Replace(l.request(7, 9), "old 7", "old +7", 1), answer{status: 400}},
		{"an old size with two spaces", strings.Replace(l.request(7, 9), "old 7", "old  7", 1), answer{status: 400}},
		{"an old size beyond any", strings.Replace(l.request(7, 9), "old 7", "old 9223372036854775808", 1), answer{status: 400}},
		{"a proof of 64 lines", body(7, tooMany, l.signed(9)), answer{status: 400}},
		{"a proof line that is no hash", strings.Replace(body(7, nil, l.signed(9)), "old 7\n", "old 7\nAAAA\n", 1), answer{status: 400}},
		{"a proof line with bits beyond the hash", strings.Replace(body(7, nil, l.signed(9)), "old 7\n", "old 7\n"+strings.Repeat("A", 42)+"B=\n", 1), answer{status: 400}},
		{"carriage returns", strings.Replace(l.request(7, 9), "\n", "\r\n", 2), answer{status: 400}},
		{"no checkpoint", "old 7\n\n", answer{status: 400}},
		{"a checkpoint without signatures", "old 7\n\n" + l.text(9), answer{status: 400}},
		{"a checkpoint without a root", "old 7\n\n" + string(must(note.Sign(&note.Note{Text: origin + "\n9\n"}, l.signer))), answer{status: 400}},
		{"a checkpoint whose size has a zero before it", body(7, nil, must(note.Sign(&note.Note{Text: strings.Replace(l.text(9), "\n9\n", "\n09\n", 1)}, l.signer))), answer{status: 400}},
		{"a checkpoint whose size is beyond any", body(7, nil, must(note.Sign(&note.Note{Text: strings.Replace(l.text(9), "\n9\n", "\n9223372036854775808\n", 1)}, l.signer))), answer{status: 400}},
		{"a checkpoint with an empty line", body(7, nil, must(note.Sign(&note.Note{Text: l.text(9) + "\nmore\n"}, l.signer))), answer{status: 400}},
		{"old larger than the checkpoint", body(7, nil, l.signed(6)), answer{status: 400}},
		{"a log that is not followed", stranger.request(0, 9), answer{status: 404}},
		{"another key for the origin", imposter.request(7, 9), answer{status: 403}},
		{"a text that was changed", strings.Replace(l.request(7, 9), "\n9\n", "\n8\n", 1), answer{status: 403}},
		{"an older old size", l.request(6, 9), answer{409, "text/x.tlog.size", "7\n"}},
		{"a newer old size", l.request(8, 9), answer{409, "text/x.tlog.size", "7\n"}},
		{"an old size of zero", l.request(0, 9), answer{409, "text/x.tlog.size", "7\n"}},
		{"an older checkpoint", l.request(5, 6), answer{409, "text/x.tlog.size", "7\n"}},
		{"another root for the same size", fork.request(7, 7), answer{409, "text/plain; charset=utf-8", ""}},
		{"a proof where the size is the same", body(7, must(tlog.ProveTree(9, 7, l)), l.signed(7)), answer{status: 422}},
		{"no proof", body(7, nil, l.signed(9)), answer{status: 422}},
		{"the proof of another tree", fork.request(7, 9), answer{status: 422}},
		{"the proof from another size", body(7, must(tlog.ProveTree(9, 6, l)), l.signed(9)), answer{status: 422}},
		{"a body beyond any", l.request(7, 9) + strings.Repeat("x", 300<<10), answer{status: 413}},
		{"the same again", l.request(7, 7), answer{status: 200}},
		{"an extension line", body(7, must(tlog.ProveTree(9, 7, l)), longer), answer{status: 200}},
		{"a signature by an unknown key beside the log's", body(9, must(tlog.ProveTree(12, 9, l)), must(note.Sign(&note.Note{Text: l.text(12)}, imposter.signer, l.signer))), answer{status: 200}},
	} {
		got := post(t, client, address, test.body)
		if got.status != test.want.status {
			t.Errorf("%s: %d %q, want %d", test.name, got.status, got.body, test.want.status)
		}
		if test.want.kind != "" && got.kind != test.want.kind || test.want.body != "" && got.body != test.want.body {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
		if got.status != http.StatusOK && strings.Contains(got.body, "— ") {
			t.Errorf("%s: it signs all the same: %q", test.name, got.body)
		}
	}
	for method, want := range map[string]int{http.MethodGet: 405, http.MethodPut: 405} {
		r := must(client.Do(must(http.NewRequest(method, address+"/add-checkpoint", nil))))
		if r.Body.Close(); r.StatusCode != want {
			t.Errorf("%s: %d, want %d", method, r.StatusCode, want)
		}
	}
	if got := newest(t, w, l); got != "12" {
		t.Errorf("in the end it is at %s, want 12", got)
	}
}

// A tree without leaves is cosigned as well, and where nothing was cosigned before there is nothing to prove.
func TestFirstCheckpoint(t *testing.T) {
	dir := t.TempDir()
	l := newLog(t, origin, 5, "a")
	w := open(t, dir, l)
	if a := do(w, body(0, make([]tlog.Hash, 1), l.signed(5))); a.status != http.StatusUnprocessableEntity {
		t.Errorf("a proof from nothing: %v", a)
	}
	if files := evidence(t, dir); len(files) != 0 {
		t.Errorf("where nothing was cosigned, there is evidence: %q", files)
	}
	no := must(note.Sign(&note.Note{Text: fmt.Sprintf("%s\n0\n%s\n", origin, tlog.Hash{})}, l.signer))
	if a := do(w, body(0, nil, no)); a.status != http.StatusConflict || a.kind == "text/x.tlog.size" {
		t.Errorf("an empty tree with a root of its own: %v", a)
	}
	empty := fmt.Sprintf("%s\n0\n%s\n", origin, base64.StdEncoding.EncodeToString(sha256.New().Sum(nil)))
	cosigned(t, w, empty, do(w, body(0, nil, must(note.Sign(&note.Note{Text: empty}, l.signer)))))
	cosigned(t, w, l.text(5), do(w, l.request(0, 5)))
}

// A cosignature is what others make of the page of C2SP on tlog-cosignature: the library, and the page by hand.
func TestCosignature(t *testing.T) {
	l := newLog(t, origin, 5, "a")
	w := open(t, t.TempDir(), l)
	before := time.Now().Unix()
	s := cosigned(t, w, l.text(5), do(w, l.request(0, 5)))

	v := must(cosignature.NewVerifierForCosignatureV1(w.Key().String()))
	signed := appended(l.signed(5), fmt.Appendf(nil, "— %s %s\n", s.Name, s.Base64))
	if n := must(note.Open(signed, note.VerifierList(v, l.key))); len(n.Sigs) != 2 || len(n.UnverifiedSigs) != 0 {
		t.Errorf("the library verifies %d signatures, want 2", len(n.Sigs))
	}

	parts := strings.SplitN(w.Key().String(), "+", 3)
	key := must(base64.StdEncoding.DecodeString(parts[2]))
	if parts[0] != "witness.example/w" || len(key) != 33 || key[0] != 4 {
		t.Fatalf("the key %q is not that of an Ed25519 cosigner", w.Key())
	}
	id := sha256.Sum256(append([]byte("witness.example/w\n"), key...))
	raw := must(base64.StdEncoding.DecodeString(s.Base64))
	if len(raw) != 4+8+64 || !bytes.Equal(raw[:4], id[:4]) {
		t.Fatalf("the signature %x does not begin with the key's id %x", raw, id[:4])
	}
	at := binary.BigEndian.Uint64(raw[4:12])
	if int64(at) < before || int64(at) > time.Now().Unix() {
		t.Errorf("it is of %d, and it was made at %d", at, before)
	}
	message := fmt.Sprintf("cosignature/v1\ntime %d\n%s", at, l.text(5))
	if !ed25519.Verify(key[1:], []byte(message), raw[12:]) {
		t.Error("it is not an Ed25519 signature of the message")
	}
}

// The same checkpoint again gets a cosignature of the time when it is asked for.
func TestFreshTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLog(t, origin, 5, "a")
		w := open(t, t.TempDir(), l)
		first := cosigned(t, w, l.text(5), do(w, l.request(0, 5)))
		time.Sleep(time.Hour)
		second := cosigned(t, w, l.text(5), do(w, l.request(5, 5)))
		a, b := must(cosignature.CoSigV1Timestamp(first)), must(cosignature.CoSigV1Timestamp(second))
		if b.Sub(a) != time.Hour {
			t.Errorf("cosigned at %v, and an hour later at %v", a, b)
		}
	})
}

// What a witness has cosigned binds it after a restart, whichever key the log has by then. So does which logs it follows.
func TestRestart(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "below", "w")
	l, other := newLog(t, origin, 9, "a"), newLog(t, "log.example/other", 3, "a")
	w := open(t, dir, l, other)
	key := w.Key().String()
	cosigned(t, w, l.text(5), do(w, l.request(0, 5)))
	w.Close()

	w = open(t, dir)
	if got := w.Key().String(); got != key {
		t.Errorf("its key is %s, and was %s", got, key)
	}
	if got := newest(t, w, l); got != "5" {
		t.Errorf("it is at %s, want 5", got)
	}
	if got := newest(t, w, other); got != "0" {
		t.Errorf("of the other log it is at %s, want 0", got)
	}
	next := newLog(t, origin, 0, "")
	next.hashes, next.size = l.hashes, l.size
	if err := w.Follow(next.key); err != nil {
		t.Fatal(err)
	}
	cosigned(t, w, next.text(7), do(w, next.request(5, 7)))
	cosigned(t, w, l.text(9), do(w, l.request(7, 9)))
	w.Close()
	if got := newest(t, open(t, dir), next); got != "9" {
		t.Errorf("it is at %s, want 9", got)
	}
}

// A witness that can't be what it was refuses to start.
func TestOpenRefuses(t *testing.T) {
	for _, test := range []struct {
		name string
		do   func(dir string) error
		want string
	}{
		{"others can read the key", func(dir string) error { return os.Chmod(filepath.Join(dir, "key"), 0o640) }, "chmod 600"},
		{"the key is gone", func(dir string) error { return os.Remove(filepath.Join(dir, "key")) }, "key that cosigned them is missing"},
		{"the key is cut short", func(dir string) error { return os.Truncate(filepath.Join(dir, "key"), 40) }, "reading its key"},
		{"the key is a link", func(dir string) error {
			path := filepath.Join(dir, "key")
			return errors.Join(os.Rename(path, path+".far"), os.Symlink(path+".far", path))
		}, "it must be a file"},
		{"the key is a directory", func(dir string) error {
			path := filepath.Join(dir, "key")
			return errors.Join(os.Remove(path), os.Mkdir(path, 0o700))
		}, "it must be a file"},
		{"a checkpoint was changed", func(dir string) error {
			path := checkpointFile(dir)
			return os.WriteFile(path, bytes.Replace(must(os.ReadFile(path)), []byte("\n5\n"), []byte("\n4\n"), 1), 0o600)
		}, "is damaged"},
		{"a checkpoint is empty", func(dir string) error { return os.Truncate(checkpointFile(dir), 0) }, "is damaged"},
		{"the logs are damaged", func(dir string) error { return os.Truncate(filepath.Join(dir, "logs"), 20) }, "logs that it follows"},
	} {
		dir := t.TempDir()
		l := newLog(t, origin, 5, "a")
		w := open(t, dir, l)
		cosigned(t, w, l.text(5), do(w, l.request(0, 5)))
		w.Close()
		if err := test.do(dir); err != nil {
			t.Fatal(err)
		}
		if _, err := witness.Open(witness.Config{Dir: dir}); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.name, err, test.want)
		}
	}
}

// A checkpoint in the place of another log's is none of that log.
func TestCheckpointsSwapped(t *testing.T) {
	dir := t.TempDir()
	l, other := newLog(t, origin, 5, "a"), newLog(t, "log.example/other", 5, "b")
	w := open(t, dir, l, other)
	cosigned(t, w, l.text(5), do(w, l.request(0, 5)))
	path := checkpointFile(dir)
	cosigned(t, w, other.text(5), do(w, other.request(0, 5)))
	w.Close()
	for _, file := range must(filepath.Glob(filepath.Join(dir, "checkpoints", "*"))) {
		if file != path {
			if err := os.Rename(path, file); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := witness.Open(witness.Config{Dir: dir}); err == nil || !strings.Contains(err.Error(), `it is of "log.example/one"`) {
		t.Errorf("it is opened: %v", err)
	}
}

// Signatures by strangers, as many as a note holds, are neither kept nor in the way of the witness's next start.
func TestStrangersSign(t *testing.T) {
	dir := t.TempDir()
	l := newLog(t, origin, 5, "a")
	w := open(t, dir, l)
	signed := l.signed(5)
	for i := range 99 {
		signed = appended(signed, cosignAt(newCosigner(t, fmt.Sprint("stranger", i)), l.text(5), 1))
	}
	cosigned(t, w, l.text(5), do(w, body(0, nil, signed)))
	if kept := string(must(os.ReadFile(checkpointFile(dir)))); strings.Count(kept, "— ") != 2 || strings.Contains(kept, "stranger") {
		t.Errorf("it keeps %q", kept)
	}
	w.Close()
	if got := newest(t, open(t, dir), l); got != "5" {
		t.Errorf("it is at %s, want 5", got)
	}
}

// checkpointFile returns the path of the one checkpoint in a witness's directory.
func checkpointFile(dir string) string {
	files := must(filepath.Glob(filepath.Join(dir, "checkpoints", "*")))
	if len(files) != 1 {
		panic(fmt.Sprint(files))
	}
	return files[0]
}

func TestNames(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"two words", "one+two", "\xff"} {
		if _, err := witness.Open(witness.Config{Dir: dir, Name: name}); err == nil || !strings.Contains(err.Error(), "no space or plus") {
			t.Errorf("the name %q: %v", name, err)
		}
	}
	w := must(witness.Open(witness.Config{Dir: dir}))
	name := w.Key().Name()
	if _, err := witness.Open(witness.Config{Dir: dir}); err == nil || !strings.Contains(err.Error(), "another witness") {
		t.Errorf("two at once: %v", err)
	}
	w.Close()
	if _, err := witness.Open(witness.Config{Dir: dir, Name: "other"}); err == nil || !strings.Contains(err.Error(), name) {
		t.Errorf("another name than before: %v", err)
	}
	must(witness.Open(witness.Config{Dir: dir, Name: name})).Close()
	if mode := must(os.Stat(filepath.Join(dir, "key"))).Mode(); mode.Perm() != 0o600 {
		t.Errorf("the key has the mode %v", mode)
	}
}

// onAnswer runs a function when the first byte of an answer is written, and loses the answer.
type onAnswer struct {
	httptest.ResponseRecorder
	do func()
}

func (o *onAnswer) WriteHeader(int)           { o.do() }
func (o *onAnswer) Write([]byte) (int, error) { o.do(); return 0, net.ErrClosed }

// A crash between the checkpoint's coming to disk and the answer: the log asks again, learns the size, and gets its cosignature.
func TestCrashBeforeTheAnswer(t *testing.T) {
	dir := t.TempDir()
	l := newLog(t, origin, 9, "a")
	w := open(t, dir, l)
	cosigned(t, w, l.text(5), do(w, l.request(0, 5)))
	var onDisk string
	lost := &onAnswer{do: func() { onDisk = string(must(os.ReadFile(checkpointFile(dir)))) }}
	w.ServeHTTP(lost, httptest.NewRequest(http.MethodPost, "/add-checkpoint", strings.NewReader(l.request(5, 8))))
	if !strings.HasPrefix(onDisk, l.text(8)) {
		t.Fatalf("when it answered there was on disk %q", onDisk)
	}
	w.Close()
	if err := os.WriteFile(checkpointFile(dir)+".new", []byte("half of a"), 0o600); err != nil { // left by a crash while writing
		t.Fatal(err)
	}

	w = open(t, dir)
	if a := do(w, l.request(5, 8)); a != (answer{409, "text/x.tlog.size", "8\n"}) {
		t.Errorf("asked as before: %v", a)
	}
	cosigned(t, w, l.text(8), do(w, l.request(8, 8)))
	cosigned(t, w, l.text(9), do(w, l.request(8, 9)))
}

// What could not be written to disk is not cosigned, and changes nothing.
func TestDiskFails(t *testing.T) {
	dir := t.TempDir()
	l := newLog(t, origin, 9, "a")
	w := open(t, dir, l)
	cosigned(t, w, l.text(5), do(w, l.request(0, 5)))
	checkpoints, away := filepath.Join(dir, "checkpoints"), filepath.Join(dir, "away")
	if err := os.Rename(checkpoints, away); err != nil {
		t.Fatal(err)
	}
	if a := do(w, l.request(5, 8)); a.status != http.StatusInternalServerError || strings.Contains(a.body, "— ") {
		t.Errorf("with no place for it: %v", a)
	}
	if err := os.Rename(away, checkpoints); err != nil {
		t.Fatal(err)
	}
	if got := newest(t, w, l); got != "5" {
		t.Errorf("it is at %s, want 5", got)
	}
	cosigned(t, w, l.text(8), do(w, l.request(5, 8)))
}

// Of requests that begin at one size, one is cosigned: a later one would roll back what the first was told. What was cosigned last is what
// is on disk.
func TestRaces(t *testing.T) {
	const rounds, asked = 20, 6
	l := newLog(t, origin, rounds*asked, "a")
	dir := t.TempDir()
	w := open(t, dir, l)
	address, client := serve(t, w)
	at := int64(0)
	for range rounds {
		var all sync.WaitGroup
		answers := make([]answer, asked)
		for i := range asked {
			all.Go(func() { answers[i] = post(t, client, address, l.request(at, at+int64(i)+1)) })
		}
		all.Wait()
		won := int64(0)
		for i, a := range answers {
			switch a.status {
			case http.StatusOK:
				if won != 0 {
					t.Fatalf("from %d, both %d and %d were cosigned", at, won, at+int64(i)+1)
				}
				won = at + int64(i) + 1
			case http.StatusConflict:
			default:
				t.Fatalf("answered %v", a)
			}
		}
		if got := newest(t, w, l); won == 0 || got != fmt.Sprint(won) {
			t.Fatalf("%d was cosigned, and it is at %s", won, got)
		}
		at = won
	}
	if onDisk := string(must(os.ReadFile(checkpointFile(dir)))); !strings.HasPrefix(onDisk, l.text(at)) {
		t.Errorf("%d was cosigned last, and on disk there is %q", at, onDisk)
	}
}

// Run answers until it is told to end, and then ends.
func TestRun(t *testing.T) {
	l := newLog(t, origin, 5, "a")
	w := open(t, t.TempDir(), l)
	listener := must(net.Listen("tcp", "127.0.0.1:0"))
	done := make(chan error)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { done <- w.Run(ctx, listener) }()
	client := &http.Client{Transport: new(http.Transport)}
	defer client.CloseIdleConnections()
	cosigned(t, w, l.text(5), post(t, client, "http://"+listener.Addr().String(), l.request(0, 5)))
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
