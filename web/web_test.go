package web_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/andybalholm/brotli"

	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/web"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

var script = bytes.Repeat([]byte("console.log('phr');\n"), 200)

// build is a page of two files, and a program that is none.
func build(t testing.TB) *web.Build {
	t.Helper()
	wasm := bytes.Repeat([]byte("\x00asm"), 500)
	b, err := web.BuildOf(fstest.MapFS{
		"index.html":            {Data: []byte("<!doctype html><title>phr</title>")},
		"assets/index-3f9a.js":  {Data: script},
		"assets/i-8a01.woff2":   {Data: []byte{1, 2, 3}},
		"manifest.webmanifest":  {Data: []byte("{}")},
		"assets/index-77b1.css": {Data: []byte("body { color: black }")},
	}, fstest.MapFS{
		"phr.wasm.br": {Data: web.Shrink(wasm)}, "phr.wasm.gz": {Data: web.Zip(wasm)},
		"wasm_exec.js": {Data: []byte("globalThis.Go = 1")}, "go.version": {Data: []byte("go1.99\n")},
	})
	must(t, err)
	return b
}

// served is a handler at work, and its URL without the last slash.
func served(t testing.TB, c web.Config) string {
	t.Helper()
	if c.Build == nil {
		c.Build = build(t)
	}
	h, err := web.New(c)
	must(t, err)
	return serve(t, h)
}

func serve(t testing.TB, h http.Handler) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- web.Serve(ctx, l, h, slog.New(slog.DiscardHandler)) }()
	t.Cleanup(func() {
		stop()
		<-done
	})
	return strings.TrimSuffix(web.LocalURL(l.Addr()), "/")
}

// do asks for something, with headers by name and value in turn, and returns the answer with its body as it came.
func do(t testing.TB, method, url string, headers ...string) (*http.Response, []byte) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	must(t, err)
	r.Header.Set("Accept-Encoding", "identity")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	if host := r.Header.Get("Host"); host != "" {
		r.Host = host
	}
	transport := &http.Transport{DisableCompression: true}
	defer transport.CloseIdleConnections()
	answer, err := transport.RoundTrip(r)
	must(t, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	must(t, err)
	return answer, body
}

// Every answer tells the browser what the page may do, also where there is no page.
func TestProtection(t *testing.T) {
	url := served(t, web.Config{People: []web.Person{{ID: "amara"}}})
	want := map[string]string{
		"Content-Security-Policy": "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; style-src 'self'; " +
			"img-src 'self' blob:; font-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; " +
			"require-trusted-types-for 'script'; trusted-types svelte-trusted-html phr",
		"Cross-Origin-Opener-Policy":   "same-origin",
		"Cross-Origin-Embedder-Policy": "require-corp",
		"Cross-Origin-Resource-Policy": "same-origin",
		"X-Content-Type-Options":       "nosniff",
		"Referrer-Policy":              "no-referrer",
		"Strict-Transport-Security":    "",
	}
	for _, tt := range []struct {
		method, path string
		status       int
	}{
		{"GET", "/", 200},
		{"HEAD", "/", 200},
		{"POST", "/", 405},
		{"GET", "/index.html", 200},
		{"GET", "/about.json", 200},
		{"GET", "/phr.wasm", 200},
		{"GET", "/wasm_exec.js", 200},
		{"GET", "/assets/index-3f9a.js", 200},
		{"GET", "/assets/", 404},
		{"GET", "/../web.go", 404},
		{"GET", "/nothing", 404},
		{"GET", "/nats", 403},
		{"GET", "/demo/people/amara", 405},
		{"POST", "/demo/people/amara", 403},
		{"POST", "/demo/people/nobody", 404},
	} {
		answer, _ := do(t, tt.method, url+tt.path)
		if answer.StatusCode != tt.status {
			t.Errorf("%s %s: %s, want %d", tt.method, tt.path, answer.Status, tt.status)
		}
		for name, value := range want {
			if got := answer.Header.Get(name); got != value {
				t.Errorf("%s %s: %s is %q, want %q", tt.method, tt.path, name, got, value)
			}
		}
		allowed := answer.Header.Get("Permissions-Policy")
		if strings.Count(allowed, "=(self)") != 2 || strings.Count(allowed, "=") != 2+strings.Count(allowed, "=()") || !strings.Contains(allowed, "camera=()") {
			t.Errorf("%s %s: Permissions-Policy is %q", tt.method, tt.path, allowed)
		}
	}
}

