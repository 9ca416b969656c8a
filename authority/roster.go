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
	since    uint64              // control position from which the authority's key is in force; see Under
	versions map[string][]uint64 // by attribute, the control positions by which its versions 1, 2, … are judged
	members  map[identity.GID]*member
	removals map[holding]uint64 // number of the newest removal
	used     map[InvitationID]map[identity.GID]bool
}

type holding struct {
	gid  identity.GID
	name string
}

type member struct {
	display string
	since   time.Time
	held    map[string]issued // the newest key by attribute
}

// issued is a key on the log: its version, 0 while none is, and the control position by which its issuance is judged.
type issued struct {
	version uint32
	control uint64
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
	Current bool   // that is the version in force, made by the key in force
	Since   uint64 // control position by which the version in force was judged
}

// NewRoster returns the roster of an authority whose chain is empty.
func NewRoster(name policy.Authority) *Roster {
	return &Roster{
		name: name, versions: make(map[string][]uint64), members: make(map[identity.GID]*member),
		removals: make(map[holding]uint64), used: make(map[InvitationID]map[identity.GID]bool),
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
		r.versions[b.Name] = []uint64{e.Control.Count}
	case *ledger.AttributeVersioned:
		r.versions[b.Name] = append(r.versions[b.Name], e.Control.Count)
	case *ledger.RepresentativeEnrolled:
		r.enrolled(e.LogTime, b)
	case *ledger.RepresentativeRemoved:
		r.removed(e.Number, b)
	case *ledger.KeyIssued:
		r.issued(e.Control.Count, b)
	}
	return nil
}

func (r *Roster) enrolled(at time.Time, b *ledger.RepresentativeEnrolled) {
	m := r.members[b.GID]
	if m == nil {
		m = &member{held: make(map[string]issued)}
		r.members[b.GID] = m
	}
	m.display, m.since = b.Display, at
	for _, name := range b.Attributes {
		if _, enrolled := m.held[name]; !enrolled { // who is keeps the key they hold
			m.held[name] = issued{}
		}
	}
	if id, ok := invitationOf(b.Identified); ok {
		if r.used[id] == nil {
			r.used[id] = make(map[identity.GID]bool)
		}
		r.used[id][b.GID] = true
	}
}

func (r *Roster) removed(number uint64, b *ledger.RepresentativeRemoved) {
	m := r.members[b.GID]
	if m == nil {
		return
	}
	for _, name := range b.Attributes {
		r.removals[holding{b.GID, name}] = number
		delete(m.held, name)
	}
	if len(m.held) == 0 {
		delete(r.members, b.GID)
	}
}

func (r *Roster) issued(control uint64, b *ledger.KeyIssued) {
	m := r.members[b.GID]
	if m == nil {
		return
	}
	if before, enrolled := m.held[b.Attribute]; enrolled && b.Version >= before.version {
		m.held[b.Attribute] = issued{b.Version, control}
	}
}

// Head returns number and hash of the newest entry: what the next event of the chain follows.
func (r *Roster) Head() (number uint64, hash ledger.Hash) { return r.number, r.hash }

// Used tells whether a person came in by an invitation, whatever became of them after.
func (r *Roster) Used(id InvitationID, gid identity.GID) bool { return r.used[id][gid] }

// Version returns the version in force of an attribute; ok is false while it is not defined.
func (r *Roster) Version(name string) (version uint32, ok bool) {
	n := len(r.versions[name])
	return uint32(n), n > 0
}

// Definitions returns what the chain must say for those of the named attributes that it does not define yet. A policy may name
// an attribute once it is defined, whether somebody holds it or not.
func (r *Roster) Definitions(names ...string) []ledger.Body {
	var bodies []ledger.Body
	for _, name := range names {
		if len(r.versions[name]) == 0 {
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
		list = append(list, Held{name, m.held[name].version, r.current(name, m.held[name]), r.sinceVersion(name)})
	}
	return list
}

func (r *Roster) sinceVersion(name string) uint64 {
	if all := r.versions[name]; len(all) > 0 {
		return all[len(all)-1]
	}
	return 0
}

// holds tells whether a person is enrolled for all the named attributes.
func (r *Roster) holds(gid identity.GID, names []string) bool {
	m := r.members[gid]
	return m != nil && !slices.ContainsFunc(names, func(name string) bool {
		_, enrolled := m.held[name]
		return !enrolled
	})
}
