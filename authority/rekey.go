package authority

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/phrledger/phr/crypto/abe"
	"github.com/phrledger/phr/ledger"
)

// # Replacing a master key
//
//	authority   Rekey, save → Registration → the founder's chain
//	registry    endorses it: from here on no key issued before counts
//	authority   Follow, save → roster.Under → Overdue → attribute.versioned → Owed → Reissue
//
// Each step is found again from what is kept and what stands on the log: a crash between any two of them is made good by
// doing them all again.

// Rekey draws the master key that is to replace the one in use, unless one was drawn before. Until the registry has endorsed
// its Registration, everything goes on with the one in use. Save the authority before the registration is appended.
func (a *Authority) Rekey(rand io.Reader) error {
	if a.role == ledger.Registry {
		return errors.New("replacing a master key: that of the registry is named by the root of the node, for good")
	}
	if a.next != nil {
		return nil
	}
	next, err := abe.GenerateMasterKey(rand, a.Name())
	if err != nil {
		return fmt.Errorf("replacing a master key: %w", err)
	}
	a.next = next
	return nil
}

// Replacing tells whether a master key waits to replace the one in use.
func (a *Authority) Replacing() bool { return a.next != nil }

// ErrForeignKey means that the key of the authority that the registry has endorsed is not kept here: nothing that is issued
// with the one kept would count.
var ErrForeignKey = errors.New("another key of the authority is in force than the one kept here: use the home, or the newest copy of it, " +
	"in which that was made")

// Follow makes the master key in use the one that belongs to the key in force, and forgets the one before; changed tells
// whether it was another. With any other key it fails with ErrForeignKey.
func (a *Authority) Follow(inForce *abe.PublicKey) (changed bool, err error) {
	switch {
	case inForce.Hash() == a.PublicKey().Hash():
		return false, nil
	case a.next != nil && inForce.Hash() == a.next.PublicKey().Hash():
		a.master, a.next = a.next, nil
		return true, nil
	}
	return false, ErrForeignKey
}

// Under tells the roster from which control position on the authority's key has been in force; see
// ledger.AuthorityFact. What was issued by an earlier one was made by another key.
func (r *Roster) Under(since uint64) { r.since = since }

// Overdue returns what the chain must say before any key is issued: the next versions of the attributes that have not moved
// since the key came into force.
func (r *Roster) Overdue() []ledger.Body {
	const reason = "the authority's master key was replaced"
	names := slices.DeleteFunc(r.Attributes(), func(name string) bool { return !r.overdue(name) })
	if len(names) == 0 {
		return nil
	}
	bodies, err := r.Rotate(reason, names...)
	if err != nil {
		panic(err) // they are defined, and the reason is a good one
	}
	return bodies
}

// overdue tells whether an attribute must move before a key is issued for it.
func (r *Roster) overdue(name string) bool {
	positions := r.versions[name]
	return len(positions) > 0 && positions[len(positions)-1] < r.since
}

// issuable returns the versions of an attribute that a new representative gets keys of: the one in force, and before it those
// of the same master key, as far as there are not too many.
func (r *Roster) issuable(name string) (oldest, newest uint32, err error) {
	positions := r.versions[name]
	if len(positions) == 0 {
		return 1, 1, nil // it is about to be defined
	}
	if r.overdue(name) {
		return 0, 0, fmt.Errorf("%s@%s has not moved since the master key was replaced", name, r.name)
	}
	newest = uint32(len(positions))
	oldest = newest
	for oldest > 1 && newest-oldest < maxEarlier && positions[oldest-2] >= r.since {
		oldest--
	}
	return oldest, newest, nil
}
