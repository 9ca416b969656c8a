package tree_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/tree"
)

// model is a list of entries, and the tree over them.
type model struct {
	entries [][]byte
	stored  memory
}

type memory []tlog.Hash

func (m memory) ReadHashes(indexes []int64) (out []tlog.Hash, err error) {
	for _, i := range indexes {
		out = append(out, m[i])
	}
	return out, nil
}

func (m *model) add(entries ...[]byte) {
	for _, e := range entries {
		leaf := tree.Leaf(e)
		made, err := tlog.StoredHashes(int64(len(m.entries)), leaf[:], m.stored)
		if err != nil {
			panic(err)
		}
		m.entries, m.stored = append(m.entries, e), append(m.stored, made...)
	}
}

// cut leaves the first n entries.
func (m *model) cut(n uint64) {
	m.entries, m.stored = m.entries[:n:n], slices.Clip(m.stored[:tlog.StoredHashCount(int64(n))])
}

// root returns the root of the tree over the first n entries.
func (m *model) root(n uint64) ledger.Hash {
	root, err := tlog.TreeHash(int64(n), m.stored)
	if err != nil {
		panic(err)
	}
	return ledger.Hash(root)
}

// failer is the part of a test that both kinds of it have.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

// history is what has happened to the tree on a disk, and what may be found there therefore.
type history struct {
	failer
	disk *disk
	*model
	shown    []byte   // the checkpoint that somebody has been shown
	inFlight [][]byte // those that may have come instead
	restarts int
	signer   note.Signer
	cosigner note.Signer
	verifier note.Verifier
}

func newHistory(t testing.TB, f failer, d *disk, m model) *history {
	signer, verifier := key(t)
	cosigner, err := tree.NewSigner("witness.example", ed25519.NewKeyFromSeed(bytes.Repeat([]byte{9}, ed25519.SeedSize)))
	if err != nil {
		t.Fatal(err)
	}
	m.cut(uint64(len(m.entries))) // what is added is not added to others'
	return &history{failer: f, disk: d, model: &m, signer: signer, cosigner: cosigner, verifier: verifier}
}

// on returns the same history on a disk that went another way from here.
func (h *history) on(d *disk) *history {
	c := *h
	m := *h.model
	m.cut(uint64(len(m.entries)))
	c.disk, c.model = d, &m
	return &c
}

func (h *history) sign(c tree.Checkpoint) ([]byte, error) {
	signed, err := c.Sign(h.signer)
	h.inFlight = append(h.inFlight, signed)
	return signed, err
}

// open opens the tree as the next sealer does: it finds what was shown, or what was about to be.
func (h *history) open() (*tree.Store, error) {
	h.Helper()
	h.disk.locked = false // the one before is gone
	s, err := tree.OpenSealer(h.disk, h.verifier)
	if err != nil {
		return nil, err
	}
	_, signed := s.Checkpoint()
	if !bytes.Equal(signed, h.shown) && !slices.ContainsFunc(h.inFlight, func(b []byte) bool { return bytes.Equal(b, signed) }) {
		h.Fatalf("the checkpoint has become\n%s\nthe one shown was\n%s", signed, h.shown)
	}
	h.shown, h.inFlight, h.restarts = signed, nil, h.restarts+1
	c, _ := s.Checkpoint()
	h.cut(c.Size)
	return s, nil
}

// append adds entries that are others after each restart, so that what came to nothing is told from what is there.
func (h *history) append(s *tree.Store, n int) error {
	var next [][]byte
	for i := range n {
		next = append(next, fmt.Appendf(nil, "%d of start %d, %s", len(h.entries)+i, h.restarts, bytes.Repeat([]byte("."), i%9)))
	}
	before, _ := s.Checkpoint()
	h.add(next...)
	if err := s.Append(next, h.sign); err != nil {
		if after, _ := s.Checkpoint(); after != before {
			h.Fatalf("after %v the checkpoint is of %d entries, before of %d", err, after.Size, before.Size)
		}
		return err
	}
	h.acknowledged(s)
	return nil
}

func (h *history) cosign(s *tree.Store) error {
	_, signed := s.Checkpoint()
	n, err := note.Open(signed, note.VerifierList(h.verifier))
	if err == nil {
		n.UnverifiedSigs = nil
		signed, err = note.Sign(n, h.cosigner)
	}
	if err != nil {
		h.Fatalf("cosigning: %v", err)
	}
	h.inFlight = append(h.inFlight, signed)
	if err := s.Cosign(signed); err != nil {
		return err
	}
	h.acknowledged(s)
	return nil
}

