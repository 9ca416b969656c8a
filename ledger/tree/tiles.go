package tree

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// tilePath returns the C2SP path of a hash tile: tlog's without the height.
func tilePath(t tlog.Tile) string {
	return "tile/" + strings.TrimPrefix(t.Path(), "tile/"+strconv.Itoa(tileHeight)+"/")
}

// bundlePath returns the C2SP path of an entry bundle of a width.
func bundlePath(n uint64, width int) string {
	t := tlog.Tile{H: tileHeight, L: 0, N: int64(n), W: width}
	return "tile/entries/" + strings.TrimPrefix(tilePath(t), "tile/0/")
}

// full returns the tile that a partial one becomes.
func full(t tlog.Tile) tlog.Tile {
	t.W = tileWidth
	return t
}

// dataPath returns the path of the entries of a bundle.
func dataPath(n uint64) string {
	return "tile/data/" + strings.TrimPrefix(bundlePath(n, tileWidth), "tile/entries/")
}

func parent(name string) string { return path.Dir(name) }

// writeTiles writes the hash tiles and entry bundles that the larger tree has and the old one has not.
func (s *Store) writeTiles(old uint64, g *growth) error {
	for _, t := range tlog.NewTiles(tileHeight, int64(old), int64(g.checkpoint.Size)) {
		had := widthAt(old, t.L, t.N)
		if err := s.clear(tilePath, t, had); err != nil {
			return err
		}
		contents, err := g.tile(t, had)
		if err != nil {
			return err
		}
		if err := s.publish(tilePath(t), contents); err != nil {
			return err
		}
		if t.L > 0 {
			continue
		}
		if err := s.clear(func(t tlog.Tile) string { return bundlePath(uint64(t.N), t.W) }, t, had); err != nil {
			return err
		}
		if contents, err = s.bundle(t, had, old, g); err != nil {
			return err
		}
		if err := s.publish(bundlePath(uint64(t.N), t.W), contents); err != nil {
			return err
		}
	}
	return nil
}

// widthAt returns how many hashes a tile has in a tree of a size.
func widthAt(size uint64, level int, n int64) int {
	have := int64(size>>(tileHeight*level)) - n*tileWidth
	return int(min(max(have, 0), tileWidth))
}

// clear removes what an earlier sealer that was interrupted has left of a tile beyond the width it was sealed with: it may
// have been made of entries that came to nothing.
func (s *Store) clear(pathOf func(tlog.Tile) string, t tlog.Tile, had int) error {
	partial := t
	partial.W = 1
	dir := parent(pathOf(partial))
	names, err := s.files.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, name := range names {
		if width, e := strconv.Atoi(name); e == nil && width <= had {
			continue
		}
		err = errors.Join(err, s.files.Remove(dir+"/"+name))
	}
	if err != nil || t.W < tileWidth {
		return err // a partial tile comes into this directory, which is synced then
	}
	return s.files.Sync(dir) // also if it is empty: who removed it may have been killed before this
}

// bundle returns the leaves of the bundle beside a tile of level 0: those it had, and the new ones.
func (s *Store) bundle(t tlog.Tile, had int, old uint64, g *growth) ([]byte, error) {
	var contents []byte
	if had > 0 {
		leaves, err := s.leaves(uint64(t.N), had)
		if err != nil {
			return nil, err
		}
		proven := g.had(t, had)
		for i, leaf := range leaves {
			if hash := tlog.RecordHash(leaf[:]); !bytes.Equal(hash[:], proven[i*tlog.HashSize:(i+1)*tlog.HashSize]) {
				return nil, fmt.Errorf("%w: %s has another leaf for entry %d", ErrDamaged, bundlePath(uint64(t.N), had), t.N*tileWidth+int64(i)+1)
			}
			contents = appendLeaf(contents, leaf[:])
		}
	}
	for i := had; i < t.W; i++ {
		at := (t.N*tileWidth + int64(i) - int64(old)) * LeafSize
		contents = appendLeaf(contents, g.leaves[at:at+LeafSize])
	}
	return contents, nil
}

func appendLeaf(bundle, leaf []byte) []byte {
	return append(binary.BigEndian.AppendUint16(bundle, LeafSize), leaf...)
}

// prune removes partial tiles and bundles of which there is a full one now. What a crash leaves of them does no harm.
func (s *Store) prune(old, size uint64) {
	for _, t := range tlog.NewTiles(tileHeight, int64(old), int64(size)) {
		if t.W < tileWidth || widthAt(old, t.L, t.N) == 0 {
			continue
		}
		partial := t
		partial.W = 1
		s.removeAll(parent(tilePath(partial)))
		if t.L == 0 {
			s.removeAll(parent(bundlePath(uint64(t.N), 1)))
		}
	}
}

func (s *Store) removeAll(dir string) {
	names, _ := s.files.ReadDir(dir)
	for _, name := range names {
		_ = s.files.Remove(dir + "/" + name) // the full tile is what is read
	}
	_ = s.files.Remove(dir)
	delete(s.made, dir)
}
