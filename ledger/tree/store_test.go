package tree_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/tree"
)

const origin = "phr/test"

// private is the log's key in all tests.
var private = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))

func public() ed25519.PublicKey { return private.Public().(ed25519.PublicKey) }

// key returns what signs and verifies with the log's key.
func key(t testing.TB) (note.Signer, note.Verifier) {
	t.Helper()
	signer, err := tree.NewSigner(origin, private)
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := tree.NewVerifier(origin, public())
	if err != nil {
		t.Fatal(err)
	}
	return signer, verifier
}

func sealer(t testing.TB, files tree.Files) *tree.Store {
	t.Helper()
	_, verifier := key(t)
	s, err := tree.OpenSealer(files, verifier)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func appendTo(t testing.TB, s *tree.Store, entries [][]byte) {
	t.Helper()
	if err := s.Append(entries, sign(t)); err != nil {
		t.Fatal(err)
	}
}

func sign(t testing.TB) func(tree.Checkpoint) ([]byte, error) {
	signer, _ := key(t)
	return func(c tree.Checkpoint) ([]byte, error) { return c.Sign(signer) }
}

// entry returns the i-th entry of all tests, of a length between 1 and 300 bytes.
func entry(i int) []byte {
	return bytes.Repeat([]byte(fmt.Sprint(i, ".")), 1+i%60)
}

func entriesFrom(from, n int) (entries [][]byte) {
	for i := range n {
		entries = append(entries, entry(from+i))
	}
	return entries
}

// plainTree is the tree of all tests, as far as one has needed it.
var plainTree model

// plain computes the root of the first n entries without tiles.
func plain(t testing.TB, n int) ledger.Hash {
	t.Helper()
	if have := len(plainTree.entries); have < n {
		plainTree.add(entriesFrom(have, n-have)...)
	}
	return plainTree.root(uint64(n))
}

// However a tree has grown, it has the root of its entries, gives each of them back, and proves each of them and every earlier tree.
func TestAppend(t *testing.T) {
	_, verifier := key(t)
	for _, steps := range [][]int{{1}, {1, 1, 1}, {255, 1, 1}, {256}, {256, 256, 1}, {300, 700, 24}, {65_535, 1, 1}, {66_000}} {
		t.Run(fmt.Sprint(steps), func(t *testing.T) {
			var dir tree.Files = tree.Dir(t.TempDir())
			if steps[0] > 60_000 {
				dir = newDisk() // a thousand times Sync takes seconds
			}
			s := sealer(t, dir)
			var earlier []tree.Checkpoint
			size := 0
			for _, n := range steps {
				c, _ := s.Checkpoint()
				earlier = append(earlier, c)
				appendTo(t, s, entriesFrom(size, n))
				size += n
			}
			c, signed := s.Checkpoint()
			if opened, err := tree.OpenCheckpoint(signed, verifier); err != nil || opened != c {
				t.Fatalf("the checkpoint opens as %v, %v", opened, err)
			}
			if c.Size != uint64(size) || c.Root != plain(t, size) {
				t.Errorf("checkpoint of %d entries with root %s", c.Size, c.Root)
			}
			checkAll(t, dir, earlier)
		})
	}
}

// checkAll reads everything in a directory as another process would.
func checkAll(t *testing.T, files tree.Files, earlier []tree.Checkpoint) {
	t.Helper()
	_, verifier := key(t)
	s, err := tree.Open(files, verifier)
	if err != nil {
		t.Fatal(err)
	}
	c, _ := s.Checkpoint()
	next := uint64(0)
	err = s.Entries(0, func(i uint64, e []byte) error {
		if i != next || !bytes.Equal(e, entry(int(i))) {
			t.Errorf("entry %d is %q", i, e)
		}
		next++
		return nil
	})
	if err != nil || next != c.Size {
		t.Errorf("%d entries of %d: %v", next, c.Size, err)
	}
	if damages, err := s.Check(t.Context()); err != nil || len(damages) > 0 {
		t.Errorf("damages %v, %v", damages, err)
	}
	for _, i := range []uint64{0, c.Size / 2, c.Size - 1, rand.Uint64N(c.Size)} {
		proof, _, err := s.Inclusion(i)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Includes(i, entry(int(i)), proof); err != nil {
			t.Error(err)
		}
		if err := c.Includes(i, entry(int(i)+1), proof); !errors.Is(err, tree.ErrNotProven) {
			t.Errorf("another entry %d is proven: %v", i, err)
		}
	}
	for _, before := range earlier {
		proof, _, err := s.Consistency(before.Size)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Extends(before, proof); err != nil {
			t.Error(err)
		}
		before.Root[0]++
		if err := c.Extends(before, proof); before.Size > 0 && !errors.Is(err, tree.ErrNotProven) {
			t.Errorf("it extends another tree of %d: %v", before.Size, err)
		}
	}
}

// Nobody else seals meanwhile; and who finds another checkpoint than the one they left does not seal.
func TestOneSealer(t *testing.T) {
	dir := tree.Dir(t.TempDir())
	s := sealer(t, dir)
	appendTo(t, s, entriesFrom(0, 3))
	_, verifier := key(t)
	if _, err := tree.OpenSealer(dir, verifier); !errors.Is(err, tree.ErrLocked) {
		t.Errorf("a second sealer: %v, want ErrLocked", err)
	}
	signer, _ := key(t)
	other, err := tree.Checkpoint{Origin: origin, Size: 3, Root: plain(t, 2)}.Sign(signer)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(string(dir), "checkpoint"), other, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.Append(entriesFrom(3, 1), sign(t)); !errors.Is(err, tree.ErrMoved) {
		t.Errorf("sealing over another's checkpoint: %v, want ErrMoved", err)
	}
	if err := s.Append(entriesFrom(3, 1), sign(t)); err == nil {
		t.Error("sealing goes on after a failure without opening the tree again")
	}
}

// Nothing is sealed under a checkpoint of something else, whatever the signer returns.
func TestSignedOther(t *testing.T) {
	signer, verifier := key(t)
	stranger, err := tree.NewSigner(origin, ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)))
	if err != nil {
		t.Fatal(err)
	}
	for name, other := range map[string]func(tree.Checkpoint) ([]byte, error){
		"smaller":    func(c tree.Checkpoint) ([]byte, error) { c.Size--; return c.Sign(signer) },
		"other root": func(c tree.Checkpoint) ([]byte, error) { c.Root[0]++; return c.Sign(signer) },
		"other key":  func(c tree.Checkpoint) ([]byte, error) { return c.Sign(stranger) },
		"not a note": func(tree.Checkpoint) ([]byte, error) { return []byte("signed"), nil },
	} {
		dir := tree.Dir(t.TempDir())
		s := sealer(t, dir)
		appendTo(t, s, entriesFrom(0, 3))
		before, _ := s.Checkpoint()
		if err := s.Append(entriesFrom(3, 2), other); err == nil {
			t.Errorf("%s: sealed", name)
		}
		if err := s.Append(entriesFrom(3, 2), sign(t)); err == nil {
			t.Errorf("%s: sealing goes on without opening the tree again", name)
		}
		after, err := tree.Open(dir, verifier)
		if err != nil {
			t.Fatal(err)
		}
		if c, _ := after.Checkpoint(); c != before {
			t.Errorf("%s: the checkpoint has become %v", name, c)
		}
	}
}

