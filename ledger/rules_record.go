package ledger

import (
	"errors"
	"fmt"
	"slices"

	"github.com/phrledger/phr/crypto/epoch"
)

// record judges a record's content. Refers is the record it is about, zero for a new one.
func (s *State) record(e *Entry, c *compartment, b *Content, refers EventID) error {
	current, err := c.current(b.Epoch)
	if err != nil {
		return fmt.Errorf("sealed for another epoch: %w", err)
	}
	if why := s.stale(e, c); why != "" {
		return fmt.Errorf("%w: %s", ErrStale, why)
	}
	if !isName(b.Media) {
		return fmt.Errorf("media class %q is not a name", Clip(b.Media))
	}
	if bucket, err := epoch.Bucket(b.Sealed); err != nil || bucket != int(b.Bucket) {
		return fmt.Errorf("a sealed body of %d bytes is not one of the bucket of %d", len(b.Sealed), b.Bucket)
	}
	index := s.index(e.Chain)
	key := leafKey{index, b.Epoch, b.Leaf}
	if s.leaves.has(key) {
		return errors.New("its leaf is used in this epoch already: draw another")
	}
	s.leaves.set(key, struct{}{})
	s.events.set(idKey{index, e.ID}, recordFact{epoch: b.Epoch, leaf: b.Leaf, first: refers.IsZero()})
	current.Records++
	c.epoch = &current
	return nil
}

// recordAbout judges what is said about a record, which must be there.
func (s *State) recordAbout(e *Entry, c *compartment, b *Content, refers EventID) error {
	fact, _ := s.events.get(idKey{s.index(e.Chain), refers})
	if !fact.first {
		return fmt.Errorf("no record was written as %s in this compartment", refers)
	}
	if fact.erased {
		return fmt.Errorf("record %s is erased", refers)
	}
	return s.record(e, c, b, refers)
}

// index is the short name of a chain on which something stands.
func (s *State) index(c Chain) uint32 {
	head, _ := s.heads.get(c)
	return head.index
}

func (s *State) recordErased(e *Entry, c *compartment, b *RecordErased) error {
	if e.Author != e.Chain.GID() {
		return errors.New("only the patient erases")
	}
	if len(b.Records) == 0 || len(b.Records) != len(b.Leaves) || b.Shred.IsZero() {
		return errors.New("it names no records, not their leaves, or no new key state")
	}
	index := s.index(e.Chain)
	for i, id := range b.Records {
		key := idKey{index, id}
		fact, _ := s.events.get(key)
		if fact.erased || fact.epoch == 0 || fact.epoch != b.Epoch || fact.leaf != b.Leaves[i] {
			return fmt.Errorf("there is no record %s with that leaf in epoch %d", id, b.Epoch)
		}
		fact.erased = true
		s.events.set(key, fact)
	}
	c.erase(b)
	return nil
}

// erase gives an epoch that has records its new shred.
func (c *compartment) erase(b *RecordErased) {
	next, _ := c.begun(b.Epoch) // its records were found
	next.Erased += uint64(len(b.Records))
	next.Parts = slices.Clone(next.Parts)
	for i := range next.Parts {
		if next.Parts[i].Name == PartShred {
			next.Parts[i].Hash = b.Shred
		}
	}
	c.replace(&next)
}
