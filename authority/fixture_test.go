package authority_test

import (
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"github.com/phrledger/phr/authority"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
)

var start = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

func person(t testing.TB) *identity.Identity {
	t.Helper()
	id, _, err := identity.Generate(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func found(t testing.TB, founder *identity.Identity, name policy.Authority) *authority.Authority {
	t.Helper()
	role := ledger.Hospital
	if name == ledger.RegistryName {
		role = ledger.Registry
	}
	a, err := authority.New(rand.Reader, founder.GID(), name, role)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func invite(t testing.TB, a *authority.Authority, o authority.Offer) authority.Code {
	t.Helper()
	code, _, err := a.Invite(rand.Reader, start, o)
	if err != nil {
		t.Fatal(err)
	}
	return code
}

func ask(t testing.TB, code authority.Code, who, founder *identity.Identity) []byte {
	t.Helper()
	sealed, err := authority.NewRequest(code, who, "Dr Ana Ruiz", founder.Keys())
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

// phone is a lookup that knows the people given.
func phone(people ...*identity.Identity) func(identity.GID) (*identity.Keys, error) {
	return func(gid identity.GID) (*identity.Keys, error) {
		for _, p := range people {
			if p.GID() == gid {
				return p.Keys(), nil
			}
		}
		return nil, errors.New("no such person")
	}
}

// world is a log, judged by the real rules, with a registry and the hospital city-hospital.
type world struct {
	testing.TB
	state    *ledger.State
	root     *identity.Identity // founder of the registry too
	founder  *identity.Identity
	hospital *authority.Authority
	roster   *authority.Roster // of the hospital
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{TB: t, root: person(t), founder: person(t), roster: authority.NewRoster("city-hospital")}
	w.state = ledger.NewState(w.root.GID(), ledger.WholeLog)
	w.register(w.root)
	w.register(w.founder)
	registration := w.sign(w.root, ledger.PersonChain(w.root.GID()), found(t, w.root, ledger.RegistryName).Registration())
	w.say(w.root, ledger.NodeChain(w.root.GID()), &ledger.NodeDescribed{Sequence: 1, Registry: ledger.HashEvent(registration)})
	if _, err := w.append(registration); err != nil {
		t.Fatal(err)
	}
	w.hospital = found(t, w.founder, "city-hospital")
	w.endorse(w.founder, w.hospital)
	return w
}

func (w *world) register(id *identity.Identity) {
	w.Helper()
	inception := id.Inception()
	w.say(id, ledger.PersonChain(id.GID()), &ledger.IdentityRegistered{
		Sign: inception.Keys.Sign, Seal: inception.Keys.Seal, Recovery: inception.Recovery,
	})
}

// endorse registers an authority and has the registry endorse it by the fingerprint that the founder says.
func (w *world) endorse(founder *identity.Identity, a *authority.Authority) {
	w.Helper()
	registration := w.say(founder, ledger.PersonChain(founder.GID()), a.Registration())
	body, err := authority.Endorse(a.Name(), authority.FingerprintOf(registration.Hash), registration)
	if err != nil {
		w.Fatal(err)
	}
	w.say(w.root, ledger.AuthorityChain(ledger.RegistryName), body)
}

// sign returns the next event of a chain.
func (w *world) sign(author *identity.Identity, c ledger.Chain, b ledger.Body) []byte {
	w.Helper()
	id, err := ledger.NewEventID(rand.Reader, start)
	if err != nil {
		w.Fatal(err)
	}
	head, _ := w.state.Head(c)
	e := &ledger.Event{ID: id, Chain: c, Number: head.Number + 1, Prev: head.Hash, Author: author.GID(), Time: start, Body: b}
	if err := e.Sign(author); err != nil {
		w.Fatal(err)
	}
	raw, err := e.Marshal()
	if err != nil {
		w.Fatal(err)
	}
	return raw
}

func (w *world) append(raw []byte) (*ledger.Entry, error) {
	w.Helper()
	e, err := ledger.NewEntry(raw, start, w.state.Position())
	if err != nil {
		return nil, err
	}
	if err := w.state.Fold(e); err != nil {
		return nil, err
	}
	if e.Chain == ledger.AuthorityChain("city-hospital") {
		return e, w.roster.Apply(e)
	}
	return e, nil
}

func (w *world) say(author *identity.Identity, c ledger.Chain, b ledger.Body) *ledger.Entry {
	w.Helper()
	e, err := w.append(w.sign(author, c, b))
	if err != nil {
		w.Fatal(err)
	}
	return e
}

func (w *world) admit(sealed []byte) (*authority.Admission, error) {
	return w.hospital.Admit(start, w.founder, w.roster, w.state.Person, sealed)
}

// enrol admits a request, appends what the hospital says, and returns the entries.
func (w *world) enrol(sealed []byte) []*ledger.Entry {
	w.Helper()
	m, err := w.admit(sealed)
	if err != nil {
		w.Fatal(err)
	}
	bodies, err := w.hospital.Enrol(rand.Reader, w.roster, m)
	if err != nil {
		w.Fatal(err)
	}
	var entries []*ledger.Entry
	for _, b := range bodies {
		entries = append(entries, w.say(w.founder, ledger.AuthorityChain("city-hospital"), b))
	}
	return entries
}

// newDoctor registers a person and enrols them as a doctor of the hospital.
func (w *world) newDoctor() (*identity.Identity, *ledger.Entry) {
	w.Helper()
	doctor := person(w)
	w.register(doctor)
	entries := w.enrol(ask(w, invite(w, w.hospital, authority.Offer{Attributes: []string{"doctor"}}), doctor, w.founder))
	return doctor, entries[len(entries)-1]
}

// sayAll puts what the hospital says on its chain.
func (w *world) sayAll(bodies []ledger.Body) {
	w.Helper()
	for _, b := range bodies {
		w.say(w.founder, ledger.AuthorityChain("city-hospital"), b)
	}
}
