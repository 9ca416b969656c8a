package audit_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/transparency-dev/formats/log"
	"golang.org/x/mod/sumdb/note"

	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/audit"
)

// A log, its checkpoints, the signed checkpoint and the tiles agree, wherever the log is read from, and so does an earlier report
// of it.
func TestTree(t *testing.T) {
	s := newSealed(t)
	s.checkpoint(0)
	s.write(300)
	early := len(s.Entries())
	s.checkpoint(early - 150) // within a run, which does not count yet
	s.checkpoint(early)
	s.write(400)
	h := s.history()
	size := len(h.entries)
	s.checkpoint(size)
	old := s.key
	s.key = s.describe(3)
	h = s.history()
	size = len(h.entries)

	dir := h.seal(t, s.key, size)
	inTiles := h.inTiles(t, dir, audit.Options{Witnesses: func([]byte, note.Verifier) error { return nil }})
	wantFindings(t, inTiles)
	if inTiles.Tree != h.tree(t, size) || inTiles.Checkpoints != 4 || inTiles.Checkpoint != string(h.sign(t, s.key, size)) || inTiles.Witnessed != uint64(size) {
		t.Errorf("tree %+v, %d checkpoints, witnessed %d, shown %q", inTiles.Tree, inTiles.Checkpoints, inTiles.Witnessed, inTiles.Checkpoint)
	}
	both := h.besides(t, dir)
	if inTiles.Witnessed = 0; !reflect.DeepEqual(both, inTiles) {
		t.Errorf("the log beside its tiles: %+v", both)
	}
	for _, sealed := range []int{size - 1, 512, 257, 256, 255, 1} { // the log has gone on since
		wantFindings(t, h.besides(t, h.seal(t, s.key, sealed)))
	}

	then := h.until(early).audit(t, audit.Options{Checkpoint: h.sign(t, old, early)})
	kept, err := json.Marshal(then)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range [][]byte{kept, h.sign(t, old, early)} {
		known, err := audit.ParseKept(text)
		if err != nil {
			t.Fatal(err)
		}
		wantFindings(t, h.audit(t, audit.Options{Known: known, Checkpoint: h.sign(t, s.key, size)}))
		other := &history{root: s.patient.GID(), entries: h.entries}
		if _, err := audit.Run(t.Context(), other.root, other.source, audit.Options{Known: known}); err == nil {
			t.Error("what was kept of another log is compared")
		}
	}
}

// A checkpoint in the log that names another tree or map, more than there was, or less than an earlier one, is found.
func TestAttack45_CheckpointOfAnotherLog(t *testing.T) {
	s := newSealed(t)
	s.write(5)
	at := len(s.Entries())
	s.checkpoint(at)
	s.write(5)
	base := s.history()
	for _, tt := range []struct {
		name   string
		change func(*ledger.Checkpoint)
		want   audit.Problem
		says   string
	}{
		{"as it is", func(*ledger.Checkpoint) {}, "", ""},
		{"without a map", func(c *ledger.Checkpoint) { c.Map = ledger.Hash{} }, "", ""},
		{"another root", func(c *ledger.Checkpoint) { c.Root[0] ^= 1 }, audit.Checkpoint, "another tree"},
		{"another map", func(c *ledger.Checkpoint) { c.Map[31] ^= 1 }, audit.Heads, "other ends"},
		{"the tree of an earlier size", func(c *ledger.Checkpoint) { c.Root = base.tree(t, at).Root }, audit.Checkpoint, "another tree"},
		{"the map of an earlier size", func(c *ledger.Checkpoint) { c.Map = mapOf(base.ends(t, at)) }, audit.Heads, "other ends"},
		{"more than there is", func(c *ledger.Checkpoint) { c.Size++ }, audit.Checkpoint, "came before it"},
		{"far more than there is", func(c *ledger.Checkpoint) { c.Size = 1 << 63 }, audit.Checkpoint, "came before it"},
		{"less than an earlier one", func(c *ledger.Checkpoint) { *c = *base.checkpoint(t, at-1) }, audit.Checkpoint, "an earlier one"},
		{"nothing", func(c *ledger.Checkpoint) { *c = ledger.Checkpoint{} }, audit.Checkpoint, "an earlier one"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := base.clone()
			c := base.checkpoint(t, len(base.entries))
			tt.change(c)
			h.place(t, len(h.entries), s.Sign(s.Self, none, ledger.NodeChain(s.Self.GID()), c)[0])
			r := h.audit(t, audit.Options{})
			if tt.want == "" {
				wantFindings(t, r)
				return
			}
			wantFindings(t, r, found{tt.want, uint64(len(h.entries)), 0})
			if f := r.Findings[0]; !strings.Contains(f.What, tt.says) || f.Event.IsZero() || f.Number == 0 {
				t.Errorf("finding %+v, want one that says %q", f, tt.says)
			}
		})
	}
}

