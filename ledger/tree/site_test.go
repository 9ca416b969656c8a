package tree_test

import (
	"bytes"
	"encoding/binary"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/phrledger/phr/ledger/tree"
)

// siteOf returns a site with a tree of several sizes in turn, on a disk; it lets those through who name a part in a header.
func siteOf(t testing.TB, d *disk, sizes ...int) *tree.Site {
	s := sealer(t, d)
	have := 0
	for _, size := range sizes {
		appendTo(t, s, entriesFrom(have, size-have))
		have = size
	}
	return &tree.Site{Tree: s, Allow: func(r *http.Request, part tree.Part) bool { return r.Header.Get("May") == string(part) }}
}

func ask(site http.Handler, method, path, may string) *http.Response {
	r := httptest.NewRequest(method, "/", nil)
	r.URL.Path, r.URL.RawPath = path, ""
	r.Header.Set("May", may)
	w := httptest.NewRecorder()
	site.ServeHTTP(w, r)
	return w.Result()
}

func body(t testing.TB, r *http.Response) []byte {
	t.Helper()
	var b bytes.Buffer
	if _, err := b.ReadFrom(r.Body); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// What is sealed is served to whom it is for, as long to be kept as it stays so; nothing else is there.
func TestSite(t *testing.T) {
	d := newDisk()
	site := siteOf(t, d, 100, 300, 600)
	_, signed := site.Tree.Checkpoint()
	file := func(name string) []byte {
		contents, err := d.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return contents
	}
	const kept, briefly = ", max-age=31536000, immutable", ", max-age=5"
	for _, test := range []struct {
		path, may string
		want      []byte
		cache     string
	}{
		{"/checkpoint", "", signed, "public" + briefly},
		{"/tile/0/000", "", file("tile/0/000"), "public" + kept},
		{"/tile/0/002.p/88", "", file("tile/0/002.p/88"), "public" + kept},
		{"/tile/1/000.p/1", "", file("tile/1/000.p/1"), "public" + kept}, // of an earlier checkpoint
		{"/tile/1/000.p/2", "", file("tile/1/000.p/2"), "public" + kept},
		{"/tile/entries/000", "entries", file("tile/entries/000"), "private" + kept},
		{"/tile/entries/002.p/88", "entries", file("tile/entries/002.p/88"), "private" + kept},
		{"/tile/data/000", "data", file("tile/data/000"), "private" + kept},
		{"/tile/data/002", "data", file("tile/data/002"), "private" + briefly},
	} {
		r := ask(site, http.MethodGet, test.path, test.may)
		if got := body(t, r); r.StatusCode != 200 || !bytes.Equal(got, test.want) {
			t.Errorf("%s: %s, %d bytes", test.path, r.Status, len(got))
		}
		kind := "application/octet-stream"
		if test.path == "/checkpoint" {
			kind = "text/plain; charset=utf-8"
		}
		for name, want := range map[string]string{
			"Cache-Control": test.cache, "Content-Type": kind, "X-Content-Type-Options": "nosniff", "Content-Length": strconv.Itoa(len(test.want)),
		} {
			if got := r.Header.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", test.path, name, got, want)
			}
		}
		head := ask(site, http.MethodHead, test.path, test.may)
		if got := body(t, head); head.StatusCode != 200 || len(got) != 0 || head.Header.Get("Content-Length") != strconv.Itoa(len(test.want)) {
			t.Errorf("HEAD %s: %s, %d bytes, %v", test.path, head.Status, len(got), head.Header)
		}
		if post := ask(site, http.MethodPost, test.path, test.may); post.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("POST %s: %s", test.path, post.Status)
		}
		if test.may != "" {
			for _, may := range []string{"", "tiles", map[string]string{"data": "entries", "entries": "data"}[test.may]} {
				r := ask(site, http.MethodGet, test.path, may)
				if got := body(t, r); r.StatusCode != 401 || r.Header.Get("WWW-Authenticate") != "Bearer" || bytes.Contains(test.want, got) {
					t.Errorf("%s for who may %q: %s %q", test.path, may, r.Status, got)
				}
			}
			nobody := &tree.Site{Tree: site.Tree}
			if r := ask(nobody, http.MethodGet, test.path, test.may); r.StatusCode != 401 {
				t.Errorf("%s where nobody may: %s", test.path, r.Status)
			}
		}
	}
}

