package repair

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/stream"
	"github.com/phrledger/phr/ledger/stream/embedded"
	"github.com/phrledger/phr/ledger/tree"
)

// blockWidth is how many entries the tree keeps, and proves, together.
const blockWidth = 256

// survey is what is known of a node's directory.
type survey struct {
	Config
	report *Report

	log    *embedded.Blocks
	leaves [][tree.LeafSize]byte // of the log's entries by their index; zero where none can be read
	keys   *embedded.Blocks
	parts  map[string]bool // subjects of the parts that are there, with the bytes that their hash names
	copied []stream.Part   // that are not, and have a second copy

	store  *tree.Store     // nil if it can't be opened
	sealed tree.Checkpoint // the newest that is known: the entries up to it must be these
	signed []byte
	known  []tree.Checkpoint // others

	state  *ledger.State
	runs   ledger.Runs
	looked bool // all findings are in the report
}

// look finds out what is damaged. Nothing is written.
func look(ctx context.Context, c Config) (*survey, error) {
	s := &survey{Config: c, report: &Report{Findings: []Finding{}}, state: ledger.NewState(c.Root, ledger.WholeLog), parts: make(map[string]bool)}
	if err := s.openStreams(); err != nil {
		return nil, fmt.Errorf("looking for damages: %w", err)
	}
	s.openTree()
	if err := s.pin(); err != nil {
		return nil, fmt.Errorf("looking for damages: %w", err)
	}
	s.report.Sealed, s.report.Entries = s.sealed.Size, max(s.sealed.Size, s.log.Last())
	if err := s.compare(ctx); err != nil {
		return nil, fmt.Errorf("looking for damages: %w", err)
	}
	s.findFaults(Log, s.log, s.log.Last() >= s.sealed.Size)
	s.findFaults(Keys, s.keys, true)
	s.missParts()
	s.looked = true
	return s, nil
}

func (s *survey) openStreams() error {
	dir, err := embedded.StreamDir(s.Dir, stream.LedgerName)
	if err != nil {
		return err
	}
	s.log, err = embedded.OpenBlocks(dir, func(e stream.Entry) error {
		for uint64(len(s.leaves)) < e.Seq {
			s.leaves = append(s.leaves, [tree.LeafSize]byte{})
		}
		s.leaves[e.Seq-1] = tree.Leaf(e.Data)
		return nil
	})
	if err != nil {
		return err
	}
	if dir, err = embedded.StreamDir(s.Dir, stream.KeysName); err != nil {
		return err
	}
	s.keys, err = embedded.OpenBlocks(dir, func(e stream.Entry) error {
		if !isPart(e.Subject) || hashIn(e) {
			s.parts[e.Subject] = true
			return nil
		}
		s.report.find(Finding{Storage: Keys, What: "the part under " + e.Subject + " is not the one that its hash names"})
		return nil
	})
	return err
}

// isPart tells whether a subject in KEYS is one of the parts that events name, which end in a hash.
func isPart(subject string) bool { return strings.Count(subject, ".") == 6 }

func hashIn(e stream.Entry) bool {
	hash := ledger.Hash(sha256.Sum256(e.Data))
	return strings.HasSuffix(e.Subject, "."+hash.String())
}

func (s *survey) openTree() {
	store, err := tree.Open(tree.Dir(s.Tree), s.Key)
	if err != nil {
		s.report.find(Finding{Storage: Tree, What: err.Error()})
		return
	}
	s.store = store
	s.sealed, s.signed = store.Checkpoint()
}

// pin finds the newest checkpoint that is known, and compares the tree with the others.
func (s *survey) pin() error {
	own := s.sealed
	for i, signed := range [][]byte{s.Kept, s.Seen} {
		if signed == nil {
			continue
		}
		c, err := tree.OpenCheckpoint(signed, s.Key)
		if err != nil && i == 0 {
			s.report.find(Finding{Storage: Kept, What: err.Error()})
			continue
		}
		if err != nil {
			return err
		}
		s.known = append(s.known, c)
		if c.Size > s.sealed.Size {
			s.sealed, s.signed = c, signed
		}
	}
	switch {
	case s.sealed != own:
		s.report.find(Finding{Storage: Tree, Entries: Range{own.Size + 1, s.sealed.Size}, What: "they were sealed, and the tree does not have them"})
		return nil // the tree that is made is compared
	case s.store == nil:
		return nil
	}
	return extends(s.store, s.known)
}

// extends tells whether a tree extends checkpoints.
func extends(store *tree.Store, known []tree.Checkpoint) error {
	newest, _ := store.Checkpoint()
	for _, c := range known {
		proof, _, err := store.Consistency(c.Size)
		if errors.Is(err, tree.ErrDamaged) {
			continue // the tree that is made is compared
		}
		if err == nil {
			err = newest.Extends(c, proof)
		}
		if err != nil {
			return fmt.Errorf("%w: %w", ErrForked, err)
		}
	}
	return nil
}

