package projections_test

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/phrledger/phr/projections/internal/testlog"
)

// Tables whose file has rotted are made anew: also where SQLite sees nothing wrong, as in the middle of a text.
func TestRottenTables(t *testing.T) {
	l := testlog.New(t)
	p := l.Patient()
	for range 5 {
		l.Append(p, p.Health, p.Record(64))
	}
	path := filepath.Join(t.TempDir(), "tables")
	want := restart(t, path, l, all[3].projections)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const seed = 1
	draw := rand.New(rand.NewPCG(seed, 0))
	text := bytes.Index(whole, []byte(p.GID())) + 5
	for i, at := range []int{0, text, draw.IntN(len(whole)), draw.IntN(len(whole)), draw.IntN(len(whole))} {
		for _, harm := range []func([]byte) []byte{
			func(b []byte) []byte { b[at] ^= 1; return b },
			func(b []byte) []byte { return b[:at] },
			func(b []byte) []byte { clear(b[at:min(at+512, len(b))]); return b },
		} {
			rotten := harm(bytes.Clone(whole))
			if err := os.WriteFile(path, rotten, 0o600); err != nil {
				t.Fatal(err)
			}
			if got := restart(t, path, l, all[3].projections); got != want {
				t.Errorf("seed %d: position %d, byte %d: the tables differ", seed, i, at)
			}
		}
	}
}

// Tables that nobody has closed are made anew too: what a kill leaves is not vouched for.
func TestUnclosedTables(t *testing.T) {
	l := testlog.New(t)
	p := l.Patient()
	l.Append(p, p.Health, p.Record(64))
	path := filepath.Join(t.TempDir(), "tables")
	r := open(t, path, l, all[3].projections)
	testlog.CatchUp(t, r, l)
	want := fingerprint(t, r)
	image := filepath.Join(t.TempDir(), "tables")
	for _, suffix := range []string{"", "-wal"} {
		b, err := os.ReadFile(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(image+suffix, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	closeRunner(t, r)
	killed := open(t, image, l, all[3].projections)
	defer closeRunner(t, killed)
	if killed.Position() != 0 {
		t.Errorf("what a kill has left is gone on from at %d", killed.Position())
	}
	testlog.CatchUp(t, killed, l)
	if fingerprint(t, killed) != want {
		t.Error("the tables differ")
	}
}

// A closed file is gone on from.
func TestClosedTables(t *testing.T) {
	l := testlog.New(t)
	path := filepath.Join(t.TempDir(), "tables")
	restart(t, path, l, all[3].projections)
	r := open(t, path, l, all[3].projections)
	defer closeRunner(t, r)
	if r.Position() != l.Len() {
		t.Errorf("it goes on from %d of %d", r.Position(), l.Len())
	}
	if _, err := os.Stat(path + ".sum"); err == nil {
		t.Error("somebody vouches for tables that are open")
	}
}
