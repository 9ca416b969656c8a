package protocol

import (
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
)

// Breakglass is the subject for submissions of one event, without parts, to a patient's access chain by whoever has a part in
// an emergency, by login: breakglass.requested, approved, ended or reviewed.
const Breakglass = "breakglass"

// DirBreakglass is the subject of an EmergencyQuery.
const DirBreakglass = "dir.breakglass"

// EmergencyQuery asks for the emergencies that the caller has a part in or could have one in, by login. Whoever names no
// patient is told of all patients' requests; by naming one, with a compartment, they also learn by what they could ask
// there, and where the access chain ends, which the next event has to follow.
type EmergencyQuery struct {
	Patient     identity.GID       `cbor:"1,keyasint,omitempty"`
	Compartment ledger.Compartment `cbor:"2,keyasint,omitempty"` // that the caller could ask to open
}

// Emergencies answers an EmergencyQuery. Whoever has no part in any, and could have none, is told nothing, whether there is such
// a patient or not.
type Emergencies struct {
	Number   uint64             `cbor:"1,keyasint,omitempty"` // where the access chain ends
	Hash     ledger.Hash        `cbor:"2,keyasint,omitzero"`
	Terms    []SharedTerm       `cbor:"3,keyasint,omitempty"` // by which the caller may ask
	Requests []EmergencyRequest `cbor:"4,keyasint,omitempty"` // the newest first
}

// EmergencyRequest is what the log says of one request, and, for who may approve it, what that takes.
type EmergencyRequest struct {
	Entries  [][]byte    `cbor:"1,keyasint"`           // of the access chain that are about it
	Set      []byte      `cbor:"2,keyasint,omitempty"` // the entry of the policy.set in force
	Epoch    uint32      `cbor:"3,keyasint,omitempty"` // the current one
	KID      ledger.Hash `cbor:"4,keyasint,omitzero"`
	Approval []byte      `cbor:"5,keyasint,omitempty"` // the part of that epoch
}

// Shares are what the node gives with a session by an emergency term: the entry of breakglass.approved, with the approver's
// share sealed to the requester, and the node's own share, opened.
type Shares struct {
	Approved []byte `cbor:"1,keyasint"`
	Released []byte `cbor:"2,keyasint"`
}
