package tree

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"

	"golang.org/x/mod/sumdb/tlog"
)

// Damage is a file that does not hold what the checkpoint of its tree commits to.
type Damage struct {
	Path     string
	From, To uint64 // the entries that what is wrong in it stands for: indexes from From to before To
	Err      error
}

// String says where the damage is, and what.
func (d Damage) String() string {
	return fmt.Sprintf("%s, entries %d to %d: %v", d.Path, d.From+1, d.To, d.Err)
}

// Check reads everything that the newest checkpoint covers, and returns every file that is damaged. It fails only when ctx ends.
//
// The directory has three words on each entry: the entry, its leaf, its hash. Check believes what two of them say, or what the tile
// above says, and computes the tree over that. If it leads to the checkpoint's root, what was believed is proven, and the
// damages are exactly those returned; else the checkpoint is among them, and what lies below a tile among them may be wrong instead of it.
func (s *Store) Check(ctx context.Context) ([]Damage, error) {
	c := check{Store: s, at: s.at.Load()}
	for n := uint64(0); n*tileWidth < c.at.Size; n++ {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("checking the tree: %w", err)
		}
		c.checkBlock(n)
	}
	for level := 1; level < len(c.levels); level++ {
		c.checkTiles(level)
	}
	c.checkRoot()
	return c.damages, nil
}

// check is a Check that has come so far.
type check struct {
	*Store
	at      *sealed
	levels  [][]tlog.Hash // what is believed of the hashes in tiles of each level; of level 0 those of the last tile alone
	above   tlog.Tile     // the tile of level 1 that was read last,
	named   []tlog.Hash   // and its hashes
	damages []Damage
}

// errOther is what is wrong with most files.
var errOther = fmt.Errorf("%w: it has something else", ErrDamaged)

// checkBlock compares the three words on up to 256 entries.
func (c *check) checkBlock(n uint64) {
	width := widthAt(c.at.Size, 0, int64(n))
	t := tlog.Tile{H: tileHeight, N: int64(n), W: width}
	data, dataErr := c.dataHashes(n, width)
	leaves, leavesErr := c.leafHashes(n, width)
	hashes, hashesErr := c.tileHashes(t)
	believed := believe(width, c.fromAbove(n), data, leaves, hashes)
	c.compare(dataPath(n), t, believed, data, dataErr)
	c.compare(bundlePath(n, width), t, believed, leaves, leavesErr)
	c.compare(tilePath(t), t, believed, hashes, hashesErr)
	c.add(0, believed)
}

// add takes the hashes of the next tile of a level into the tree.
func (c *check) add(level int, hashes []tlog.Hash) {
	for len(c.levels) <= level+1 {
		c.levels = append(c.levels, nil)
	}
	if level == 0 {
		c.levels[0] = hashes
	}
	if len(hashes) == tileWidth {
		c.levels[level+1] = append(c.levels[level+1], hashOver(hashes))
	}
}

// checkTiles compares the tiles of a level with what lies below them.
func (c *check) checkTiles(level int) {
	all := c.levels[level]
	for n := int64(0); n*tileWidth < int64(len(all)); n++ {
		t := tlog.Tile{H: tileHeight, L: level, N: n, W: widthAt(c.at.Size, level, n)}
		believed := all[n*tileWidth:][:t.W]
		hashes, err := c.tileHashes(t)
		c.compare(tilePath(t), t, believed, hashes, err)
		c.add(level, believed)
	}
}

// checkRoot compares the checkpoint with the tree, and with its own file.
func (c *check) checkRoot() {
	damage := Damage{Path: checkpointName, To: c.at.Size}
	if root, err := tlog.TreeHash(int64(c.at.Size), c); err != nil || root != tlog.Hash(c.at.Root) {
		damage.Err = errors.Join(fmt.Errorf("%w: the files of the tree do not lead to its root", ErrDamaged), err)
		c.damages = append(c.damages, damage)
	}
	// Another sealer may have gone on meanwhile, under the same key.
	there, err := c.files.ReadFile(checkpointName)
	if err == nil && !bytes.Equal(there, c.at.signed) {
		_, err = OpenCheckpoint(there, c.log)
	}
	if err != nil && !(c.at.signed == nil && errors.Is(err, fs.ErrNotExist)) {
		damage.Err = fmt.Errorf("%w: %w", ErrDamaged, err)
		c.damages = append(c.damages, damage)
	}
}