// Whoever has kept a checkpoint, or a report, finds out a log that was cut short, made anew, rolled back or forked, whatever key it is
// signed with, and has both checkpoints for evidence.
func TestAttack45_AnotherLogThanWasKept(t *testing.T) {
	s := newSealed(t)
	s.write(3)
	from := len(s.Entries())
	s.write(3)
	kept := len(s.Entries())
	s.checkpoint(kept)
	h := s.history()
	_, strange, err := newKey()
	if err != nil {
		t.Fatal(err)
	}
	all, forked := len(h.entries), h.instead(from, kept)
	for _, tt := range []struct {
		name string
		log  *history
		show []byte
		want audit.Problem
		at   int
	}{
		{"as it is", h, h.sign(t, s.key, all), "", 0},
		{"cut short", h.until(kept - 3), h.sign(t, s.key, kept-3), audit.Truncated, kept - 3},
		{"rolled back, with no checkpoint", h.until(from), nil, audit.Truncated, from},
		{"a run left out", h.without(from, from+3).until(kept - 3), nil, audit.Truncated, kept - 3},
		{"signed by a key that was never described", h, h.sign(t, strange, all), audit.Checkpoint, all},
		{"shown with a checkpoint over another log", h, forked.sign(t, s.key, kept), audit.Checkpoint, kept},
		{"shown with a checkpoint over more than there is", h.until(kept), h.sign(t, s.key, all), audit.Truncated, kept},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for kind, known := range map[string]audit.Kept{
				"note":                     {Root: h.root, Checkpoint: string(h.sign(t, s.key, kept))},
				"report":                   {Root: h.root, Tree: h.tree(t, kept)},
				"report with a checkpoint": {Root: h.root, Tree: h.tree(t, kept), Checkpoint: string(h.sign(t, s.key, kept))},
			} {
				r := tt.log.audit(t, audit.Options{Known: known, Checkpoint: tt.show})
				if tt.want == "" {
					wantFindings(t, r)
					continue
				}
				wantFindings(t, r, found{tt.want, uint64(tt.at), 0})
				if f := r.Findings[0]; !strings.Contains(f.Evidence, "phr/"+string(h.root)) && (kind != "report" || tt.show != nil) {
					t.Errorf("%s: the evidence is %q, without a checkpoint", kind, f.Evidence)
				}
			}
		})
	}
	// What can't be compared any more, since entries are missing, is counted with them.
	wantFindings(t, h.holed(from, from+3).audit(t, audit.Options{Known: audit.Kept{Root: h.root, Tree: h.tree(t, kept)}}), found{audit.Gap, uint64(from) + 1, 1})
	r := forked.audit(t, audit.Options{Known: audit.Kept{Root: h.root, Checkpoint: string(h.sign(t, s.key, kept))}, Checkpoint: forked.sign(t, s.key, all)})
	i := slices.IndexFunc(r.Findings, func(f audit.Finding) bool { return f.Problem == audit.Fork })
	if i < 0 || r.Findings[i].Sequence != uint64(kept) || strings.Count(r.Findings[i].Evidence, "phr/"+string(h.root)+`\n`) != 2 {
		t.Errorf("findings %+v, want a fork at %d with both checkpoints", r.Findings, kept)
	}
}

