package audit_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/transparency-dev/formats/log"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/audit"
)

// sealed is a ward whose node has a key for its log and says what the log comes to, as its sealer does. The trees here are made by
// x/mod's tlog, and the maps by the letter of the definition.
type sealed struct {
	*ward
	key ed25519.PrivateKey
}

func newSealed(t testing.TB) *sealed {
	t.Helper()
	s := &sealed{ward: newWard(t)}
	s.key = s.describe(2)
	return s
}

// describe has the root describe the node anew, with another key for its log.
func (s *sealed) describe(sequence uint64) ed25519.PrivateKey {
	s.Helper()
	public, key, err := newKey()
	if err != nil {
		s.Fatal(err)
	}
	s.Say(s.Root, ledger.NodeChain(s.Self.GID()), &ledger.NodeDescribed{
		Sequence: sequence, Account: "A", Suites: []uint16{1}, Expires: s.Now().Add(time.Hour).UnixMilli(), Log: [32]byte(public),
	})
	return key
}

func newKey() (ed25519.PublicKey, ed25519.PrivateKey, error) { return ed25519.GenerateKey(rand.Reader) }

// write adds records of the patient, in one run.
func (s *sealed) write(n int) {
	s.Helper()
	s.Submit(s.Sign(s.patient.Identity, none, s.patient.Health, s.patient.Records(n, 100)...))
}

// checkpoint logs what the first entries come to.
func (s *sealed) checkpoint(size int) {
	s.Helper()
	s.mustSay(ledger.NodeChain(s.Self.GID()), s.history().checkpoint(s, size))
}

func (h *history) checkpoint(t testing.TB, size int) *ledger.Checkpoint {
	t.Helper()
	return &ledger.Checkpoint{Size: uint64(size), Root: h.tree(t, size).Root, Map: mapOf(h.ends(t, size))}
}

// leftover is what a crash has left of entries that were never sealed.
const leftover = "what a crash has left"

