package ledger

import (
	"errors"
	"fmt"
	"time"

	"github.com/phrledger/phr/crypto/identity"
)

const (
	// RecoveryWait is how long a request to recover an identity stands, by log time, before it replaces the keys in force. It is
	// the time in which whoever still has those keys can veto.
	RecoveryWait = 72 * time.Hour
	// RequestPause is the least time, by log time, between two requests to recover one identity.
	RequestPause = time.Hour
	// MaxEscrow is the largest sealed escrow, in bytes.
	MaxEscrow = 64 << 10
	// MaxReason is the longest reason that an event of a person's chain carries, in bytes.
	MaxReason = 400
)

// RecoveryRequested asks for new keys in the place of those in force, which are lost. The recovery key that the identity
// committed to signs it and is shown in it. It takes the place of an earlier request, and the wait begins anew.
type RecoveryRequested struct {
	Sign         [32]byte `cbor:"1,keyasint"`
	Seal         []byte   `cbor:"2,keyasint"`
	Recovery     Hash     `cbor:"3,keyasint"` // hash of the next recovery public key
	RecoveryUsed [32]byte `cbor:"4,keyasint"` // the public key whose hash stands in force
}

// RecoveryVetoed ends the request that stands: whoever has the keys in force has not lost them.
type RecoveryVetoed struct {
	Request EventID `cbor:"1,keyasint"`
	Reason  string  `cbor:"2,keyasint,omitempty"`
}

// IdentityEscrowed keeps what a recovered person needs of the old keys, sealed to a key that only the recovery secret opens.
// The newest holds all there is.
type IdentityEscrowed struct {
	Sealed []byte `cbor:"1,keyasint"`
}

// Kind implements Body.
func (*RecoveryRequested) Kind() Kind { return RecoveryRequestedKind }

// Kind implements Body.
func (*RecoveryVetoed) Kind() Kind { return RecoveryVetoedKind }

// Kind implements Body.
func (*IdentityEscrowed) Kind() Kind { return IdentityEscrowedKind }

// Recovery is a request to recover an identity, as the log shows it now.
type Recovery struct {
	Request EventID
	Since   time.Time      // log time of the request
	Until   time.Time      // log time from which on it may replace the keys
	Keys    *identity.Keys // that it asks for
}

// request is the newest request to recover an identity, standing or not.
type request struct {
	id    EventID
	body  RecoveryRequested
	keys  *identity.Keys
	since time.Time
	ended bool // by a veto
}

// next is what requests and rotations say of the keys to come.
type next struct {
	sign           [32]byte
	seal           []byte
	recovery, used [32]byte
}

// parse judges new keys by what is in force.
func (n *next) parse(held *keysFact) (*identity.Keys, error) {
	if Hash(identity.RecoveryHash(n.used)) != held.recovery {
		return nil, errors.New("not signed by the recovery key that the identity committed to")
	}
	keys, err := identity.ParseKeys(n.sign[:], n.seal)
	if err != nil {
		return nil, err
	}
	if Hash(n.recovery) == held.recovery || Hash(n.recovery).IsZero() {
		return nil, errors.New("new keys commit to a new recovery key")
	}
	return keys, nil
}

func (s *State) recoveryRequested(e *Entry, b *RecoveryRequested) error {
	p, held, err := s.registered(e)
	if err != nil {
		return err
	}
	keys, err := (&next{b.Sign, b.Seal, b.Recovery, b.RecoveryUsed}).parse(&held)
	if err != nil {
		return err
	}
	if b.Sign == held.keys.Sign {
		return errors.New("it asks for the key that is in force")
	}
	if r := p.request; r != nil && e.LogTime.Before(r.since.Add(RequestPause)) {
		return fmt.Errorf("the request before it is not %s old", RequestPause)
	}
	changed := *p
	changed.request = &request{id: e.ID, body: *b, keys: keys, since: e.LogTime}
	s.people.set(e.Author, &changed)
	return nil
}

