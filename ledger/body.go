package ledger

import (
	"github.com/phrledger/phr/crypto/canonical"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/policy"
)

// Body is what an event of one kind says. The types of this package are all there are.
type Body interface{ Kind() Kind }

// Unknown is the body of a kind that this version of phr does not know. It is kept, hashed and shown, and changes nothing.
type Unknown struct {
	Name Kind
	Raw  canonical.RawMessage
}

// Kind implements Body.
func (u *Unknown) Kind() Kind { return u.Name }

// IdentityRegistered opens a person's chain. The GID is the hash of its three fields, so nobody can register another's.
type IdentityRegistered struct {
	Sign     [32]byte `cbor:"1,keyasint"` // Ed25519 public key
	Seal     []byte   `cbor:"2,keyasint"` // X-Wing public key
	Recovery Hash     `cbor:"3,keyasint"` // hash of the recovery public key
}

// IdentityRotated replaces a person's keys. The recovery key that the identity committed to signs it and is shown in it. The
// keys in force consent, or it was requested RecoveryWait before.
type IdentityRotated struct {
	Sign         [32]byte `cbor:"1,keyasint"`
	Seal         []byte   `cbor:"2,keyasint"`
	Recovery     Hash     `cbor:"3,keyasint"`           // hash of the next recovery public key
	RecoveryUsed [32]byte `cbor:"4,keyasint"`           // the public key whose hash stood in force
	Consent      []byte   `cbor:"5,keyasint,omitempty"` // signature by the keys in force over the same event without it
}

// IdentityRevoked ends an identity for good: nothing signed by it counts from here on.
type IdentityRevoked struct {
	Reason string `cbor:"1,keyasint"`
}

// PatientRegistered makes the person a patient: it opens the profile chain with the public key of the patient's own
// attribute authority, whose name is the GID. Repeated, it replaces that key.
type PatientRegistered struct {
	Key []byte `cbor:"1,keyasint"` // abe.PublicKey
}

// Class says which professionals may be given the right to write into a compartment.
type Class string

// The classes: hospitals' attributes may write health, health clubs' training.
const (
	HealthClass   Class = "health"
	TrainingClass Class = "training"
)

// CompartmentCreated opens a compartment's chain.
type CompartmentCreated struct {
	Class Class `cbor:"1,keyasint"`
}

// Term is one live grant of a compartment: who satisfies Expression may read, or write and read.
type Term struct {
	ID         TermID `cbor:"1,keyasint"`
	Expression string `cbor:"2,keyasint"`           // canonical policy text
	Write      bool   `cbor:"3,keyasint,omitempty"` // reading is included
	History    bool   `cbor:"4,keyasint,omitempty"` // epochs before the grant may be opened too
	Until      int64  `cbor:"5,keyasint,omitempty"` // unix milliseconds of log time; 0 is no end
	Purpose    string `cbor:"6,keyasint,omitempty"` // HL7 purpose of use, such as TREAT
	Approval   string `cbor:"7,keyasint,omitempty"` // canonical policy text: who must approve; makes it an emergency term
	Proxy      bool   `cbor:"8,keyasint,omitempty"` // the person named, and nobody else, acts for the patient: see MaxProxy
}

// PolicySet replaces the list of live terms of a compartment. The patient needs none.
type PolicySet struct {
	Terms []Term `cbor:"1,keyasint"`
	Note  []byte `cbor:"2,keyasint,omitempty"` // sealed to the patient alone
}

// Part names one erasable piece of an epoch's key material in KEYS by its hash.
type Part struct {
	Name       string   `cbor:"1,keyasint"`           // PartOwner, PartLink, PartShred, or WrapName, ApprovalName or ReleaseName of a term
	Hash       Hash     `cbor:"2,keyasint"`           // of the stored bytes
	Term       TermID   `cbor:"3,keyasint,omitzero"`  // of a part for a term
	Expression string   `cbor:"4,keyasint,omitempty"` // of a wrap: the term's; of an approval: its Approval
	Versions   []uint32 `cbor:"5,keyasint,omitempty"` // of a wrap or approval: in the order of the policy's attributes
	Keys       []Hash   `cbor:"6,keyasint,omitempty"` // of a wrap or approval: in the order of the policy's authorities
}

// EpochStarted begins epoch Epoch of a compartment: what is written from here on is sealed under new keys.
type EpochStarted struct {
	Epoch  uint32 `cbor:"1,keyasint"`
	KID    Hash   `cbor:"2,keyasint"` // commitment to the epoch key
	HID    Hash   `cbor:"3,keyasint"` // commitment to the history key
	Parts  []Part `cbor:"4,keyasint"`
	Reason string `cbor:"5,keyasint,omitempty"`
}

