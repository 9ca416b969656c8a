package tree_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/phrledger/phr/crypto/canonical"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/tree"
)

var update = flag.Bool("update", false, "write testdata/vectors.json anew")

const vectorFile = "testdata/vectors.json"

// vectors are testdata/vectors.json. They never change but by growing: what they pin is signed, and stands in logs for ever. The log's
// origin is phr/test and its key the Ed25519 key with 32 bytes 7 as seed.
type vectors struct {
	Key         string            `json:"key"` // the log's, as others write it
	Leaves      []leafVector      `json:"leaves"`
	Checkpoints []string          `json:"checkpoints"` // of the first 1, 2, … of these leaves
	Proof       string            `json:"proof"`       // of the second entry in the last of them, as a file
	Files       map[string]string `json:"files"`       // of the directory: the SHA-256 of each that a checkpoint covers
	Heads       []headVector      `json:"heads"`
	Bad         []badVector       `json:"bad"`
}

type leafVector struct {
	Entry string `json:"entry"` // hex
	Leaf  string `json:"leaf"`
	Hash  string `json:"hash"`
}

// headVector is a map of heads, as it becomes by one more head, and what it proves of that chain and of the first.
type headVector struct {
	Chain  string `json:"chain"`
	Number uint64 `json:"number"`
	Hash   string `json:"hash"`
	Root   string `json:"root"`
	Proof  string `json:"proof"` // hex, as are all of them
	First  string `json:"first"`
	Absent string `json:"absent"` // that a chain is not there
}

// badVector is what must not be believed: a checkpoint or proof as text; a proof of the head of the first chain of the last map in hex.
type badVector struct {
	Name   string `json:"name"`
	Kind   string `json:"kind"`
	In     string `json:"in"`
	Expect string `json:"expect"` // "malformed" or "not proven"
}