func (h *history) acknowledged(s *tree.Store) {
	_, h.shown = s.Checkpoint()
	h.inFlight = nil
}

// check reads everything from an entry on, and looks for damages in a small tree.
func (h *history) check(s *tree.Store, from uint64) {
	h.Helper()
	c, _ := s.Checkpoint()
	if c.Root != h.root(c.Size) {
		h.Fatalf("the tree of %d entries is another one", c.Size)
	}
	next := from
	err := s.Entries(from, func(i uint64, e []byte) error {
		if i != next || !bytes.Equal(e, h.entries[i]) {
			h.Fatalf("entry %d is %q, want %q", i, e, h.entries[i])
		}
		next++
		return nil
	})
	if err != nil || c.Size > 0 && next != c.Size {
		h.Fatalf("read %d entries of %d: %v", next, c.Size, err)
	}
	if from == 0 {
		h.served(s)
		if damages, err := s.Check(context.Background()); err != nil || len(damages) > 0 {
			h.Fatalf("damages %v, %v", damages, err)
		}
	}
	for i := from; i < c.Size; i += 1 + (c.Size-from)/3 {
		proof, _, err := s.Inclusion(i)
		if err == nil {
			err = c.Includes(i, h.entries[i], proof)
		}
		if err != nil {
			h.Fatalf("entry %d of %d: %v", i, c.Size, err)
		}
	}
}

// served checks every tile and bundle that lies there, and whose width the checkpoint covers: somebody may ask for it.
func (h *history) served(s *tree.Store) {
	h.Helper()
	c, _ := s.Checkpoint()
	h.disk.walk("tile", func(name string, contents []byte) {
		place, bundle := strings.CutPrefix(name, "tile/entries/")
		if bundle {
			place = "0/" + place
		} else {
			place = strings.TrimPrefix(name, "tile/")
		}
		t, err := tlog.ParseTilePath("tile/8/" + place)
		if err != nil || t.L < 0 || int64(c.Size>>(8*t.L)) < t.N*256+int64(t.W) {
			return // data, a file on its way, or not covered
		}
		want, err := tlog.ReadTileData(t, h.stored)
		if bundle {
			want = nil
			for i := range t.W {
				leaf := tree.Leaf(h.entries[t.N*256+int64(i)])
				want = append(append(want, 0, tree.LeafSize), leaf[:]...)
			}
		}
		if err != nil || !bytes.Equal(contents, want) {
			h.Fatalf("%s is not of the tree with %d entries: %v", name, c.Size, err)
		}
	})
}

// reader checks that whoever opens the tree for reading only finds a whole one.
func (h *history) reader(from uint64) {
	h.Helper()
	fault := h.disk.fault
	h.disk.fault = nil
	defer func() { h.disk.fault = fault }()
	s, err := tree.Open(h.disk, h.verifier)
	if err != nil {
		h.Fatalf("a reader: %v", err)
	}
	h.check(s, from)
}

// through goes on until the tree has had each of the sizes in turn; a size for the second time cosigns. After an error it opens
// the tree again, at most once for each fault there is.
func (h *history) through(sizes []uint64, faults int, from uint64) {
	h.Helper()
	s, err := h.open()
	for i := 0; i < len(sizes); {
		if err == nil {
			switch size := uint64(len(h.entries)); {
			case size < sizes[i]:
				err = h.append(s, int(sizes[i]-size))
			case i > 0 && sizes[i] == sizes[i-1]:
				err = h.cosign(s)
			}
		}
		if err == nil {
			i++
			continue
		}
		if faults--; faults < 0 || !errors.Is(err, errFault) {
			h.Fatalf("on the way to %d: %v", sizes[i], err)
		}
		h.reader(from)
		s, err = h.open()
	}
	if err != nil {
		h.Fatalf("%v", err)
	}
	h.disk.fault = nil
	h.check(s, from)
	h.reader(from)
}

// large returns a disk with a tree shortly before the first edge of level 1, and what is in it.
func large(t *testing.T) (*disk, model) {
	t.Helper()
	d := newDisk()
	h := newHistory(t, t, d, model{})
	h.through([]uint64{65_279, 65_534}, 0, 65_000)
	return d, *h.model
}

