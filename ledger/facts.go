package ledger

import (
	"math"
	"time"

	"github.com/phrledger/phr/crypto/abe"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/policy"
)

// A fact counts from a control position on. Facts of the judged entry's own chain count at once, since a chain is linear.

// now is the position that sees every fact folded so far.
const now = math.MaxUint64

// person is what a person chain says.
type person struct {
	keys    []keysFact
	revoked uint64   // count of the control entry that revoked the identity; 0 if none did
	request *request // to recover it, with the keys in force; nil if there was none
}

type keysFact struct {
	from     uint64
	since    time.Time // log time
	keys     *identity.Keys
	recovery Hash
}

func (p *person) at(position uint64) (keysFact, bool) {
	if p == nil || p.revoked != 0 && p.revoked <= position {
		return keysFact{}, false
	}
	for i := len(p.keys) - 1; i >= 0; i-- {
		if p.keys[i].from <= position {
			return p.keys[i], true
		}
	}
	return keysFact{}, false
}

// registration is an authority.registered that may be endorsed.
type registration struct {
	name    policy.Authority
	role    AuthorityKind
	founder identity.GID
	key     *abe.PublicKey
	from    uint64
}

// authority is what the registry says of a name.
type authority struct {
	facts []authorityFact // in the order of from
}

type authorityFact struct {
	from   uint64
	time   time.Time // log time
	reg    *registration
	active bool
}

func (a *authority) at(position uint64) (*registration, bool) {
	if a == nil {
		return nil, false
	}
	for i := len(a.facts) - 1; i >= 0; i-- {
		if a.facts[i].from <= position {
			return a.facts[i].reg, a.facts[i].active
		}
	}
	return nil, false
}

type versionFact struct {
	from    uint64
	time    time.Time // log time
	version uint32
}

func versionAt(facts []versionFact, position uint64) (uint32, bool) {
	for i := len(facts) - 1; i >= 0; i-- {
		if facts[i].from <= position {
			return facts[i].version, true
		}
	}
	return 0, false
}

// holding is a person's relation to an attribute.
type holding struct {
	gid       identity.GID
	attribute policy.Attribute
}

// holdingFact says that from a position on the person is enrolled, holds a key of a version, or has been removed.
type holdingFact struct {
	from     uint64
	enrolled bool
	version  uint32 // of the key issued; 0 while none is
	control  uint64 // count of the control position by which its issuance is judged
}

func holdingAt(facts []holdingFact, position uint64) holdingFact {
	for i := len(facts) - 1; i >= 0; i-- {
		if facts[i].from <= position {
			return facts[i]
		}
	}
	return holdingFact{}
}

// ground is what a patient's profile chain says: the public keys of the patient's own authority, the one in force last.
type ground struct {
	keys   []groundFact // by number
	open   int          // compartments that are not erased, where the whole log is seen
	erased uint64       // number of the event that erased the record; 0 while none did
}

type groundFact struct {
	number uint64 // of the event that says it
	time   time.Time
	key    *abe.PublicKey
}

func (g *ground) key() *abe.PublicKey { return g.keys[len(g.keys)-1].key }

// Session is a session that the log shows.
type Session struct {
	SessionOpened
	Patient identity.GID
	Opened  time.Time // log time
	Closed  bool
	Why     string // of Closed
}

// NodeFact is what the root says of a node.
type NodeFact struct {
	NodeDescribed
	GID identity.GID
}

// node is a node's newest description, and the position from which the root has described it at all.
type node struct {
	NodeFact
	from uint64
}

// idKey and leafKey name an event and a leaf within a chain, in as few bytes as do.
type idKey struct {
	chain uint32
	id    EventID
}

// recordFact is where a record's key comes from. Its epoch is 0 for events that are no records.
type recordFact struct {
	epoch  uint32
	leaf   [6]byte
	first  bool // written, not amended or retracted
	erased bool
}

type leafKey struct {
	chain, epoch uint32
	leaf         [6]byte
}