// A node withholds the newest records of one patient. Nothing follows on their chain, so that it looks whole; every checkpoint after
// them, in the log or kept by anybody, says that they are missing.
func TestAttack58_WithheldRecords(t *testing.T) {
	s := newSealed(t)
	s.write(3)
	from := len(s.Entries())
	s.write(2)
	with := len(s.Entries())
	h := s.history()
	withheld := h.without(from, from+2)
	wantFindings(t, withheld.audit(t, audit.Options{}))
	wantFindings(t, withheld.audit(t, audit.Options{Checkpoint: h.sign(t, s.key, with)}), found{audit.Truncated, uint64(with) - 2, 0})

	s.checkpoint(with)
	s.mustSay(ledger.NodeChain(s.Self.GID()), &ledger.Incident{Text: "all is well"})
	s.checkpoint(with + 1)
	h = s.history()
	r := h.without(from, from+2).audit(t, audit.Options{})
	wantFindings(t, r, found{audit.Checkpoint, uint64(with) - 1, 0}, found{audit.Checkpoint, uint64(with) + 1, 0})
	r = h.instead(from, from+2).audit(t, audit.Options{}) // so that the number of entries is right
	wantFindings(t, r, found{audit.Replayed, uint64(from) + 1, 0}, found{audit.Replayed, uint64(from) + 2, 0},
		found{audit.Checkpoint, uint64(with) + 1, 1}, found{audit.Heads, uint64(with) + 1, 1})
}

// Somebody puts another key for the log into the node's description, which only the root writes. Checkpoints by it are not the log's.
func TestAttack46_SwappedLogKey(t *testing.T) {
	s := newSealed(t)
	s.write(2)
	h := s.history()
	thief := newSealed(t) // has a key of its own
	described := h.clone()
	described.place(t, len(h.entries), s.Sign(s.Self, none, ledger.NodeChain(s.Self.GID()), &ledger.NodeDescribed{
		Sequence: 3, Account: "A", Suites: []uint16{1}, Expires: s.Now().Add(1000).UnixMilli(), Log: [32]byte(thief.key[32:]),
	})[0])
	size := len(described.entries)
	wantFindings(t, described.audit(t, audit.Options{Checkpoint: described.sign(t, thief.key, size)}),
		found{audit.Checkpoint, uint64(size), 0}, found{audit.Session, uint64(size), 0})
	old := s.key
	s.key = s.describe(3)
	h = s.history()
	size = len(h.entries)
	wantFindings(t, h.audit(t, audit.Options{Checkpoint: h.sign(t, s.key, size)}))
	wantFindings(t, h.audit(t, audit.Options{Checkpoint: h.sign(t, old, size)}), found{audit.Checkpoint, uint64(size), 0})
	wantFindings(t, newWard(t).history().audit(t, audit.Options{Checkpoint: h.sign(t, s.key, size)}), found{audit.Checkpoint, 0, 0})
}

// rots are the ways in which a file goes bad, from a byte on.
var rots = map[string]func([]byte, int) []byte{
	"flipped": func(b []byte, at int) []byte { b[at] ^= 0x20; return b },
	"zeroed":  func(b []byte, _ int) []byte { return make([]byte, len(b)) },
	"cut off": func(b []byte, at int) []byte { return b[:at] },
	"gone":    func([]byte, int) []byte { return nil },
}

