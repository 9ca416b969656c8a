// Package interop reads a tree with programs that others have written: the tile client of filippo.io/torchwood, the tree hashes and
// proofs of transparency-dev/merkle, and the checkpoints of both. It is a module of its own, so that phr does not depend on them.
package interop

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/torchwood"
	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/tree"
)

const origin = "phr/interop"

// sizes are those of the tree's checkpoints, one after the other.
var sizes = []int{1, 255, 256, 257, 1000, 65_535, 65_800}

func entry(i int) []byte { return fmt.Appendf(nil, "entry %d", i) }

// log is a tree in a directory, with what others know of it.
type log struct {
	*tree.Store
	dir         directory
	key         string   // as others write it
	checkpoints [][]byte // signed
}

func (l *log) last() []byte { return l.checkpoints[len(l.checkpoints)-1] }

func TestInterop(t *testing.T) {
	l := sealed(t, t.TempDir())
	t.Run("directory", l.testDirectory)
	t.Run("rotten directory", l.testRotten)
	t.Run("site", l.testSite)
	t.Run("merkle", l.testMerkle)
}

// sealed makes a tree with checkpoints of all sizes.
func sealed(t *testing.T, dir string) *log {
	t.Helper()
	private := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	public := private.Public().(ed25519.PublicKey)
	signer, err := tree.NewSigner(origin, private)
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := tree.NewVerifier(origin, public)
	if err != nil {
		t.Fatal(err)
	}
	s, err := tree.OpenSealer(tree.Dir(dir), verifier)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	var checkpoints [][]byte
	have := 0
	for _, size := range sizes {
		var entries [][]byte
		for ; have < size; have++ {
			entries = append(entries, entry(have))
		}
		if err := s.Append(entries, func(c tree.Checkpoint) ([]byte, error) { return c.Sign(signer) }); err != nil {
			t.Fatal(err)
		}
		_, signed := s.Checkpoint()
		checkpoints = append(checkpoints, signed)
	}
	key, err := tree.VerifierKey(origin, public)
	if err != nil {
		t.Fatal(err)
	}
	return &log{s, directory(dir), key, checkpoints}
}

// others returns a tree as torchwood reads it from a signed checkpoint, with nothing but the log's key.
func (l *log) others(t *testing.T, signed []byte) tlog.Tree {
	t.Helper()
	verifier, err := note.NewVerifier(l.key)
	if err != nil {
		t.Fatal(err)
	}
	n, err := note.Open(signed, note.VerifierList(verifier))
	if err != nil {
		t.Fatal(err)
	}
	c, err := torchwood.ParseCheckpoint(n.Text)
	if err != nil || c.Origin != origin {
		t.Fatalf("a checkpoint of %q: %v", c.Origin, err)
	}
	return c.Tree
}

// directory reads tiles from a directory for torchwood.
type directory string

func (d directory) ReadTiles(_ context.Context, tiles []tlog.Tile) (data [][]byte, err error) {
	for _, t := range tiles {
		contents, err := os.ReadFile(filepath.Join(string(d), torchwood.TilePath(t)))
		if err != nil {
			return nil, err
		}
		data = append(data, contents)
	}
	return data, nil
}

func (d directory) ReadEndpoint(_ context.Context, path string) ([]byte, error) {
	return os.ReadFile(filepath.Join(string(d), path))
}

func (directory) SaveTiles([]tlog.Tile, [][]byte) {}

// entries reads all leaves that another client finds in a tree.
func entries(t *testing.T, from torchwood.TileReader, at tlog.Tree) int64 {
	t.Helper()
	client, err := torchwood.NewClient(from)
	if err != nil {
		t.Fatal(err)
	}
	next := int64(0)
	for next < at.N { // the last partial bundle comes by itself
		start := next
		for i, leaf := range client.Entries(t.Context(), at, start) {
			if want := tree.Leaf(entry(int(i))); i != next || !bytes.Equal(leaf, want[:]) {
				t.Fatalf("entry %d is %x", i, leaf)
			}
			next++
		}
		if client.Err() != nil || next == start {
			t.Fatalf("read %d entries of %d: %v", next, at.N, client.Err())
		}
	}
	return next
}

