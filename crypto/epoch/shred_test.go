package epoch_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/phrledger/phr/crypto/canonical"
	"github.com/phrledger/phr/crypto/epoch"
)

// wholeTree computes all leaves by the definition: nothing of the package's is used.
func wholeTree(depth int, root [32]byte) [][32]byte {
	level := [][32]byte{root}
	for range depth {
		var next [][32]byte
		for _, seed := range level {
			for bit := range byte(2) {
				next = append(next, sha256.Sum256(slices.Concat([]byte("phr/shred/1\x00"), seed[:], []byte{bit})))
			}
		}
		level = next
	}
	return level
}

func checkTree(t interface{ Fatalf(string, ...any) }, tree *epoch.Tree, want [][32]byte, erased map[uint64]bool) {
	for leaf, value := range want {
		got, ok := tree.Value(uint64(leaf))
		if ok == erased[uint64(leaf)] {
			t.Fatalf("leaf %d: present is %v, erased is %v", leaf, ok, !ok)
		}
		if ok && got != value {
			t.Fatalf("leaf %d = %x, want %x", leaf, got, value)
		}
		if !ok && got != [32]byte{} {
			t.Fatalf("leaf %d is erased and gives %x", leaf, got)
		}
	}
}

// Every set of punctures of a tree of 8 leaves, in ascending and descending order.
func TestTreeExhaustive(t *testing.T) {
	const depth = 3
	root := [32]byte{7}
	want := wholeTree(depth, root)
	for set := range 1 << len(want) {
		var leaves []uint64
		erased := map[uint64]bool{}
		for leaf := range uint64(len(want)) {
			if set>>leaf&1 == 1 {
				leaves = append(leaves, leaf)
				erased[leaf] = true
			}
		}
		up, down := epoch.NewTree(depth, root), epoch.NewTree(depth, root)
		for i := range leaves {
			up.Puncture(leaves[i])
			down.Puncture(leaves[len(leaves)-1-i])
		}
		checkTree(t, up, want, erased)
		if !bytes.Equal(up.Seeds(), down.Seeds()) || !slices.Equal(up.Erased(), down.Erased()) {
			t.Fatalf("set %08b: the order of punctures shows", set)
		}
		again, ok := epoch.FillTree(depth, leaves, up.Seeds())
		if !ok {
			t.Fatalf("set %08b: does not rebuild", set)
		}
		checkTree(t, again, want, erased)
	}
}

// No seed that remains is on the way from the root to a punctured leaf.
func TestTreeForgets(t *testing.T) {
	const depth = 8
	rapid.Check(t, func(t *rapid.T) {
		root := [32]byte{1}
		var levels [depth + 1][][32]byte
		for level := range levels {
			levels[level] = wholeTree(level, root)
		}
		tree, erased := epoch.NewTree(depth, root), map[uint64]bool{}
		for _, leaf := range rapid.SliceOfN(rapid.Uint64Range(0, 1<<depth-1), 0, 60).Draw(t, "leaves") {
			tree.Puncture(leaf)
			erased[leaf] = true
		}
		checkTree(t, tree, levels[depth], erased)
		kept := map[[32]byte]bool{}
		for seed := range slices.Chunk(tree.Seeds(), 32) {
			kept[[32]byte(seed)] = true
		}
		for leaf := range erased {
			for level := range levels {
				if kept[levels[level][leaf>>(depth-level)]] {
					t.Fatalf("leaf %d can be computed again from a kept node of level %d", leaf, level)
				}
			}
		}
	})
}

// leaves near each other, so that their ways part late, beside random ones.
func drawLeaf(t *rapid.T) epoch.Leaf {
	near := rapid.SampledFrom([]uint64{0, 1<<48 - 16, 1 << 47, 0x5a5a_5a5a_5a50}).Draw(t, "near")
	number := near + rapid.Uint64Range(0, 15).Draw(t, "low")
	if rapid.Bool().Draw(t, "random") {
		number = rapid.Uint64Range(0, 1<<48-1).Draw(t, "number")
	}
	return leaf(number)
}

func leaf(number uint64) epoch.Leaf {
	return epoch.Leaf(binary.BigEndian.AppendUint64(nil, number)[2:])
}

// Punctured leaves never give a value again, the others always the same, whatever is punctured and stored in between.
func TestShredProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		whole, err := epoch.NewShred(bytes.NewReader(make([]byte, 32)))
		if err != nil {
			t.Fatal(err)
		}
		shred, err := epoch.ParseShred(whole.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		erased := map[epoch.Leaf]bool{}
		t.Repeat(map[string]func(*rapid.T){
			"puncture": func(t *rapid.T) {
				batch := rapid.SliceOfN(rapid.Custom(drawLeaf), 1, 4).Draw(t, "batch")
				shred.Puncture(batch...)
				for _, l := range batch {
					erased[l] = true
				}
			},
			"store": func(t *rapid.T) {
				if shred, err = epoch.ParseShred(shred.Bytes()); err != nil {
					t.Fatal(err)
				}
			},
			"": func(t *rapid.T) {
				probe := rapid.Custom(drawLeaf).Draw(t, "probe")
				want, err := whole.Leaf(probe)
				if err != nil {
					t.Fatal(err)
				}
				got, err := shred.Leaf(probe)
				switch {
				case erased[probe] && (!errors.Is(err, epoch.ErrErased) || got != [32]byte{}):
					t.Fatalf("erased leaf %x gives %x, %v", probe, got, err)
				case !erased[probe] && (err != nil || got != want):
					t.Fatalf("leaf %x gives %x, %v, want %x", probe, got, err, want)
				}
				for l := range erased {
					if _, err := shred.Leaf(l); !errors.Is(err, epoch.ErrErased) {
						t.Fatalf("erased leaf %x: %v, want ErrErased", l, err)
					}
				}
				if shred.Version() != uint64(len(erased)) {
					t.Fatalf("version %d after %d erasures", shred.Version(), len(erased))
				}
			},
		})
	})
}