func (s *State) recoveryVetoed(e *Entry, b *RecoveryVetoed) error {
	p, _, err := s.registered(e)
	if err != nil {
		return err
	}
	if len(b.Reason) > MaxReason {
		return fmt.Errorf("a reason has at most %d bytes", MaxReason)
	}
	if p.request == nil || p.request.ended || p.request.id != b.Request {
		return errors.New("no such request to recover the identity stands")
	}
	changed, vetoed := *p, *p.request
	vetoed.ended = true
	changed.request = &vetoed
	s.people.set(e.Author, &changed)
	return nil
}

func (s *State) identityEscrowed(e *Entry, b *IdentityEscrowed) error {
	if len(b.Sealed) == 0 || len(b.Sealed) > MaxEscrow {
		return fmt.Errorf("an escrow has 1 to %d bytes", MaxEscrow)
	}
	_, _, err := s.registered(e)
	return err
}

// registered returns what is known of the author of an event on a person's chain.
func (s *State) registered(e *Entry) (*person, keysFact, error) {
	p, _ := s.people.get(e.Author)
	held, ok := p.at(now)
	if !ok {
		return nil, held, errors.New("the identity is not registered, or is revoked")
	}
	return p, held, nil
}

// checkRotation judges by what right new keys take the place of those in force: by the consent of these, or by a request for
// exactly those keys that has stood for RecoveryWait, in log time, without a veto.
func (p *person) checkRotation(e *Entry, b *IdentityRotated, held *keysFact) error {
	if len(b.Consent) != 0 {
		message, err := e.consented()
		if err != nil {
			return err
		}
		if err := held.keys.Verify(consentContext, message, b.Consent); err != nil {
			return fmt.Errorf("the consent of the keys in force: %w", err)
		}
		return nil
	}
	r := p.request
	switch {
	case r == nil:
		return errors.New("neither the keys in force consent nor was it requested before")
	case r.ended:
		return errors.New("the request was vetoed by the keys in force")
	case r.body.Sign != b.Sign || string(r.body.Seal) != string(b.Seal) || r.body.Recovery != b.Recovery || r.body.RecoveryUsed != b.RecoveryUsed:
		return errors.New("these are other keys than were requested")
	case e.LogTime.Before(r.since.Add(RecoveryWait)):
		return fmt.Errorf("the request has to stand until %s", r.since.Add(RecoveryWait).UTC().Format(time.RFC3339))
	}
	return nil
}

// consentContext separates consents to a rotation from every other signature of an identity.
const consentContext = "consent/1"

// Consent lets the keys in force agree to a rotation, which then needs no wait. Every field of the event but Consent and
// the signature, which comes after it, must be final. It fails for events of other kinds.
func (e *Event) Consent(s Signer) error {
	body, ok := e.Body.(*IdentityRotated)
	if !ok {
		return fmt.Errorf("nobody consents to %s", e.Kind())
	}
	message, err := e.consented()
	if err != nil {
		return err
	}
	agreed := *body
	agreed.Consent = s.Sign(consentContext, message)
	e.Body = &agreed
	return nil
}

// consented returns the bytes that a consent to a rotation covers: the hash of the event without it, and without signature.
func (e *Event) consented() ([]byte, error) {
	body, bare := *e.Body.(*IdentityRotated), *e
	body.Consent = nil
	bare.Body = &body
	return bare.signed()
}

// Recovery returns the request to recover an identity that stands now, if one does.
func (s *State) Recovery(gid identity.GID) (Recovery, bool) {
	p, _ := s.people.get(gid)
	if p == nil || p.revoked != 0 || p.request == nil || p.request.ended {
		return Recovery{}, false
	}
	r := p.request
	return Recovery{Request: r.id, Since: r.since, Until: r.since.Add(RecoveryWait), Keys: r.keys}, true
}

// Committed returns the hash of the recovery key that may ask for new keys in the place of those in force.
func (s *State) Committed(gid identity.GID) (Hash, bool) {
	p, _ := s.people.get(gid)
	held, ok := p.at(now)
	return held.recovery, ok
}

// Rotation is when keys took the place of others.
type Rotation struct {
	Time    time.Time // log time
	Control uint64    // control position from which on they are in force
}

// Rotated returns when the keys of a person in force took the place of others; false if they are the first.
func (s *State) Rotated(gid identity.GID) (Rotation, bool) {
	p, _ := s.people.get(gid)
	held, ok := p.at(now)
	return Rotation{held.since, held.from}, ok && len(p.keys) > 1
}
