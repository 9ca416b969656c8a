package chart

import (
	"cmp"
	"crypto/sha256"
	"slices"

	"github.com/phrledger/phr/crypto/canonical"
)

// state is what identifies a record in the chart: everything else is derived from it.
type state struct {
	ID          string `cbor:"1,keyasint"`
	Compartment string `cbor:"2,keyasint"`
	Number      uint64 `cbor:"3,keyasint"`
	Author      string `cbor:"4,keyasint"`
	Time        int64  `cbor:"5,keyasint"` // nanoseconds since 1970
	Class       string `cbor:"6,keyasint"`
	Kind        string `cbor:"7,keyasint"`
	RefersTo    string `cbor:"8,keyasint,omitempty"`
	Unreadable  string `cbor:"9,keyasint,omitempty"` // of what could not be opened

	Body [sha256.Size]byte `cbor:"10,keyasint"` // hash of the body

	Acting bool `cbor:"11,keyasint,omitempty"`
}

func (n *record) state() state {
	s := state{
		ID: string(n.ID), Compartment: n.compartment, Number: n.Number, Author: string(n.Author), Time: n.Time.UnixNano(),
		Class: n.Class, Kind: string(n.Kind), RefersTo: string(n.refersTo), Body: n.body, Acting: n.Acting,
	}
	if n.locked {
		s.Unreadable = n.Unreadable
	}
	return s
}

// StateHash returns a hash of all that was applied: two charts with the same hash answer every question alike.
func (c *Chart) StateHash() [32]byte {
	digests := make([][sha256.Size]byte, 0, len(c.records))
	for _, r := range c.records {
		encoded, err := canonical.Marshal(r.state())
		if err != nil {
			panic(err) // strings, numbers and bytes always encode
		}
		digests = append(digests, sha256.Sum256(encoded))
	}
	slices.SortFunc(digests, func(a, b [sha256.Size]byte) int { return cmp.Compare(string(a[:]), string(b[:])) })
	h := sha256.New()
	for _, d := range digests {
		h.Write(d[:])
	}
	return [32]byte(h.Sum(nil))
}