// rot lets a file of a tree go bad until the test ends, and returns from which byte on.
func rot(t *testing.T, file, how string, covered func([]byte) int) (at int) {
	t.Helper()
	found, err := filepath.Glob(file)
	if err != nil || len(found) != 1 {
		t.Fatal(found, err)
	}
	sound, err := os.ReadFile(found[0])
	if err != nil {
		t.Fatal(err)
	}
	write := func(b []byte) {
		if err := os.WriteFile(found[0], b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { write(sound) })
	if how == "flipped" || how == "cut off" {
		at = rand.IntN(covered(sound))
	}
	b := rots[how](bytes.Clone(sound), at)
	write(b)
	if b == nil {
		if err := os.Remove(found[0]); err != nil {
			t.Fatal(err)
		}
	}
	return at
}

// Whatever byte of whatever file of a tree has rotted, is cut off or is gone, there is a finding that says where.
func TestRottenTiles(t *testing.T) {
	s := newSealed(t)
	s.write(300)
	s.write(300)
	h := s.history()
	dir := h.seal(t, s.key, len(h.entries))
	for _, tt := range []struct {
		file        string
		unit        int // bytes of a place in it; 0 if they differ
		first, each int // entries that a place is about
	}{
		{"tile/0/000", 32, 1, 1},
		{"tile/0/001", 32, 257, 1},
		{"tile/0/002.p/*", 32, 513, 1},
		{"tile/1/000.p/2", 32, 1, 256},
		{"tile/entries/001", 34, 257, 1},
		{"tile/entries/002.p/*", 34, 513, 1},
		{"tile/data/000", 0, 1, 1},
		{"tile/data/002", 0, 513, 1},
	} {
		for how := range rots {
			t.Run(tt.file+" "+how, func(t *testing.T) {
				at := rot(t, filepath.Join(dir, tt.file), how, func(b []byte) int {
					if tt.unit == 0 {
						return len(b) - len(leftover)
					}
					return len(b)
				})
				r := h.besides(t, dir)
				if len(r.Findings) != 1 || r.Findings[0].Problem != audit.Tile || r.Findings[0].Evidence == "" {
					t.Fatalf("findings %+v", r.Findings)
				}
				got := int(r.Findings[0].Sequence)
				if tt.unit > 0 && got != tt.first+at/tt.unit*tt.each || got < tt.first || got >= tt.first+256*tt.each {
					t.Errorf("found at entry %d, and %s was %s from byte %d on", got, tt.file, how, at)
				}
				if how == "gone" && h.inTiles(t, dir, audit.Options{}).Sound() {
					t.Error("the tree by itself is sound")
				}
			})
		}
	}
}

// So there is where the checkpoint of a tree has rotted, and the log is audited all the same.
func TestRottenCheckpoint(t *testing.T) {
	s := newSealed(t)
	h := s.history()
	dir := h.seal(t, s.key, len(h.entries))
	sound := h.sign(t, s.key, len(h.entries))
	for at := 0; at < len(sound); at += 9 {
		b := bytes.Clone(sound)
		b[at] ^= 0x20
		if err := os.WriteFile(filepath.Join(dir, "checkpoint"), b, 0o600); err != nil {
			t.Fatal(err)
		}
		if r := h.besides(t, dir); r.Sound() || r.Counted != uint64(len(h.entries)) {
			t.Errorf("with byte %d of the checkpoint flipped %d entries count, findings %+v", at, r.Counted, r.Findings)
		}
	}
	if _, err := audit.OpenTiles(filepath.Join(dir, "tile")); err == nil {
		t.Error("a directory without a checkpoint is a tree")
	}
}

// Too few witnesses are a finding, in their own words.
func TestWitnesses(t *testing.T) {
	s := newSealed(t)
	h := s.history()
	size := len(h.entries)
	dir, why := h.seal(t, s.key, size), errors.New("1 of 2 witnesses has signed it")
	r := h.inTiles(t, dir, audit.Options{Witnesses: func(signed []byte, _ note.Verifier) error {
		if string(signed) != string(h.sign(t, s.key, size)) {
			t.Errorf("they are asked about %q", signed)
		}
		return why
	}})
	wantFindings(t, r, found{audit.Unwitnessed, uint64(size), 0})
	if r.Witnessed != 0 || !strings.Contains(r.Findings[0].What, why.Error()) {
		t.Errorf("witnessed %d: %+v", r.Witnessed, r.Findings)
	}
}

// Witnesses may have signed a checkpoint that is a little older than the newest one. It has to be of this log all the same.
func TestWitnessedEarlier(t *testing.T) {
	s := newSealed(t)
	h := s.history()
	size := len(h.entries)
	dir, earlier := h.seal(t, s.key, size), h.sign(t, s.key, size-2)
	options := audit.Options{Witnessed: earlier, Witnesses: func(signed []byte, _ note.Verifier) error {
		if string(signed) != string(earlier) {
			t.Errorf("they are asked about %q", signed)
		}
		return nil
	}}
	r := h.inTiles(t, dir, options)
	wantFindings(t, r)
	if r.Witnessed != uint64(size-2) || r.Checkpoint != string(h.sign(t, s.key, size)) {
		t.Errorf("witnessed %d, shown %q", r.Witnessed, r.Checkpoint)
	}
	forked := h.tree(t, size-2)
	forked.Root[0]++
	earlier = signed(t, h.root, s.key, log.Checkpoint{Origin: "phr/" + string(h.root), Size: forked.Size, Hash: forked.Root[:]})
	options.Witnessed = earlier
	wantFindings(t, h.inTiles(t, dir, options), found{audit.Checkpoint, uint64(size - 2), 0})
}

// The root of the map of heads is what its definition says, after any changes.
func TestHeads(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	var h audit.HeadMap
	ends := make(map[ledger.Chain]audit.Head)
	chains := make([]ledger.Chain, 3000)
	for i := range chains {
		b := make([]byte, 8)
		for j := range b {
			b[j] = 'a' + byte(random.IntN(26))
		}
		chains[i] = ledger.Chain{Space: ledger.AuthoritySpace, Owner: string(b)}
	}
	for i := range 8000 {
		c := chains[min(i/2, random.IntN(len(chains)))]
		head := audit.Head{Number: random.Uint64(), Hash: ledger.Hash{byte(i), byte(i >> 8), 7}}
		h.Set(c, head)
		ends[c] = head
		if (i < 20 || i%1000 == 0) && h.Root() != mapOf(ends) {
			t.Fatalf("another root after %d changes", i+1)
		}
	}
	if (new(audit.HeadMap).Root() != ledger.Hash{}) {
		t.Error("the empty map has a root")
	}
}

// What is kept is read wholly or not at all.
func FuzzParseKept(f *testing.F) {
	h := anEventfulLog(f)
	r := h.audit(f, audit.Options{})
	text, err := json.Marshal(r)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte("phr/" + string(h.root) + "\n7\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n\n\u2014 phr/x AAAA\n"))
	f.Add([]byte(`{"root":""}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		kept, err := audit.ParseKept(data)
		if (err == nil) != (kept.Root != "") {
			t.Fatalf("%+v, %v", kept, err)
		}
		if err != nil {
			return
		}
		if _, err := audit.Run(t.Context(), kept.Root, h.source, audit.Options{Known: kept}); err != nil {
			t.Fatal(err)
		}
	})
}

// Whatever lies in a directory of tiles, reading it ends, in a report or an error.
func FuzzTiles(f *testing.F) {
	h := anEventfulLog(f)
	_, key, err := newKey()
	if err != nil {
		f.Fatal(err)
	}
	dir := h.seal(f, key, 9)
	for _, name := range []string{"tile/data/000", "tile/entries/000.p/9", "tile/0/000.p/9"} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(name[5] == 'd', data)
	}
	f.Add(true, []byte{0xff, 0xff, 0xff, 0xff})
	want := h.inTiles(f, dir, audit.Options{}).Entries
	f.Fuzz(func(t *testing.T, entries bool, data []byte) {
		dir := h.seal(t, key, 9)
		for _, name := range []string{"tile/data/000", "tile/entries/000.p/9", "tile/0/000.p/9"} {
			if entries == (name[5] == 'd') {
				if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}
		if r := h.inTiles(t, dir, audit.Options{}); r.Entries > want || r.Sound() {
			t.Errorf("%d entries, sound %t", r.Entries, r.Sound())
		}
	})
}