// ReadHashes implements tlog.HashReader, for the root of the tree.
func (c *check) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		height, n := tlog.SplitStoredHashIndex(index)
		level, width := height/tileHeight, int64(1)<<(height%tileHeight)
		from := n * width
		if level == 0 {
			from %= tileWidth
		}
		out[i] = hashOver(c.levels[level][from : from+width])
	}
	return out, nil
}

// compare notes a damage where a file says something else than what is believed, or nothing.
func (c *check) compare(name string, t tlog.Tile, believed, got []tlog.Hash, err error) {
	first, end := len(believed), 0
	for i, hash := range believed {
		if i >= len(got) || got[i] != hash {
			first, end = min(first, i), i+1
		}
	}
	if end == 0 && err == nil {
		return
	}
	if err == nil {
		err = errOther
	}
	each := uint64(1) << (tileHeight * t.L) // entries under a hash
	start := uint64(t.N) * tileWidth * each
	if end == 0 {
		first, end = 0, t.W // all is there, and then more
	}
	c.damages = append(c.damages, Damage{Path: name, From: start + uint64(first)*each, To: start + uint64(end)*each, Err: err})
}

// believe returns what to believe of the hashes in a tile: what two claims agree on, unless only another claim has the hash that the
// tile above names.
func believe(width int, above *tlog.Hash, claims ...[]tlog.Hash) []tlog.Hash {
	agreed := make([]tlog.Hash, width)
	for i := range agreed {
		for _, claim := range claims {
			if i < len(claim) && votes(claims, i, claim[i]) > votes(claims, i, agreed[i]) {
				agreed[i] = claim[i]
			}
		}
	}
	if above == nil || hashOver(agreed) == *above {
		return agreed
	}
	for _, claim := range claims {
		if len(claim) == width && hashOver(claim) == *above {
			return claim
		}
	}
	return agreed
}

// votes returns how many claims have a hash at a place.
func votes(claims [][]tlog.Hash, at int, hash tlog.Hash) (n int) {
	for _, claim := range claims {
		if at < len(claim) && claim[at] == hash {
			n++
		}
	}
	return n
}

// fromAbove returns the hash that the tile of level 1 has for a full tile of level 0; nil if it has none.
func (c *check) fromAbove(n uint64) *tlog.Hash {
	t := tlog.Tile{H: tileHeight, L: 1, N: int64(n / tileWidth)}
	if t.W = widthAt(c.at.Size, 1, t.N); c.above != t {
		c.above = t
		c.named, _ = c.tileHashes(t) // checkTiles sees what is wrong with it
	}
	if i := int(n % tileWidth); i < len(c.named) {
		return &c.named[i]
	}
	return nil
}

func (c *check) dataHashes(n uint64, width int) (hashes []tlog.Hash, _ error) {
	entries, rest, err := c.data(n, width)
	for _, e := range entries {
		hashes = append(hashes, hashOf(e))
	}
	if err == nil && rest > 0 && width == tileWidth {
		err = fmt.Errorf("%w: %d bytes follow the last entry", ErrDamaged, rest)
	}
	return hashes, err
}

func (c *check) leafHashes(n uint64, width int) (hashes []tlog.Hash, _ error) {
	leaves, err := c.leaves(n, width)
	for _, leaf := range leaves {
		hashes = append(hashes, tlog.RecordHash(leaf[:]))
	}
	return hashes, err
}

func (c *check) tileHashes(t tlog.Tile) (hashes []tlog.Hash, _ error) {
	contents, err := c.readTile(t)
	for ; len(contents) >= tlog.HashSize; contents = contents[tlog.HashSize:] {
		hashes = append(hashes, tlog.Hash(contents))
	}
	return hashes[:min(len(hashes), t.W)], err
}

// hashOver returns the root of a whole subtree.
func hashOver(hashes []tlog.Hash) tlog.Hash {
	if len(hashes) == 1 {
		return hashes[0]
	}
	half := len(hashes) / 2
	return tlog.NodeHash(hashOver(hashes[:half]), hashOver(hashes[half:]))
}
