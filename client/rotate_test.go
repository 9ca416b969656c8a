package client_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/phrledger/phr/authority"
	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
)

func (w *world) epoch(b *client.Book, want uint32) {
	w.t.Helper()
	f, err := b.Fact(w.ctx)
	must(w.t, err)
	if f.Epoch.Number != want {
		w.t.Errorf("epoch %d, want %d", f.Epoch.Number, want)
	}
}

// An epoch that is thirty days old is followed by another before anything is written, by the patient or by a doctor. Reading
// never starts one.
func TestRotationByAge(t *testing.T) {
	w := newWorld(t)
	maria, ruiz, agent := w.patient(), w.the("doctor@city-hospital"), w.the("agent@acme-insurance")
	hers := w.book(maria, maria, ledger.Health)
	w.grant(hers, client.GrantRequest{To: "doctor@city-hospital", Write: true})
	w.grant(hers, client.GrantRequest{To: "agent@acme-insurance"})
	his, its := w.book(ruiz, maria, ledger.Health), w.book(agent, maria, ledger.Health)
	w.write(hers, "one")
	w.epoch(hers, 1)

	w.later(ledger.MaxEpochAge + time.Minute)
	w.reads("the insurer", its, "one")
	w.reads("the doctor", his, "one")
	w.epoch(hers, 1)
	w.write(hers, "two")
	w.epoch(hers, 2)

	w.later(ledger.MaxEpochAge + time.Minute)
	w.refused("the insurer", its)
	w.epoch(hers, 2)
	w.write(his, "three")
	w.epoch(hers, 3)
	for who, b := range map[string]*client.Book{"the patient": hers, "the doctor": his, "the insurer": its} {
		w.reads(who, b, "one", "two", "three")
	}
}

// version moves an attribute of an authority to its next version: it is taken from whoever does not keep it, who is one at most.
func (w *world) version(at *client.Client, name string, number uint32, keep ...*client.Client) {
	w.t.Helper()
	members, err := at.Members(w.ctx)
	must(w.t, err)
	r := client.Revocation{Attributes: []string{name}, Reason: "somebody left"}
	for _, m := range members {
		holds := slices.ContainsFunc(m.Attributes, func(h authority.Held) bool { return h.Name == name })
		if holds && !slices.ContainsFunc(keep, func(c *client.Client) bool { return c.GID() == m.GID }) {
			r.GID = m.GID
		}
	}
	p, err := at.Impact(w.ctx, r)
	must(w.t, err)
	if p.Attributes[0].Version != number {
		w.t.Fatalf("%s would move to version %d, want %d", name, p.Attributes[0].Version, number)
	}
	_, err = at.Revoke(w.ctx, r, nil)
	must(w.t, err)
}

// say puts bodies on a chain of somebody's own.
func (w *world) say(c *client.Client, chain ledger.Chain, bodies ...ledger.Body) {
	w.t.Helper()
	must(w.t, c.Say(w.ctx, chain, func([]*ledger.Entry) ([]ledger.Body, error) { return bodies, nil }))
}

// When an authority moves the version of an attribute, the next writer wraps a new epoch to the new one, and those who were
// left out open nothing of it with their old keys.
func TestRotationByVersion(t *testing.T) {
	w := newWorld(t)
	maria, ruiz, left := w.patient(), w.the("doctor@city-hospital"), w.person()
	w.enrol(left, "doctor@city-hospital")
	hers := w.book(maria, maria, ledger.Health)
	w.grant(hers, client.GrantRequest{To: "doctor@city-hospital", Write: true})
	his, former := w.book(ruiz, maria, ledger.Health), w.book(left, maria, ledger.Health)
	w.write(hers, "one")
	w.reads("the one who leaves", former, "one")

	w.version(w.authority("city-hospital"), "doctor", 2, ruiz)
	w.barred("the one who has left", former)
	w.write(his, "two")
	w.epoch(hers, 2)
	w.reads("the doctor", his, "one", "two")
	w.reads("the patient", hers, "one", "two")
	for _, e := range hers.Entries()[1:] {
		if former.Opens(e) {
			t.Error("what was written after the version moved opens under keys of before")
		}
	}

	w.version(w.authority("city-hospital"), "doctor", 3, ruiz)
	w.write(hers, "three")
	w.epoch(hers, 3)
	w.reads("the doctor", his, "one", "two", "three")
	for _, c := range []*client.Client{ruiz, w.connect(ruiz.Home())} {
		if got := versions(c); got != 3 {
			t.Errorf("the doctor holds %d versions, want 3", got)
		}
	}
}

func versions(c *client.Client) int { return len(c.Home().AttributeKeys()) }

// What an authority vouches for that is suspended keeps nobody else from writing.
func TestRotationWithSuspendedAuthority(t *testing.T) {
	w := newWorld(t)
	maria, ruiz, agent := w.patient(), w.the("doctor@city-hospital"), w.the("agent@acme-insurance")
	hers := w.book(maria, maria, ledger.Health)
	w.grant(hers, client.GrantRequest{To: "doctor@city-hospital", Write: true})
	w.grant(hers, client.GrantRequest{To: "agent@acme-insurance"})
	his, its := w.book(ruiz, maria, ledger.Health), w.book(agent, maria, ledger.Health)
	w.write(hers, "one")
	w.reads("the insurer", its, "one")
	w.suspend("acme-insurance")
	w.barred("the insurer, suspended,", its)
	w.write(his, "two")
	w.epoch(hers, 2)
	w.write(hers, "three")
	w.reads("the doctor", his, "one", "two", "three")
}

// suspend takes an authority out of force, with the registry's key.
func (w *world) suspend(name policy.Authority) {
	w.t.Helper()
	key, err := os.ReadFile(filepath.Join(w.dir, "keys", "registry.identity"))
	must(w.t, err)
	registry, err := identity.Parse(key)
	must(w.t, err)
	w.say(w.connect(client.HomeOf(registry)), ledger.AuthorityChain(ledger.RegistryName),
		&ledger.AuthoritySuspended{Name: name, Reason: "it cheated"})
}

// Two keys of one attribute don't stand in each other's way.
func TestOldKeysStay(t *testing.T) {
	w := newWorld(t)
	maria, ruiz := w.patient(), w.the("doctor@city-hospital")
	hers := w.book(maria, maria, ledger.Health)
	w.write(hers, "sealed to the doctor")
	w.grant(hers, client.GrantRequest{To: "doctor@city-hospital", FromNow: true})
	w.write(hers, "at version 1")
	w.version(w.authority("city-hospital"), "doctor", 2, ruiz)
	w.write(hers, "at version 2")
	w.reads("the doctor", w.book(ruiz, maria, ledger.Health), "?", "at version 1", "at version 2")
}
