// Package view is what the screens of the web interface show and ask for: the messages, as structs from which the TypeScript
// declarations are generated, and the code that answers them from a client.Client. It runs where the records are decrypted: in
// the browser's worker, or beside an authority that has a console. What leaves it is for people's eyes; a key never is.
//
// Times cross as RFC 3339 text, bytes as base64, ids as text. Text that others wrote is as they wrote it: a screen shows it as
// text and never as markup.
package view

import "time"

// A Time is an instant, or nil where there is none.
type Time = *time.Time

// Nothing is the argument or result of a call that has none.
type Nothing struct{}

// Error is how a call fails, for a person: what happened, what is safe all the same, what to do.
type Error struct {
	Code    string `json:"code"` // one of the Code constants
	Message string `json:"message"`
	Safe    string `json:"safe,omitempty"`
	Todo    string `json:"todo,omitempty"`
}

// Error returns what happened.
func (e *Error) Error() string { return e.Message }

// The codes of errors that screens tell apart.
const (
	CodeOther      = "other"
	CodeInput      = "input"      // what was asked for makes no sense: the message says what is wrong with it
	CodeSealed     = "sealed"     // not shared with the caller, or not any more
	CodeExpired    = "expired"    // the grant has ended by itself
	CodeOffline    = "offline"    // the node can't be reached; what was written waits
	CodeAsleep     = "asleep"     // an authority was not heard of for long
	CodeUnproven   = "unproven"   // it is not proven that all there is was read
	CodeLost       = "lost"       // the node has lost or hides events: red, blocks
	CodeSignature  = "signature"  // something is not signed as it should be: red, blocks
	CodePassphrase = "passphrase" // wrong, or a damaged vault
	CodeErased     = "erased"
	CodeLocked     = "locked"
	CodeMoved      = "moved" // it has changed since it was looked at: look again
)

// Person is somebody as a screen names them.
type Person struct {
	GID       string `json:"gid,omitempty"`
	Name      string `json:"name,omitempty"`      // as an authority, or the person's own card, gives it; empty if none does
	Authority string `json:"authority,omitempty"` // that vouches for the name
	Me        bool   `json:"me,omitempty"`
}

// Me says who is logged in and what they are.
type Me struct {
	Person
	Roles       []string  `json:"roles"` // patient, doctor, trainer, insurer, employer, auditor, authority; empty for a newcomer
	Keys        []HeldKey `json:"keys"`
	Node        string    `json:"node"`
	Sample      bool      `json:"sample,omitempty"` // a sample person of the demonstration
	Unproven    Time      `json:"unproven,omitempty"`
	UnprovenWhy string    `json:"unproven_why,omitempty"`
	Vetoable    *Recovery `json:"vetoable,omitempty"`    // somebody asks for new keys of this identity
	Emergencies int       `json:"emergencies,omitempty"` // on the own record that were not looked at
	ActsFor     []ActsFor `json:"acts_for,omitempty"`
}

// HeldKey is an attribute key that is held.
type HeldKey struct {
	Attribute string `json:"attribute"`      // doctor
	Authority string `json:"authority"`      // city-hospital
	Kind      string `json:"kind,omitempty"` // of the authority: hospital, health-club, insurer, employer, registry
	Version   uint32 `json:"version"`
}

// ActsFor is somebody for whom the caller acts.
type ActsFor struct {
	Patient     Person `json:"patient"`
	Compartment string `json:"compartment"`
	Write       bool   `json:"write"`
	Until       Time   `json:"until,omitempty"`
}

// Recovery is a request for new keys of an identity.
type Recovery struct {
	Since time.Time `json:"since"`
	Until time.Time `json:"until"`
}

// Connection tells how the worker is connected. It is an event.
type Connection struct {
	State  string `json:"state"`  // online, reconnecting, offline
	Queued int    `json:"queued"` // drafts that wait to be written
}

// Changed tells a screen to ask again. It is an event.
type Changed struct {
	What        string `json:"what"` // records, grants, access, emergency, keys, shared, authority
	Patient     string `json:"patient,omitempty"`
	Compartment string `json:"compartment,omitempty"`
	Text        string `json:"text,omitempty"` // for the live region; empty if nothing is to be said
}

// Progress tells how far a call is that takes long. It is an event.
type Progress struct {
	Call  string `json:"call"` // its name
	Done  int    `json:"done"`
	Total int    `json:"total,omitempty"`
}

// PersonName is how a patient is called on their card.
type PersonName struct {
	Name string `json:"name"`
}

// Reason is a text that stands on the log.
type Reason struct {
	Reason string `json:"reason"`
}

// CompartmentName names a part of the caller's record.
type CompartmentName struct {
	Compartment string `json:"compartment"`
}
