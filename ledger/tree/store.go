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
	directory
	log note.Verifier
	at  atomic.Pointer[sealed]

	mu      sync.Mutex
	release func() error // of the lock; nil while the store only reads
	tail    int64        // bytes of the last data file that the checkpoint covers
	failed  error        // what left the directory in a state that only opening it again finds out
}

// sealed is a checkpoint as it is on disk.
type sealed struct {
	Checkpoint
	signed []byte
}

// Open reads the tree in a directory, to which nothing is written. A directory that nothing was sealed in is the empty tree. It fails
// with ErrNotProven if the checkpoint is not one of the log that the verifier knows, and with ErrDamaged if it is gone.
//
// Beside a sealer in another process it may find a checkpoint that the next loss of power takes back. Whoever passes checkpoints
// on asks the sealer's own Store.
func Open(files Files, log note.Verifier) (*Store, error) {
	s := &Store{directory: newDirectory(files), log: log}
	at, err := s.read()
	if err != nil {
		return nil, fmt.Errorf("opening the tree: %w", err)
	}
	s.at.Store(at)
	return s, nil
}

func (s *Store) read() (*sealed, error) {
	_, noTiles := s.files.ReadDir("tile")
	signed, err := s.files.ReadFile(checkpointName)
	if errors.Is(err, fs.ErrNotExist) {
		// The checkpoint of the empty tree is there before the first tile.
		if noTiles == nil {
			return nil, fmt.Errorf("%w: there are tiles, and no %s", ErrDamaged, checkpointName)
		}
		if errors.Is(noTiles, fs.ErrNotExist) {
			return &sealed{Checkpoint: empty(s.log.Name())}, nil
		}
		return nil, noTiles
	}
	if err != nil {
		return nil, err
	}
	c, err := OpenCheckpoint(signed, s.log)
	return &sealed{c, signed}, err
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
	unsettled := []string{checkpointName, "."}
	if s.at.Load().signed == nil {
		unsettled = []string{".."} // the directory itself may be new
	}
	for _, name := range unsettled {
		if err := s.files.Sync(name); err != nil {
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

// Checkpoint returns the newest checkpoint, and its signed note with the cosignatures that there are; nil before the first sealing.
func (s *Store) Checkpoint() (Checkpoint, []byte) {
	at := s.at.Load()
	return at.Checkpoint, at.signed
}

// Append adds encoded entries and seals the larger tree with what sign makes of its checkpoint, or has kept from when the very same
// was sealed before; in a new directory it seals the empty tree first. When it returns without an error all of it is on disk; after an
// error nothing has changed for readers of this Store, and the directory has to be opened again. If we were to crash at any point, the
// next sealer would find the old checkpoint or the new one, and all that it covers.
func (s *Store) Append(entries [][]byte, sign func(Checkpoint) ([]byte, error)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.writable(); err != nil || len(entries) == 0 {
		return err
	}
	if err := s.append(entries, sign); err != nil {
		s.failed = err
		return fmt.Errorf("sealing: %w", err)
	}
	return nil
}

func (s *Store) append(entries [][]byte, sign func(Checkpoint) ([]byte, error)) error {
	if at := s.at.Load(); at.signed == nil {
		if err := s.seal(at.Checkpoint, sign); err != nil {
			return err
		}
	}
	old := s.at.Load().Checkpoint
	g, err := s.grow(old, entries)
	if err != nil {
		return err
	}
	// If we were to crash between these, files would be wider than the checkpoint says. No reader sees that, and the next sealer
	// writes them anew.
	tail, err := s.writeData(old.Size, entries)
	if err != nil {
		return err
	}
	if err := s.writeTiles(old.Size, g); err != nil {
		return err
	}
	if err := s.seal(g.checkpoint, sign); err != nil {
		return err
	}
	s.tail = tail
	s.prune(old.Size, g.checkpoint.Size)
	return nil
}

// seal makes a checkpoint the newest.
func (s *Store) seal(c Checkpoint, sign func(Checkpoint) ([]byte, error)) error {
	signed, err := sign(c)
	if err != nil {
		return err
	}
	if got, err := OpenCheckpoint(signed, s.log); err != nil || got != c {
		return errors.Join(fmt.Errorf("another checkpoint was signed than the one of %d entries", c.Size), err)
	}
	return s.commit(&sealed{c, signed})
}

// Cosign replaces the newest checkpoint by the same one with more signatures.
func (s *Store) Cosign(signed []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.writable(); err != nil {
		return err
	}
	at := s.at.Load()
	c, err := OpenCheckpoint(signed, s.log)
	if err == nil && c != at.Checkpoint {
		err = fmt.Errorf("%w: the newest checkpoint is of %d entries", ErrMoved, at.Size)
	}
	if err == nil {
		err = s.commit(&sealed{c, signed})
		s.failed = err
	}
	if err != nil {
		return fmt.Errorf("adding cosignatures: %w", err)
	}
	return nil
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
func (s *Store) commit(next *sealed) error {
	there, err := s.files.ReadFile(checkpointName)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if !bytes.Equal(there, s.at.Load().signed) {
		return ErrMoved
	}
	if err := s.publish(checkpointName, next.signed); err != nil {
		return err
	}
	s.at.Store(next)
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
		if err := errors.Join(s.files.Write(name, tail, data), s.files.Sync(name)); err != nil {
			return 0, err
		}
		if tail == 0 { // else the file was there, and covered
			if err := s.files.Sync(parent(name)); err != nil {
				return 0, err
			}
		}
		tail += int64(len(data))
		if size += uint64(n); size%tileWidth == 0 {
			tail = 0
		}
		entries = entries[n:]
	}
	return tail, nil
}
