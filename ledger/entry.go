package ledger

import (
	"fmt"
	"time"

	"github.com/phrledger/phr/crypto/canonical"
)

// entryVersion leads every encoded entry.
const entryVersion = 1

// Position names a place in the sequence of control entries: how many there were, and the hash of the last one's event.
// What an entry says of people and authorities elsewhere is judged by the facts up to its position.
type Position struct {
	Count uint64 `cbor:"1,keyasint"`
	Hash  Hash   `cbor:"2,keyasint"`
}

// Entry is an event as the log holds it. Event, Raw and Hash belong together: an Entry comes from NewEntry or ParseEntry.
type Entry struct {
	*Event
	Raw     []byte    // the event's encoding
	Hash    Hash      // of Raw
	LogTime time.Time // when the node accepted it, to the millisecond
	Control Position  // by which facts of other chains it is judged
}

type wireEntry struct {
	Event   []byte   `cbor:"1,keyasint"`
	LogTime int64    `cbor:"2,keyasint"`
	Control Position `cbor:"3,keyasint"`
}

// NewEntry reads an encoded event and gives it its place. The entry keeps event, which must not change any more.
func NewEntry(event []byte, logTime time.Time, control Position) (*Entry, error) {
	e, err := ParseEvent(event)
	if err != nil {
		return nil, err
	}
	return &Entry{Event: e, Raw: event, Hash: HashEvent(event), LogTime: time.UnixMilli(logTime.UnixMilli()).UTC(), Control: control}, nil
}

// Marshal returns the one encoding of the entry.
func (e *Entry) Marshal() ([]byte, error) {
	b, err := canonical.Marshal(wireEntry{e.Raw, e.LogTime.UnixMilli(), e.Control})
	if err != nil {
		return nil, err
	}
	return append([]byte{entryVersion}, b...), nil
}

// ParseEntry reads what Marshal writes, and nothing else.
func ParseEntry(data []byte) (*Entry, error) {
	if len(data) == 0 || data[0] != entryVersion {
		return nil, fmt.Errorf("%w: entry of an unknown format", ErrMalformed)
	}
	var w wireEntry
	if err := canonical.Unmarshal(data[1:], &w); err != nil {
		return nil, fmt.Errorf("%w: entry: %w", ErrMalformed, err)
	}
	if w.LogTime <= 0 || w.LogTime > maxTime {
		return nil, fmt.Errorf("%w: entry with log time %d", ErrMalformed, w.LogTime)
	}
	return NewEntry(w.Event, time.UnixMilli(w.LogTime), w.Control)
}
