package tree

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/phrledger/phr/ledger"
)

// witnessedName is the file of the newest checkpoint that others have cosigned. In a log that is written to, the newest checkpoint of
// all is always a little newer.
const witnessedName = "witnessed"

// Witness keeps a checkpoint with its cosignatures, of the newest tree or of an earlier one. It fails with ErrNotProven if the tree does
// not extend it. Whose signatures it has is the caller's to judge.
func (s *Store) Witness(signed []byte) error {
	c, err := OpenCheckpoint(signed, s.log)
	if err != nil {
		return err
	}
	newest, _ := s.Checkpoint()
	if c == newest {
		if err := s.Cosign(signed); err != nil && !errors.Is(err, ErrMoved) {
			return err
		}
	}
	root, err := s.Root(c.Size)
	if err != nil {
		return err
	}
	if root != c.Root {
		return fmt.Errorf("%w: a checkpoint of %d entries with root %s, and the tree had %s", ErrNotProven, c.Size, c.Root, root)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.writable(); err != nil {
		return err
	}
	if err := s.publish(witnessedName, signed); err != nil {
		return fmt.Errorf("keeping a witnessed checkpoint: %w", err)
	}
	return nil
}

// Witnessed returns the newest checkpoint that was given to Witness, and the proof that the tree of the newest checkpoint, which is
// returned last, extends it. All are nil if there is none. What does not hold counts as none: others are asked again.
func (s *Store) Witnessed() (signed []byte, proof []ledger.Hash, newest []byte, err error) {
	signed, err = s.files.ReadFile(witnessedName)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil, nil
	}
	if err != nil {
		return nil, nil, nil, fmt.Errorf("reading the witnessed checkpoint: %w", err)
	}
	c, err := OpenCheckpoint(signed, s.log)
	if err != nil {
		return nil, nil, nil, nil
	}
	proof, newest, err = s.Consistency(c.Size)
	return signed, proof, newest, err
}
