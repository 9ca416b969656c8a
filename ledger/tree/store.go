package tree

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"sync/atomic"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// ErrMoved is returned, wrapped, when the directory's checkpoint is not the one that the Store has left there.
var ErrMoved = errors.New("somebody else has sealed in this directory")

// ErrDamaged is returned, wrapped, for files of a tree that do not hold what its checkpoint commits to.
var ErrDamaged = errors.New("damaged")

const (
	checkpointName = "checkpoint"
	lockName       = "lock"
	tileHeight     = 8
	tileWidth      = 1 << tileHeight
)

// Store is a tree in a directory. Only what its checkpoint covers exists for its readers. Reading is safe for concurrent use, also
// beside the one who appends.
type Store struct {
	files Files
	log   note.Verifier
	at    atomic.Pointer[sealed]

	mu      sync.Mutex
	release func() error    // of the lock; nil while the store only reads
	made    map[string]bool // directories that are there for good
	tail    int64           // bytes of the last data file that the checkpoint covers
	failed  error           // what left the directory in a state that only opening it again finds out
}

// sealed is a checkpoint as it is on disk.
type sealed struct {
	Checkpoint
	signed []byte
}

// Open reads the tree in a directory, to which nothing is written. A directory without a checkpoint is the empty tree. It fails with
// ErrNotProven if the checkpoint is not one of the log that the verifier knows.
func Open(files Files, log note.Verifier) (*Store, error) {
	s := &Store{files: files, log: log, made: make(map[string]bool)}
	return s, s.reload()
}

func (s *Store) reload() error {
	signed, err := s.files.ReadFile(checkpointName)
	if errors.Is(err, fs.ErrNotExist) {
		s.at.Store(&sealed{Checkpoint: Checkpoint{Origin: s.log.Name()}})
		return nil
	}
	if err != nil {
		return fmt.Errorf("opening the tree: %w", err)
	}
	c, err := OpenCheckpoint(signed, s.log)
	if err != nil {
		return fmt.Errorf("opening the tree: %w", err)
	}
	s.at.Store(&sealed{c, signed})
	return nil
}

// OpenSealer opens a tree for appending to it. It fails with ErrLocked while another process has it so, and with ErrDamaged if the
// newest files are not what the checkpoint commits to. The caller closes it.
func OpenSealer(files Files, log note.Verifier) (*Store, error) {
	if err := files.Mkdir("."); err != nil && !exists(err) {
		return nil, fmt.Errorf("making the tree's directory: %w", err)
	}
	release, err := files.Lock(lockName)
	if err != nil {
		return nil, fmt.Errorf("opening the tree: %w", err)
	}
	s, err := Open(files, log)
	if err == nil {
		s.release = release
		err = s.recover()
	}
	if err != nil {
		return nil, errors.Join(err, release())
	}
	return s, nil
}

// recover makes what the last sealer left the state to go on from. Its checkpoint may have been renamed into place and not be there
// after the next loss of power: nobody is shown it before that is settled.
func (s *Store) recover() error {
	if s.at.Load().signed != nil {
		if err := errors.Join(s.files.Sync(checkpointName), s.files.Sync(".")); err != nil {
			return fmt.Errorf("opening the tree: %w", err)
		}
	}
	size := s.at.Load().Size
	if size%tileWidth == 0 {
		return nil
	}
	entries, err := s.block(size/tileWidth, int(size%tileWidth))
	for _, e := range entries {
		s.tail += int64(4 + len(e))
	}
	return err
}

// Close gives the directory up.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.release == nil {
		return nil
	}
	release := s.release
	s.release = nil
	return release()
}

// Checkpoint returns the newest checkpoint, and its signed note with the cosignatures that there are; nil for the empty tree.
func (s *Store) Checkpoint() (Checkpoint, []byte) {
	at := s.at.Load()
	return at.Checkpoint, at.signed
}

