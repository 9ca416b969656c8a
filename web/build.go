package web

import (
	"bytes"
	"compress/gzip"
	"context"
	"embed"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"sync"

	"github.com/andybalholm/brotli"
)

// dist is what web/app is built into.
//
//go:embed all:dist
var dist embed.FS

const indexPath = "/index.html"

// Build is one build of everything that is served. It does not change.
type Build struct {
	golang string           // version of Go that built the program
	files  map[string]*file // by path
}

// Open returns what this program serves. If it does not have the WebAssembly in it, that is built, which takes a while the first time:
// progress, if not nil, is called with a line that says so.
func Open(ctx context.Context, progress func(string)) (*Build, error) {
	program, err := openProgram(ctx, progress)
	if err != nil {
		return nil, fmt.Errorf("building what runs in the browser: %w", err)
	}
	b, err := OpenPage()
	if err != nil {
		return nil, err
	}
	if err := b.addProgram(program); err != nil {
		return nil, fmt.Errorf("reading what runs in the browser: %w", err)
	}
	return b, nil
}

// OpenPage returns the page without the program, which a Console does without.
func OpenPage() (*Build, error) {
	b := &Build{files: make(map[string]*file)}
	page, err := fs.Sub(dist, "dist")
	if err == nil {
		err = b.addPage(page)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the page: %w", err)
	}
	return b, nil
}

// addProgram adds the files of a program.
func (b *Build) addProgram(from fs.FS) error {
	zipped, err := fs.ReadFile(from, wasmName+".gz")
	if err != nil {
		return err
	}
	smallest, err := fs.ReadFile(from, wasmName+".br")
	if err != nil {
		return err
	}
	unzipped, err := gzip.NewReader(bytes.NewReader(zipped))
	if err != nil {
		return err
	}
	wasm, err := io.ReadAll(unzipped)
	if err != nil {
		return err
	}
	f := newFile("application/wasm", askAgain, wasm)
	f.encoded["br"], f.encoded["gzip"] = smallest, zipped
	b.files["/"+wasmName] = f
	support, err := fs.ReadFile(from, supportName)
	if err != nil {
		return err
	}
	b.files["/"+supportName] = compressed("text/javascript; charset=utf-8", askAgain, support)
	version, err := fs.ReadFile(from, versionName)
	b.golang = strings.TrimSpace(string(version))
	return err
}

// kinds are the media types of what the page is made of.
var kinds = map[string]string{
	".css":         "text/css; charset=utf-8",
	".html":        "text/html; charset=utf-8",
	".ico":         "image/x-icon",
	".js":          "text/javascript; charset=utf-8",
	".json":        "application/json",
	".png":         "image/png",
	".svg":         "image/svg+xml",
	".txt":         "text/plain; charset=utf-8",
	".webmanifest": "application/manifest+json",
	".woff2":       "font/woff2",
}

// addPage adds the files that Vite has written. Those below assets have a hash of their contents in their names.
func (b *Build) addPage(from fs.FS) error {
	var mu sync.Mutex
	var all sync.WaitGroup
	err := fs.WalkDir(from, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		kind, ok := kinds[path.Ext(name)]
		if !ok {
			return fmt.Errorf("%s: of which media type?", name)
		}
		contents, err := fs.ReadFile(from, name)
		if err != nil {
			return err
		}
		cache := askAgain
		if strings.HasPrefix(name, "assets/") {
			cache = forEver
		}
		all.Go(func() {
			f := compressed(kind, cache, contents)
			mu.Lock()
			defer mu.Unlock()
			b.files["/"+name] = f
		})
		return nil
	})
	all.Wait()
	return err
}

// compressed makes a file with the encodings that make it smaller.
func compressed(kind, cache string, contents []byte) *file {
	f := newFile(kind, cache, contents)
	for coding, encoded := range map[string][]byte{"br": shrink(contents, pageQuality), "gzip": zip(contents)} {
		if len(encoded) < len(contents) {
			f.encoded[coding] = encoded
		}
	}
	return f
}

// How hard brotli tries: the page is compressed at every start, the program once.
const (
	pageQuality  = 9
	localQuality = 5  // a second
	bestQuality  = 11 // a minute, for releases
)

func shrink(contents []byte, quality int) []byte {
	var b bytes.Buffer
	w := brotli.NewWriterOptions(&b, brotli.WriterOptions{Quality: quality, LGWin: 24})
	_, _ = w.Write(contents) // a buffer takes everything
	_ = w.Close()
	return b.Bytes()
}

func zip(contents []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write(contents) // a buffer takes everything
	_ = w.Close()
	return b.Bytes()
}