// compare goes through all entries: what the log has must be what the tree has.
func (s *survey) compare(ctx context.Context) error {
	err := s.walk(ctx, func(seq uint64, data []byte, fromTree bool) error {
		there := seq <= uint64(len(s.leaves)) && s.leaves[seq-1] != [tree.LeafSize]byte{}
		at := Range{seq, seq}
		switch {
		case data == nil:
			s.report.lose(seq)
			s.report.find(Finding{Storage: Log, Entries: at, What: "missing, or can't be read"})
			return nil
		case !there:
			s.report.find(Finding{Storage: Log, Entries: at, What: "missing, or can't be read"})
		case fromTree && s.leaves[seq-1] != tree.Leaf(data):
			s.report.find(Finding{Storage: Log, Entries: at, What: "not the one that was sealed"})
		}
		return s.fold(seq, data)
	})
	return err
}

// fold judges an entry. What does not count stands in the log all the same.
func (s *survey) fold(seq uint64, data []byte) error {
	e, err := ledger.ParseEntry(data)
	if err != nil {
		s.report.find(Finding{Storage: Log, Entries: Range{seq, seq}, What: "it is not an entry of a ledger"})
		return nil
	}
	for _, run := range s.runs.Add(e) {
		_ = s.state.Fold(run...)
	}
	return nil
}

// walk calls fn with each entry that there is or should be, in order: with what the tree has, else with what the log has, or with nil.
func (s *survey) walk(ctx context.Context, fn func(seq uint64, data []byte, fromTree bool) error) error {
	var block map[uint64][]byte
	for seq := uint64(1); seq <= s.report.Entries; seq++ {
		if (seq-1)%blockWidth == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
			if s.Progress != nil {
				s.Progress(seq - 1)
			}
			block = s.treeBlock(seq - 1)
		}
		if entry, ok := block[seq-1]; ok {
			if err := fn(seq, entry, true); err != nil {
				return err
			}
			continue
		}
		e, ok := s.log.Entry(seq)
		if !ok {
			e.Data = nil
		}
		if err := fn(seq, e.Data, false); err != nil {
			return err
		}
	}
	return nil
}

var errEnough = errors.New("enough")

// treeBlock returns the entries of the tree from one that begins a block to the end of that block, by their indexes: those that the
// tree's checkpoint proves.
func (s *survey) treeBlock(from uint64) map[uint64][]byte {
	if s.store == nil {
		return nil
	}
	if c, _ := s.store.Checkpoint(); from >= c.Size {
		return nil
	}
	block := make(map[uint64][]byte, blockWidth)
	err := s.store.Entries(from, func(index uint64, entry []byte) error {
		block[index] = entry
		if index%blockWidth == blockWidth-1 {
			return errEnough
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		if !s.looked {
			s.report.find(Finding{Storage: Tree, Entries: Range{from + 1, min(from+blockWidth, s.sealed.Size)}, What: err.Error()})
		}
		return s.store.Salvage(from)
	}
	return block
}

// findFaults says which files can't be read through. What the last file ends in may be a message that was being written when the node
// stopped: it was not acknowledged, unless sealed entries are missing.
func (s *survey) findFaults(storage Storage, b *embedded.Blocks, torn bool) {
	for _, f := range b.Faults {
		if torn && f.Tail {
			continue
		}
		s.report.find(Finding{Storage: storage, Path: f.Path, What: fmt.Sprintf("byte %d, after message %d, can't be read", f.At, f.After)})
	}
}

// missParts says which key material that the log names is missing, and which of it is gone from both copies.
func (s *survey) missParts() {
	named, spent := s.state.NamedParts()
	for subject := range named {
		if spent[subject] || s.parts[subject] {
			continue
		}
		if data := s.copyOf(subject); data != nil {
			s.copied = append(s.copied, stream.Part{Subject: subject, Data: data})
		} else {
			s.report.Parts = append(s.report.Parts, LostPart{subject})
		}
	}
	if n := len(s.copied); n > 0 {
		s.report.find(Finding{Storage: Keys, What: fmt.Sprintf("%d parts of key material are missing, and are there in their second copies", n)})
	}
	slices.SortFunc(s.report.Parts, func(a, b LostPart) int { return strings.Compare(a.Subject, b.Subject) })
}

// copyOf returns the second copy of a part; nil if there is none that has the hash.
func (s *survey) copyOf(subject string) []byte {
	data, err := tree.ReadPart(tree.Dir(s.Tree), subject)
	if err != nil || !hashIn(stream.Entry{Subject: subject, Data: data}) {
		return nil
	}
	return data
}
