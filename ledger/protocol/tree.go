package protocol

import (
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/tree"
)

// The subjects of queries about the tree.
const (
	DirCheckpoint = "dir.checkpoint"
	DirProof      = "dir.proof"
	DirHeads      = "dir.heads"
)

// CheckpointQuery asks for the newest checkpoint of the tree, and for the proof that it extends the one with Since entries. Anybody
// may ask.
type CheckpointQuery struct {
	Since uint64 `cbor:"1,keyasint"`
}

// Checkpoint answers a CheckpointQuery. The note is empty while nothing is sealed.
type Checkpoint struct {
	Note        []byte        `cbor:"1,keyasint,omitempty"` // signed
	Consistency []ledger.Hash `cbor:"2,keyasint,omitempty"`
	Witnessed   []byte        `cbor:"3,keyasint,omitempty"` // the newest one that witnesses have cosigned
	Since       []ledger.Hash `cbor:"4,keyasint,omitempty"` // proof that Note extends Witnessed
}

// MaxProofs is how many entries one ProofQuery may ask about.
const MaxProofs = 64

// ProofQuery asks for the proofs that entries are in the tree, by their places in the log less one. Anybody may ask: a proof says
// nothing of what is proven. Since asks for the proof that the tree extends the one with so many entries.
type ProofQuery struct {
	Indexes []uint64 `cbor:"1,keyasint"`
	Since   uint64   `cbor:"2,keyasint,omitempty"`
}

// Proofs answers a ProofQuery for those entries that are sealed.
type Proofs struct {
	Note   []byte  `cbor:"1,keyasint,omitempty"` // the signed checkpoint that they all rest on
	Proofs []Proof `cbor:"2,keyasint,omitempty"`

	Consistency []ledger.Hash `cbor:"3,keyasint,omitempty"` // of that tree with the one that has Since entries
}

// Proof is the way of one entry to the root.
type Proof struct {
	Index  uint64        `cbor:"1,keyasint"`
	Hashes []ledger.Hash `cbor:"2,keyasint,omitempty"`
}

// MaxHeads is how many chains one HeadsQuery may ask about.
const MaxHeads = 64

// HeadsQuery asks where chains end, by the newest checkpoint event on the log, in a session that may read them. The node logs a new
// one if the newest is not fresh. Since asks for the proof that the tree extends the one with so many entries.
type HeadsQuery struct {
	Chains []string `cbor:"1,keyasint"`
	Since  uint64   `cbor:"2,keyasint,omitempty"`
}

// Heads answers a HeadsQuery.
type Heads struct {
	Entry []byte           `cbor:"1,keyasint"` // of the checkpoint event, which names the root of the map
	Proof Proof            `cbor:"2,keyasint"` // that the entry is in the tree
	Note  []byte           `cbor:"3,keyasint"` // the signed checkpoint of that tree
	Heads []tree.HeadProof `cbor:"4,keyasint,omitempty"`

	Consistency []ledger.Hash `cbor:"5,keyasint,omitempty"` // of that tree with the one that has Since entries
}

// TicketQuery asks, in a session, for a ticket to what the node's HTTP address does not give to everybody: the leaves of the tree, or
// with Whole, for an auditor, the entries themselves.
type TicketQuery struct {
	Whole bool `cbor:"1,keyasint,omitempty"`
}

// Ticket answers a TicketQuery: a bearer token that is good while the session lives.
type Ticket struct {
	Ticket string `cbor:"1,keyasint"`
}