// EpochRewrapped adds parts to an epoch: to the current one the wrap of a new term, to any the link that was left pending or
// is disputed.
type EpochRewrapped struct {
	Epoch uint32 `cbor:"1,keyasint"`
	Parts []Part `cbor:"2,keyasint"`
}

// EpochConfirmed says that the patient has opened the owner part, the shred and the link, if there is one, and found what is
// committed to. An epoch or link of the patient's own needs no such word.
type EpochConfirmed struct {
	Epoch uint32 `cbor:"1,keyasint"`
}

// EpochDisputed says that a part does not hold what its epoch commits to. The next rotation repairs it; of an epoch that is
// over, only the link is disputed, and replaced.
type EpochDisputed struct {
	Epoch  uint32 `cbor:"1,keyasint"`
	Part   string `cbor:"2,keyasint"`
	Reason string `cbor:"3,keyasint"`
}

// Content is the sealed content of a record and what stands in clear beside it.
type Content struct {
	Epoch  uint32  `cbor:"1,keyasint"`
	Leaf   [6]byte `cbor:"2,keyasint"` // of the epoch's puncturable key; never twice in an epoch
	Media  string  `cbor:"3,keyasint"` // media class: fhir, note, card, …
	Bucket uint32  `cbor:"4,keyasint"` // padded size in bytes
	Sealed []byte  `cbor:"5,keyasint"` // see crypto/epoch
}

// RecordWritten adds a record.
type RecordWritten struct {
	Content Content `cbor:"1,keyasint"`
}

// RecordAmended adds a new version of a record; the earlier one stays.
type RecordAmended struct {
	Content Content `cbor:"1,keyasint"`
	Refers  EventID `cbor:"2,keyasint"` // the record as first written
}

// RecordRetracted marks a record as withdrawn; the content holds the reason. Nothing is removed.
type RecordRetracted struct {
	Content Content `cbor:"1,keyasint"`
	Refers  EventID `cbor:"2,keyasint"`
}

// RecordErased says that records' leaves are punctured: nobody can open them from the log any more.
type RecordErased struct {
	Epoch   uint32    `cbor:"1,keyasint"`
	Records []EventID `cbor:"2,keyasint"`
	Leaves  [][6]byte `cbor:"3,keyasint"`           // of Records, in their order
	Shred   Hash      `cbor:"4,keyasint"`           // of the part that replaces the epoch's shred
	More    []Hash    `cbor:"5,keyasint,omitempty"` // of the pieces that follow it, when it is larger than MaxPart
}

// Operation is what a session is for.
type Operation string

// The operations. Write includes reading; a login gives a person what is their own.
const (
	OpRead  Operation = "read"
	OpWrite Operation = "write"
	OpLogin Operation = "login"
)

// SessionOpened says that the node has given GID a session on one compartment under one term.
type SessionOpened struct {
	Session     SessionID    `cbor:"1,keyasint"`
	GID         identity.GID `cbor:"2,keyasint"`
	User        string       `cbor:"3,keyasint"` // public nkey of the connection
	Operation   Operation    `cbor:"4,keyasint"`
	Compartment Compartment  `cbor:"5,keyasint"`
	Term        TermID       `cbor:"6,keyasint"`
	Expires     int64        `cbor:"7,keyasint"` // unix milliseconds
}

// SessionRenewed extends a session.
type SessionRenewed struct {
	Session SessionID `cbor:"1,keyasint"`
	Expires int64     `cbor:"2,keyasint"`
}

// SessionClosed ends a session before it expires.
type SessionClosed struct {
	Session SessionID `cbor:"1,keyasint"`
	Reason  string    `cbor:"2,keyasint"`
}

// SessionRefused says that a registered person was refused Count times since the last such event.
type SessionRefused struct {
	GID         identity.GID `cbor:"1,keyasint"`
	Operation   Operation    `cbor:"2,keyasint"`
	Compartment Compartment  `cbor:"3,keyasint"`
	Reason      string       `cbor:"4,keyasint"`
	Count       uint32       `cbor:"5,keyasint"`
}

// AuthorityKind says what an attribute authority is.
type AuthorityKind string

// The kinds of authorities.
const (
	Hospital   AuthorityKind = "hospital"
	HealthClub AuthorityKind = "health-club"
	Insurer    AuthorityKind = "insurer"
	Employer   AuthorityKind = "employer"
	Registry   AuthorityKind = "registry"
)

