// Package agent keeps a person's home unlocked, and acts with its keys for the person's other programs, as ssh-agent does: they
// ask it over a Unix socket for operations and never get a key. Server is the side with the keys, Client the other one, which is what
// client.HomeWith takes.
//
// The agent knows what it is asked to do. It signs events, hellos and answers by its own GID and enrolment requests that it makes itself,
// never bytes that somebody else has put together; it opens what is sealed to the person under an info that is listed here, which that of
// attribute keys is not; it decapsulates under the labels of the protocol. What takes the keystore itself, such as an authority's
// master key or another passphrase, it does not do.
//
// The socket is in a directory that only the person can enter, and where the system tells who is at the other end (Linux), both sides
// make sure that it is the same user. After a time without use the agent locks: it wipes the home from memory, and the passphrase
// is needed again.
//
// What this does not protect: a program of the same user can have everything done that the agent does, as long as it is unlocked, so read
// the record and sign. It can't take the keys along. Root can. Locking drops every reference to the keys and clears what can be cleared; what
// Go's memory still holds of them until it is used again is as safe as the machine.
package agent

import (
	"errors"

	"github.com/phrledger/phr/authority"
	"github.com/phrledger/phr/crypto/abe"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/keystore"
)

// ErrLocked is returned, wrapped, for what an agent does only while it is unlocked.
var ErrLocked = errors.New("the agent is locked")

// ErrRefused is returned, wrapped, for what an agent does not do: it does not recognise it, or it would give a key away.
var ErrRefused = errors.New("the agent refuses")

// ErrAway is returned, wrapped, when the agent does not answer: it was ended, or it never ran.
var ErrAway = errors.New("the agent does not answer")

// Variable is the environment variable that names an agent's socket.
const Variable = "PHR_AGENT"

// SocketName is the name of an agent's socket in the home whose keys it holds.
const SocketName = "agent.sock"

// classes are the errors that keep their meaning across the socket, the narrower ones first.
var classes = []struct {
	name string
	err  error
}{
	{"locked", ErrLocked},
	{"refused", ErrRefused},
	{"passphrase", keystore.ErrPassphrase},
	{"not-satisfied", abe.ErrNotSatisfied},
	{"decapsulation", abe.ErrDecapsulation},
	{"key", authority.ErrKey},
	{"open", identity.ErrOpen},
	{"malformed", keystore.ErrMalformed},
}

// classOf returns the name of the class of an error, "failed" for any other.
func classOf(err error) string {
	for _, c := range classes {
		if errors.Is(err, c.err) {
			return c.name
		}
	}
	return "failed"
}

// told is an error that the agent has told of.
type told struct {
	text  string
	class error // nil: none of classes
}

func (t *told) Error() string { return t.text }

func (t *told) Unwrap() error { return t.class }

func tell(class, text string) error {
	t := &told{text: text}
	for _, c := range classes {
		if c.name == class {
			t.class = c.err
		}
	}
	return t
}
