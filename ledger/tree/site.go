//go:build !js

package tree

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"net/http"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// Site serves a tree over HTTP as C2SP tlog-tiles: the checkpoint and the hash tiles to everybody, entry bundles and entries to whom
// Allow lets. Nothing that the newest checkpoint does not cover exists there.
type Site struct {
	Tree *Store
	// Allow decides who is given a Part. It must be safe for concurrent use. Nil allows nobody.
	Allow func(*http.Request, Part) bool
}

// Part is a part of a tree that is not for everybody.
type Part string

// The parts of a tree that are not for everybody.
const (
	Bundles Part = "entries" // leaves, as C2SP has entries
	Data    Part = "data"    // the entries themselves, each after its length in four bytes; those after the last sealed one are left out
)

const (
	forEver    = "max-age=31536000, immutable"
	forSeconds = "max-age=5"
)

// IsPath tells whether a path is one of a Site's, where something else is served beside it.
func IsPath(path string) bool {
	return path == "/"+checkpointName || strings.HasPrefix(path, "/tile/")
}

// ServeHTTP implements http.Handler.
func (s *Site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store") // of errors
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		http.Error(w, "only GET and HEAD", http.StatusMethodNotAllowed)
		return
	}
	path := r.URL.EscapedPath()
	if path == "/"+checkpointName {
		if _, signed := s.Tree.Checkpoint(); signed != nil {
			answer(w, r, "text/plain; charset=utf-8", "public, "+forSeconds, signed)
			return
		}
	}
	part, t, ok := parsePath(path)
	if ok && part != "" && (s.Allow == nil || !s.Allow(r, part)) {
		h.Set("WWW-Authenticate", "Bearer")
		http.Error(w, "this part of the log is not for everybody", http.StatusUnauthorized)
		return
	}
	if !ok {
		http.NotFound(w, r)
		return
	}
	contents, cache, err := s.read(part, t)
	switch {
	case errors.Is(err, ErrDamaged):
		http.Error(w, "the tree is damaged there", http.StatusInternalServerError)
	case err != nil:
		http.NotFound(w, r)
	default:
		answer(w, r, "application/octet-stream", cache, contents)
	}
}

func answer(w http.ResponseWriter, r *http.Request, kind, cache string, contents []byte) {
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Cache-Control", cache)
	h.Set("Content-Length", strconv.Itoa(len(contents)))
	if r.Method == http.MethodGet {
		_, _ = w.Write(contents) // whoever asked has gone
	}
}

// parsePath reads the path of a tile, an entry bundle or a data file, in the one form there is of it.
func parsePath(path string) (Part, tlog.Tile, bool) {
	var part Part
	place, tile := strings.CutPrefix(path, "/tile/")
	for _, p := range []Part{Bundles, Data} {
		if n, ok := strings.CutPrefix(place, string(p)+"/"); ok {
			part, place = p, "0/"+n
		}
	}
	if !tile {
		return "", tlog.Tile{}, false
	}
	t, err := tlog.ParseTilePath("tile/" + strconv.Itoa(tileHeight) + "/" + place)
	ok := err == nil && t.L >= 0 && t.N >= 0 && t.N < MaxSize && (part != Data || t.W == tileWidth)
	return part, t, ok
}

// read returns what is served of a tile, and for how long it may be kept. It fails with fs.ErrNotExist for what is not there or not
// covered by the newest checkpoint.
func (s *Site) read(part Part, t tlog.Tile) (contents []byte, cache string, err error) {
	c, _ := s.Tree.Checkpoint()
	covered := widthAt(c.Size, t.L, t.N)
	switch {
	case part == Data && covered > 0:
		if contents, err = s.data(uint64(t.N), covered); covered < tileWidth {
			return contents, "private, " + forSeconds, err
		}
		return contents, "private, " + forEver, err
	case covered < t.W:
		return nil, "", fs.ErrNotExist
	case part == Bundles:
		contents, err = s.exactly(bundlePath(uint64(t.N), t.W), t, 2+LeafSize)
		return contents, "private, " + forEver, err
	}
	contents, err = s.exactly(tilePath(t), t, tlog.HashSize)
	return contents, "public, " + forEver, err
}

// exactly reads the file of a tile. A partial one is gone once there is a full one.
func (s *Site) exactly(name string, t tlog.Tile, each int) ([]byte, error) {
	contents, err := s.Tree.files.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) && t.W < tileWidth {
		return nil, err
	}
	if err != nil || len(contents) != t.W*each {
		return nil, errors.Join(ErrDamaged, err)
	}
	return contents, nil
}

// data returns the sealed entries of a data file as they stand in it.
func (s *Site) data(n uint64, width int) (contents []byte, _ error) {
	entries, err := s.Tree.block(n, width)
	for _, e := range entries {
		contents = binary.BigEndian.AppendUint32(contents, uint32(len(e)))
		contents = append(contents, e...)
	}
	return contents, err
}