// Each file comes as what it is, whole in each encoding, once, and under the hash that about.json gives it.
func TestFiles(t *testing.T) {
	url := served(t, web.Config{Version: "v9"})
	_, said := do(t, "GET", url+"/about.json")
	var about struct {
		Version, Go string
		Files       map[string]string
	}
	must(t, json.Unmarshal(said, &about))
	if about.Version != "v9" || about.Go != "go1.99" || len(about.Files) != 7 {
		t.Errorf("about: %+v", about)
	}
	for path, kind := range map[string]string{
		"/index.html": "text/html; charset=utf-8", "/assets/index-3f9a.js": "text/javascript; charset=utf-8", "/phr.wasm": "application/wasm",
		"/assets/i-8a01.woff2": "font/woff2", "/manifest.webmanifest": "application/manifest+json", "/assets/index-77b1.css": "text/css; charset=utf-8",
		"/wasm_exec.js": "text/javascript; charset=utf-8",
	} {
		whole, contents := do(t, "GET", url+path)
		if sum := sha256.Sum256(contents); hex.EncodeToString(sum[:]) != about.Files[path] {
			t.Errorf("%s is not what about.json says", path)
		}
		if got := whole.Header.Get("Content-Type"); got != kind {
			t.Errorf("%s is %q, want %q", path, got, kind)
		}
		cache := "no-cache"
		if strings.HasPrefix(path, "/assets/") {
			cache = "public, max-age=31536000, immutable"
		}
		if got := whole.Header.Get("Cache-Control"); got != cache {
			t.Errorf("%s: Cache-Control %q, want %q", path, got, cache)
		}
		head, _ := do(t, "HEAD", url+path)
		if head.ContentLength != int64(len(contents)) {
			t.Errorf("HEAD %s: %d bytes, want %d", path, head.ContentLength, len(contents))
		}
		for _, accepted := range []string{"gzip, deflate, br, zstd", "gzip", "br;q=0, gzip;q=0.5"} {
			answer, encoded := do(t, "GET", url+path, "Accept-Encoding", accepted)
			if got := decoded(t, answer, encoded); !bytes.Equal(got, contents) || len(encoded) > len(contents) || int64(len(encoded)) != answer.ContentLength {
				t.Errorf("%s for %q: %d bytes for %d", path, accepted, len(encoded), len(contents))
			}
			again, _ := do(t, "GET", url+path, "Accept-Encoding", accepted, "If-None-Match", answer.Header.Get("ETag"))
			if again.StatusCode != http.StatusNotModified || answer.Header.Get("Vary") != "Accept-Encoding" {
				t.Errorf("%s for %q, once more: %s", path, accepted, again.Status)
			}
		}
	}
	for accepted, want := range map[string]string{"br, gzip": "br", "gzip": "gzip", "br;q=0, gzip": "gzip", "GZIP ; q=1": "gzip", "identity": "", "brotli": "", "gzip;q=0": ""} {
		for _, path := range []string{"/assets/index-3f9a.js", "/phr.wasm"} {
			if answer, _ := do(t, "GET", url+path, "Accept-Encoding", accepted); answer.Header.Get("Content-Encoding") != want {
				t.Errorf("%s for %q: %q, want %q", path, accepted, answer.Header.Get("Content-Encoding"), want)
			}
		}
	}
}

func decoded(t testing.TB, answer *http.Response, body []byte) []byte {
	t.Helper()
	r := io.Reader(bytes.NewReader(body))
	var err error
	switch answer.Header.Get("Content-Encoding") {
	case "br":
		r = brotli.NewReader(r)
	case "gzip":
		r, err = gzip.NewReader(r)
		must(t, err)
	}
	contents, err := io.ReadAll(r)
	must(t, err)
	return contents
}

