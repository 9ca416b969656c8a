package ledger

import "github.com/phrledger/phr/crypto/identity"

// Emergency access, on the access chain of the patient. The requester, the approver and the reviewer write there themselves.
type (
	// BreakglassRequested asks to open a compartment in an emergency.
	BreakglassRequested struct {
		Compartment Compartment `cbor:"1,keyasint"`
		Term        TermID      `cbor:"2,keyasint"`
		Reason      string      `cbor:"3,keyasint"`
		Expires     int64       `cbor:"4,keyasint"` // unix milliseconds
	}
	// BreakglassApproved is a second person's consent, with their opened share sealed to the requester.
	BreakglassApproved struct {
		Request EventID `cbor:"1,keyasint"`
		Share   []byte  `cbor:"2,keyasint"`           // epoch.PassShare, context ShareContext
		Epoch   uint32  `cbor:"3,keyasint,omitempty"` // whose share it is
	}
	// BreakglassOpened is the node's statement that it gives out its own share.
	BreakglassOpened struct {
		Request   EventID      `cbor:"1,keyasint"`
		Requester identity.GID `cbor:"2,keyasint"`
		Approver  identity.GID `cbor:"3,keyasint"`
		Expires   int64        `cbor:"4,keyasint"`
	}
	// BreakglassEnded ends the access before it expires.
	BreakglassEnded struct {
		Request EventID `cbor:"1,keyasint"`
		Reason  string  `cbor:"2,keyasint"`
	}
	// BreakglassReviewed is the finding of the review that is due within 72 hours.
	BreakglassReviewed struct {
		Request EventID `cbor:"1,keyasint"`
		Finding string  `cbor:"2,keyasint"`
	}
)
