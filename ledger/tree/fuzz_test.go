package tree_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"testing"

	"github.com/phrledger/phr/crypto/canonical"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/tree"
)

// corpus adds the bad vectors of a kind.
func corpus(f *testing.F, kind string) vectors {
	v := readVectors(f)
	for _, b := range v.Bad {
		if b.Kind == kind {
			f.Add([]byte(b.In))
		}
	}
	return v
}

// What parses as a proof is written the same again; and whatever it says, it proves nothing but the one entry of its tree.
func FuzzParseProof(f *testing.F) {
	v := corpus(f, "proof")
	f.Add([]byte(v.Proof))
	_, verifier := key(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := tree.ParseProof(data)
		if err != nil {
			if !errors.Is(err, ledger.ErrMalformed) {
				t.Fatal(err)
			}
			return
		}
		if again := p.Marshal(); !bytes.Equal(again, data) {
			t.Fatalf("parsed %q, marshalled %q", data, again)
		}
		if _, err := p.Verify(verifier, []byte("an entry that is in no tree")); !errors.Is(err, tree.ErrNotProven) {
			t.Fatalf("proven by %q: %v", data, err)
		}
	})
}

// Only what the log has signed is a checkpoint.
func FuzzOpenCheckpoint(f *testing.F) {
	v := corpus(f, "checkpoint")
	signed := make(map[tree.Checkpoint]bool)
	_, verifier := key(f)
	for _, c := range v.Checkpoints {
		f.Add([]byte(c))
		signed[must(tree.OpenCheckpoint([]byte(c), verifier))] = true
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := tree.OpenCheckpoint(data, verifier)
		if err != nil && (!errors.Is(err, tree.ErrNotProven) || c != (tree.Checkpoint{})) || err == nil && !signed[c] {
			t.Fatalf("%q opens as %v, %v", data, c, err)
		}
	})
}

// No proof says of a chain what the map does not.
func FuzzHeadProof(f *testing.F) {
	v := readVectors(f)
	for _, h := range v.Heads {
		for _, p := range []string{h.Proof, h.First, h.Absent} {
			f.Add(must(hex.DecodeString(p)))
		}
	}
	for _, b := range v.Bad {
		if b.Kind == "head" {
			f.Add(must(hex.DecodeString(b.In)))
		}
	}
	root := ledger.Hash(must(hex.DecodeString(v.Heads[len(v.Heads)-1].Root)))
	f.Fuzz(func(t *testing.T, data []byte) {
		var p tree.HeadProof
		if canonical.Unmarshal(data, &p) != nil {
			return
		}
		for i := range 10 {
			var want tree.Head
			if i < 8 {
				want = head(1000*i + 1)
			}
			if got, err := p.Verify(root, chain(i)); err == nil && got != want || err != nil && (!errors.Is(err, tree.ErrNotProven) || got != (tree.Head{})) {
				t.Fatalf("%x says that chain %d ends at %v, %v", data, i, got, err)
			}
		}
	})
}

// Whatever stands in the files of a tree: readers find the entries that were sealed, or a damage.
func FuzzFiles(f *testing.F) {
	d := newDisk()
	h := newHistory(f, f, d, model{})
	h.through([]uint64{5}, 0, 0)
	var names []string
	d.walk("tile", func(name string, contents []byte) {
		names = append(names, name)
		f.Add(uint8(len(names)-1), contents)
		f.Add(uint8(len(names)-1), contents[:len(contents)-1])
		f.Add(uint8(len(names)-1), append([]byte{0xff, 0xff, 0xff, 0xff}, contents...))
	})
	f.Fuzz(func(t *testing.T, which uint8, contents []byte) {
		name := names[int(which)%len(names)]
		there := must(d.ReadFile(name))
		d := d.clone()
		if err := d.Write(name, 0, contents); err != nil {
			t.Fatal(err)
		}
		s := must(tree.Open(d, h.verifier))
		err := s.Entries(0, func(i uint64, e []byte) error {
			if !bytes.Equal(e, h.entries[i]) {
				t.Fatalf("entry %d is %x", i, e)
			}
			return nil
		})
		damages := must(s.Check(context.Background()))
		if err != nil && (!errors.Is(err, tree.ErrDamaged) || len(damages) == 0) || len(damages) > 1 || len(damages) == 1 && damages[0].Path != name {
			t.Fatalf("reading: %v; damages %v", err, damages)
		}
		if len(damages) == 0 && !bytes.HasPrefix(contents, there) {
			t.Fatalf("%s is another and not damaged", name)
		}
	})
}
