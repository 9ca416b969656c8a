package tree

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/phrledger/phr/ledger"
)

// proven reads hashes of a tree, each proven by its root. It keeps the tiles that it has read.
type proven struct {
	*Store
	tree  tlog.Tree
	tiles map[tlog.Tile][]byte
}

func (s *Store) proven(c Checkpoint) proven {
	return proven{s, c.tree(), make(map[tlog.Tile][]byte)}
}

// ReadHashes implements tlog.HashReader. It fails with ErrDamaged, and says which tiles it may lie at.
func (p proven) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	found, err := tlog.TileHashReader(p.tree, p).ReadHashes(indexes)
	if err != nil && !errors.Is(err, ErrDamaged) {
		var read []string
		for t := range p.tiles {
			read = append(read, tilePath(t))
		}
		slices.Sort(read)
		err = fmt.Errorf("%w: at least one of %s is not what the checkpoint commits to", ErrDamaged, strings.Join(read, ", "))
	}
	return found, err
}

// Height implements tlog.TileReader.
func (proven) Height() int { return tileHeight }

// SaveTiles implements tlog.TileReader.
func (proven) SaveTiles([]tlog.Tile, [][]byte) {}

// ReadTiles implements tlog.TileReader.
func (p proven) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	out := make([][]byte, len(wanted))
	for i, t := range wanted {
		contents, err := p.readTile(t)
		if err != nil {
			return nil, err
		}
		out[i], p.tiles[t] = contents, contents
	}
	return out, nil
}

// readTile reads a hash tile.
func (s *Store) readTile(t tlog.Tile) ([]byte, error) {
	return s.readPart(tilePath(t), tilePath(full(t)), t.W*tlog.HashSize)
}

// readPart reads a file of a size; if it is gone, what it was is the beginning of another. It fails with ErrDamaged, and returns what
// there is even so.
func (s *Store) readPart(name, whole string, size int) ([]byte, error) {
	contents, err := s.files.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) && name != whole {
		if contents, e := s.files.ReadFile(whole); e == nil && len(contents) >= size {
			return contents[:size:size], nil
		}
	}
	if err == nil && len(contents) != size {
		err = fmt.Errorf("%s has %d bytes instead of %d", name, len(contents), size)
	}
	if err != nil {
		err = fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return contents, err
}

// Inclusion returns the proof that entry index is in the tree of the newest checkpoint, which it returns signed.
func (s *Store) Inclusion(index uint64) ([]ledger.Hash, []byte, error) {
	at := s.at.Load()
	if index >= at.Size {
		return nil, nil, fmt.Errorf("entry %d is not sealed yet: the tree has %d", index+1, at.Size)
	}
	proof, err := tlog.ProveRecord(int64(at.Size), int64(index), s.proven(at.Checkpoint))
	if err != nil {
		return nil, nil, fmt.Errorf("proving entry %d: %w", index+1, err)
	}
	return fromTlog(proof), at.signed, nil
}

// Between returns the proof that the tree that had size entries extends the one that had old entries.
func (s *Store) Between(old, size uint64) ([]tlog.Hash, error) {
	at := s.at.Load()
	if old == 0 || old > size || size > at.Size {
		return nil, fmt.Errorf("the tree has %d entries: there is no proof from %d to %d", at.Size, old, size)
	}
	proof, err := tlog.ProveTree(int64(size), int64(old), s.proven(at.Checkpoint))
	if err != nil {
		return nil, fmt.Errorf("proving that %d entries extend %d: %w", size, old, err)
	}
	return proof, nil
}

// Root returns the root that the tree had when it had size entries.
func (s *Store) Root(size uint64) (ledger.Hash, error) {
	at := s.at.Load()
	if size > at.Size {
		return ledger.Hash{}, fmt.Errorf("the tree has %d entries, and not %d", at.Size, size)
	}
	root, err := tlog.TreeHash(int64(size), s.proven(at.Checkpoint))
	if err != nil {
		return ledger.Hash{}, fmt.Errorf("computing the root of %d entries: %w: %w", size, ErrDamaged, err)
	}
	return ledger.Hash(root), nil
}

// Consistency returns the proof that the tree of the newest checkpoint, which it returns signed, extends the one that had size
// entries.
func (s *Store) Consistency(size uint64) ([]ledger.Hash, []byte, error) {
	at := s.at.Load()
	if size > at.Size {
		return nil, nil, fmt.Errorf("the tree has %d entries, and not %d", at.Size, size)
	}
	if size == 0 || size == at.Size {
		return nil, at.signed, nil
	}
	proof, err := tlog.ProveTree(int64(at.Size), int64(size), s.proven(at.Checkpoint))
	if err != nil {
		return nil, nil, fmt.Errorf("proving that %d entries extend %d: %w", at.Size, size, err)
	}
	return fromTlog(proof), at.signed, nil
}

