package challenge

import (
	"fmt"
	"time"

	"github.com/nats-io/nkeys"

	"github.com/phrledger/phr/crypto/abe"
	"github.com/phrledger/phr/crypto/canonical"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
)

// Sizes in bytes. A challenge holds a policy.set, a grant key parts; both are bounded by the largest event.
const (
	MaxHello     = 16 << 10
	MaxChallenge = ledger.MaxEvent + 64<<10
	MaxAnswer    = 512
	MaxGrant     = ledger.MaxEvent + 64<<10

	maxSuites = 8
	// MaxHeads bounds the chain heads of a hello.
	MaxHeads = 32
)

// Head is where a chain ends, for all that somebody knows.
type Head struct {
	_      struct{} `cbor:",toarray"`
	Chain  string   // as ledger.Chain.String writes it
	Number uint64
	Hash   ledger.Hash
}

// Target is what a session for reading or writing is to be on.
type Target struct {
	_           struct{} `cbor:",toarray"`
	Compartment ledger.Compartment
	Term        ledger.TermID
}

// Request says what a session is asked for. A login names no patient and no targets; reading and writing name exactly one
// target for now.
type Request struct {
	Patient   identity.GID     `cbor:"1,keyasint,omitempty"`
	Operation ledger.Operation `cbor:"2,keyasint"`
	Targets   []Target         `cbor:"3,keyasint,omitempty"`
	TTL       uint32           `cbor:"4,keyasint"` // seconds, at most ledger.MaxSession; the session may end earlier
}

// Chain returns the chain of the compartment asked for; the zero chain for a login.
func (r *Request) Chain() ledger.Chain {
	if r.Operation == ledger.OpLogin {
		return ledger.Chain{}
	}
	return ledger.RecordChain(r.Patient, r.Targets[0].Compartment)
}

// Check tells what is wrong with a request. It fails with ErrMalformed.
func (r *Request) Check() error {
	if r.TTL == 0 || time.Duration(r.TTL)*time.Second > ledger.MaxSession {
		return fmt.Errorf("%w: a session of %d seconds", ErrMalformed, r.TTL)
	}
	switch r.Operation {
	case ledger.OpLogin:
		if r.Patient != "" || len(r.Targets) != 0 {
			return fmt.Errorf("%w: a login to somebody's record", ErrMalformed)
		}
		return nil
	case ledger.OpRead, ledger.OpWrite:
	default:
		return fmt.Errorf("%w: operation %q", ErrMalformed, ledger.Clip(string(r.Operation)))
	}
	if _, err := identity.ParseGID(string(r.Patient)); err != nil {
		return fmt.Errorf("%w: patient: %w", ErrMalformed, err)
	}
	if len(r.Targets) != 1 {
		return fmt.Errorf("%w: %d compartments in one request", ErrMalformed, len(r.Targets))
	}
	c, err := ledger.ParseCompartment(string(r.Targets[0].Compartment))
	if err != nil || c.Reserved() || r.Targets[0].Term.IsZero() {
		return fmt.Errorf("%w: compartment or term", ErrMalformed)
	}
	return nil
}

// Hello is M1.
type Hello struct {
	Version   uint64           `cbor:"1,keyasint"`
	Suites    []abe.Suite      `cbor:"2,keyasint"` // in any order
	Gate      identity.GID     `cbor:"3,keyasint"` // of the node
	Nonce     [32]byte         `cbor:"4,keyasint"`
	Ephemeral []byte           `cbor:"5,keyasint"` // X-Wing public key
	User      string           `cbor:"6,keyasint"` // public user nkey
	GID       identity.GID     `cbor:"7,keyasint"`
	Request   Request          `cbor:"8,keyasint"`
	Heads     []Head           `cbor:"9,keyasint,omitempty"`
	Time      int64            `cbor:"10,keyasint"`          // unix milliseconds
	Renews    ledger.SessionID `cbor:"11,keyasint,omitzero"` // session that goes on, with the same User and Request
	SigUser   []byte           `cbor:"12,keyasint,omitempty"`
	SigID     []byte           `cbor:"13,keyasint,omitempty"`
}

// Marshal returns the one encoding of the message.
func (h *Hello) Marshal() ([]byte, error) { return canonical.Marshal(h) }

// ParseHello is the inverse of Marshal. It checks the form of every field and no signature.
func ParseHello(data []byte) (*Hello, error) {
	h := new(Hello)
	if err := parse(data, MaxHello, h); err != nil {
		return nil, err
	}
	if len(h.SigUser) != sigSize || len(h.SigID) != sigSize {
		return nil, fmt.Errorf("%w: hello: signature", ErrMalformed)
	}
	if err := h.check(); err != nil {
		return nil, err
	}
	return h, nil
}

// parseUnsigned reads a hello as it is signed.
func parseUnsigned(data []byte) (*Hello, error) {
	h := new(Hello)
	if err := parse(data, MaxHello, h); err != nil {
		return nil, err
	}
	if h.SigUser != nil || h.SigID != nil {
		return nil, fmt.Errorf("%w: hello: it is signed already", ErrMalformed)
	}
	if err := h.check(); err != nil {
		return nil, err
	}
	return h, nil
}

