package authority

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
)

// Revoke returns what the authority's chain must say, in this order and at once, for a person to lose attributes: they are
// taken away, and each moves to its next version, so that the keys that the person holds open nothing that is sealed from then
// on. Without names it is all that the person holds. Everybody else who is enrolled is owed a new key.
//
// Shut invitations and save the authority before what Revoke returns is appended. What the person has opened stays opened, and
// compartments that are sealed to earlier versions stay so until somebody starts new epochs of them.
func (r *Roster) Revoke(gid identity.GID, reason string, names ...string) ([]ledger.Body, error) {
	m := r.members[gid]
	if m == nil {
		return nil, fmt.Errorf("revoking: %s is not enrolled", gid)
	}
	if len(names) == 0 {
		names = slices.Collect(maps.Keys(m.held))
	}
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	for _, name := range names {
		if _, enrolled := m.held[name]; !enrolled {
			return nil, fmt.Errorf("revoking: %s does not hold %s@%s", gid, ledger.Clip(name), r.name)
		}
	}
	moves, err := r.Rotate(reason, names...)
	if err != nil {
		return nil, err
	}
	removed := &ledger.RepresentativeRemoved{GID: gid, Attributes: names, Reason: reason}
	return append([]ledger.Body{removed}, moves...), nil
}

// Rotate returns what the authority's chain must say for attributes to move to their next versions. Everybody who is enrolled
// for them is owed a new key.
func (r *Roster) Rotate(reason string, names ...string) ([]ledger.Body, error) {
	if len(names) == 0 {
		return nil, errors.New("rotating: no attribute is named")
	}
	if err := checkText("a reason", reason); err != nil {
		return nil, fmt.Errorf("rotating: %w", err)
	}
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	bodies := make([]ledger.Body, 0, len(names)+1)
	for _, name := range names {
		version, ok := r.Version(name)
		if !ok {
			return nil, fmt.Errorf("rotating: %s has no attribute %q", r.name, ledger.Clip(name))
		}
		bodies = append(bodies, &ledger.AttributeVersioned{Name: name, Version: version + 1, Reason: reason})
	}
	return bodies, nil
}

// Holders returns how many people are enrolled for one of the named attributes at least.
func (r *Roster) Holders(names ...string) int {
	n := 0
	for _, m := range r.members {
		if slices.ContainsFunc(names, func(name string) bool { _, enrolled := m.held[name]; return enrolled }) {
			n++
		}
	}
	return n
}

// Member returns a person who is enrolled.
func (r *Roster) Member(gid identity.GID) (Member, bool) {
	m := r.members[gid]
	if m == nil {
		return Member{}, false
	}
	return Member{GID: gid, Display: m.display, Since: m.since, Attributes: r.held(m)}, true
}

// Attributes returns the names of the attributes that the chain defines, in order.
func (r *Roster) Attributes() []string { return slices.Sorted(maps.Keys(r.versions)) }

// removedAfter tells whether one of the named attributes was taken from a person by an event later than number.
func (r *Roster) removedAfter(number uint64, gid identity.GID, names []string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return r.removals[holding{gid, name}] > number })
}
