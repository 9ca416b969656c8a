package audit

import (
	"time"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
)

// Report is what an audit found.
type Report struct {
	Root      identity.GID `json:"root"`
	Entries   uint64       `json:"entries"`             // in the log
	Counted   uint64       `json:"counted"`             // of them count
	Rejected  []Rejection  `json:"rejected,omitempty"`  // do not count and are marked, as is right
	First     time.Time    `json:"first_log_time"`      // of the first entry
	Last      time.Time    `json:"last_log_time"`       // the newest there is
	Findings  []Finding    `json:"findings"`            // empty for a log that is sound
	Erased    []Erasure    `json:"erased,omitempty"`    // records whose keys are destroyed one by one
	Outdated  []Outdated   `json:"outdated,omitempty"`  // epochs wrapped for what had changed already
	Incidents []Incident   `json:"incidents,omitempty"` // what nodes said they found wrong and did

	ErasedCompartments []ErasedCompartment `json:"erased_compartments,omitempty"` // whose keys are all destroyed
	ErasedPatients     []ErasedPatient     `json:"erased_patients,omitempty"`     // whose record is erased as a whole
	Emergencies        []Breakglass        `json:"emergencies,omitempty"`         // in which a compartment was opened

	Chains       int      `json:"chains"`
	People       int      `json:"people"`
	Patients     int      `json:"patients"`
	Compartments int      `json:"compartments"`
	Authorities  int      `json:"authorities"`
	Nodes        int      `json:"nodes"`
	Records      uint64   `json:"records"` // written, amended and retracted
	Sessions     Sessions `json:"sessions"`

	Heads map[ledger.Chain]Head `json:"heads"` // where each chain ends

	Tree        Tree   `json:"tree"`                 // over all entries, or those before the first that is missing
	Checkpoints uint64 `json:"checkpoints"`          // in the log, of which each was compared with what came before it
	Checkpoint  string `json:"checkpoint,omitempty"` // the signed one that was shown beside the log, if its signature holds
	Witnessed   uint64 `json:"witnessed,omitempty"`  // entries whose tree as many witnesses have signed as were asked for
	Tables      uint64 `json:"tables,omitempty"`     // up to which entry the node's tables were compared with the log
}

// Sound tells whether nothing is wrong.
func (r *Report) Sound() bool { return len(r.Findings) == 0 }

// Head is where a chain goes through.
type Head struct {
	Number uint64      `json:"number"`
	Hash   ledger.Hash `json:"hash"`
}

// Sessions counts what the access logs say of sessions.
type Sessions struct {
	Opened  uint64 `json:"opened"`
	Renewed uint64 `json:"renewed"`
	Closed  uint64 `json:"closed"`
	Refused uint64 `json:"refused"` // how often somebody registered was
}

// Rejection is an entry that does not count, and that a node has marked.
type Rejection struct {
	Chain    ledger.Chain   `json:"chain"`
	Sequence uint64         `json:"sequence"`
	Event    ledger.EventID `json:"event"`
	Hash     ledger.Hash    `json:"hash"`
	Why      string         `json:"why"` // by this audit
}

// Erasure is a record that is erased. Its event stays and is verified; its content can't be opened any more.
type Erasure struct {
	Chain    ledger.Chain   `json:"chain"`
	Record   ledger.EventID `json:"record"`
	Sequence uint64         `json:"sequence"` // of the event that says so
}

// Outdated is a part of an epoch that was made for an attribute version which was no longer in force: whoever accepted it did not
// know yet. Those who had been left out of the newer version could open it, until the next epoch.
type Outdated struct {
	Chain     ledger.Chain  `json:"chain"`
	Sequence  uint64        `json:"sequence"` // of the event that names the part
	Epoch     uint32        `json:"epoch"`
	Attribute string        `json:"attribute"`
	Named     uint32        `json:"named"`    // version that the part was made for
	InForce   uint32        `json:"in_force"` // version by the log before it
	Behind    time.Duration `json:"behind"`   // how long the log had shown more than whoever accepted it knew, in nanoseconds
}

// ErasedCompartment is a compartment that is erased. Its chain stays and is verified.
type ErasedCompartment struct {
	Chain    ledger.Chain `json:"chain"`
	Sequence uint64       `json:"sequence"` // of the event that says so
}

// ErasedPatient is a record that is erased as a whole, after each of its compartments was.
type ErasedPatient struct {
	Patient  identity.GID `json:"patient"`
	Sequence uint64       `json:"sequence"` // of the event that says so
}

// Incident is what a node said it found wrong in its storage.
type Incident struct {
	Chain    ledger.Chain `json:"chain"`
	Sequence uint64       `json:"sequence"`
	Text     string       `json:"text"`
}

// Problem says what kind of thing is wrong.
type Problem string

// The problems. Invalid is what is left when none of the others says more.
const (
	Gap        Problem = "gap"           // entries are missing, from the log or from a chain
	Reordered  Problem = "reordered"     // an entry stands before one that it follows
	Replayed   Problem = "replayed"      // an event stands in the log twice
	Fork       Problem = "fork"          // a chain goes on from two places, or not through one that it is known to have
	Truncated  Problem = "truncated"     // a chain ends before a place that it is known to have had
	Unreadable Problem = "unreadable"    // not an entry, or not under its own subject
	Newer      Problem = "newer"         // written for a newer version of phr, which has to audit it
	History    Problem = "history"       // judged by control entries that are not those of this log
	Unsigned   Problem = "unsigned"      // by an author whose signature does not follow
	Session    Problem = "session"       // written without a session that was open to its author
	Writer     Problem = "writer"        // lets somebody write who never may
	Identity   Problem = "identity"      // replaces keys without their consent and without the wait
	Invalid    Problem = "invalid"       // does not count by another rule, and is not marked
	Behind     Problem = "behind"        // accepted by a node that was kept from seeing what the log held already
	Marked     Problem = "marked"        // marked, though it counts or is not there
	Clock      Problem = "clock"         // logged at a time that can't be
	NoEpoch    Problem = "epoch-missing" // access was taken away, and no new epoch followed
	Erasing    Problem = "erasing"       // follows on what is erased, or erases what is somebody else's
	Emergency  Problem = "emergency"     // opened in an emergency without two people, or to those who have no part in one
	Unreviewed Problem = "unreviewed"    // nobody has reviewed an emergency in time

	Checkpoint  Problem = "checkpoint"  // over another log than this, or not signed by it
	Heads       Problem = "heads"       // a checkpoint names other ends of chains than there were
	Tile        Problem = "tile"        // a file of the tree is not over the entries of the log
	Unwitnessed Problem = "unwitnessed" // too few witnesses have signed the checkpoint
	Tables      Problem = "tables"      // a node's tables do not follow from the log
)

// Finding is one thing that is wrong with the log.
type Finding struct {
	Problem  Problem        `json:"problem"`
	Chain    ledger.Chain   `json:"chain,omitzero"`
	Sequence uint64         `json:"sequence,omitempty"` // where in the log; 0 if it is not about one entry
	Number   uint64         `json:"number,omitempty"`   // of the event on its chain
	Event    ledger.EventID `json:"event,omitzero"`
	Hash     ledger.Hash    `json:"hash,omitzero"` // of the event
	What     string         `json:"what"`
	Evidence string         `json:"evidence,omitempty"` // what the log says instead
	Further  uint64         `json:"further,omitempty"`  // entries that can't be judged because of it
}
