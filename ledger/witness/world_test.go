package witness_test

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.uber.org/goleak"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/phrledger/phr/ledger/witness"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// aLog is a log that says what a test wants it to.
type aLog struct {
	signer note.Signer
	key    witness.Key
	hashes []tlog.Hash // of its tree, as tlog stores them
	size   int64
}

// newLog makes a log with n leaves. Trees of different seeds differ from their first leaf on.
func newLog(t testing.TB, origin string, n int64, seed string) *aLog {
	t.Helper()
	secret, public, err := note.GenerateKey(rand.Reader, origin)
	if err != nil {
		t.Fatal(err)
	}
	l := &aLog{signer: must(note.NewSigner(secret)), key: must(witness.ParseKey(public))}
	l.grow(n, seed)
	return l
}

// grow appends leaves up to size n.
func (l *aLog) grow(n int64, seed string) {
	for ; l.size < n; l.size++ {
		l.hashes = append(l.hashes, must(tlog.StoredHashes(l.size, fmt.Appendf(nil, "%s %d", seed, l.size), l))...)
	}
}

// forked returns another tree of the same log.
func (l *aLog) forked(n int64, seed string) *aLog {
	f := &aLog{signer: l.signer, key: l.key}
	f.grow(n, seed)
	return f
}

// ReadHashes makes the log a tlog.HashReader.
func (l *aLog) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	var hashes []tlog.Hash
	for _, i := range indexes {
		hashes = append(hashes, l.hashes[i])
	}
	return hashes, nil
}

// text returns the text of the checkpoint of size n.
func (l *aLog) text(n int64) string {
	return fmt.Sprintf("%s\n%d\n%s\n", l.key.Name(), n, must(tlog.TreeHash(n, l)))
}

// signed returns the checkpoint of size n, signed.
func (l *aLog) signed(n int64) []byte {
	return must(note.Sign(&note.Note{Text: l.text(n)}, l.signer))
}

// prove returns what Ask takes: the proof that the tree of size n extends an older one.
func (l *aLog) prove(n int64) func(uint64) ([]tlog.Hash, error) {
	return func(old uint64) ([]tlog.Hash, error) { return tlog.ProveTree(n, int64(old), l) }
}

// request is the body that asks for a cosignature of the checkpoint of size n.
func (l *aLog) request(old, n int64) string {
	var proof tlog.TreeProof
	if old > 0 && old < n {
		proof = must(tlog.ProveTree(n, old, l))
	}
	return body(old, proof, l.signed(n))
}

func body(old int64, proof []tlog.Hash, signed []byte) string {
	var b strings.Builder
	fmt.Fprintf(&b, "old %d\n", old)
	for _, h := range proof {
		fmt.Fprintln(&b, h)
	}
	fmt.Fprintf(&b, "\n%s", signed)
	return b.String()
}

// open opens a witness that follows logs, until the test ends.
func open(t testing.TB, dir string, logs ...*aLog) *witness.Witness {
	t.Helper()
	w, err := witness.Open(witness.Config{Dir: dir, Name: "witness.example/w"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	for _, l := range logs {
		if err := w.Follow(l.key); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

// serve lets a witness answer over HTTP, until the test ends.
func serve(t testing.TB, h http.Handler) (address string, client *http.Client) {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL, s.Client()
}

// answer is what a witness answered.
type answer struct {
	status int
	kind   string
	body   string
}

func post(t testing.TB, client *http.Client, address, body string) answer {
	t.Helper()
	r, err := client.Post(address+"/add-checkpoint", "", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	return answer{r.StatusCode, r.Header.Get("Content-Type"), string(must(io.ReadAll(r.Body)))}
}

// do asks a witness in this process.
func do(w http.Handler, body string) answer {
	rw := httptest.NewRecorder()
	w.ServeHTTP(rw, httptest.NewRequest(http.MethodPost, "/add-checkpoint", strings.NewReader(body)))
	return answer{rw.Code, rw.Header().Get("Content-Type"), rw.Body.String()}
}

// cosigned fails the test unless a witness has cosigned a text, and returns the signature.
func cosigned(t testing.TB, w *witness.Witness, text string, a answer) note.Signature {
	t.Helper()
	if a.status != http.StatusOK {
		t.Fatalf("answered %d %q", a.status, a.body)
	}
	n, err := note.Open([]byte(text+"\n"+a.body), note.VerifierList(w.Key()))
	if err != nil {
		t.Fatal(err)
	}
	return n.Sigs[0]
}

// newest returns the size that a witness has cosigned of a log last, as it tells by a request that can't be right.
func newest(t testing.TB, w http.Handler, l *aLog) string {
	t.Helper()
	a := do(w, body(1<<40, nil, must(note.Sign(&note.Note{Text: fmt.Sprintf("%s\n%d\n%s\n", l.key.Name(), uint64(1<<41), tlog.Hash{})}, l.signer))))
	if a.status != http.StatusConflict || a.kind != "text/x.tlog.size" {
		t.Fatalf("asked for its size, the witness answers %v", a)
	}
	return strings.TrimSuffix(a.body, "\n")
}

// appended returns a note with more signature lines.
func appended(signed []byte, lines ...[]byte) []byte {
	return bytes.Join(append([][]byte{signed}, lines...), nil)
}
