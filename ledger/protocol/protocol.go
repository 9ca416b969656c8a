// Package protocol is what clients and the services of a node say to each other: the subjects of the requests, and the
// messages, each in the canonical encoding. Errors travel as stream.Error.
//
// The challenge's own messages are in authority/challenge; events and entries are in ledger.
package protocol

import (
	"time"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
)

// Limits of a submission.
const (
	MaxRequest = 512 << 10 // bytes of one request
	MaxEvents  = 900       // events of one submission: it is committed atomically
)

// Submission is one request of a submission: one to many events for chains of one owner, and the parts that these events
// name. A submission too large for one request is sent in Count requests with the same ID; it is committed when the last
// one has come. All of it counts, or none.
type Submission struct {
	ID     ledger.SubmissionID `cbor:"1,keyasint"`
	Index  uint32              `cbor:"2,keyasint"` // from 0
	Count  uint32              `cbor:"3,keyasint"`
	Events [][]byte            `cbor:"4,keyasint,omitempty"` // encoded, in order
	Parts  []PartData          `cbor:"5,keyasint,omitempty"`
}

// PartData is a part as it is stored in KEYS. Its hash is its name there.
type PartData struct {
	Chain string `cbor:"1,keyasint"` // of the compartment
	Epoch uint32 `cbor:"2,keyasint"`
	Name  string `cbor:"3,keyasint"`
	Data  []byte `cbor:"4,keyasint"`
}

// Receipt acknowledges a request. Until the last one it says only that the request is staged; then that every event is on
// disk, with the log time and control position that its entries were given.
type Receipt struct {
	Committed bool            `cbor:"1,keyasint"`
	LogTime   int64           `cbor:"2,keyasint,omitempty"` // unix milliseconds
	Control   ledger.Position `cbor:"3,keyasint"`
	Sequence  uint64          `cbor:"4,keyasint,omitempty"` // in the log, of the last event; those before it come before it
}

// Entry returns the entry that the log has for an encoded event of the submission, encoded.
func (r *Receipt) Entry(event []byte) ([]byte, error) {
	e, err := ledger.NewEntry(event, time.UnixMilli(r.LogTime), r.Control)
	if err != nil {
		return nil, err
	}
	return e.Marshal()
}

// The codes of errors that clients branch on.
const (
	CodeConflict = "conflict"  // the chain has moved on: catch up and sign again
	CodeStale    = "stale"     // a new epoch is due: catch up, rotate, seal anew
	CodeInvalid  = "invalid"   // the event does not count and never will
	CodeRefused  = "refused"   // not allowed
	CodeEnded    = "ended"     // the session is over: open a new one
	CodeBusy     = "busy"      // too much at once: try again later
	CodeNotFound = "not-found" // there is no such thing
	CodeBad      = "malformed" // the request is not understood
)

// Evidence is entries of control chains, for a ledger.State of scope SomeChains to learn in the order given. Each carries a
// signature of its own; together they prove what was asked for to whoever has pinned the root.
type Evidence struct {
	Facts []Fact `cbor:"1,keyasint"`
}

// Fact is one entry with its count among the control entries; for entries of a profile chain the count is 0.
type Fact struct {
	Count uint64 `cbor:"1,keyasint"`
	Entry []byte `cbor:"2,keyasint"`
}

// Directory queries. Each is answered with an Evidence, but for those with an answer of their own.
type (
	// NodeQuery asks for the root's and the node's descriptions and the registry.
	NodeQuery struct{}
	// IdentityQuery asks for a person's chain, and for a patient's registration if there is one.
	IdentityQuery struct {
		GID identity.GID `cbor:"1,keyasint"`
	}
	// AuthorityQuery asks for an authority's registration, endorsement and attributes.
	AuthorityQuery struct {
		Name policy.Authority `cbor:"1,keyasint"`
	}
	// AuthoritiesQuery asks for the names that authorities have, those after the one named. Whoever asks goes on until the answer
	// is empty.
	AuthoritiesQuery struct {
		After policy.Authority `cbor:"1,keyasint,omitempty"`
	}
	// RegistrationQuery asks for a registration of an authority that need not be endorsed, by the beginning of its hash.
	RegistrationQuery struct {
		Fingerprint []byte `cbor:"1,keyasint"` // 20 bytes
	}
	// RecoveryQuery asks for what a person starts from who has the recovery secret and nothing else. It is answered with a
	// Recovery.
	RecoveryQuery struct {
		GID identity.GID `cbor:"1,keyasint"`
	}
	// KeysQuery asks for the key.issued events for the caller, by login, after the first Skip of them. Whoever asks goes on
	// until the answer is empty.
	KeysQuery struct {
		Skip uint32 `cbor:"1,keyasint"`
	}
	// NamesQuery asks who people are, by login: the entries in which authorities enrolled them, with the display names of
	// professionals. At most MaxNames people are asked about at once.
	NamesQuery struct {
		GIDs []identity.GID `cbor:"1,keyasint"`
	}
	// HeldQuery asks, by login, which of at most MaxHeld attributes the log shows somebody to hold. About those that a patient
	// issues, the patient and the holder ask.
	HeldQuery struct {
		GID        identity.GID `cbor:"1,keyasint"`
		Attributes []string     `cbor:"2,keyasint"`
	}
	// MineQuery asks for the terms that the caller's attributes satisfy, by login, on chains after the one named. Whoever asks
	// goes on until the answer is empty.
	MineQuery struct {
		After string `cbor:"1,keyasint"`
	}
)