// Leaves calls fn with the leaf of each sealed entry from an index on, each proven by the checkpoint, until there are no more or fn
// fails. It fails with ErrDamaged where a file does not hold what the tree commits to.
func (s *Store) Leaves(from uint64, fn func(index uint64, leaf [LeafSize]byte) error) error {
	return walk(from, s.at.Load().Size, s.provenLeaves, fn)
}

// Entries calls fn with each sealed entry, as Leaves does with the leaves.
func (s *Store) Entries(from uint64, fn func(index uint64, entry []byte) error) error {
	return walk(from, s.at.Load().Size, s.block, fn)
}

// walk goes through what read returns of each bundle of a tree with size entries.
func walk[T any](from, size uint64, read func(n uint64, width int) ([]T, error), fn func(index uint64, each T) error) error {
	for n := from / tileWidth; n*tileWidth < size; n++ {
		all, err := read(n, widthAt(size, 0, int64(n)))
		if err != nil {
			return err
		}
		for i, each := range all {
			if index := n*tileWidth + uint64(i); index >= from {
				if err := fn(index, each); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// block returns the first entries of a data file, compared with the leaves of their bundle.
func (s *Store) block(n uint64, width int) ([][]byte, error) {
	leaves, err := s.provenLeaves(n, width)
	if err != nil {
		return nil, err
	}
	entries, _, err := s.data(n, width)
	if err != nil {
		return nil, err
	}
	for i, e := range entries {
		if Leaf(e) != leaves[i] {
			return nil, fmt.Errorf("%w: %s has something else for entry %d", ErrDamaged, dataPath(n), n*tileWidth+uint64(i)+1)
		}
	}
	return entries, nil
}

// provenLeaves returns the first leaves of a bundle, each proven by the checkpoint.
func (s *Store) provenLeaves(n uint64, width int) ([][LeafSize]byte, error) {
	leaves, err := s.leaves(n, width)
	if err != nil {
		return nil, err
	}
	indexes := make([]int64, width)
	for i := range indexes {
		indexes[i] = tlog.StoredHashIndex(0, int64(n)*tileWidth+int64(i))
	}
	hashes, err := s.proven(s.at.Load().Checkpoint).ReadHashes(indexes)
	if err != nil {
		return nil, err
	}
	for i, leaf := range leaves {
		if tlog.RecordHash(leaf[:]) != hashes[i] {
			return nil, fmt.Errorf("%w: %s has another leaf for entry %d", ErrDamaged, bundlePath(n, width), n*tileWidth+uint64(i)+1)
		}
	}
	return leaves, nil
}

// data returns the first entries of a data file as they stand there, and how many bytes follow. With an error it returns the entries
// before the damage.
func (s *Store) data(n uint64, width int) (entries [][]byte, rest int, _ error) {
	contents, err := s.files.ReadFile(dataPath(n))
	if err != nil {
		return nil, 0, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	for len(entries) < width {
		if len(contents) < 4 || uint64(len(contents)-4) < uint64(binary.BigEndian.Uint32(contents)) {
			return entries, 0, fmt.Errorf("%w: %s ends before entry %d", ErrDamaged, dataPath(n), n*tileWidth+uint64(len(entries))+1)
		}
		end := 4 + int(binary.BigEndian.Uint32(contents))
		entries = append(entries, contents[4:end:end])
		contents = contents[end:]
	}
	return entries, len(contents), nil
}

// leaves returns the first leaves of a bundle as they stand there, and with an error those before the damage.
func (s *Store) leaves(n uint64, width int) (leaves [][LeafSize]byte, _ error) {
	contents, err := s.readPart(bundlePath(n, width), bundlePath(n, tileWidth), width*(2+LeafSize))
	for len(leaves) < width && len(contents) >= 2+LeafSize && binary.BigEndian.Uint16(contents) == LeafSize {
		leaves, contents = append(leaves, [LeafSize]byte(contents[2:])), contents[2+LeafSize:]
	}
	if err == nil && len(leaves) < width {
		err = fmt.Errorf("%w: %s has no leaf for entry %d", ErrDamaged, bundlePath(n, width), n*tileWidth+uint64(len(leaves))+1)
	}
	return leaves, err
}
