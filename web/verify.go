package web

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/andybalholm/brotli"
)

// maxFile is how much of a served file is read.
const maxFile = 64 << 20

// Difference is something that is served otherwise than by this program.
type Difference struct {
	Path string `json:"path"`
	Why  string `json:"why"`
}

// Compared is what came of comparing a served copy with one's own.
type Compared struct {
	Version     string       `json:"version"` // that the copy says it is
	Go          string       `json:"go"`      // that the copy says its program was built with
	OwnGo       string       `json:"own_go"`
	Files       int          `json:"files"` // that were fetched
	Differences []Difference `json:"differences,omitempty"`
}

// Verify fetches every file of the copy at a URL as a browser does, and compares it with this build, with the protection that browsers
// are told of. What it finds is true of what it was served itself, now: the server may serve others, or later, something else.
func (b *Build) Verify(ctx context.Context, url string) (*Compared, error) {
	if !strings.HasPrefix(url, "http://") && !strings.HasPrefix(url, "https://") {
		return nil, fmt.Errorf("%q is not the address of a page: it begins with http:// or https://", url)
	}
	v := &verifier{url: strings.TrimSuffix(url, "/"), client: &http.Client{
		Timeout: time.Minute, Transport: &http.Transport{DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return errors.New("it leads elsewhere") },
	}}
	defer v.client.CloseIdleConnections()
	said, err := v.about(ctx)
	if err != nil {
		return nil, err
	}
	c := &Compared{Version: said.Version, Go: said.Go, OwnGo: b.golang}
	paths := make(map[string]bool)
	for path := range b.files {
		paths[path] = true
	}
	for path := range said.Files {
		paths[path] = true
	}
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		c.Files++
		why, err := v.compare(ctx, path, b.files[path])
		if err != nil {
			return nil, err
		}
		if why != "" {
			c.Differences = append(c.Differences, Difference{path, why})
		}
	}
	return c, nil
}

// verifier asks one server.
type verifier struct {
	url    string
	client *http.Client
}

func (v *verifier) about(ctx context.Context) (*about, error) {
	contents, _, err := v.fetch(ctx, aboutPath)
	if err != nil {
		return nil, err
	}
	said := new(about)
	if err := json.Unmarshal(contents, said); err != nil {
		return nil, fmt.Errorf("%s%s is not of phr: %w", v.url, aboutPath, err)
	}
	return said, nil
}

// compare says how a served file differs from one's own, "" if it does not.
func (v *verifier) compare(ctx context.Context, path string, own *file) (string, error) {
	if own == nil {
		return "this program has no such file", nil
	}
	contents, header, err := v.fetch(ctx, path)
	var status *statusError
	if errors.As(err, &status) {
		return status.Error(), nil
	}
	if err != nil {
		return "", err
	}
	if sum := sha256.Sum256(contents); sum != own.sum {
		return fmt.Sprintf("its SHA-256 is %x, and should be %x", sum, own.sum), nil
	}
	if kind := header.Get("Content-Type"); kind != own.kind {
		return fmt.Sprintf("it is served as %q, and should be as %q", kind, own.kind), nil
	}
	for _, name := range slices.Sorted(maps.Keys(policies)) {
		if got := header.Get(name); got != policies[name] {
			return fmt.Sprintf("it is served with %s %q, and should be with %q", name, got, policies[name]), nil
		}
	}
	return "", nil
}

// statusError is an answer that is no file.
type statusError struct{ status string }

func (s *statusError) Error() string { return "the server answers " + s.status }

// fetch returns a file, decoded.
func (v *verifier) fetch(ctx context.Context, path string) ([]byte, http.Header, error) {
	if path == indexPath {
		path = "/"
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, v.url+path, nil)
	if err != nil {
		return nil, nil, err
	}
	r.Header.Set("Accept-Encoding", strings.Join(codings, ", "))
	answer, err := v.client.Do(r)
	if err != nil {
		return nil, nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, nil, fmt.Errorf("fetching %s%s: %w", v.url, path, &statusError{answer.Status})
	}
	body := io.Reader(answer.Body)
	switch answer.Header.Get("Content-Encoding") {
	case "br":
		body = brotli.NewReader(body)
	case "gzip":
		if body, err = gzip.NewReader(body); err != nil {
			return nil, nil, fmt.Errorf("fetching %s%s: %w", v.url, path, err)
		}
	}
	var contents bytes.Buffer
	if _, err := io.Copy(&contents, io.LimitReader(body, maxFile)); err != nil {
		return nil, nil, fmt.Errorf("fetching %s%s: %w", v.url, path, err)
	}
	return contents.Bytes(), answer.Header, nil
}
