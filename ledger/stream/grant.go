package stream

import (
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nkeys"
)

// A UserGrant is everything a NATS user may do: to publish to the subjects of Pub, to subscribe to those of Sub, and
// nothing else, until Expires, when the server closes its connections.
type UserGrant struct {
	User       string // public nkey
	Session    string // for the operator's eyes, a tag in lower case
	Pub, Sub   []string
	MaxPayload int64     // bytes of one request
	Expires    time.Time // rounded up to a whole second
}

// Sizes of one request. A submission's part has at most 512 KiB.
const (
	guestPayload   = 128 << 10
	sessionPayload = 640 << 10
)

// guestInbox is where all guests get their replies. They can read each other's: nothing secret goes to a guest in clear.
const guestInbox = "_G"

// sessionInbox is where sessions get theirs, each under a token of its own that only it may subscribe to.
const sessionInbox = "_I"

// GuestGrant is what anybody may do without a session: open one, ask public questions, register and enrol.
func GuestGrant(user string) UserGrant {
	return UserGrant{
		User: user,
		Pub: []string{
			"gate.hello", "gate.answer", "gate.login",
			"dir.node", "dir.identity", "dir.authority", "dir.authorities", "dir.registration", "dir.recovery",
			"dir.checkpoint", "dir.proof",
			"register.*.*", "enrol.*",
		},
		Sub:        []string{guestInbox + ".>"},
		MaxPayload: guestPayload,
	}
}

// A Place is where somebody may write or fetch keys.
type Place struct {
	Shard string
	Owner string // patient, person or authority
	// Compartment is one compartment, "_" for the owner's own chain, or "" for all of them: an owner's login.
	Compartment string
}

// A Scope is what one session may reach, in plain words. Everything in it becomes literal subjects of its JWT.
type Scope struct {
	Inbox     string   // random, secret, one token: where its replies go
	Consumers []string // names of its consumers, whether they are made yet or not
	Ingest    []Place  // where it may submit: a write session its compartment, a login its own chains
	Keys      []Place  // whose parts it may fetch
	Queues    []string // authorities whose enrolments it may fetch, and about which it may ask dir.touched
	Login     bool     // it may ask dir.mine, dir.keys, dir.names, dir.held and dir.breakglass, and have its part in emergencies
}

// Grant forms the grant of a session. It fails if anything in the scope is not a plain subject token, since a token "*"
// would become a wildcard, and if user is not a public user nkey.
func (s Scope) Grant(user, session string, expires time.Time) (UserGrant, error) {
	if !nkeys.IsValidPublicUserKey(user) {
		return UserGrant{}, errors.New("granting a session: not a public user key")
	}
	b := subjects{pub: GuestGrant(user).Pub}
	b.allow("gate.consumer")
	b.allow("gate.ticket")
	b.allow("dir.heads")
	if s.Login {
		b.allow("dir.mine")
		b.allow("dir.keys")
		b.allow("dir.names")
		b.allow("dir.held")
		b.allow("dir.breakglass")
		b.allow("breakglass")
	}
	for _, c := range s.Consumers {
		b.allow(apiPrefix+".CONSUMER.MSG.NEXT."+LedgerName, c)
		b.allow(apiPrefix+".CONSUMER.INFO."+LedgerName, c)
	}
	for _, p := range s.Ingest {
		b.place("ingest", p)
	}
	for _, p := range s.Keys {
		b.place("keys", p)
	}
	if len(s.Queues) > 0 {
		b.allow("dir.touched")
	}
	for _, a := range s.Queues {
		b.allow("enrol.next", a)
	}
	b.check(s.Inbox)
	b.check(session)
	return UserGrant{
		User:       user,
		Session:    session,
		Pub:        b.pub,
		Sub:        []string{sessionInbox + "." + s.Inbox + ".>"},
		MaxPayload: sessionPayload,
		Expires:    expires,
	}, b.err
}

// subjects collects what may be published to, and the first token that is none.
type subjects struct {
	pub []string
	err error
}

func (b *subjects) check(token string) {
	if !validToken(token) && b.err == nil {
		b.err = fmt.Errorf("granting a session: %.40q is not a subject token", token)
	}
}

// allow adds prefix and tokens.
func (b *subjects) allow(prefix string, tokens ...string) {
	for _, t := range tokens {
		b.check(t)
		prefix += "." + t
	}
	b.pub = append(b.pub, prefix)
}

func (b *subjects) place(service string, p Place) {
	if p.Compartment != "" {
		b.allow(service, p.Shard, p.Owner, p.Compartment)
		return
	}
	b.allow(service, p.Shard, p.Owner)
	b.pub[len(b.pub)-1] += ".*"
}

// validToken reports whether s is one token of a subject with no meaning of its own: letters, digits, '-' and '_'.
func validToken(s string) bool {
	if s == "" || len(s) > 128 {
		return false
	}
	for _, c := range []byte(s) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_':
		default:
			return false
		}
	}
	return true
}