// A tree is made anew from its entries up to a checkpoint that somebody has kept: sealing that size returns it, or fails if the entries
// are others. What follows is signed as ever.
func TestRebuild(t *testing.T) {
	signer, verifier := key(t)
	old := newHistory(t, t, newDisk(), model{})
	old.through([]uint64{300, 300, 700}, 0, 0)
	pinned, err := tree.Open(old.disk, verifier)
	if err != nil {
		t.Fatal(err)
	}
	want, kept := pinned.Checkpoint()
	sign := func(c tree.Checkpoint) ([]byte, error) {
		if c == want {
			return kept, nil
		}
		if c.Size == want.Size {
			return nil, tree.ErrNotProven
		}
		return c.Sign(signer)
	}
	s := sealer(t, newDisk())
	for _, part := range [][][]byte{old.entries[:450], old.entries[450:700], {{1}, {2}}} {
		if err := s.Append(part, sign); err != nil {
			t.Fatal(err)
		}
		if c, signed := s.Checkpoint(); c.Size == 700 && !bytes.Equal(signed, kept) {
			t.Errorf("the kept checkpoint has become\n%s", signed)
		}
	}
	proof, _, err := s.Consistency(want.Size)
	if c, _ := s.Checkpoint(); err != nil || c.Extends(want, proof) != nil {
		t.Errorf("it does not extend the kept checkpoint: %v", err)
	}
	s = sealer(t, newDisk())
	appendTo(t, s, old.entries[:450])
	other := slices.Clone(old.entries[450:700])
	other[100] = []byte("another")
	if err := s.Append(other, sign); !errors.Is(err, tree.ErrNotProven) {
		t.Errorf("other entries lead to the kept checkpoint: %v", err)
	}
	if c, _ := s.Checkpoint(); c.Size != 450 {
		t.Errorf("they are sealed: %d entries", c.Size)
	}
}

// What an interrupted sealer has left beyond its checkpoint is nobody's business.
func TestLeftovers(t *testing.T) {
	dir := tree.Dir(t.TempDir())
	_, verifier := key(t)
	s, err := tree.OpenSealer(dir, verifier)
	if err != nil {
		t.Fatal(err)
	}
	appendTo(t, s, entriesFrom(0, 250))
	stop := errors.New("stop")
	err = s.Append(slices.Repeat([][]byte{bytes.Repeat([]byte("larger"), 100)}, 600), func(tree.Checkpoint) ([]byte, error) { return nil, stop })
	if !errors.Is(err, stop) {
		t.Fatalf("an interrupted Append: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = sealer(t, dir)
	for size := 250; size < 620; size += 37 {
		appendTo(t, s, entriesFrom(size, 37))
		checkAll(t, dir, nil)
	}
}
