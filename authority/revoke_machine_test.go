package authority_test

import (
	"crypto/rand"
	"flag"
	"testing"

	"pgregory.net/rapid"

	"github.com/phrledger/phr/authority"
	"github.com/phrledger/phr/crypto/abe"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
)

// leavers is a hospital whose people come and go, whose attribute moves and whose master key is replaced, interrupted between
// any two steps, beside a model of who is to hold the attribute.
type leavers struct {
	*world
	people   []*identity.Identity
	enrolled map[identity.GID]bool
	issued   map[identity.GID][]*ledger.Entry
}

// say puts one body on the hospital's chain.
func (l *leavers) say(b ledger.Body) {
	e := l.world.say(l.founder, ledger.AuthorityChain("city-hospital"), b)
	if key, ok := b.(*ledger.KeyIssued); ok {
		l.issued[key.GID] = append(l.issued[key.GID], e)
	}
}

func (l *leavers) sayAll(bodies []ledger.Body) {
	for _, b := range bodies {
		l.say(b)
	}
}

// ready is what comes before anything that the hospital does: it follows the key in force and moves what must move first.
func (l *leavers) ready(t *rapid.T) {
	if _, err := l.hospital.Follow(l.under().Key); err != nil {
		t.Fatal(err)
	}
	l.sayAll(l.roster.Overdue())
}

func (l *leavers) enrol(t *rapid.T) {
	who := rapid.SampledFrom(l.people).Draw(t, "who")
	l.ready(t)
	number, _ := l.roster.Head()
	code, _, err := l.hospital.Invite(rand.Reader, start, authority.Offer{Attributes: []string{"doctor"}, After: number})
	if err != nil {
		t.Fatal(err)
	}
	m, err := l.admit(ask(l, code, who, l.founder))
	if err != nil {
		t.Fatal(err)
	}
	bodies, err := l.hospital.Enrol(rand.Reader, l.roster, m)
	if err != nil {
		t.Fatal(err)
	}
	l.sayAll(bodies[:rapid.IntRange(1, len(bodies)).Draw(t, "through")]) // as if they had come in pieces
	_, defined := l.roster.Version("doctor")
	_, in := l.roster.Member(who.GID())
	l.enrolled[who.GID()] = defined && in
}

func (l *leavers) revoke(t *rapid.T) {
	who := rapid.SampledFrom(l.people).Draw(t, "who")
	l.ready(t)
	bodies, err := l.roster.Revoke(who.GID(), "left", "doctor")
	if (err == nil) != l.enrolled[who.GID()] {
		t.Fatalf("Revoke = %v of somebody enrolled: %v", err, l.enrolled[who.GID()])
	}
	l.hospital.Shut(l.roster, who.GID(), "doctor")
	l.sayAll(bodies)
	l.enrolled[who.GID()] = false
}

func (l *leavers) rotate(t *rapid.T) {
	l.ready(t)
	if bodies, err := l.roster.Rotate("", "doctor"); err == nil {
		l.sayAll(bodies)
	}
}

// reissue gives some of the keys that are owed.
func (l *leavers) reissue(t *rapid.T) {
	l.ready(t)
	owed := l.roster.Owed()
	if len(owed) == 0 {
		return
	}
	bodies, err := l.hospital.Reissue(rand.Reader, owed[:rapid.IntRange(1, len(owed)).Draw(t, "keys")], l.state.Person)
	if err != nil {
		t.Fatal(err)
	}
	l.sayAll(bodies)
}

// rekey draws another master key, and perhaps registers it and has it endorsed.
func (l *leavers) rekey(t *rapid.T) {
	if err := l.hospital.Rekey(rand.Reader); err != nil {
		t.Fatal(err)
	}
	if rapid.Bool().Draw(t, "endorsed") {
		l.endorse(l.founder, l.hospital)
	}
}

// check compares what the log shows with the model.
func (l *leavers) check(t *rapid.T) {
	inForce := l.under().Key
	owed := make(map[identity.GID]bool)
	for _, o := range l.roster.Owed() {
		owed[o.GID] = true
	}
	for _, p := range l.people {
		gid := p.GID()
		holds := l.state.Holds(gid, doctors)
		switch {
		case holds && !l.enrolled[gid]:
			t.Fatal("somebody holds it who is not enrolled")
		case holds && !l.opens(p, inForce):
			t.Fatal("somebody holds it by the log, and has no key of the version and master key in force")
		case len(l.roster.Overdue()) > 0 && (holds || owed[gid]):
			t.Fatal("before it moved, it is held or owed")
		case len(l.roster.Overdue()) == 0 && l.enrolled[gid] && holds == owed[gid]:
			t.Fatalf("an enrolled person holds it: %v, and is owed it: %v", holds, owed[gid])
		case owed[gid] && !l.enrolled[gid]:
			t.Fatal("a removed person is owed a key")
		}
	}
}

// opens tells whether somebody was issued a key of the version in force that the key in force made.
func (l *leavers) opens(p *identity.Identity, inForce *abe.PublicKey) bool {
	version, _ := l.roster.Version("doctor")
	for _, e := range l.issued[p.GID()] {
		if e.Body.(*ledger.KeyIssued).Version != version {
			continue
		}
		if _, err := authority.OpenKey(p, e, inForce); err == nil {
			return true
		}
	}
	return false
}

// TestRevocationsUnderCrashes does anything in any order and stops anywhere; in the end everybody who is enrolled holds a key
// that works, and nobody else does.
func TestRevocationsUnderCrashes(t *testing.T) {
	for name, value := range map[string]string{"rapid.checks": "6", "rapid.steps": "25"} { // each step costs curve work
		f := flag.Lookup(name)
		before := f.Value.String()
		if err := flag.Set(name, value); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = flag.Set(name, before) })
	}
	rapid.Check(t, func(rt *rapid.T) {
		l := &leavers{world: newWorld(t), enrolled: make(map[identity.GID]bool), issued: make(map[identity.GID][]*ledger.Entry)}
		for range 3 {
			p := person(t)
			l.register(p)
			l.people = append(l.people, p)
		}
		rt.Repeat(map[string]func(*rapid.T){
			"": l.check, "enrol": l.enrol, "revoke": l.revoke, "rotate": l.rotate, "reissue": l.reissue, "some more": l.reissue, "rekey": l.rekey,
			"crash": func(*rapid.T) { l.reload() },
		})
		l.ready(rt)
		for len(l.roster.Owed()) > 0 {
			l.reissue(rt)
		}
		for _, p := range l.people {
			if l.state.Holds(p.GID(), doctors) != l.enrolled[p.GID()] {
				rt.Fatal("not everybody who is enrolled holds it in the end, or somebody else does")
			}
		}
	})
}