// RegistryName is the name of the registry of authorities.
const RegistryName policy.Authority = "phr"

// AuthorityRegistered asks for a name. It counts once the registry has endorsed its hash. Repeated, it replaces the key.
type AuthorityRegistered struct {
	Name policy.Authority `cbor:"1,keyasint"`
	Role AuthorityKind    `cbor:"2,keyasint"`
	Key  []byte           `cbor:"3,keyasint"` // abe.PublicKey, with its proof of knowledge
}

// AuthorityHead is an authority's own statement of where its chain ends.
type AuthorityHead struct {
	Number uint64 `cbor:"1,keyasint"`
	Hash   Hash   `cbor:"2,keyasint"`
}

// AuthorityEndorsed gives a name, and the chain of that name, to the founder of a registration.
type AuthorityEndorsed struct {
	Name         policy.Authority `cbor:"1,keyasint"`
	Founder      identity.GID     `cbor:"2,keyasint"`
	Registration Hash             `cbor:"3,keyasint"`
}

// AuthoritySuspended takes an authority out of force until it is endorsed anew.
type AuthoritySuspended struct {
	Name   policy.Authority `cbor:"1,keyasint"`
	Reason string           `cbor:"2,keyasint"`
}

// AttributeDefined introduces an attribute of the authority, at version 1.
type AttributeDefined struct {
	Name        string `cbor:"1,keyasint"`
	Description string `cbor:"2,keyasint,omitempty"`
}

// AttributeVersioned moves an attribute to its next version: keys of earlier ones count no more.
type AttributeVersioned struct {
	Name    string `cbor:"1,keyasint"`
	Version uint32 `cbor:"2,keyasint"`
	Reason  string `cbor:"3,keyasint,omitempty"`
}

// RepresentativeEnrolled says who holds which attributes for the authority, and how it was made sure.
type RepresentativeEnrolled struct {
	GID        identity.GID `cbor:"1,keyasint"`
	Attributes []string     `cbor:"2,keyasint"`
	Display    string       `cbor:"3,keyasint,omitempty"` // display name of a professional
	Identified string       `cbor:"4,keyasint,omitempty"` // how the person was identified
}

// RepresentativeRemoved takes attributes away: keys issued for them count no more.
type RepresentativeRemoved struct {
	GID        identity.GID `cbor:"1,keyasint"`
	Attributes []string     `cbor:"2,keyasint"`
	Reason     string       `cbor:"3,keyasint,omitempty"`
}

// KeyIssued carries an attribute key, sealed to its holder.
type KeyIssued struct {
	GID       identity.GID `cbor:"1,keyasint"`
	Attribute string       `cbor:"2,keyasint"` // the name; the authority is the chain's
	Version   uint32       `cbor:"3,keyasint"`
	Sealed    []byte       `cbor:"4,keyasint"` // abe.AttributeKey under identity.Keys.SealTo
}

// NodeDescribed says who runs the node's services and by which keys they are known. The root signs it. The first one names
// the registration of the registry.
type NodeDescribed struct {
	Sequence uint64   `cbor:"1,keyasint"`          // the highest one counts
	Gate     [32]byte `cbor:"2,keyasint"`          // Ed25519 key that signs challenges
	Account  string   `cbor:"3,keyasint"`          // public nkey of the account that sessions belong to
	Suites   []uint16 `cbor:"4,keyasint"`          // abe suites, preferred first
	Expires  int64    `cbor:"5,keyasint"`          // unix milliseconds
	Registry Hash     `cbor:"6,keyasint,omitzero"` // of the registry's authority.registered
	Log      [32]byte `cbor:"7,keyasint,omitzero"` // Ed25519 key that signs checkpoints of the tree; zero in logs without one
}

// Rejected marks an entry that is in the log but does not count.
type Rejected struct {
	Chain  string `cbor:"1,keyasint"`
	Event  Hash   `cbor:"2,keyasint"`
	Reason string `cbor:"3,keyasint"`
}

// Incident says what a node found wrong in its storage and what it did.
type Incident struct {
	Text string `cbor:"1,keyasint"`
}

// Checkpoint commits to the log's first Size entries, and to where each chain ends by them: see ledger/tree.
type Checkpoint struct {
	Size uint64 `cbor:"1,keyasint"`
	Root Hash   `cbor:"2,keyasint"`          // of the Merkle tree
	Map  Hash   `cbor:"3,keyasint,omitzero"` // of the map of heads
}