// seal writes the tree over the first entries to a directory, with a checkpoint by a key.
func (h *history) seal(t testing.TB, key ed25519.PrivateKey, size int) (dir string) {
	t.Helper()
	dir = t.TempDir()
	put := func(name string, data []byte) {
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	stored := h.stored(t, size)
	for _, tile := range tlog.NewTiles(8, 0, int64(size)) {
		hashes, err := tlog.ReadTileData(tile, stored)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		put(name, hashes)
		if tile.L > 0 {
			continue
		}
		var bundle, data []byte
		for _, e := range h.entries[tile.N*256 : tile.N*256+int64(tile.W)] {
			leaf := leafOf(e.Data)
			bundle = append(binary.BigEndian.AppendUint16(bundle, uint16(len(leaf))), leaf...)
			data = append(binary.BigEndian.AppendUint32(data, uint32(len(e.Data))), e.Data...)
		}
		put(strings.Replace(name, "tile/0/", "tile/entries/", 1), bundle)
		name, _, _ = strings.Cut(name, ".p/")
		put(strings.Replace(name, "tile/0/", "tile/data/", 1), append(data, leftover...))
	}
	put("checkpoint", h.sign(t, key, size))
	return dir
}

// sign returns the checkpoint of the first entries as a key signs it.
func (h *history) sign(t testing.TB, key ed25519.PrivateKey, size int) []byte {
	t.Helper()
	tree := h.tree(t, size)
	return signed(t, h.root, key, log.Checkpoint{Origin: "phr/" + string(h.root), Size: tree.Size, Hash: tree.Root[:]})
}

// signed signs a checkpoint with a log's key.
func signed(t testing.TB, root identity.GID, key ed25519.PrivateKey, c log.Checkpoint) []byte {
	t.Helper()
	text, err := note.NewEd25519VerifierKey("phr/"+string(root), key.Public().(ed25519.PublicKey))
	if err != nil {
		t.Fatal(err)
	}
	v, err := note.NewVerifier(text)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := note.Sign(&note.Note{Text: string(c.Marshal())}, signer{v, key})
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

type signer struct {
	note.Verifier
	key ed25519.PrivateKey
}

func (s signer) Sign(text []byte) ([]byte, error) { return ed25519.Sign(s.key, text), nil }

// tree returns the tree over the first entries.
func (h *history) tree(t testing.TB, size int) audit.Tree {
	t.Helper()
	root, err := tlog.TreeHash(int64(size), h.stored(t, size))
	if err != nil {
		t.Fatal(err)
	}
	return audit.Tree{Size: uint64(size), Root: ledger.Hash(root)}
}

// stored is the hashes of a tree as tlog stores them.
type stored []tlog.Hash

// ReadHashes implements tlog.HashReader.
func (s stored) ReadHashes(at []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(at))
	for i, n := range at {
		out[i] = s[n]
	}
	return out, nil
}

func (h *history) stored(t testing.TB, size int) (s stored) {
	t.Helper()
	for i, e := range h.entries[:size] {
		more, err := tlog.StoredHashes(int64(i), leafOf(e.Data), s)
		if err != nil {
			t.Fatal(err)
		}
		s = append(s, more...)
	}
	return s
}

func leafOf(entry []byte) []byte {
	digest := sha256.Sum256(append([]byte("phr/entry\x00"), entry...))
	return digest[:]
}

// ends returns where each chain ends after the first entries.
func (h *history) ends(t testing.TB, size int) map[ledger.Chain]audit.Head {
	t.Helper()
	ends, state, runs := make(map[ledger.Chain]audit.Head), ledger.NewState(h.root, ledger.WholeLog), new(ledger.Runs)
	for _, raw := range h.entries[:size] {
		e, err := ledger.ParseEntry(raw.Data)
		if err != nil {
			t.Fatal(err)
		}
		for _, run := range runs.Add(e) {
			if state.Fold(run...) == nil {
				last := run[len(run)-1]
				ends[last.Chain] = audit.Head{Number: last.Number, Hash: last.Hash}
			}
		}
	}
	return ends
}

// mapOf returns the root of the map of heads, by its definition.
func mapOf(ends map[ledger.Chain]audit.Head) ledger.Hash {
	leaves := make(map[[32]byte]ledger.Hash)
	for c, head := range ends {
		key := sha256.Sum256([]byte(c.String()))
		text := append(append([]byte{0}, key[:]...), binary.BigEndian.AppendUint64(nil, head.Number)...)
		leaves[key] = sha256.Sum256(append(text, head.Hash[:]...))
	}
	return subtree(leaves, 0)
}

func subtree(leaves map[[32]byte]ledger.Hash, depth int) ledger.Hash {
	halves := [2]map[[32]byte]ledger.Hash{{}, {}}
	for key, hash := range leaves {
		if len(leaves) == 1 {
			return hash
		}
		halves[key[depth/8]>>(7-depth%8)&1][key] = hash
	}
	if len(leaves) == 0 {
		return ledger.Hash{}
	}
	left, right := subtree(halves[0], depth+1), subtree(halves[1], depth+1)
	return sha256.Sum256(slices.Concat([]byte{1}, left[:], right[:]))
}

// without returns a log as it would be had some entries never come.
func (h *history) without(from, to int) *history {
	less := &history{root: h.root, entries: slices.Delete(slices.Clone(h.entries), from, to)}
	less.renumber()
	return less
}

// holed returns a log that some entries are missing from.
func (h *history) holed(from, to int) *history {
	return &history{root: h.root, entries: slices.Delete(slices.Clone(h.entries), from, to)}
}

// instead returns a log in which some entries are not what they were: the one before them stands there again.
func (h *history) instead(from, to int) *history {
	other := h.clone()
	for i := from; i < to; i++ {
		other.entries[i] = h.entries[from-1]
	}
	other.renumber()
	return other
}

// until returns a log as it was.
func (h *history) until(n int) *history { return &history{root: h.root, entries: h.entries[:n]} }

// inTiles audits a directory of tiles.
func (h *history) inTiles(t testing.TB, dir string, o audit.Options) *audit.Report {
	t.Helper()
	var err error
	if o.Tiles, err = audit.OpenTiles(dir); err != nil {
		t.Fatal(err)
	}
	r, err := audit.Run(t.Context(), h.root, o.Tiles.Log, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// besides audits a log with the tiles of another directory beside it.
func (h *history) besides(t testing.TB, dir string) *audit.Report {
	t.Helper()
	tiles, err := audit.OpenTiles(dir)
	if err != nil {
		t.Fatal(err)
	}
	return h.audit(t, audit.Options{Tiles: tiles})
}
