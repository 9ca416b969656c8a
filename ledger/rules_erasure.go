package ledger

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/phrledger/phr/crypto/identity"
)

// A shred grows by about a KiB and a half with every record erased. What is larger than a message may be is cut into
// pieces of MaxPart bytes, each a part of its own.
const (
	MaxPart   = 256 << 10 // bytes of one piece
	MaxPieces = 120       // of one shred: 30 MiB, which is some thirty thousand records erased in one epoch
)

// MaxErased bounds the records of one record.erased.
const MaxErased = 10_000

// CompartmentErased says that the keys of a whole compartment are destroyed. Nothing follows on its chain.
type CompartmentErased struct {
	Reason string `cbor:"1,keyasint,omitempty"`
}

// PatientErased says that the record is erased as a whole. Each of its compartments is erased before. Nothing follows on the
// profile, and on the access log only that sessions have ended.
type PatientErased struct {
	Reason string `cbor:"1,keyasint,omitempty"`
}

// ShredName returns the name of the i-th piece of an epoch's shred.
func ShredName(i int) string {
	if i == 0 {
		return PartShred
	}
	return PartShred + "-" + strconv.Itoa(i)
}

// isShred tells whether a part is a piece of the shred.
func isShred(name string) bool { return name == PartShred || strings.HasPrefix(name, PartShred+"-") }

// Shred returns the pieces of the epoch's shred in force, in order.
func (e *Epoch) Shred() []Part {
	return slices.DeleteFunc(slices.Clone(e.Parts), func(p Part) bool { return !isShred(p.Name) })
}

// parts returns the pieces of the new shred.
func (b *RecordErased) parts() []Part {
	parts := []Part{{Name: PartShred, Hash: b.Shred}}
	for i, hash := range b.More {
		parts = append(parts, Part{Name: ShredName(i + 1), Hash: hash})
	}
	return parts
}

// recordErased punctures leaves of one epoch.
func (s *State) recordErased(e *Entry, c *compartment, b *RecordErased) error {
	if e.Author != e.Chain.GID() {
		return errors.New("only the patient erases")
	}
	if len(b.Records) == 0 || len(b.Records) > MaxErased || len(b.Records) != len(b.Leaves) {
		return fmt.Errorf("it names no records or more than %d, or not their leaves", MaxErased)
	}
	if err := c.checkShred(b); err != nil {
		return err
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

// checkShred judges the hashes of a new shred. None may be of a part that the epoch has: that would be kept, or destroyed with
// the old one.
func (c *compartment) checkShred(b *RecordErased) error {
	if len(b.More) >= MaxPieces {
		return fmt.Errorf("its key state has more than %d pieces", MaxPieces)
	}
	seen := make(map[Hash]bool)
	if old, err := c.begun(b.Epoch); err == nil {
		for _, p := range old.Parts {
			seen[p.Hash] = true
		}
	}
	for _, p := range b.parts() {
		if p.Hash.IsZero() || seen[p.Hash] {
			return errors.New("it names no new key state")
		}
		seen[p.Hash] = true
	}
	return nil
}

// erase gives an epoch that has records its new shred.
func (c *compartment) erase(b *RecordErased) {
	next, _ := c.begun(b.Epoch) // its records were found
	next.Erased += uint64(len(b.Records))
	next.Parts = slices.DeleteFunc(slices.Clone(next.Parts), func(p Part) bool { return isShred(p.Name) })
	next.Parts = append(next.Parts, b.parts()...)
	c.replace(&next)
}

// compartmentErased ends a chain: no term lets anybody in any more, and no part of any epoch is named.
func (s *State) compartmentErased(e *Entry, c *compartment) error {
	if e.Author != e.Chain.GID() {
		return errors.New("only the patient erases")
	}
	*c = compartment{class: c.class, proxies: c.proxies, erased: true}
	s.countCompartments(e, -1)
	return nil
}

// countCompartments keeps the number of a patient's compartments that are not erased. In a part of the log it is not known.
func (s *State) countCompartments(e *Entry, more int) {
	before, ok := s.patients.get(e.Chain.GID())
	if !ok || s.scope != WholeLog {
		return
	}
	after := *before
	after.open += more
	s.patients.set(e.Chain.GID(), &after)
}

// patientErased closes a record for good.
func (s *State) patientErased(e *Entry) error {
	before, ok := s.patients.get(e.Author)
	switch {
	case s.scope == WholeLog && !ok:
		return fmt.Errorf("%s is not registered as a patient", e.Author)
	case ok && before.erased != 0:
		return errErasedPatient(e.Author)
	case ok && before.open > 0:
		return fmt.Errorf("%w: %d compartments of the record are not erased yet", ErrConflict, before.open)
	}
	after := ground{erased: e.Number}
	if ok {
		after.keys = before.keys // nothing is sealed to them any more, and what was still says whose it is
	}
	s.patients.set(e.Author, &after)
	return nil
}

func errErasedPatient(gid identity.GID) error { return fmt.Errorf("the record of %s is erased", gid) }

// closes tells whether an entry may stand on the access log of a record that is erased: that access
// has ended may, and the review that is still due.
func (s *State) closes(e *Entry) bool {
	switch e.Body.(type) {
	case *SessionClosed, *BreakglassEnded, *BreakglassReviewed:
		return s.PatientErased(e.Chain.GID())
	}
	return false
}

// Erased tells whether a record of a chain is erased, by itself or with its compartment.
func (s *State) Erased(c Chain, id EventID) bool {
	if f, ok := s.compartments.get(c); ok && f.erased {
		return true
	}
	head, _ := s.heads.get(c)
	fact, _ := s.events.get(idKey{head.index, id})
	return fact.erased
}

// PatientErased tells whether a person's record is erased as a whole.
func (s *State) PatientErased(gid identity.GID) bool {
	p, ok := s.patients.get(gid)
	return ok && p.erased != 0
}