func readVectors(t testing.TB) (v vectors) {
	t.Helper()
	b, err := os.ReadFile(vectorFile)
	if err == nil {
		err = json.Unmarshal(b, &v)
	}
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// absent is a chain that no map of the vectors has.
func absent() ledger.Chain { return chain(1000) }

func makeVectors(t *testing.T) (v vectors) {
	t.Helper()
	signer, verifier := key(t)
	v.Key = must(tree.VerifierKey(origin, public()))
	entries := [][]byte{{}, {0}, []byte("an entry"), bytes.Repeat([]byte{0xff}, 300), []byte("the last")}
	d := newDisk()
	s := sealer(t, d)
	for _, e := range entries {
		leaf := tree.Leaf(e)
		hash := sha256.Sum256(append([]byte{0}, leaf[:]...))
		v.Leaves = append(v.Leaves, leafVector{hex.EncodeToString(e), hex.EncodeToString(leaf[:]), hex.EncodeToString(hash[:])})
	}
	for i := range entries {
		appendTo(t, s, entries[i:i+1])
		_, signed := s.Checkpoint()
		v.Checkpoints = append(v.Checkpoints, string(signed))
	}
	v.Files = make(map[string]string)
	d.walk("tile", func(name string, contents []byte) {
		sum := sha256.Sum256(contents)
		v.Files[name] = hex.EncodeToString(sum[:])
	})
	hashes, signed, err := s.Inclusion(1)
	if err != nil {
		t.Fatal(err)
	}
	p := tree.Proof{Index: 1, Hashes: hashes, Signed: signed}
	v.Proof = string(p.Marshal())
	if _, err := p.Verify(verifier, entries[1]); err != nil {
		t.Fatal(err)
	}
	var m tree.Heads
	for i := range 8 {
		c, h := chain(i), head(1000*i+1)
		m = m.With(c, h)
		v.Heads = append(v.Heads, headVector{
			c.String(), h.Number, hex.EncodeToString(h.Hash[:]), m.Root().String(),
			encoded(m.Prove(c)), encoded(m.Prove(chain(0))), encoded(m.Prove(absent())),
		})
	}
	v.Bad = slices.Concat(badCheckpoints(string(signed), func(text string) string { return string(must(note.Sign(&note.Note{Text: text}, signer))) }), badProofs(v.Proof), badHeads(m))
	return v
}

func encoded(p tree.HeadProof) string { return hex.EncodeToString(must(canonical.Marshal(p))) }

// badCheckpoints are made from a good one by one fault each.
func badCheckpoints(good string, sign func(text string) string) (bad []badVector) {
	text, signature, _ := strings.Cut(good, "\n\n")
	lines := strings.Split(text, "\n")
	edit := func(name, in string) { bad = append(bad, badVector{name, "checkpoint", in, "not proven"}) }
	line := func(name string, i int, to string) {
		changed := slices.Clone(lines)
		changed[i] = to
		edit(name, strings.Join(changed, "\n")+"\n\n"+signature)
	}
	edit("nothing", "")
	edit("not signed", text+"\n")
	edit("no signature", text+"\n\n")
	edit("a line more", text+"\nextension\n\n"+signature)
	edit("a line fewer", strings.Join(lines[:2], "\n")+"\n\n"+signature)
	edit("cut short", good[:len(good)-1])
	edit("CRLF", strings.ReplaceAll(good, "\n", "\r\n"))
	line("another origin", 0, "phr/other")
	line("another size", 1, "6")
	line("size with a zero", 1, "05")
	line("size with a sign", 1, "+5")
	line("another root", 2, lines[2][:3]+"A"+lines[2][4:])
	line("root in another base64", 2, strings.TrimRight(lines[2], "="))
	for name, text := range map[string][]string{ // all signed by the log
		"signed for another log":             {"phr/other", lines[1], lines[2]},
		"signed and too large":               {lines[0], fmt.Sprint(tree.MaxSize + 1), lines[2]},
		"signed with an extension":           {lines[0], lines[1], lines[2], "extension"},
		"signed with a zero before the size": {lines[0], "0" + lines[1], lines[2]},
		"signed with a short root":           {lines[0], lines[1], "AAAA"},
		"signed with an unusual root":        {lines[0], lines[1], strings.Repeat("A", 42) + "B="},
	} {
		edit(name, sign(strings.Join(text, "\n")+"\n"))
	}
	slices.SortFunc(bad, func(a, b badVector) int { return strings.Compare(a.Name, b.Name) })
	return bad
}

// badProofs are made from a good one by one fault each.
func badProofs(good string) (bad []badVector) {
	add := func(name, in, expect string) { bad = append(bad, badVector{name, "proof", in, expect}) }
	head, checkpoint, _ := strings.Cut(good, "\n\n")
	lines := strings.Split(head, "\n")
	with := func(lines ...string) string { return strings.Join(lines, "\n") + "\n\n" + checkpoint }
	add("nothing", "", "malformed")
	add("another format", strings.Replace(good, "@v1", "@v2", 1), "malformed")
	add("without index", with(lines[0], lines[2], lines[3]), "malformed")
	add("index with a zero", strings.Replace(good, "index 1", "index 01", 1), "malformed")
	add("index too large", strings.Replace(good, "index 1", "index 18446744073709551616", 1), "malformed")
	add("extra data", with(slices.Insert(slices.Clone(lines), 1, "extra AAAA")...), "malformed")
	add("a hash too short", with(append(slices.Clone(lines), "AAAA")...), "malformed")
	add("a hash that is not canonical", with(append(slices.Clone(lines), strings.Repeat("A", 42)+"B=")...), "malformed")
	add("CRLF", strings.ReplaceAll(good, "\n", "\r\n"), "malformed")
	add("cut short", good[:len(good)-1], "malformed")
	add("another index", strings.Replace(good, "index 1", "index 0", 1), "not proven")
	add("index beyond the tree", strings.Replace(good, "index 1", "index 5", 1), "not proven")
	add("the largest index", strings.Replace(good, "index 1", "index 18446744073709551615", 1), "not proven")
	add("a hash fewer", with(lines[:len(lines)-1]...), "not proven")
	add("a hash more", with(append(slices.Clone(lines), lines[2])...), "not proven")
	add("hashes in another order", with(lines[0], lines[1], lines[3], lines[2], lines[4]), "not proven")
	add("without checkpoint", head+"\n\n", "not proven")
	return bad
}

// badHeads are proofs for the head of the first chain of a map, each with a fault.
func badHeads(m tree.Heads) (bad []badVector) {
	good, other := m.Prove(chain(0)), m.Prove(chain(1))
	add := func(name string, edit func(p *tree.HeadProof)) {
		p := good
		p.Siblings, p.Head = slices.Clone(good.Siblings), &tree.Head{Number: good.Head.Number, Hash: good.Head.Hash}
		edit(&p)
		bad = append(bad, badVector{name, "head", encoded(p), "not proven"})
	}
	add("another number", func(p *tree.HeadProof) { p.Head.Number++ })
	add("number 0", func(p *tree.HeadProof) { p.Head.Number = 0 })
	add("another hash", func(p *tree.HeadProof) { p.Head.Hash[31]++ })
	add("another chain's", func(p *tree.HeadProof) { *p = other })
	add("no head", func(p *tree.HeadProof) { p.Head = nil })
	add("nothing", func(p *tree.HeadProof) { *p = tree.HeadProof{} })
	add("a sibling fewer", func(p *tree.HeadProof) { p.Siblings = p.Siblings[1:] })
	add("a sibling more", func(p *tree.HeadProof) { p.Siblings = append(p.Siblings, ledger.Hash{}) })
	add("257 siblings", func(p *tree.HeadProof) { p.Siblings = make([]ledger.Hash, 257) })
	add("itself as another", func(p *tree.HeadProof) {
		p.Other = &tree.OtherHead{Key: sha256.Sum256([]byte(chain(0).String())), Head: *p.Head}
		p.Head = nil
	})
	raw := must(hex.DecodeString(encoded(good)))
	for name, in := range map[string][]byte{
		"cut short":         raw[:len(raw)-1],
		"a byte more":       append(slices.Clone(raw), 0),
		"an unknown key":    append(append([]byte{raw[0] + 1}, raw[1:]...), 4, 0),
		"indefinite length": append(append([]byte{0xbf}, raw[1:]...), 0xff),
		"null for a head":   {0xa1, 2, 0xf6},
	} {
		bad = append(bad, badVector{name, "head", hex.EncodeToString(in), "malformed"})
	}
	slices.SortStableFunc(bad, func(a, b badVector) int { return strings.Compare(a.Name, b.Name) })
	return bad
}

// Leaves, trees, maps and their proofs are what they always were.
func TestVectors(t *testing.T) {
	made := makeVectors(t)
	if *update {
		if err := os.WriteFile(vectorFile, append(must(json.MarshalIndent(made, "", "  ")), '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if v := readVectors(t); !reflect.DeepEqual(v, made) {
		t.Error("the vectors are not those of this test; what was signed by them would not verify any more")
	}
}

// What the vectors hold verifies, by what is read from them alone.
func TestVectorsVerify(t *testing.T) {
	v := readVectors(t)
	_, verifier := key(t)
	for i, signed := range v.Checkpoints {
		if c, err := tree.OpenCheckpoint([]byte(signed), verifier); err != nil || c.Size != uint64(i+1) {
			t.Errorf("checkpoint %d: of %d entries, %v", i, c.Size, err)
		}
	}
	p, err := tree.ParseProof([]byte(v.Proof))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Verify(verifier, must(hex.DecodeString(v.Leaves[1].Entry))); err != nil {
		t.Error(err)
	}
	if _, err := p.Verify(verifier, []byte("another")); !errors.Is(err, tree.ErrNotProven) {
		t.Errorf("another entry: %v", err)
	}
	for _, h := range v.Heads {
		root := ledger.Hash(must(hex.DecodeString(h.Root)))
		for c, proof := range map[string]string{h.Chain: h.Proof, v.Heads[0].Chain: h.First, absent().String(): h.Absent} {
			var p tree.HeadProof
			if err := canonical.Unmarshal(must(hex.DecodeString(proof)), &p); err != nil {
				t.Fatal(err)
			}
			got, err := p.Verify(root, must(ledger.ParseChain(c)))
			if err != nil || c == h.Chain && (got.Number != h.Number || hex.EncodeToString(got.Hash[:]) != h.Hash) || c == absent().String() && got != (tree.Head{}) {
				t.Errorf("%s ends at %v, %v", c, got, err)
			}
		}
	}
}

func TestBadVectors(t *testing.T) {
	v := readVectors(t)
	root := ledger.Hash(must(hex.DecodeString(v.Heads[len(v.Heads)-1].Root)))
	kinds := make(map[string]int)
	for _, b := range v.Bad {
		kinds[b.Kind]++
		want := map[string]error{"malformed": ledger.ErrMalformed, "not proven": tree.ErrNotProven}[b.Expect]
		var err error
		switch _, verifier := key(t); b.Kind {
		case "checkpoint":
			_, err = tree.OpenCheckpoint([]byte(b.In), verifier)
		case "proof":
			var p *tree.Proof
			if p, err = tree.ParseProof([]byte(b.In)); err == nil {
				_, err = p.Verify(verifier, must(hex.DecodeString(v.Leaves[1].Entry)))
			}
		case "head":
			var p tree.HeadProof
			if err = canonical.Unmarshal(must(hex.DecodeString(b.In)), &p); err == nil {
				_, err = p.Verify(root, chain(0))
			} else {
				want = canonical.ErrMalformed
			}
		}
		if want == nil || !errors.Is(err, want) {
			t.Errorf("%s, %s: %v, want %s", b.Kind, b.Name, err, b.Expect)
		}
	}
	if got := slices.Sorted(maps.Keys(kinds)); len(got) != 3 {
		t.Errorf("only %q are tried", got)
	}
}