// check judges the form of every field but the signatures.
func (h *Hello) check() error {
	if h.Version != Version || len(h.Suites) == 0 || len(h.Suites) > maxSuites || len(h.Heads) > MaxHeads {
		return fmt.Errorf("%w: hello: version, or number of suites or heads", ErrMalformed)
	}
	if len(h.Ephemeral) != identity.SealKeySize || h.Time < 0 {
		return fmt.Errorf("%w: hello: key or time", ErrMalformed)
	}
	for _, gid := range []identity.GID{h.Gate, h.GID} {
		if _, err := identity.ParseGID(string(gid)); err != nil {
			return fmt.Errorf("%w: hello: %w", ErrMalformed, err)
		}
	}
	if !nkeys.IsValidPublicUserKey(h.User) {
		return fmt.Errorf("%w: hello: not the public nkey of a user", ErrMalformed)
	}
	if err := checkHeads(h.Heads); err != nil {
		return err
	}
	if !h.Renews.IsZero() && h.Request.Operation == ledger.OpLogin {
		return fmt.Errorf("%w: hello: a login is not renewed", ErrMalformed)
	}
	return h.Request.Check()
}

const sigSize = 64

func checkHeads(heads []Head) error {
	for _, head := range heads {
		if _, err := ledger.ParseChain(head.Chain); err != nil {
			return fmt.Errorf("%w: head: %w", ErrMalformed, err)
		}
	}
	return nil
}

// Challenge is M2.
type Challenge struct {
	Session ledger.SessionID `cbor:"1,keyasint"`
	Nonce   [32]byte         `cbor:"2,keyasint"`
	Suite   abe.Suite        `cbor:"3,keyasint"`
	Expires int64            `cbor:"4,keyasint"` // unix milliseconds
	Enc     []byte           `cbor:"5,keyasint"` // ct_E
	Sealed  []byte           `cbor:"6,keyasint"` // an Offer
	Sig     []byte           `cbor:"7,keyasint,omitempty"`
}

// Marshal returns the one encoding of the message.
func (c *Challenge) Marshal() ([]byte, error) { return canonical.Marshal(c) }

// ParseChallenge is the inverse of Marshal.
func ParseChallenge(data []byte) (*Challenge, error) {
	c := new(Challenge)
	if err := parse(data, MaxChallenge, c); err != nil {
		return nil, err
	}
	if c.Session.IsZero() || c.Expires < 0 || len(c.Sig) != sigSize {
		return nil, fmt.Errorf("%w: challenge: session, expiry or signature", ErrMalformed)
	}
	return c, nil
}

// Offer is what a challenge says to its receiver alone.
type Offer struct {
	Targets []Offered `cbor:"1,keyasint,omitempty"` // in the order of the request's
	Heads   []Head    `cbor:"2,keyasint,omitempty"` // of the chains that the hello named, in its order
}

// Offered is the challenge for one target.
type Offered struct {
	Set        []byte `cbor:"1,keyasint"` // entry of the patient's policy.set in force
	Ciphertext []byte `cbor:"2,keyasint"` // ct_A
}

// Answer is M3.
type Answer struct {
	Session ledger.SessionID `cbor:"1,keyasint"`
	Tag     [32]byte         `cbor:"2,keyasint"` // τ_C
	SigUser []byte           `cbor:"3,keyasint"`
	SigID   []byte           `cbor:"4,keyasint"`
}

// Marshal returns the one encoding of the message.
func (a *Answer) Marshal() ([]byte, error) { return canonical.Marshal(a) }

// ParseAnswer is the inverse of Marshal.
func ParseAnswer(data []byte) (*Answer, error) {
	a := new(Answer)
	if err := parse(data, MaxAnswer, a); err != nil {
		return nil, err
	}
	if a.Session.IsZero() || len(a.SigUser) != sigSize || len(a.SigID) != sigSize {
		return nil, fmt.Errorf("%w: answer: session or signature", ErrMalformed)
	}
	return a, nil
}

// SealedGrant is M4.
type SealedGrant struct {
	Tag    [32]byte `cbor:"1,keyasint"` // τ_G
	Sealed []byte   `cbor:"2,keyasint"` // a Grant
}

// Marshal returns the one encoding of the message.
func (s *SealedGrant) Marshal() ([]byte, error) { return canonical.Marshal(s) }

// ParseSealedGrant is the inverse of Marshal.
func ParseSealedGrant(data []byte) (*SealedGrant, error) {
	s := new(SealedGrant)
	if err := parse(data, MaxGrant, s); err != nil {
		return nil, err
	}
	return s, nil
}

// Grant is what a session comes with. Session and Expires are the gate's to fill in.
type Grant struct {
	Session ledger.SessionID    `cbor:"1,keyasint"`
	Expires int64               `cbor:"2,keyasint"` // unix milliseconds
	JWT     string              `cbor:"3,keyasint"` // NATS user JWT for the hello's User; useless without its nkey
	Inbox   string              `cbor:"4,keyasint"` // random token of the session's reply subjects
	Heads   []Head              `cbor:"5,keyasint,omitempty"`
	Parts   []protocol.PartData `cbor:"6,keyasint,omitempty"` // the reader's own, of the epoch in force
	Shares  *protocol.Shares    `cbor:"7,keyasint,omitempty"` // of an emergency term
}

// parse bounds the work before it is done. A message larger than its limit is not looked at.
func parse(data []byte, limit int, v any) error {
	if len(data) > limit {
		return fmt.Errorf("%w: %d bytes, at most %d are read", ErrMalformed, len(data), limit)
	}
	if err := canonical.Unmarshal(data, v); err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return nil
}
