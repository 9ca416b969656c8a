package audit

import (
	"crypto/sha256"

	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/rfc6962"

	"github.com/phrledger/phr/ledger"
)

// Tree is a Merkle tree over the first entries of a log.
type Tree struct {
	Size uint64      `json:"size"`
	Root ledger.Hash `json:"root"`
}

// leaf is what an entry is in the tree.
type leaf struct {
	digest ledger.Hash // which stands for it in entry bundles
	hash   ledger.Hash // of the digest, as RFC 6962 has it
}

func leafOf(entry []byte) leaf {
	h := sha256.New()
	h.Write([]byte("phr/entry\x00"))
	h.Write(entry)
	digest := h.Sum(nil)
	return leaf{ledger.Hash(digest), ledger.Hash(rfc6962.DefaultHasher.HashLeaf(digest))}
}

// span is a Merkle tree that grows. The zero value is empty.
type span struct{ r *compact.Range }

func (s *span) size() uint64 {
	if s.r == nil {
		return 0
	}
	return s.r.End()
}

func (s *span) add(hash ledger.Hash) {
	if s.r == nil {
		s.r = (&compact.RangeFactory{Hash: rfc6962.DefaultHasher.HashChildren}).NewEmptyRange(0)
	}
	if err := s.r.Append(hash[:], nil); err != nil {
		panic("audit: a tree of our own is damaged: " + err.Error())
	}
}

func (s *span) root() ledger.Hash {
	if s.size() == 0 {
		return ledger.Hash(rfc6962.DefaultHasher.EmptyRoot())
	}
	root, err := s.r.GetRootHash(nil)
	if err != nil {
		panic("audit: a tree of our own is damaged: " + err.Error())
	}
	return ledger.Hash(root)
}

// sealing recomputes what checkpoints name. Of what came since the newest of them it holds each entry's hash and each move of a
// chain's end, since the next one may name any place from there on.
type sealing struct {
	all    span // over every entry so far
	sealed span // over those that the newest checkpoint names
	since  []ledger.Hash
	moves  []move // in the order of the log
	heads  heads  // as of sealed
}

// move is that a chain ends elsewhere from an entry on.
type move struct {
	size  uint64 // of the log, that entry included
	chain ledger.Chain
	head  Head
}

// add takes note of the next entry.
func (s *sealing) add(l leaf) {
	s.all.add(l.hash)
	s.since = append(s.since, l.hash)
}

// moved takes note of where the chain of a run that counts ends with the newest entry.
func (s *sealing) moved(last *ledger.Entry) {
	s.moves = append(s.moves, move{s.all.size(), last.Chain, Head{last.Number, last.Hash}})
}

// at returns the tree's root as it was with a size that is not below sealed's, and the map's, and holds nothing older any more.
func (s *sealing) at(size uint64) (root, heads ledger.Hash) {
	n := size - s.sealed.size()
	for _, hash := range s.since[:n] {
		s.sealed.add(hash)
	}
	s.since = append([]ledger.Hash(nil), s.since[n:]...)

	ends, i := make(map[ledger.Chain]Head), 0
	for ; i < len(s.moves) && s.moves[i].size <= size; i++ {
		ends[s.moves[i].chain] = s.moves[i].head
	}
	for c, head := range ends {
		s.heads.set(c, head)
	}
	s.moves = append([]move(nil), s.moves[i:]...)
	return s.sealed.root(), s.heads.root()
}
