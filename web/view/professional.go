package view

import "time"

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
	Severity string `json:"severity"` // error; note for what a node has said of itself
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
