package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// file is something that is served as it is.
type file struct {
	kind     string // media type
	cache    string // Cache-Control
	sum      [sha256.Size]byte
	contents []byte
	encoded  map[string][]byte // by content coding; one that saves nothing is not there
}

// How long a browser keeps a file: for ever if its name changes with its contents, and otherwise until it has asked again.
const (
	forEver  = "public, max-age=31536000, immutable"
	askAgain = "no-cache"
)

// codings are what a file may be encoded with, the best first.
var codings = []string{"br", "gzip"}

func newFile(kind, cache string, contents []byte) *file {
	return &file{kind: kind, cache: cache, sum: sha256.Sum256(contents), contents: contents, encoded: make(map[string][]byte)}
}

// serve answers with the file, in the best encoding that is asked for.
func (f *file) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	contents, tag := f.contents, base64.RawURLEncoding.EncodeToString(f.sum[:16])
	for _, coding := range codings {
		if encoded, ok := f.encoded[coding]; ok && accepts(r, coding) {
			contents, tag = encoded, tag+"-"+coding
			h.Set("Content-Encoding", coding)
			break
		}
	}
	h.Set("Content-Type", f.kind)
	h.Set("Cache-Control", f.cache)
	h.Set("ETag", `"`+tag+`"`)
	h.Set("Vary", "Accept-Encoding")
	h.Set("Content-Length", strconv.Itoa(len(contents))) // ServeContent leaves it out of what is encoded
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(contents))
}

// accepts tells whether a request names a content coding, and not only to refuse it.
func accepts(r *http.Request, coding string) bool {
	for _, offer := range strings.Split(strings.Join(r.Header.Values("Accept-Encoding"), ","), ",") {
		name, weight, _ := strings.Cut(strings.ReplaceAll(offer, " ", ""), ";")
		if strings.EqualFold(name, coding) {
			q, err := strconv.ParseFloat(strings.TrimPrefix(weight, "q="), 64)
			return err != nil || q > 0
		}
	}
	return false
}
