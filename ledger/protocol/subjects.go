package protocol

import (
	"strings"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
)

// The subjects of requests that name nobody.
const (
	GateHello    = "gate.hello"
	GateAnswer   = "gate.answer"
	GateConsumer = "gate.consumer"
	GateTicket   = "gate.ticket"

	DirNode         = "dir.node"
	DirIdentity     = "dir.identity"
	DirAuthority    = "dir.authority"
	DirAuthorities  = "dir.authorities"
	DirRegistration = "dir.registration"
	DirRecovery     = "dir.recovery"
	DirMine         = "dir.mine"
	DirKeys         = "dir.keys"
	DirNames        = "dir.names"
	DirHeld         = "dir.held"
	DirTouched      = "dir.touched"
)

// Register returns the subject under which a person's registrations are submitted without a session.
func Register(gid identity.GID) string {
	return subject("register", ledger.Shard(string(gid)), string(gid))
}

// Ingest returns the subject for submissions to a chain. Submissions to several chains of one owner go to IngestOwner.
func Ingest(c ledger.Chain) string {
	if c.Space == ledger.RecordSpace {
		return subject("ingest", ledger.Shard(c.Owner), c.Owner, string(c.Compartment))
	}
	return IngestOwner(c.Owner)
}

// IngestOwner returns the subject for submissions to any chains of one owner, by the owner.
func IngestOwner(owner string) string { return subject("ingest", ledger.Shard(owner), owner, "_") }

// KeyParts returns the subject for queries of a compartment's key parts.
func KeyParts(c ledger.Chain) string {
	return subject("keys", ledger.Shard(c.Owner), c.Owner, string(c.Compartment))
}

// Enrol returns the subject for requests to join an authority.
func Enrol(name policy.Authority) string { return subject("enrol", string(name)) }

// EnrolNext returns the subject on which an authority fetches them.
func EnrolNext(name policy.Authority) string { return subject("enrol", "next", string(name)) }

func subject(tokens ...string) string { return strings.Join(tokens, ".") }
