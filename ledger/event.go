package ledger

import (
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/phrledger/phr/crypto/canonical"
	"github.com/phrledger/phr/crypto/identity"
)

// eventVersion leads every encoded event.
const eventVersion = 1

// MaxEvent is the largest encoded event in bytes. A record's sealed content takes most of it.
const MaxEvent = 500 << 10

// signContext separates signatures over events from every other signature of an identity.
const signContext = "event/1"

// Event is a signed fact. It is immutable once signed. Body is one of the types of this package, or *Unknown.
type Event struct {
	ID         EventID
	Chain      Chain
	Number     uint64 // in the chain, from 1
	Prev       Hash   // of the event before; zero for the first
	Author     identity.GID
	Session    SessionID // zero for events by the chain's owner
	Time       time.Time // the author's claim, to the millisecond
	Body       Body
	Extensions map[uint64]canonical.RawMessage // odd keys are critical: who does not know one must not apply the event
	Signature  []byte                          // empty inside a run, whose last event is signed for all
}

type wireEvent struct {
	ID         EventID                         `cbor:"1,keyasint"`
	Chain      string                          `cbor:"2,keyasint"`
	Number     uint64                          `cbor:"3,keyasint"`
	Prev       Hash                            `cbor:"4,keyasint"`
	Kind       Kind                            `cbor:"5,keyasint"`
	Author     identity.GID                    `cbor:"6,keyasint"`
	Session    SessionID                       `cbor:"7,keyasint,omitzero"`
	Time       int64                           `cbor:"8,keyasint"`
	Body       canonical.RawMessage            `cbor:"9,keyasint"`
	Extensions map[uint64]canonical.RawMessage `cbor:"10,keyasint,omitempty"`
	Signature  []byte                          `cbor:"11,keyasint,omitempty"`
}

// Kind returns the kind of the event's body.
func (e *Event) Kind() Kind { return e.Body.Kind() }

// Subject returns the subject the event is stored under.
func (e *Event) Subject() string { return e.Chain.Subject(e.Kind()) }

// Marshal returns the one encoding of the event.
func (e *Event) Marshal() ([]byte, error) {
	body, err := marshalBody(e.Body)
	if err != nil {
		return nil, err
	}
	b, err := canonical.Marshal(wireEvent{
		ID: e.ID, Chain: e.Chain.String(), Number: e.Number, Prev: e.Prev, Kind: e.Kind(), Author: e.Author, Session: e.Session,
		Time: e.Time.UnixMilli(), Body: body, Extensions: e.Extensions, Signature: e.Signature,
	})
	if err != nil {
		return nil, err
	}
	if b = append([]byte{eventVersion}, b...); len(b) > MaxEvent {
		return nil, fmt.Errorf("event of %d bytes is larger than %d", len(b), MaxEvent)
	}
	return b, nil
}

func marshalBody(b Body) (canonical.RawMessage, error) {
	if u, ok := b.(*Unknown); ok {
		return u.Raw, nil
	}
	return canonical.Marshal(b)
}

// ParseEvent reads what Marshal writes, and nothing else. It does not verify the signature: State.Fold does.
func ParseEvent(data []byte) (*Event, error) {
	if len(data) == 0 || len(data) > MaxEvent {
		return nil, fmt.Errorf("%w: event of %d bytes", ErrMalformed, len(data))
	}
	if data[0] != eventVersion {
		return nil, fmt.Errorf("%w: event of format %d: this version of phr reads %d", ErrMalformed, data[0], eventVersion)
	}
	var w wireEvent
	if err := canonical.Unmarshal(data[1:], &w); err != nil {
		return nil, fmt.Errorf("%w: event: %w", ErrMalformed, err)
	}
	return w.event()
}

func (w *wireEvent) event() (*Event, error) {
	chain, err := ParseChain(w.Chain)
	if err != nil {
		return nil, err
	}
	if _, err := ParseKind(string(w.Kind)); err != nil {
		return nil, err
	}
	if _, err := identity.ParseGID(string(w.Author)); err != nil {
		return nil, fmt.Errorf("%w: author: %w", ErrMalformed, err)
	}
	if w.Number == 0 || (w.Number == 1) != w.Prev.IsZero() {
		return nil, fmt.Errorf("%w: event %d of a chain with previous hash %s", ErrMalformed, w.Number, w.Prev)
	}
	if w.ID.IsZero() || w.Time < 0 || w.Time > maxTime || len(w.Signature) != 0 && len(w.Signature) != 64 {
		return nil, fmt.Errorf("%w: event %s: id, time or signature out of range", ErrMalformed, w.ID)
	}
	e := &Event{
		ID: w.ID, Chain: chain, Number: w.Number, Prev: w.Prev, Author: w.Author, Session: w.Session,
		Time: time.UnixMilli(w.Time).UTC(), Extensions: w.Extensions, Signature: w.Signature,
	}
	for key, raw := range w.Extensions {
		if err := checkRaw(raw); err != nil {
			return nil, fmt.Errorf("%w: extension %d: %w", ErrMalformed, key, err)
		}
	}
	if e.Body, err = parseBody(w.Kind, w.Body); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrMalformed, w.Kind, err)
	}
	return e, nil
}

func parseBody(k Kind, raw canonical.RawMessage) (Body, error) {
	b := newBody(k)
	if b == nil {
		return &Unknown{k, raw}, checkRaw(raw)
	}
	return b, canonical.Unmarshal(raw, b)
}

// checkRaw judges whether a value of a type that is not known is canonically encoded.
func checkRaw(raw canonical.RawMessage) error {
	var v any
	return canonical.Unmarshal(raw, &v)
}

// maxTime is the year 9999 in unix milliseconds: later times overflow what others make of them.
const maxTime = 253402300799999

// HashEvent returns the hash of an encoded event: its name everywhere outside its author's hands.
func HashEvent(encoded []byte) Hash {
	h := sha256.New()
	h.Write([]byte("phr/event\x00"))
	h.Write(encoded)
	return Hash(h.Sum(nil))
}

// signed returns the bytes that a signature on e covers: the hash of the event as it stands without one. Through Prev it
// covers every event before it on the chain, so the unsigned events of a run too.
func (e *Event) signed() ([]byte, error) {
	bare := *e
	bare.Signature = nil
	b, err := bare.Marshal()
	if err != nil {
		return nil, err
	}
	h := HashEvent(b)
	return h[:], nil
}

// Signer signs for a person: an *identity.Identity, or the recovery key for a rotation.
type Signer interface {
	Sign(context string, message []byte) []byte
}

// Sign sets the event's signature. Every field but the signature must be final.
func (e *Event) Sign(s Signer) error {
	message, err := e.signed()
	if err != nil {
		return err
	}
	e.Signature = s.Sign(signContext, message)
	return nil
}

// Verify checks the event's signature under keys.
func (e *Event) Verify(keys *identity.Keys) error {
	message, err := e.signed()
	if err != nil {
		return err
	}
	return keys.Verify(signContext, message, e.Signature)
}

// Critical returns a critical extension that this version of phr does not know, if there is one.
func (e *Event) Critical() (uint64, bool) {
	for key := range e.Extensions {
		if key%2 == 1 {
			return key, true
		}
	}
	return 0, false
}