// Append adds encoded entries and seals the larger tree with what sign makes of its checkpoint. When it returns without an error all
// of it is on disk; after an error nothing has changed for readers, and the directory has to be opened again. If we were to crash at
// any point, the next sealer would find the old checkpoint or the new one, and all that it covers.
func (s *Store) Append(entries [][]byte, sign func(Checkpoint) ([]byte, error)) (err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.writable(); err != nil || len(entries) == 0 {
		return err
	}
	defer func() { s.failed = err }()
	old := s.at.Load()
	g, err := s.grow(old.Checkpoint, entries)
	if err != nil {
		return fmt.Errorf("sealing: %w", err)
	}
	// If we were to crash between these, files would be wider than the checkpoint says. No reader sees that, and the next sealer
	// writes them anew.
	tail, err := s.writeData(old.Size, entries)
	if err != nil {
		return fmt.Errorf("sealing: %w", err)
	}
	if err := s.writeTiles(old.Size, g); err != nil {
		return fmt.Errorf("sealing: %w", err)
	}
	signed, err := sign(g.checkpoint)
	if err != nil {
		return fmt.Errorf("sealing: %w", err)
	}
	if err := s.commit(old, signed); err != nil {
		return fmt.Errorf("sealing: %w", err)
	}
	s.tail = tail
	s.prune(old.Size, g.checkpoint.Size)
	return nil
}

// Cosign replaces the newest checkpoint by the same one with more signatures.
func (s *Store) Cosign(signed []byte) (err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.writable(); err != nil {
		return err
	}
	old := s.at.Load()
	c, err := OpenCheckpoint(signed, s.log)
	if err == nil && c != old.Checkpoint {
		err = fmt.Errorf("%w: the newest checkpoint is of %d entries", ErrMoved, old.Size)
	}
	if err != nil {
		return fmt.Errorf("adding cosignatures: %w", err)
	}
	defer func() { s.failed = err }()
	return s.commit(old, signed)
}

func (s *Store) writable() error {
	switch {
	case s.release == nil:
		return errors.New("sealing: the tree was opened for reading")
	case s.failed != nil:
		return fmt.Errorf("sealing: the tree has to be opened again after an earlier failure: %w", s.failed)
	}
	return nil
}

// commit replaces the checkpoint, if it still is the one that this Store has left or found there.
func (s *Store) commit(old *sealed, signed []byte) error {
	c, err := OpenCheckpoint(signed, s.log)
	if err != nil {
		return err
	}
	there, err := s.files.ReadFile(checkpointName)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if !bytes.Equal(there, old.signed) {
		return ErrMoved
	}
	if err := s.publish(checkpointName, signed); err != nil {
		return err
	}
	s.at.Store(&sealed{c, signed})
	return nil
}

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
	g := &growth{hashes: make(hashes, 2*len(entries)+64), edge: make(map[tlog.Tile][]byte)}
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
	found, err := tlog.TileHashReader(old.tree(), tiles{s, g.edge}).ReadHashes(indexes)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	for i, index := range indexes {
		g.hashes[index] = found[i]
	}
	return nil
}

// writeData appends entries to the data files, and returns the length of the last one.
func (s *Store) writeData(size uint64, entries [][]byte) (int64, error) {
	tail := s.tail
	for len(entries) > 0 {
		n := min(tileWidth-int(size%tileWidth), len(entries))
		var data []byte
		for _, e := range entries[:n] {
			data = binary.BigEndian.AppendUint32(data, uint32(len(e)))
			data = append(data, e...)
		}
		name := dataPath(size / tileWidth)
		if err := s.makeParents(name); err != nil {
			return 0, err
		}
		if err := errors.Join(s.files.Write(name, tail, data), s.files.Sync(name), s.files.Sync(parent(name))); err != nil {
			return 0, err
		}
		tail += int64(len(data))
		if size += uint64(n); size%tileWidth == 0 {
			tail = 0
		}
		entries = entries[n:]
	}
	return tail, nil
}