func TestUnknownKindOfFile(t *testing.T) {
	if _, err := web.BuildOf(fstest.MapFS{"page.exe": {}}, nil); err == nil {
		t.Error("it is served")
	}
}

// What has another name leading here gets nothing, and nobody's keys go to another page.
func TestAttack57_OtherOriginsAndNames(t *testing.T) {
	handed := []byte("keys of Amara")
	url := served(t, web.Config{
		Origins: []string{"https://phr.example.org"},
		People:  []web.Person{{ID: "amara", Handover: func() ([]byte, error) { return bytes.Clone(handed), nil }}},
	})
	_, port, err := net.SplitHostPort(strings.TrimPrefix(url, "http://"))
	must(t, err)
	for host, want := range map[string]int{
		"localhost:" + port: 200, "127.0.0.1:" + port: 200, "[::1]:" + port: 200, "localhost": 200, "phr.example.org": 200,
		"evil.example": 421, "localhost.evil.example:" + port: 421, "phr.example.org.evil.example": 421, "phr.example.org:" + port: 421, "127.0.0.2:" + port: 421,
	} {
		answer, body := do(t, "GET", url+"/", "Host", host)
		if answer.StatusCode != want || want != 200 && bytes.Contains(body, []byte("phr")) {
			t.Errorf("as %s: %s", host, answer.Status)
		}
		if got := answer.Header.Get("Strict-Transport-Security") != ""; got != (host == "phr.example.org") {
			t.Errorf("as %s: HSTS %t", host, got)
		}
	}
	for _, tt := range []struct {
		host, origin string
		want         int
	}{
		{"localhost:" + port, "http://localhost:" + port, 200},
		{"127.0.0.1:" + port, "http://127.0.0.1:" + port, 200},
		{"phr.example.org", "https://phr.example.org", 200},
		{"localhost:" + port, "https://phr.example.org", 200}, // by a proxy that names the server itself
		{"localhost:" + port, "", 403},
		{"localhost:" + port, "null", 403},
		{"localhost:" + port, "http://localhost:1", 403},
		{"localhost:" + port, "http://127.0.0.1:" + port, 403},
		{"localhost:" + port, "https://localhost:" + port, 403},
		{"localhost:" + port, "http://evil.example", 403},
		{"phr.example.org", "http://phr.example.org", 403},
		{"evil.example", "http://evil.example", 421},
	} {
		headers := []string{"Host", tt.host}
		if tt.origin != "" {
			headers = append(headers, "Origin", tt.origin)
		}
		answer, body := do(t, "POST", url+"/demo/people/amara", headers...)
		if answer.StatusCode != tt.want || (string(body) == base64.StdEncoding.EncodeToString(handed)) != (tt.want == 200) {
			t.Errorf("keys for %q as %s: %s", tt.origin, tt.host, answer.Status)
		}
		if tt.want != 200 {
			if answer, _ := do(t, "GET", url+"/nats", headers...); answer.StatusCode != tt.want {
				t.Errorf("the node for %q as %s: %s, want %d", tt.origin, tt.host, answer.Status, tt.want)
			}
		}
	}
	for _, origin := range []string{"phr.example.org", "https://phr.example.org/", "ftp://phr.example.org", "*", "https://"} {
		if _, err := web.New(web.Config{Build: build(t), Origins: []string{origin}}); err == nil {
			t.Errorf("%q is taken for an origin", origin)
		}
	}
}

// A page says which node it is for.
func TestAboutNode(t *testing.T) {
	node, err := protocol.ParseURL("phr://127.0.0.1:4222/wc6zo3bg6omdjxajo656k2mmx3sucxat")
	must(t, err)
	_, said := do(t, "GET", served(t, web.Config{Node: node})+"/about.json")
	var about struct {
		Node   string
		People []any
	}
	must(t, json.Unmarshal(said, &about))
	if about.Node != node.String() || about.People != nil {
		t.Errorf("%s", said)
	}
}
