package tree

import (
	"bytes"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// growth is a tree with more entries than before.
type growth struct {
	checkpoint Checkpoint
	hashes     hashes               // all new ones, and those old ones that the new ones rest on
	leaves     []byte               // of the new entries, one after the other
	edge       map[tlog.Tile][]byte // the last tiles of the old tree, proven by its root
}

// hashes are hashes of a tree by their index in tlog's order.
type hashes map[int64]tlog.Hash

// ReadHashes implements tlog.HashReader.
func (h hashes) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		hash, ok := h[index]
		if !ok {
			return nil, fmt.Errorf("hash %d of the tree is not at hand", index)
		}
		out[i] = hash
	}
	return out, nil
}

// grow computes the tree that has entries after those of old.
func (s *Store) grow(old Checkpoint, entries [][]byte) (*growth, error) {
	g := &growth{hashes: make(hashes, 2*len(entries)+64)}
	if err := s.readEdge(old, g); err != nil {
		return nil, err
	}
	for i, e := range entries {
		n := int64(old.Size) + int64(i)
		leaf := Leaf(e)
		g.leaves = append(g.leaves, leaf[:]...)
		made, err := tlog.StoredHashes(n, leaf[:], g.hashes)
		if err != nil {
			return nil, err
		}
		first := tlog.StoredHashIndex(0, n)
		for j, hash := range made {
			g.hashes[first+int64(j)] = hash
		}
	}
	size := int64(old.Size) + int64(len(entries))
	root, err := tlog.TreeHash(size, g.hashes)
	g.checkpoint = Checkpoint{Origin: s.log.Name(), Size: uint64(size), Root: [32]byte(root)}
	return g, err
}

// readEdge reads the hashes that a larger tree is made of, one for each bit of the size, and the tiles they stand in.
func (s *Store) readEdge(old Checkpoint, g *growth) error {
	var indexes []int64
	var start int64
	for level := 62; level >= 0; level-- {
		if width := int64(1) << level; int64(old.Size)&width != 0 {
			indexes = append(indexes, tlog.StoredHashIndex(level, start>>level))
			start += width
		}
	}
	if len(indexes) == 0 {
		return nil
	}
	edge := s.proven(old)
	found, err := edge.ReadHashes(indexes)
	if err != nil {
		return err
	}
	g.edge = edge.tiles
	for i, index := range indexes {
		g.hashes[index] = found[i]
	}
	return nil
}

// tile returns the hashes of a tile: those it had, and the new ones.
func (g *growth) tile(t tlog.Tile, had int) ([]byte, error) {
	contents := g.had(t, had)
	if len(contents) != had*tlog.HashSize {
		return nil, fmt.Errorf("%w: %s, which %s goes on from, is not proven", ErrDamaged, tilePath(tlog.Tile{H: t.H, L: t.L, N: t.N, W: had}), tilePath(t))
	}
	for i := had; i < t.W; i++ {
		hash, ok := g.hashes[tlog.StoredHashIndex(tileHeight*t.L, t.N*tileWidth+int64(i))]
		if !ok {
			return nil, fmt.Errorf("hash %d of %s is not at hand", i, tilePath(t))
		}
		contents = append(contents, hash[:]...)
	}
	return contents, nil
}

// had returns a copy of what a tile had in the old tree.
func (g *growth) had(t tlog.Tile, width int) []byte {
	t.W = width
	return bytes.Clone(g.edge[t])
}
