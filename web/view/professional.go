package view

import "time"

// Member is somebody whom an authority has enrolled.
type Member struct {
	Person
	Since      time.Time `json:"since"`
	Attributes []HeldKey `json:"attributes"`
	Recovered  Time      `json:"recovered,omitempty"` // got new keys: the old ones may be lost
	Due        []string  `json:"due,omitempty"`       // attributes that have to be moved therefore
}

// Invitation is an open one. Its code can't be had again.
type Invitation struct {
	ID         string    `json:"id"`
	Attributes []string  `json:"attributes"`
	Uses       int       `json:"uses"`
	Taken      int       `json:"taken"`
	Expires    time.Time `json:"expires"`
	Note       string    `json:"note,omitempty"`
}

// AuthorityState is an authority as its operator sees it.
type AuthorityState struct {
	Name        string       `json:"name"`
	Kind        string       `json:"kind"`
	Fingerprint string       `json:"fingerprint"`
	Endorsed    bool         `json:"endorsed"`
	Serving     bool         `json:"serving"` // enrolments are answered by this process
	Heard       Time         `json:"heard,omitempty"`
	Versions    []Attribute  `json:"versions"`
	Members     []Member     `json:"members"`
	Invitations []Invitation `json:"invitations"`
	Owed        int          `json:"owed"` // keys that others have to be given
	Rekeying    bool         `json:"rekeying,omitempty"`
}

// Offer is an invitation to be made.
type Offer struct {
	Attributes []string `json:"attributes"`
	Uses       int      `json:"uses,omitempty"`
	Days       int      `json:"days,omitempty"`
	Note       string   `json:"note,omitempty"`
}

// Invited is an invitation with its code, which is shown this once.
type Invited struct {
	Invitation
	Code string `json:"code"`
}

// Revocation says which attributes are taken from whom.
type Revocation struct {
	GID        string   `json:"gid,omitempty"` // empty: from nobody; the attributes only move
	Attributes []string `json:"attributes,omitempty"`
	Reason     string   `json:"reason,omitempty"`
}

// Impact is what a revocation would do.
type Impact struct {
	Token        string      `json:"token"`
	Member       *Member     `json:"member,omitempty"` // who loses what
	Moving       []MovingKey `json:"moving"`
	Holders      int         `json:"holders"`  // who get new keys
	Patients     int         `json:"patients"` // whose compartments become stale
	Compartments int         `json:"compartments"`
}

// MovingKey is an attribute that would move to another version.
type MovingKey struct {
	Name    string `json:"name"`
	Version uint32 `json:"version"`
	Holders int    `json:"holders"`
}

// Revoked says what a revocation did.
type Revoked struct {
	Attributes []string `json:"attributes"`
	Issued     int      `json:"issued"`
}

// LogState is the log as an auditor sees it.
type LogState struct {
	Origin     string    `json:"origin"`
	Size       uint64    `json:"size"`
	Root       string    `json:"root"`
	Time       Time      `json:"time,omitempty"`
	Note       string    `json:"note"`       // the signed checkpoint, as text
	Consistent bool      `json:"consistent"` // with the one that this device saw before
	Before     uint64    `json:"before"`     // its size; 0 if none was seen
	Witnesses  []string  `json:"witnesses"`
	Witnessed  uint64    `json:"witnessed"`        // size of the newest that witnesses have signed
	Events     []Kind    `json:"events,omitempty"` // once it was replayed
	Log        []LogLine `json:"log,omitempty"`
}

// Kind is how many events of a kind there are.
type Kind struct {
	Kind string `json:"kind"`
	N    int    `json:"n"`
}

// LogQuery finds events by the pseudonym of somebody, or by an event's id.
type LogQuery struct {
	Text string `json:"text"` // part of a GID, an id, or a kind
	Max  int    `json:"max,omitempty"`
}

// LogLine is one event as everybody who keeps the log sees it.
type LogLine struct {
	Sequence uint64    `json:"sequence"`
	Time     time.Time `json:"time"`
	Kind     string    `json:"kind"`
	Author   string    `json:"author"`
	Chain    string    `json:"chain"`
	Number   uint64    `json:"number"`
	Event    string    `json:"event"`
	Valid    bool      `json:"valid"`
	Why      string    `json:"why,omitempty"`
}

// LogLines are what was found.
type LogLines struct {
	Lines []LogLine `json:"lines"`
	Total int       `json:"total"`
}

// ProofQuery names an event by its place in the log.
type ProofQuery struct {
	Sequence uint64 `json:"sequence"`
}

// ProofStep is one step of verifying that an event is in the tree.
type ProofStep struct {
	What  string `json:"what"` // leaf, left, right, root, checkpoint
	Hash  string `json:"hash"`
	With  string `json:"with,omitempty"` // the sibling
	Valid bool   `json:"valid"`
}

// VerifiedProof is the verification of one proof, step by step.
type VerifiedProof struct {
	Line  LogLine     `json:"line"`
	Steps []ProofStep `json:"steps"`
	Valid bool        `json:"valid"`
	Proof string      `json:"proof"` // as C2SP tlog-proof writes it
}

// Finding is something that an audit found.
type Finding struct {
	Severity string `json:"severity"`
	Sequence uint64 `json:"sequence,omitempty"`
	Text     string `json:"text"`
}

// Audit is the outcome of replaying the whole log.
type Audit struct {
	Entries  uint64    `json:"entries"`
	OK       bool      `json:"ok"`
	Findings []Finding `json:"findings"`
	Kinds    []Kind    `json:"kinds"`
	Report   []byte    `json:"report"` // as JSON, for keeping
}
