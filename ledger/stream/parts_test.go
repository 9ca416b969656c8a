package stream_test

import (
	"bytes"
	"errors"
	"os"
	"slices"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/phrledger/phr/ledger/stream"
)

func part(name, data string) stream.Part {
	return stream.Part{Subject: "key.aa.alice.health.1." + name, Data: []byte(data)}
}

func TestParts(t *testing.T) {
	l := start(t, t.TempDir()).Ledger()
	parts := []stream.Part{part("owner.h1", "one"), part("link.h2", "two"), part("shred.h3", "three")}
	for range 2 { // putting the same again changes nothing
		if err := l.PutParts(t.Context(), parts...); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.PutParts(t.Context(), part("owner.h1", "other")); !errors.Is(err, stream.ErrConflict) {
		t.Errorf("replacing a part: %v", err)
	}
	if err := l.PutParts(t.Context(), stream.Part{Subject: "phr.aa.alice.health.x", Data: []byte("x")}); err == nil {
		t.Error("a part was stored in the ledger")
	}
	for _, p := range parts {
		if got, err := l.Part(t.Context(), p.Subject); err != nil || !bytes.Equal(got, p.Data) {
			t.Errorf("%s is %q, %v", p.Subject, got, err)
		}
	}
	if _, err := l.Part(t.Context(), "key.aa.alice.health.1.link.h9"); !errors.Is(err, stream.ErrNotFound) {
		t.Errorf("a part never stored: %v", err)
	}
	for filter, want := range map[string][]string{
		"key.aa.alice.>":          {"one", "two", "three"},
		"key.*.*.health.*.link.*": {"two"},
		"key.bb.>":                nil,
	} {
		if got := listParts(t, l, filter); !slices.Equal(got, want) {
			t.Errorf("parts of %s are %q, want %q", filter, got, want)
		}
	}
}

func listParts(t *testing.T, l *stream.Ledger, filter string) (data []string) {
	t.Helper()
	err := l.Parts(t.Context(), filter, func(p stream.Part) error {
		data = append(data, string(p.Data))
		if age := time.Since(p.Stored); age < 0 || age > time.Minute {
			t.Errorf("part was stored %v ago", age)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// An erased part is nowhere under the node's directory, not even in a file the stream no longer uses.
func TestDeletePartErases(t *testing.T) {
	dir := t.TempDir()
	l := start(t, dir).Ledger()
	canary := []byte("canary-7c1f")
	p := part("shred.h1", "before "+string(canary)+" after")
	if err := l.PutParts(t.Context(), part("owner.h0", "x"), p, part("owner.h2", "y")); err != nil {
		t.Fatal(err)
	}
	if holding(t, dir, canary) == 0 {
		t.Fatal("the part was not on disk when it was acknowledged")
	}
	for range 2 { // erasing what is gone is no error
		if err := l.DeletePart(t.Context(), p.Subject); err != nil {
			t.Fatal(err)
		}
	}
	if n := holding(t, dir, canary); n != 0 {
		t.Errorf("%d files still hold the erased part", n)
	}
	if _, err := l.Part(t.Context(), p.Subject); !errors.Is(err, stream.ErrNotFound) {
		t.Errorf("reading the erased part: %v", err)
	}
	if got := listParts(t, l, "key.>"); !slices.Equal(got, []string{"x", "y"}) {
		t.Errorf("parts left are %q", got)
	}
}

// holding counts the files below dir that hold text.
func holding(t *testing.T, dir string, text []byte) (n int) {
	t.Helper()
	for _, path := range files(t, dir, "jetstream") {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(data, text) {
			n++
		}
	}
	return n
}

// Several who erase the same at once all succeed.
func TestErasingAtOnce(t *testing.T) {
	l := start(t, t.TempDir()).Ledger()
	for range 20 {
		if err := l.PutParts(t.Context(), stream.Part{Subject: "key.aa.alice.health.1.shred.x", Data: []byte("x")}); err != nil {
			t.Fatal(err)
		}
		g := new(errgroup.Group)
		for range 4 {
			g.Go(func() error { return l.DeletePart(t.Context(), "key.aa.alice.health.1.shred.x") })
		}
		if err := g.Wait(); err != nil {
			t.Fatal(err)
		}
	}
}