// Whichever call fails, before or after it did something, nothing acknowledged is lost, the old checkpoint holds, and the next start
// goes on to the right tree.
func TestEveryFault(t *testing.T) {
	start, entries := large(t)
	for _, test := range []struct {
		name  string
		disk  *disk
		model model
		sizes []uint64
		from  uint64
	}{
		{"from nothing", newDisk(), model{}, []uint64{2, 255, 256, 257, 257, 300}, 0},
		{"over the edge of level 1", start, entries, []uint64{65_535, 65_535, 65_536, 65_537}, 65_500},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, what := range []fault{fails, halves} {
				hit := true
				call := 1
				for ; hit; call++ {
					hit = false
					h := newHistory(t, t, test.disk.clone(), test.model)
					if len(h.entries) > 0 { // it was shown
						h.shown, _ = h.disk.ReadFile("checkpoint")
						h.disk.calls = 0
					}
					h.disk.fault = func(n int) fault {
						if n != call {
							return works
						}
						hit = true
						return what
					}
					h.through(test.sizes, 1, test.from)
				}
				if call < 100 {
					t.Errorf("only %d calls failed", call)
				}
			}
		})
	}
}

// states runs fn on disks that a loss of power may leave: all of them, if they are few.
func states(d *disk, most int, fn func(*disk)) (all bool) {
	n := d.losses()
	if n <= most {
		for i := range n {
			fn(d.loss(i))
		}
		return true
	}
	fn(d.loss(0))
	fn(d.clone())
	for range most {
		fn(d.loss(rand.IntN(n)))
	}
	return false
}

// Wherever the power goes, whatever of the writes and names that were not synced is left: the next start finds a whole tree that has
// all that was acknowledged, and goes on. The same if only the process dies, and the power goes after the next start.
func TestEveryLossOfPower(t *testing.T) {
	sizes := []uint64{1, 3, 3, 255, 257, 258}
	total, sampled, call := 0, 0, 1
	for ; ; call++ {
		d := newDisk()
		h := newHistory(t, t, d, model{})
		d.fault = func(n int) fault {
			if n >= call {
				return fails
			}
			return works
		}
		s, err := h.open()
		for i, size := range sizes {
			if err == nil && uint64(len(h.entries)) < size {
				err = h.append(s, int(size)-len(h.entries))
			} else if err == nil && i > 0 {
				err = h.cosign(s)
			}
		}
		if err == nil {
			break
		}
		d.fault = nil
		recovers := func(h *history) {
			total++
			s, err := h.open()
			if err != nil {
				t.Fatalf("after call %d: %v", call-1, err)
			}
			h.check(s, 0)
			if total%7 == 0 {
				if err := h.append(s, 1); err != nil {
					t.Fatalf("after call %d: %v", call-1, err)
				}
				h.reader(0)
			}
		}
		if !states(d, 64, func(d *disk) { recovers(h.on(d)) }) {
			sampled++
		}
		killed := h.on(d.clone())
		if _, err := killed.open(); err != nil {
			t.Fatalf("after call %d: %v", call-1, err)
		}
		states(killed.disk, 16, func(d *disk) { recovers(killed.on(d)) })
	}
	t.Logf("%d states after %d calls; not all of them after %d", total, call, sampled)
	if call < 100 || total < 1000 {
		t.Errorf("only %d states after %d calls", total, call)
	}
}

// Any order of appending, cosigning, dying and losing power.
func TestAnyLossOfPower(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		h := newHistory(t, r, newDisk(), model{})
		s, err := h.open()
		for range rapid.IntRange(1, 25).Draw(r, "steps") {
			stop := rapid.IntRange(1, 60).Draw(r, "calls until it stops")
			h.disk.calls = 0
			h.disk.fault = func(n int) fault {
				if n > stop {
					return fails
				}
				return works
			}
			for err == nil {
				if rapid.IntRange(0, 9).Draw(r, "kind") == 0 && h.shown != nil {
					err = h.cosign(s)
				} else {
					err = h.append(s, rapid.SampledFrom([]int{1, 2, 100, 255, 256, 300}).Draw(r, "entries"))
				}
			}
			if !errors.Is(err, errFault) {
				r.Fatalf("%v", err)
			}
			h.disk.fault = nil
			if rapid.Bool().Draw(r, "power goes") {
				ways := make([]int, len(h.disk.pending))
				for i, o := range h.disk.pending {
					ways[i] = rapid.IntRange(0, o.ways()-1).Draw(r, "way")
				}
				h.disk = h.disk.afterLoss(ways)
			}
			if s, err = h.open(); err != nil {
				r.Fatalf("%v", err)
			}
			h.check(s, 0)
		}
	})
}