// Only one spelling of a path is answered, and only what is covered.
func TestSiteRefuses(t *testing.T) {
	d := newDisk()
	site := siteOf(t, d, 600)
	// What an interrupted sealer has left.
	for _, name := range []string{"tile/0/002.p/90", "tile/0/002", "tile/0/003", "tile/entries/002", "tile/data/003", "tile/1/000", "tile/1/000.p/3"} {
		if _, there := d.find(name[:strings.LastIndex(name, "/")]); !there {
			t.Fatalf("no directory for %s", name)
		}
		if err := d.Write(name, 0, make([]byte, 256*34)); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{
		"", "/", "/lock", "/checkpoint.new", "/checkpoint/", "//checkpoint", "/tile", "/tile/", "/tile/0", "/tile/0/", "/tile/0/0", "/tile/0/00", "/tile/0/0000",
		"/tile/0/x000/000", "/tile/00/000", "/tile/+0/000", "/tile/-1/000", "/tile/0/-01", "/tile/0/ 00", "/tile/0/000/", "/tile/0//000", "/tile/0/000.p", "/tile/0/000.p/",
		"/tile/0/000.p/0", "/tile/0/000.p/256", "/tile/0/000.p/01", "/tile/0/000.p/1", "/tile/0/002.p/90", "/tile/0/002", "/tile/0/003", "/tile/1/000", "/tile/1/000.p/3",
		"/tile/2/000.p/1", "/tile/6/000", "/tile/63/000", "/tile/64/000", "/tile/8/0/000", "/tile/entries/000.p/1", "/tile/entries/002", "/tile/entries/0/000",
		"/tile/data/003", "/tile/data/000.p/1", "/tile/data/002.p/88", "/tile/data/data/000", "/tile/entries/data/000", "/tile/data/entries/000",
		"/tile/0/../../checkpoint", "/tile/../checkpoint", "/../tree/checkpoint", "/tile/0/000\x00", "/tile/0/%30%30%30", "/tile/0/x", "/tile/0/x999/x999/x999/x999/x999/x999/x999/999",
		"/tile/0/" + strings.Repeat("x001/", 3000) + "000",
	} {
		for _, may := range []string{"entries", "data"} {
			r := ask(site, http.MethodGet, path, may)
			if r.StatusCode != 404 && (r.StatusCode != 401 || !strings.HasPrefix(path, "/tile/entries/") && !strings.HasPrefix(path, "/tile/data/")) {
				t.Errorf("%q: %s", path, r.Status)
			}
			if got := r.Header.Get("Cache-Control"); got != "no-store" {
				t.Errorf("%q: Cache-Control is %q", path, got)
			}
		}
	}
	if r := ask(&tree.Site{Tree: sealer(t, newDisk())}, http.MethodGet, "/checkpoint", ""); r.StatusCode != 404 {
		t.Errorf("the checkpoint of an empty tree: %s", r.Status)
	}
}

// What is damaged is not passed on as if it were whole.
func TestSiteDamaged(t *testing.T) {
	d := newDisk()
	site := siteOf(t, d, 600)
	for path, may := range map[string]string{"tile/0/000": "", "tile/0/002.p/88": "", "tile/entries/001": "entries", "tile/data/000": "data", "tile/data/002": "data"} {
		contents, err := d.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for name, rotten := range map[string][]byte{"cut": contents[:len(contents)-1], "gone": nil} {
			d.put(t, path, rotten)
			want := 500
			if name == "gone" && strings.Contains(path, ".p/") {
				want = 404 // as if there were a full one by now
			}
			if r := ask(site, http.MethodGet, "/"+path, may); r.StatusCode != want || bytes.Contains(body(t, r), []byte("tree/")) {
				t.Errorf("%s %s: %s, want %d", path, name, r.Status, want)
			}
			if err := d.Write(path, 0, contents); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// Whatever the path, an answer is a piece of what is sealed.
func FuzzSite(f *testing.F) {
	for _, path := range []string{"/checkpoint", "/tile/0/000", "/tile/0/002.p/88", "/tile/entries/002.p/88", "/tile/data/002", "/tile/1/000.p/2", "/tile/0/x001/000", "/tile/../lock"} {
		f.Add(path)
	}
	d := newDisk()
	site := siteOf(f, d, 600)
	site.Allow = func(*http.Request, tree.Part) bool { return true }
	f.Fuzz(func(t *testing.T, path string) {
		r := ask(site, http.MethodGet, path, "")
		if r.StatusCode == 404 {
			return
		}
		want, err := d.ReadFile(strings.TrimPrefix(path, "/"))
		if got := body(t, r); r.StatusCode != 200 || err != nil || !bytes.Equal(got, want) || len(want) == 0 {
			t.Errorf("%q: %s, %d bytes, %v", path, r.Status, len(got), err)
		}
	})
}

// Entries are served whole: each after its length.
func TestSiteData(t *testing.T) {
	site := siteOf(t, newDisk(), 300)
	data := body(t, ask(site, http.MethodGet, "/tile/data/001", "data"))
	for i := 256; i < 300; i++ {
		n := binary.BigEndian.Uint32(data)
		if !bytes.Equal(data[4:4+n], entry(i)) {
			t.Fatalf("entry %d is %q", i, data[4:4+n])
		}
		data = data[4+n:]
	}
	if len(data) != 0 {
		t.Errorf("%d bytes follow", len(data))
	}
}
