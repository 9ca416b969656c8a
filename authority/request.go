package authority

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"

	"github.com/phrledger/phr/crypto/canonical"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/policy"
)

const (
	requestInfo    = "phr/enrol/1" // of the seal
	requestContext = "enrol/1"     // of the signature
	proofLabel     = "phr/enrol/proof/1\x00"
	maxRequest     = 4 << 10 // bytes, sealed
)

// request asks an authority to enrol a person. The proof covers the fields before it, the signature those and the proof.
type request struct {
	Authority  policy.Authority `cbor:"1,keyasint"`
	Invitation InvitationID     `cbor:"2,keyasint"`
	GID        identity.GID     `cbor:"3,keyasint"`
	Display    string           `cbor:"4,keyasint,omitempty"`
	Proof      []byte           `cbor:"5,keyasint,omitempty"` // HMAC-SHA256 under the code's key
	Signature  []byte           `cbor:"6,keyasint,omitempty"`
}

// NewRequest returns the request of a person, who may give a display name, to come in by an invitation, sealed to the keys in
// force of the authority's founder. Only the founder learns who asks; the code itself is not in it.
func NewRequest(code Code, person *identity.Identity, display string, founder *identity.Keys) ([]byte, error) {
	if err := checkText("a display name", display); err != nil {
		return nil, fmt.Errorf("asking to enrol: %w", err)
	}
	r := request{Authority: code.authority, Invitation: code.Invitation(), GID: person.GID(), Display: display}
	r.Proof = r.proof(code.key())
	r.Signature = person.Sign(requestContext, r.signed())
	sealed, err := founder.SealTo(requestInfo, []byte(code.authority), r.marshal())
	if err != nil {
		return nil, fmt.Errorf("asking to enrol: %w", err)
	}
	return sealed, nil
}

// openRequest reads a request to an authority, of which nothing is verified yet.
func openRequest(authority policy.Authority, founder *identity.Identity, sealed []byte) (*request, error) {
	if len(sealed) > maxRequest {
		return nil, ErrRefused
	}
	plaintext, err := founder.Open(requestInfo, []byte(authority), sealed)
	if err != nil {
		return nil, ErrRefused
	}
	r, err := parseRequest(plaintext)
	if err != nil || r.Authority != authority {
		return nil, ErrRefused
	}
	return r, nil
}

func parseRequest(b []byte) (*request, error) {
	r := new(request)
	if err := canonical.Unmarshal(b, r); err != nil {
		return nil, fmt.Errorf("%w: request: %w", ErrMalformed, err)
	}
	if _, err := identity.ParseGID(string(r.GID)); err != nil {
		return nil, fmt.Errorf("%w: request: %w", ErrMalformed, err)
	}
	return r, checkText("a display name", r.Display)
}

func (r *request) marshal() []byte {
	b, err := canonical.Marshal(r)
	if err != nil {
		panic(err) // strings and byte strings always encode
	}
	return b
}

func (r *request) proof(key []byte) []byte {
	bare := *r
	bare.Proof, bare.Signature = nil, nil
	h := hmac.New(sha256.New, key)
	h.Write([]byte(proofLabel))
	h.Write(bare.marshal())
	return h.Sum(nil)
}

func (r *request) signed() []byte {
	bare := *r
	bare.Signature = nil
	return bare.marshal()
}

func (r *request) verify(keys *identity.Keys) error {
	return keys.Verify(requestContext, r.signed(), r.Signature)
}
