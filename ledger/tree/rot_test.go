package tree_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/phrledger/phr/ledger/tree"
)

// rots are what can happen to a file: contents at a place, from before to after. Nil is a file that is gone.
var rots = []struct {
	name string
	rot  func(contents []byte, at int) []byte
}{
	{"flipped", func(b []byte, at int) []byte { b[at] ^= 1 << (at % 8); return b }},
	{"zeroed", func(b []byte, at int) []byte { clear(b[at:]); return b }},
	{"truncated", func(b []byte, at int) []byte { return b[:at] }},
	{"longer", func(b []byte, _ int) []byte { return append(b, 1) }},
	{"removed", func([]byte, int) []byte { return nil }},
}

// put replaces a file.
func (d *disk) put(t *testing.T, name string, contents []byte) {
	t.Helper()
	err := d.Remove(name)
	if contents != nil {
		err = errors.Join(err, d.Write(name, 0, contents))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// rotten is a file, the entries that it is about, and what rests on it.
type rotten struct {
	path     string
	from, to uint64
	proof    bool // of its first entry
	sealing  bool // of the next one
}

// Whatever is rotten in whichever kind of file, Check says in which and which entries it is about, and so does whoever reads it.
func TestRot(t *testing.T) {
	small := newHistory(t, t, newDisk(), model{})
	small.through([]uint64{250, 600}, 0, 0)
	for _, file := range []rotten{
		{"tile/data/000", 0, 256, false, false},
		{"tile/data/002", 512, 600, false, true},
		{"tile/entries/000", 0, 256, false, false},
		{"tile/entries/002.p/88", 512, 600, false, true},
		{"tile/0/000", 0, 256, true, false},
		{"tile/0/002.p/88", 512, 600, true, true},
		{"tile/1/000.p/2", 0, 512, true, true},
	} {
		small.rot(t, file)
	}
	d, entries := large(t)
	whole := newHistory(t, t, d, entries)
	whole.shown, _ = d.ReadFile("checkpoint")
	whole.through([]uint64{66_000}, 0, 65_000)
	for _, file := range []rotten{
		{"tile/1/000", 0, 65_536, true, false},
		{"tile/1/001.p/1", 65_536, 65_792, true, true},
		{"tile/2/000.p/1", 0, 65_536, true, true},
	} {
		whole.rot(t, file)
	}
}

// rot lets a file rot in every way, and checks who notices.
func (h *history) rot(t *testing.T, file rotten) {
	contents, err := h.disk.ReadFile(file.path)
	if err != nil {
		t.Fatal(err)
	}
	for _, rot := range rots {
		if rot.name == "longer" && file.sealing && strings.HasPrefix(file.path, "tile/data/") {
			continue // what follows what is covered is nobody's
		}
		places := []int{len(contents) / 2}
		if rot.name == "flipped" {
			places = append(places, 0, len(contents)-1)
		}
		for _, at := range places {
			d := h.disk.clone()
			running, err := tree.OpenSealer(d, h.verifier)
			if err != nil {
				t.Fatal(err)
			}
			d.put(t, file.path, rot.rot(bytes.Clone(contents), at))
			t.Run(fmt.Sprint(file.path, " ", rot.name, " at ", at), func(t *testing.T) { h.on(d.clone()).noticed(t, file, rot.name) })
			if err := running.Append([][]byte{{1}}, h.sign); file.sealing && !strings.HasPrefix(file.path, "tile/data/") && !errors.Is(err, tree.ErrDamaged) {
				t.Errorf("%s %s at %d: sealing goes on: %v", file.path, rot.name, at, err)
			}
		}
	}
}

func (h *history) noticed(t *testing.T, file rotten, rot string) {
	says := func(what string, err error) {
		t.Helper()
		if !errors.Is(err, tree.ErrDamaged) || !strings.Contains(err.Error(), file.path) {
			t.Errorf("%s: %v", what, err)
		}
	}
	s, err := tree.Open(h.disk, h.verifier)
	if err != nil {
		t.Fatal(err)
	}
	damages, err := s.Check(context.Background())
	if err != nil || len(damages) != 1 {
		t.Fatalf("damages %v, %v", damages, err)
	}
	got := damages[0]
	if got.Path != file.path || got.From < file.from || got.To > file.to || got.From >= got.To || !errors.Is(got.Err, tree.ErrDamaged) {
		t.Errorf("found %v", got)
	}
	if rot == "removed" && (got.From != file.from || got.To != file.to) {
		t.Errorf("found %v", got)
	}
	if rot != "longer" || !strings.HasPrefix(file.path, "tile/data") { // where readers never come to it
		says("reading", s.Entries(got.From, func(uint64, []byte) error { return nil }))
	}
	if file.proof {
		_, _, err := s.Inclusion(got.From)
		says("proving", err)
	}
	if file.sealing {
		s, err := tree.OpenSealer(h.disk, h.verifier)
		if err == nil {
			err = s.Append([][]byte{{1}}, h.sign)
		}
		says("sealing", err)
	}
}

// A checkpoint that is rotten is none; one that is gone is missed. A lock has nothing to lose.
func TestRotOfCheckpoint(t *testing.T) {
	start := newDisk()
	h := newHistory(t, t, start, model{})
	h.through([]uint64{5, 300}, 0, 0)
	signed, err := start.ReadFile("checkpoint")
	if err != nil {
		t.Fatal(err)
	}
	want, err := tree.OpenCheckpoint(signed, h.verifier)
	if err != nil {
		t.Fatal(err)
	}
	for _, rot := range rots {
		for at := range signed {
			d := start.clone()
			running, err := tree.OpenSealer(d, h.verifier)
			if err != nil {
				t.Fatal(err)
			}
			d.put(t, "checkpoint", rot.rot(bytes.Clone(signed), at))
			s, err := tree.Open(d, h.verifier)
			if err == nil {
				// The last bits of a base64 text have no meaning.
				if c, _ := s.Checkpoint(); c != want || rot.name != "flipped" {
					t.Fatalf("%s at %d: opened as %v", rot.name, at, c)
				}
				continue
			}
			if !errors.Is(err, tree.ErrNotProven) && !errors.Is(err, tree.ErrDamaged) {
				t.Errorf("%s at %d: %v", rot.name, at, err)
			}
			if damages, err := running.Check(context.Background()); err != nil || len(damages) != 1 || damages[0].Path != "checkpoint" {
				t.Errorf("%s at %d: damages %v, %v", rot.name, at, damages, err)
			}
			if err := running.Append([][]byte{{1}}, h.sign); !errors.Is(err, tree.ErrMoved) {
				t.Errorf("%s at %d: sealing over it: %v", rot.name, at, err)
			}
		}
	}
	for _, rot := range rots {
		d := start.clone()
		d.put(t, "lock", rot.rot([]byte{0}, 0))
		next := h.on(d)
		next.through([]uint64{301}, 0, 0)
	}
}

// Where a block has lost more than one of its three words, what the tile above says decides; and where that is lost too, it is said
// that nothing is proven.
func TestRotInMany(t *testing.T) {
	start := newDisk()
	h := newHistory(t, t, start, model{})
	h.through([]uint64{600}, 0, 0)
	for _, test := range []struct {
		first         bool // only a byte of the first entry is rotten, and not all of them
		rotten, found []string
	}{
		{false, []string{"tile/data/000", "tile/0/000"}, nil},
		{false, []string{"tile/data/000", "tile/entries/000"}, nil},
		{true, []string{"tile/data/000", "tile/entries/000"}, nil},
		{true, []string{"tile/data/000", "tile/0/000"}, nil},
		{true, []string{"tile/entries/000", "tile/0/000"}, nil},
		{false, []string{"tile/entries/000", "tile/0/000", "tile/1/000.p/2"}, nil},
		{false, []string{"tile/data/000", "tile/data/001", "tile/data/002"}, nil},
		{false, []string{"tile/data/000", "tile/entries/000", "tile/0/000"}, []string{"tile/data/000", "tile/entries/000", "tile/1/000.p/2", "checkpoint"}},
	} {
		d := start.clone()
		for i, name := range test.rotten {
			contents, err := d.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			for j := range contents {
				if !test.first || j == 6 {
					contents[j] ^= byte(i + 1) // no two of them alike
				}
			}
			d.put(t, name, contents)
		}
		s, err := tree.Open(d, h.verifier)
		if err != nil {
			t.Fatal(err)
		}
		damages, err := s.Check(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if test.found == nil {
			test.found = test.rotten
		}
		var found []string
		for _, damage := range damages {
			found = append(found, damage.Path)
		}
		slices.Sort(found)
		slices.Sort(test.found)
		if !slices.Equal(found, test.found) {
			t.Errorf("%v rotten: found %v", test.rotten, damages)
		}
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	s, err := tree.Open(start, h.verifier)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Check(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("checking goes on without a context: %v", err)
	}
}
