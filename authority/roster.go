package authority

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
)

// Roster is the fold of an authority's own chain: its attributes, who is enrolled for them, and who came in by which
// invitation. It is not safe for concurrent use and has no useful zero value.
type Roster struct {
	name     policy.Authority
	number   uint64
	hash     ledger.Hash
	versions map[string]uint32 // of the attributes, by name
	members  map[identity.GID]*member
	used     map[InvitationID]map[identity.GID]bool
}

type member struct {
	display string
	since   time.Time
	held    map[string]uint32 // version of the newest key by attribute; 0 while none is issued
}

// Member is a person whom an authority has enrolled.
type Member struct {
	GID        identity.GID
	Display    string
	Since      time.Time // log time of the newest enrolment
	Attributes []Held    // in order of name
}

// Held is an attribute that a member is enrolled for.
type Held struct {
	Name    string
	Version uint32 // of the newest key issued; 0 while none is
	Current bool   // that is the version in force
}

// NewRoster returns the roster of an authority whose chain is empty.
func NewRoster(name policy.Authority) *Roster {
	return &Roster{
		name: name, versions: make(map[string]uint32), members: make(map[identity.GID]*member),
		used: make(map[InvitationID]map[identity.GID]bool),
	}
}

// Apply adds the next entry of the chain. It must count: ledger.State.Fold has accepted it. An entry that does not follow
// the one before it is refused, since with a gap an invitation would seem unused, and the roster stays as it is.
func (r *Roster) Apply(e *ledger.Entry) error {
	if e.Chain != ledger.AuthorityChain(r.name) {
		return fmt.Errorf("roster of %s: event %s stands on %s", r.name, e.ID, e.Chain)
	}
	if e.Number != r.number+1 || e.Prev != r.hash {
		return fmt.Errorf("roster of %s: event %d does not follow event %d", r.name, e.Number, r.number)
	}
	r.number, r.hash = e.Number, e.Hash
	switch b := e.Body.(type) {
	case *ledger.AttributeDefined:
		r.versions[b.Name] = 1
	case *ledger.AttributeVersioned:
		r.versions[b.Name] = b.Version
	case *ledger.RepresentativeEnrolled:
		r.enrolled(e.LogTime, b)
	case *ledger.RepresentativeRemoved:
		r.removed(b)
	case *ledger.KeyIssued:
		r.issued(b)
	}
	return nil
}

func (r *Roster) enrolled(at time.Time, b *ledger.RepresentativeEnrolled) {
	m := r.members[b.GID]
	if m == nil {
		m = &member{held: make(map[string]uint32)}
		r.members[b.GID] = m
	}
	m.display, m.since = b.Display, at
	for _, name := range b.Attributes {
		m.held[name] = 0
	}
	if id, ok := invitationOf(b.Identified); ok {
		if r.used[id] == nil {
			r.used[id] = make(map[identity.GID]bool)
		}
		r.used[id][b.GID] = true
	}
}

func (r *Roster) removed(b *ledger.RepresentativeRemoved) {
	m := r.members[b.GID]
	if m == nil {
		return
	}
	for _, name := range b.Attributes {
		delete(m.held, name)
	}
	if len(m.held) == 0 {
		delete(r.members, b.GID)
	}
}

func (r *Roster) issued(b *ledger.KeyIssued) {
	m := r.members[b.GID]
	if m == nil {
		return
	}
	if version, enrolled := m.held[b.Attribute]; enrolled {
		m.held[b.Attribute] = max(version, b.Version)
	}
}

// Head returns number and hash of the newest entry: what the next event of the chain follows.
func (r *Roster) Head() (number uint64, hash ledger.Hash) { return r.number, r.hash }

// Used tells whether a person came in by an invitation, whatever became of them after.
func (r *Roster) Used(id InvitationID, gid identity.GID) bool { return r.used[id][gid] }

// Version returns the version in force of an attribute; ok is false while it is not defined.
func (r *Roster) Version(name string) (version uint32, ok bool) {
	version, ok = r.versions[name]
	return version, ok
}

// Definitions returns what the chain must say for those of the named attributes that it does not define yet. A policy may name
// an attribute once it is defined, whether somebody holds it or not.
func (r *Roster) Definitions(names ...string) []ledger.Body {
	var bodies []ledger.Body
	for _, name := range names {
		if r.versions[name] == 0 {
			bodies = append(bodies, &ledger.AttributeDefined{Name: name})
		}
	}
	return bodies
}

// Members returns who is enrolled, those who came first before the others.
func (r *Roster) Members() []Member {
	list := make([]Member, 0, len(r.members))
	for gid, m := range r.members {
		list = append(list, Member{GID: gid, Display: m.display, Since: m.since, Attributes: r.held(m)})
	}
	slices.SortFunc(list, func(x, y Member) int { return cmp.Or(x.Since.Compare(y.Since), cmp.Compare(x.GID, y.GID)) })
	return list
}

func (r *Roster) held(m *member) []Held {
	list := make([]Held, 0, len(m.held))
	for _, name := range slices.Sorted(maps.Keys(m.held)) {
		list = append(list, Held{name, m.held[name], m.held[name] == r.versions[name]})
	}
	return list
}

// holds tells whether a person is enrolled for all the named attributes.
func (r *Roster) holds(gid identity.GID, names []string) bool {
	m := r.members[gid]
	return m != nil && !slices.ContainsFunc(names, func(name string) bool {
		_, enrolled := m.held[name]
		return !enrolled
	})
}