type shredState struct {
	_      struct{} `cbor:",toarray"`
	Format uint8
	Erased []byte
	Seeds  []byte
}

func TestParseShredRefused(t *testing.T) {
	shred := newShred(t, "s")
	shred.Puncture(leaf(5), leaf(1<<40))
	var good shredState
	if err := canonical.Unmarshal(shred.Bytes(), &good); err != nil {
		t.Fatal(err)
	}
	single := newShred(t, "s")
	single.Puncture(leaf(5))
	var one shredState
	if err := canonical.Unmarshal(single.Bytes(), &one); err != nil {
		t.Fatal(err)
	}
	seed := good.Seeds[:32]
	l5, l40 := good.Erased[:6], good.Erased[6:]
	for name, s := range map[string]shredState{
		"format 0":            {Format: 0, Erased: good.Erased, Seeds: good.Seeds},
		"format 2":            {Format: 2, Erased: good.Erased, Seeds: good.Seeds},
		"no seeds":            {Format: 1, Erased: good.Erased},
		"nothing":             {Format: 1},
		"a seed too few":      {Format: 1, Erased: good.Erased, Seeds: good.Seeds[32:]},
		"a seed too many":     {Format: 1, Erased: good.Erased, Seeds: slices.Concat(good.Seeds, seed)},
		"a byte too few":      {Format: 1, Erased: good.Erased, Seeds: good.Seeds[:len(good.Seeds)-1]},
		"a byte too many":     {Format: 1, Erased: good.Erased, Seeds: slices.Concat(good.Seeds, []byte{0})},
		"two roots":           {Format: 1, Seeds: slices.Concat(seed, seed)},
		"leaves out of order": {Format: 1, Erased: slices.Concat(l40, l5), Seeds: good.Seeds},
		"leaf twice":          {Format: 1, Erased: slices.Concat(l5, l5, l40), Seeds: good.Seeds},
		"leaf cut short":      {Format: 1, Erased: good.Erased[:11], Seeds: one.Seeds},
		"leaf forgotten":      {Format: 1, Erased: l5, Seeds: good.Seeds},
		"root after erasure":  {Format: 1, Erased: l5, Seeds: seed},
	} {
		t.Run(name, func(t *testing.T) {
			b, err := canonical.Marshal(s)
			if err != nil {
				t.Fatal(err)
			}
			got, err := epoch.ParseShred(b)
			refused(t, got, err, canonical.ErrMalformed)
		})
	}
	for n := range shred.Bytes() {
		if got, err := epoch.ParseShred(shred.Bytes()[:n]); got != nil || !errors.Is(err, canonical.ErrMalformed) {
			t.Fatalf("cut to %d bytes: %v, want ErrMalformed", n, err)
		}
	}
}

func TestSealedShred(t *testing.T) {
	keys, shred := generate(t, "current"), newShred(t, "s")
	shred.Puncture(leaf(77))
	sealed, err := epoch.SealShred(stream("n"), place, keys, shred)
	if err != nil {
		t.Fatal(err)
	}
	got, err := epoch.OpenShred(keys.WithoutHistory(), place, 1, sealed)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), shred.Bytes()) {
		t.Error("another shred came out than went in")
	}
	got, err = epoch.OpenShred(generate(t, "previous"), place, 1, sealed)
	refused(t, got, err, epoch.ErrOpen)
	for field, at := range elsewhere {
		t.Run(field, func(t *testing.T) {
			got, err := epoch.OpenShred(keys, at, 1, sealed)
			refused(t, got, err, epoch.ErrOpen)
		})
	}
	for i := range sealed {
		changed := bytes.Clone(sealed)
		changed[i] ^= 0x80
		if got, err := epoch.OpenShred(keys, place, 1, changed); got != nil || !errors.Is(err, epoch.ErrOpen) {
			t.Fatalf("byte %d changed: %v, want ErrOpen", i, err)
		}
	}
}

func TestAttack61_ShredRolledBack(t *testing.T) {
	keys, shred := generate(t, "current"), newShred(t, "s")
	before, err := epoch.SealShred(stream("n"), place, keys, shred)
	if err != nil {
		t.Fatal(err)
	}
	shred.Puncture(leaf(1), leaf(2))
	for _, version := range []uint64{1, 2, 1 << 63} {
		got, err := epoch.OpenShred(keys, place, version, before)
		refused(t, got, err, epoch.ErrOpen)
	}
	after, err := epoch.SealShred(stream("m"), place, keys, shred)
	if err != nil {
		t.Fatal(err)
	}
	got, err := epoch.OpenShred(keys, place, 0, after)
	refused(t, got, err, epoch.ErrOpen)
}

func FuzzParseShred(f *testing.F) {
	shred := newShred(f, "s")
	f.Add(shred.Bytes())
	shred.Puncture(leaf(0), leaf(1), leaf(1<<48-1))
	f.Add(shred.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		shred, err := epoch.ParseShred(data)
		if err != nil {
			return
		}
		if !bytes.Equal(shred.Bytes(), data) {
			t.Errorf("accepted %x, writes %x", data, shred.Bytes())
		}
	})
}
