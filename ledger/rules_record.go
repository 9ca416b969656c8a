package ledger

import (
	"errors"
	"fmt"

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
	if s.leaves.has(key) && !s.left.has(ruleLeaf) {
		return errors.New("its leaf is used in this epoch already: draw another")
	}
	s.leaves.set(key, struct{}{})
	s.events.set(idKey{index, e.ID}, recordFact{epoch: b.Epoch, leaf: b.Leaf, first: refers.IsZero()})
	if current.Records++; current.Records == MaxEpochRecords {
		current.full = e.LogTime
	}
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
