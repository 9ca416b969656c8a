package authority_test

import (
	"crypto/rand"
	"errors"
	"testing"

	"github.com/phrledger/phr/authority"
	"github.com/phrledger/phr/ledger"
)

// reload is the hospital as its keystore has it: whatever was not saved is gone.
func (w *world) reload() {
	w.Helper()
	a, err := authority.Parse(w.hospital.Bytes())
	if err != nil {
		w.Fatal(err)
	}
	w.hospital = a
}

func (w *world) under() ledger.AuthorityFact {
	fact, _ := w.state.Authority("city-hospital")
	w.roster.Under(fact.Since)
	return fact
}

func TestRekey(t *testing.T) {
	w := newWorld(t)
	ana, issued := w.newDoctor()
	old := w.hospital.PublicKey()
	for range 2 { // interrupted, and done again
		if err := w.hospital.Rekey(rand.Reader); err != nil || !w.hospital.Replacing() {
			t.Fatal(err)
		}
		w.reload()
	}
	if changed, err := w.hospital.Follow(w.under().Key); changed || err != nil {
		t.Errorf("Follow before the endorsement = %v, %v", changed, err)
	}
	ben, _ := w.newDoctor() // all goes on
	if !w.state.Holds(ana.GID(), doctors) || !w.state.Holds(ben.GID(), doctors) {
		t.Error("somebody lost the attribute before the endorsement")
	}
	w.endorse(w.founder, w.hospital)
	if w.state.Holds(ana.GID(), doctors) || w.state.Holds(ben.GID(), doctors) {
		t.Error("a key of the replaced master key counts, since the version has not moved yet")
	}
	fact := w.under()
	if fact.Key.Hash() == old.Hash() {
		t.Fatal("the old key is in force")
	}
	for _, want := range []bool{true, false} {
		if changed, err := w.hospital.Follow(fact.Key); changed != want || err != nil {
			t.Errorf("Follow = %v, %v, want %v", changed, err, want)
		}
		w.reload()
	}
	if _, err := w.hospital.Follow(old); !errors.Is(err, authority.ErrForeignKey) {
		t.Errorf("Follow of the old key = %v", err)
	}
	late := person(t)
	w.register(late)
	m, err := w.admit(ask(t, invite(t, w.hospital, authority.Offer{Attributes: []string{"doctor"}}), late, w.founder))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.hospital.Enrol(rand.Reader, w.roster, m); err == nil || len(w.roster.Owed()) != 0 {
		t.Error("a key would be issued at a version of the old master key")
	}
	w.sayAll(w.roster.Overdue())
	if more := w.roster.Overdue(); len(more) != 0 {
		t.Errorf("%v must move once more", more)
	}
	if left := w.reissue(9); left != 0 || !w.state.Holds(ana.GID(), doctors) || !w.state.Holds(ben.GID(), doctors) {
		t.Errorf("%d are owed keys still", left)
	}
	bodies, err := w.hospital.Enrol(rand.Reader, w.roster, m)
	if err != nil || len(bodies) != 2 {
		t.Errorf("who comes after gets %d events (%v), want the enrolment and a key of version 2 alone", len(bodies), err)
	}
	// What was issued before still opens what was sealed then.
	if _, err := authority.OpenKey(ana, issued, old, fact.Key); err != nil {
		t.Errorf("the old key: %v", err)
	}
	if _, err := authority.OpenKey(ana, issued, fact.Key); !errors.Is(err, authority.ErrKey) {
		t.Errorf("the old key under the new one: %v", err)
	}
}

func TestRegistryKeepsItsKey(t *testing.T) {
	if err := found(t, person(t), ledger.RegistryName).Rekey(rand.Reader); err == nil {
		t.Error("the registry's master key was replaced")
	}
}
