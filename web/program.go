package web

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// The files of the program in the browser: the WebAssembly, beside it compressed, what Go's runtime needs of JavaScript, and which
// version of Go all that is of.
const (
	wasmName    = "phr.wasm"
	supportName = "wasm_exec.js"
	versionName = "go.version"
)

// flags make the same bytes of the same source on every machine. Calls are compiled as calls, which makes an eighth less to send, but for
// what computes: there it would cost up to four times the time.
var flags = append([]string{"-trimpath", "-buildvcs=false", "-ldflags=-s -w -buildid=", "-gcflags=all=-l"}, inline(
	"crypto/...", "github.com/cloudflare/circl/...", "golang.org/x/crypto/...", "encoding/binary", "internal/byteorder", "math/big", "math/bits",
	"runtime", "internal/runtime/...",
)...)

// inline returns the flags that have calls within packages replaced by what is called, as is usual.
func inline(packages ...string) []string {
	var all []string
	for _, p := range packages {
		all = append(all, "-gcflags="+p+"=")
	}
	return all
}

// heaviest is how many bytes a release may send for the program.
const heaviest = 2_500_000

// keptPrograms is how many builds stay in the cache: those that were used last.
const keptPrograms = 8

// errNoSource is returned where the program is neither at hand nor can be built.
var errNoSource = errors.New("this phr was built without it, and its source is not here: " +
	"run 'go generate ./web' before 'go build -tags release ./cmd/phr', or run phr from its source by 'go run ./cmd/phr'")

// openProgram returns the files of the program: those in this binary, those in the user's cache, or else those that Go makes now.
func openProgram(ctx context.Context, progress func(string)) (fs.FS, error) {
	if packed != nil {
		return packed, nil
	}
	source, err := findSource()
	if err != nil {
		return nil, err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return nil, err
	}
	key, err := source.key(ctx)
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(cache, "phr", key)
	if now := time.Now(); os.Chtimes(dir, now, now) == nil { // it is there, and in use
		return os.DirFS(dir), nil
	}
	if progress != nil {
		progress("Building the part of phr that runs in the browser, once: this takes about a minute.")
	}
	if err := source.writeCached(ctx, dir); err != nil {
		return nil, err
	}
	return os.DirFS(dir), nil
}

//go:generate sh -c "go run ./internal/declare >app/src/messages.ts"
//go:generate go run ./internal/pack

// Pack builds the program into dir, for what is built with the tag release.
func Pack(ctx context.Context, dir string) error {
	s, err := findSource()
	if err != nil {
		return err
	}
	if dir, err = filepath.Abs(dir); err != nil { // Go runs elsewhere
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := s.write(ctx, dir, bestQuality); err != nil {
		return err
	}
	sent, err := os.Stat(filepath.Join(dir, wasmName+".br"))
	if err == nil && sent.Size() > heaviest {
		err = fmt.Errorf("the program is %d bytes to send, and at most %d are allowed: what is new in it?", sent.Size(), heaviest)
	}
	return err
}

// source is the directory of phr's source.
type source string

// findSource returns where this binary was built from, unless that is elsewhere or hidden by -trimpath.
func findSource() (source, error) {
	_, here, _, _ := runtime.Caller(0)
	dir := filepath.Dir(filepath.Dir(here))
	if _, err := os.Stat(filepath.Join(dir, "go.mod")); !filepath.IsAbs(here) || err != nil {
		return "", errNoSource
	}
	return source(dir), nil
}

// run has Go do something for the browser, and returns what it prints.
func (s source) run(ctx context.Context, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = string(s)
	cmd.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm", "CGO_ENABLED=0", "GOFLAGS=", "GOWASM=", "GOEXPERIMENT=", "GOWORK=off")
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go %s: %w\n%s", args[0], err, bytes.TrimSpace(said.Bytes()))
	}
	return out, nil
}

// key tells one program from another: by Go's version, how it is built, the source of phr that is in it, and go.sum for the rest.
func (s source) key(ctx context.Context) (string, error) {
	version, err := s.run(ctx, "env", "GOVERSION")
	if err != nil {
		return "", err
	}
	const format = `{{if and .Module .Module.Main}}{{$dir := .Dir}}{{range .GoFiles}}{{$dir}}/{{.}}{{"\n"}}{{end}}{{range .EmbedFiles}}{{$dir}}/{{.}}{{"\n"}}{{end}}{{end}}`
	listed, err := s.run(ctx, "list", "-deps", "-f", format, "./web/worker")
	if err != nil {
		return "", err
	}
	names := append(strings.FieldsFunc(string(listed), func(r rune) bool { return r == '\n' }), filepath.Join(string(s), "go.mod"), filepath.Join(string(s), "go.sum"))
	slices.Sort(names)
	sum := sha256.New()
	fmt.Fprintf(sum, "%s %q\n", version, flags)
	for _, name := range names {
		contents, err := os.ReadFile(name)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(sum, "%s %d\n%s", strings.TrimPrefix(name, string(s)), len(contents), contents)
	}
	return hex.EncodeToString(sum.Sum(nil)[:16]), nil
}

// write builds the program into dir, compressed as well as quality says.
func (s source) write(ctx context.Context, dir string, quality int) error {
	wasm := filepath.Join(dir, wasmName)
	build := append(append([]string{"build"}, flags...), "-o", wasm, "./web/worker")
	if _, err := s.run(ctx, build...); err != nil {
		return err
	}
	contents, err := os.ReadFile(wasm)
	if err != nil {
		return err
	}
	if err := os.Remove(wasm); err != nil {
		return err
	}
	golang, err := s.run(ctx, "env", "GOVERSION")
	if err != nil {
		return err
	}
	root, err := s.run(ctx, "env", "GOROOT")
	if err != nil {
		return err
	}
	support, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(root)), "lib", "wasm", supportName))
	if err != nil {
		return err
	}
	for name, contents := range map[string][]byte{
		wasmName + ".br": shrink(contents, quality), wasmName + ".gz": zip(contents), supportName: support, versionName: golang,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), contents, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// writeCached makes dir whole, or not at all.
func (s source) writeCached(ctx context.Context, dir string) error {
	parent := filepath.Dir(dir)
	if err := os.MkdirAll(parent, 0o700); err != nil {
		return err
	}
	fresh, err := os.MkdirTemp(parent, "new-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(fresh)
	if err := s.write(ctx, fresh, localQuality); err != nil {
		return err
	}
	if err := os.Rename(fresh, dir); err != nil && !errors.Is(err, fs.ErrExist) { // another process was faster
		return err
	}
	return prune(parent)
}

// prune removes all builds but those that were used last.
func prune(parent string) error {
	entries, err := os.ReadDir(parent)
	if err != nil {
		return err
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return used(b).Compare(used(a)) })
	for _, old := range entries[min(keptPrograms, len(entries)):] {
		if err := os.RemoveAll(filepath.Join(parent, old.Name())); err != nil {
			return err
		}
	}
	return nil
}

// used returns when a build was used last; long ago if it is gone.
func used(e fs.DirEntry) time.Time {
	info, err := e.Info()
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}
