package ledger_test

import (
	"testing"

	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
)

// What was issued before an authority's key was replaced counts for nothing from the endorsement on, though no version has moved.
func TestKeysOfAReplacedMasterCountForNothing(t *testing.T) {
	w := newWorld(t)
	doctor := policy.Attribute{Name: "doctor", Authority: "city-hospital"}
	hospital, registry := ledger.AuthorityChain("city-hospital"), ledger.AuthorityChain(ledger.RegistryName)
	person := ledger.PersonChain(w.hospital.GID())
	holds := func(what string, want bool) {
		t.Helper()
		if got := w.state.Holds(w.doctor.GID(), doctor); got != want {
			t.Errorf("%s: Holds = %v, want %v", what, got, want)
		}
	}
	s := w.open(w.doctor, w.health, ledger.OpWrite, w.byDoctor)
	first := w.fact("city-hospital")
	registered := w.say(w.hospital, person, newRegistration("city-hospital", ledger.Hospital))
	holds("registered anew", true)
	before := w.state.Position()
	w.endorse(w.hospital, registered)
	holds("endorsed anew", false)
	refused(t, w.try(w.signed(w.doctor, w.health, w.record(w.health), in(s))), ledger.ErrInvalid, "does not hold")
	fact := w.fact("city-hospital")
	if fact.Since <= first.Since || fact.Since != w.state.Position().Count {
		t.Errorf("the key is in force since %d, before since %d", fact.Since, first.Since)
	}

	// An issuance that is judged by a position before the endorsement was made by the old key, wherever it stands.
	late := w.signed(w.hospital, hospital, w.issued(w.hospital, w.doctor, "doctor", 1))
	if err := w.tryFold(must(ledger.NewEntry(must(late.Marshal()), w.now, before))); err != nil {
		t.Fatal(err)
	}
	holds("issued by an old position", false)
	w.say(w.hospital, hospital, w.issued(w.hospital, w.doctor, "doctor", 1))
	holds("issued after", true)

	// Suspending and endorsing the same key again asks nobody for new keys.
	w.say(w.registry, registry, &ledger.AuthoritySuspended{Name: "city-hospital"})
	holds("suspended", false)
	w.endorse(w.hospital, registered)
	holds("endorsed again", true)
	if again := w.fact("city-hospital"); again.Since != fact.Since {
		t.Errorf("the same key is in force since %d, want %d", again.Since, fact.Since)
	}
}

func (w *world) fact(name policy.Authority) ledger.AuthorityFact {
	fact, _ := w.state.Authority(name)
	return fact
}