// Authorities answers an AuthoritiesQuery with names in order, at most MaxAuthorities. What each is, an AuthorityQuery proves.
type Authorities struct {
	Names []policy.Authority `cbor:"1,keyasint,omitempty"`
}

// MaxAuthorities is how many names one answer has.
const MaxAuthorities = 256

// Recovery answers a RecoveryQuery.
type Recovery struct {
	Facts  []Fact      `cbor:"1,keyasint"` // of the person's keys, and the newest escrows
	Number uint64      `cbor:"2,keyasint"` // of the last event on the person's chain
	Hash   ledger.Hash `cbor:"3,keyasint"` // of it
}

// Keys answers a KeysQuery with entries.
type Keys struct {
	Entries [][]byte `cbor:"1,keyasint,omitempty"`
}

// MaxNames is how many people one NamesQuery may ask about.
const MaxNames = 64

// Names answers a NamesQuery with entries of representative.enrolled.
type Names struct {
	Entries [][]byte `cbor:"1,keyasint,omitempty"`
}

// MaxHeld is how many attributes one HeldQuery may ask about.
const MaxHeld = 64

// Held answers a HeldQuery with the entry of key.issued for each attribute that is held: of the version in force.
type Held struct {
	Entries [][]byte `cbor:"1,keyasint,omitempty"`
}

// Mine answers a MineQuery.
type Mine struct {
	Terms []SharedTerm `cbor:"1,keyasint,omitempty"`
}

// SharedTerm is a term that the caller satisfies, with the patient's signed word for it.
type SharedTerm struct {
	Chain string        `cbor:"1,keyasint"`
	Term  ledger.TermID `cbor:"2,keyasint"`
	Set   []byte        `cbor:"3,keyasint"` // the entry of the policy.set in force
}

// TouchedQuery asks the node what rests on an attribute, by the login of who founded its authority, on chains after the one named.
// Whoever asks goes on until the answer is empty.
type TouchedQuery struct {
	Attribute string `cbor:"1,keyasint"` // as doctor@city-hospital
	After     string `cbor:"2,keyasint"`
}

// Touched answers a TouchedQuery. Nothing in it is signed: it is for looking at before something is done.
type Touched struct {
	Terms []TouchedTerm `cbor:"1,keyasint,omitempty"`
}

// TouchedTerm is a live term whose expression names the attribute. Since is the log time since when its compartment has been
// stale, in unix milliseconds; 0 while it is not.
type TouchedTerm struct {
	Chain string        `cbor:"1,keyasint"`
	Term  ledger.TermID `cbor:"2,keyasint"`
	Since int64         `cbor:"3,keyasint,omitempty"`
}

// PartsQuery asks for parts of one epoch of the compartment that the subject names.
type PartsQuery struct {
	Epoch uint32   `cbor:"1,keyasint"`
	Names []string `cbor:"2,keyasint"`
}

// Parts answers a PartsQuery with the parts that are there, in no order.
type Parts struct {
	Parts []PartData `cbor:"1,keyasint,omitempty"`
}

// ConsumerQuery asks for a consumer of one chain that the caller's session may read. An auditor's login may ask for the
// whole log, with Chain empty. A session's consumers are numbered: whatever was read from the one asked for is over.
type ConsumerQuery struct {
	Chain string `cbor:"1,keyasint"`
	From  uint64 `cbor:"2,keyasint"`           // stream sequence to start at; 0 is the beginning
	Place uint32 `cbor:"3,keyasint,omitempty"` // which of the session's consumers; the first is 0
}

// How many consumers a session may have at a time, a login and any other. Their names stand in the JWT, and the line that brings it
// to the server has at most 4 KiB.
const (
	LoginConsumers   = 12
	SessionConsumers = 8
)

// Consumer answers a ConsumerQuery.
type Consumer struct {
	Name     string        `cbor:"1,keyasint"`
	Rejected []ledger.Hash `cbor:"2,keyasint,omitempty"` // entries on the chain that do not count
}

// Enrolment is a request to join an authority, sealed to it. The node keeps it until the authority has fetched it.
type Enrolment struct {
	Sealed []byte `cbor:"1,keyasint"`
}

// EnrolmentsQuery fetches an authority's waiting enrolments, and drops those that are done with.
type EnrolmentsQuery struct {
	Done []ledger.Hash `cbor:"1,keyasint,omitempty"` // of Sealed
}

// Enrolments answers an EnrolmentsQuery.
type Enrolments struct {
	Waiting []Enrolment `cbor:"1,keyasint,omitempty"`
}
