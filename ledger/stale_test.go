package ledger_test

import (
	"testing"
	"time"

	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
)

// A compartment is stale since what made it so stands on the log, however much later it is asked, and whatever came after.
func TestStaleSince(t *testing.T) {
	hospital := ledger.AuthorityChain("city-hospital")
	registry := ledger.AuthorityChain(ledger.RegistryName)
	moved := func(version uint32) *ledger.AttributeVersioned {
		return &ledger.AttributeVersioned{Name: "doctor", Version: version}
	}
	suspended := &ledger.AuthoritySuspended{Name: "city-hospital", Reason: "closed"}
	for _, tt := range []struct {
		name string
		make func(*world) time.Time
	}{
		{"an attribute moved twice", func(w *world) time.Time {
			since := w.say(w.hospital, hospital, moved(2)).LogTime
			w.say(w.hospital, hospital, moved(3))
			return since
		}},
		{"moved, and then suspended", func(w *world) time.Time {
			since := w.say(w.hospital, hospital, moved(2)).LogTime
			w.say(w.registry, registry, suspended)
			return since
		}},
		{"suspended, and then given another key", func(w *world) time.Time {
			since := w.say(w.registry, registry, suspended).LogTime
			w.endorse(w.hospital, w.say(w.hospital, ledger.PersonChain(w.hospital.GID()), newRegistration("city-hospital", ledger.Hospital)))
			return since
		}},
		{"disputed twice", func(w *world) time.Time {
			since := w.say(w.patient, w.health, &ledger.EpochDisputed{Epoch: 1, Part: ledger.PartOwner}).LogTime
			w.say(w.patient, w.health, &ledger.EpochDisputed{Epoch: 1, Part: ledger.PartShred})
			return since
		}},
		{"old", func(w *world) time.Time {
			f, _ := w.state.Compartment(w.health)
			return f.Epoch.Started.Add(ledger.MaxEpochAge)
		}},
		{"a term ended, and then dropped", func(w *world) time.Time {
			ends := w.now.Add(time.Hour).Truncate(time.Millisecond)
			term := ledger.Term{ID: w.newTerm(), Expression: "nurse@city-hospital", History: true, Until: ends.UnixMilli()}
			w.terms[w.health] = append(w.terms[w.health], term)
			w.say(w.patient, w.health, w.set(w.health))
			w.say(w.patient, w.health, &ledger.EpochRewrapped{Epoch: 1, Parts: []ledger.Part{w.wrap(term)}})
			w.now = ends.Add(time.Hour)
			w.terms[w.health] = w.terms[w.health][:len(w.terms[w.health])-1]
			w.say(w.patient, w.health, w.set(w.health))
			w.now = w.now.Add(time.Hour)
			w.say(w.patient, w.health, w.set(w.health))
			return ends
		}},
		{"the patient with a new key", func(w *world) time.Time {
			key := newFounder("another master", w.patient.speaks).master
			return w.say(w.patient, w.profile, &ledger.PatientRegistered{Key: key.PublicKey().Bytes()}).LogTime
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			want := tt.make(w)
			for _, later := range []time.Duration{0, 40 * 24 * time.Hour} {
				why, since := w.state.Stale(w.health, w.now.Add(later).Add(ledger.MaxEpochAge))
				if why == "" || !since.Equal(want) {
					t.Errorf("Stale = %q since %v, want since %v", why, since, want)
				}
			}
			w.now = w.now.Add(ledger.MaxEpochAge)
			w.say(w.patient, w.health, w.start(w.health))
			if why, since := w.state.Stale(w.health, w.now); why != "" || !since.IsZero() {
				t.Errorf("Stale = %q since %v after a new epoch", why, since)
			}
		})
	}
}

// A key that was replaced is still found by its hash, for opening what was sealed then, and is not the one in force.
func TestReplacedKeysAreKept(t *testing.T) {
	w := newWorld(t)
	p := must(policy.Parse("doctor@city-hospital and " + ledger.GrantAttribute(w.patient.GID(), w.newTerm()).String()))
	var hashes [][32]byte
	for _, key := range must(w.state.AuthorityKeys(p)) {
		hashes = append(hashes, key.Hash())
	}
	w.endorse(w.hospital, w.say(w.hospital, ledger.PersonChain(w.hospital.GID()), newRegistration("city-hospital", ledger.Hospital)))
	another := newFounder("another master", w.patient.speaks).master
	w.say(w.patient, w.profile, &ledger.PatientRegistered{Key: another.PublicKey().Bytes()})
	old, inForce := must(w.state.NamedKeys(p, hashes)), must(w.state.AuthorityKeys(p))
	for i := range old {
		if old[i].Hash() != hashes[i] || inForce[i].Hash() == hashes[i] {
			t.Errorf("key %d: named %x, in force %x, want %x and another", i, old[i].Hash(), inForce[i].Hash(), hashes[i])
		}
		if every := w.state.EveryKey(p.Authorities()[i]); len(every) != 2 || every[1].Hash() != inForce[i].Hash() {
			t.Errorf("EveryKey(%d) holds %d keys", i, len(every))
		}
	}
	if _, err := w.state.NamedKeys(p, [][32]byte{hashes[0], {1}}); err == nil {
		t.Error("a key that nobody had was found")
	}
	if _, err := w.state.NamedKeys(p, hashes[:1]); err == nil {
		t.Error("one key was enough for two authorities")
	}
}