// Another client reads the directory and verifies every leaf, by the newest checkpoint.
func (l *log) testDirectory(t *testing.T) {
	at := l.others(t, l.last())
	if n := entries(t, l.dir, at); n != int64(sizes[len(sizes)-1]) {
		t.Errorf("read %d entries", n)
	}
	client, err := torchwood.NewClient(l.dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range []int64{0, 255, 256, 65_535, 65_799} {
		want := tree.Leaf(entry(int(i)))
		if leaf, _, err := client.Entry(t.Context(), at, i); err != nil || !bytes.Equal(leaf, want[:]) {
			t.Errorf("entry %d is %x, %v", i, leaf, err)
		}
	}
}

// It finds a rotten place as well.
func (l *log) testRotten(t *testing.T) {
	at := l.others(t, l.last())
	for _, name := range []string{"tile/0/000", "tile/1/000", "tile/2/000.p/1", "tile/entries/000"} {
		name = filepath.Join(string(l.dir), name)
		contents, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		rotten := bytes.Clone(contents)
		rotten[20] ^= 1
		client, err := torchwood.NewClient(l.dir)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, rotten, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, _, err := client.Entry(t.Context(), at, 0); err == nil {
			t.Errorf("%s is rotten, and entry 1 verifies", name)
		}
		if err := os.WriteFile(name, contents, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// It reads the same over HTTP: hash tiles as anybody, bundles with what the node asks for.
func (l *log) testSite(t *testing.T) {
	server := httptest.NewServer(&tree.Site{Tree: l.Store, Allow: func(r *http.Request, _ tree.Part) bool {
		return r.Header.Get("Authorization") == "Bearer ticket"
	}})
	t.Cleanup(server.Close)
	for _, test := range []struct {
		client *http.Client
		reads  bool
	}{{server.Client(), false}, {&http.Client{Transport: bearer{server.Client().Transport}}, true}} {
		fetcher, err := torchwood.NewTileFetcher(server.URL, torchwood.WithHTTPClient(test.client), torchwood.WithConcurrencyLimit(8))
		if err != nil {
			t.Fatal(err)
		}
		signed, err := fetcher.ReadEndpoint(t.Context(), "checkpoint")
		if err != nil {
			t.Fatal(err)
		}
		at := l.others(t, signed)
		reader := torchwood.TileHashReaderWithContext(t.Context(), at, fetcher)
		leaf := tree.Leaf(entry(300))
		path, err := tlog.ProveRecord(at.N, 300, reader)
		if err == nil {
			err = tlog.CheckRecord(path, at.N, at.Hash, 300, tlog.RecordHash(leaf[:]))
		}
		if err != nil {
			t.Fatal(err)
		}
		if test.reads {
			entries(t, fetcher, at)
			continue
		}
		client, err := torchwood.NewClient(fetcher)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := client.Entry(t.Context(), at, 0); err == nil || !strings.Contains(err.Error(), "401") {
			t.Errorf("anybody reads bundles: %v", err)
		}
	}
}

// bearer adds a ticket to requests.
type bearer struct{ http.RoundTripper }

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer ticket")
	return b.RoundTripper.RoundTrip(r)
}

// Another implementation of the Merkle tree comes to the same roots, and takes our proofs.
func (l *log) testMerkle(t *testing.T) {
	last := l.others(t, l.last())
	factory := &compact.RangeFactory{Hash: rfc6962.DefaultHasher.HashChildren}
	all, next := factory.NewEmptyRange(0), 0
	for i := range sizes[len(sizes)-1] {
		leaf := sha256.Sum256(append([]byte("phr/entry\x00"), entry(i)...))
		if err := all.Append(rfc6962.DefaultHasher.HashLeaf(leaf[:]), nil); err != nil {
			t.Fatal(err)
		}
		if i+1 < sizes[next] {
			continue
		}
		at := l.others(t, l.checkpoints[next])
		root, err := all.GetRootHash(nil)
		if err != nil || at.N != int64(i+1) || !bytes.Equal(root, at.Hash[:]) {
			t.Errorf("the root over %d entries is %x, %v, in the checkpoint of %d %x", i+1, root, err, at.N, at.Hash)
		}
		ours, _, err := l.Consistency(uint64(at.N))
		if err == nil {
			err = proof.VerifyConsistency(rfc6962.DefaultHasher, uint64(at.N), uint64(last.N), hashes(ours), at.Hash[:], last.Hash[:])
		}
		if err != nil {
			t.Errorf("consistency with %d entries: %v", at.N, err)
		}
		ours, _, err = l.Inclusion(uint64(i))
		if err == nil {
			err = proof.VerifyInclusion(rfc6962.DefaultHasher, uint64(i), uint64(last.N), rfc6962.DefaultHasher.HashLeaf(leaf[:]), hashes(ours), last.Hash[:])
		}
		if err != nil {
			t.Errorf("inclusion of entry %d: %v", i+1, err)
		}
		next++
	}
}

func hashes(ours []ledger.Hash) (theirs [][]byte) {
	for _, h := range ours {
		theirs = append(theirs, h[:])
	}
	return theirs
}
