package ledger_test

import (
	"testing"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
)

func TestIdentities(t *testing.T) {
	for _, tt := range []struct {
		name string
		say  func(*world) said
		text string
	}{
		{"registered twice", func(w *world) said {
			first := w.nobody.Inception()
			return said{author: w.nobody, chain: ownChain(w.nobody), body: &ledger.IdentityRegistered{Sign: first.Keys.Sign, Seal: first.Keys.Seal, Recovery: first.Recovery}}
		}, "registered once"},
		{"with an unusable sealing key", func(*world) said {
			p := newPerson("newcomer")
			first := p.Inception()
			return said{author: p, chain: ownChain(p), body: &ledger.IdentityRegistered{Sign: first.Keys.Sign, Seal: first.Keys.Seal[1:], Recovery: first.Recovery}}
		}, "malformed"},
		{"rotated by a recovery key that was not committed to", func(w *world) said {
			thief := &person{Identity: w.patient.Identity, recovery: w.nobody.recovery}
			return said{author: thief, chain: ownChain(w.patient), body: rotation(thief, newPerson("next"))}
		}, "not signed by the recovery key"},
		{"rotated to the same recovery key", func(w *world) said {
			b := rotation(w.patient, newPerson("next"))
			b.Recovery = w.patient.recovery.Hash()
			return said{author: w.patient, chain: ownChain(w.patient), body: b}
		}, "a new recovery key"},
		{"rotated to no recovery key", func(w *world) said {
			b := rotation(w.patient, newPerson("next"))
			b.Recovery = ledger.Hash{}
			return said{author: w.patient, chain: ownChain(w.patient), body: b}
		}, "a new recovery key"},
		{"rotated to no signing key", func(w *world) said {
			b := rotation(w.patient, newPerson("next"))
			b.Sign = [32]byte{}
			return said{author: w.patient, chain: ownChain(w.patient), body: b}
		}, "malformed"},
		{"rotated before it is registered", func(*world) said {
			p := newPerson("newcomer")
			return said{author: p, chain: ownChain(p), body: rotation(p, newPerson("next"))}
		}, "not registered"},
		{"rotated when revoked", func(w *world) said {
			w.say(w.patient, ownChain(w.patient), &ledger.IdentityRevoked{})
			return said{author: w.patient, chain: ownChain(w.patient), body: rotation(w.patient, newPerson("next"))}
		}, "revoked"},
		{"revoked twice", func(w *world) said {
			w.say(w.patient, ownChain(w.patient), &ledger.IdentityRevoked{})
			return said{author: w.patient, chain: ownChain(w.patient), body: &ledger.IdentityRevoked{}}
		}, "revoked"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			refused(t, w.try(tt.say(w).event(w)), ledger.ErrInvalid, tt.text)
		})
	}
}

// A rotation replaces the signing key at once, and the recovery key that may rotate next.
func TestRotation(t *testing.T) {
	w := newWorld(t)
	next := newPerson("next")
	rotated := &person{Identity: must(w.patient.Rotate(w.rand, next.recovery.Hash())), recovery: next.recovery}
	keys := rotated.Keys()
	b := &ledger.IdentityRotated{Sign: keys.Sign, Seal: keys.Seal, Recovery: next.recovery.Hash(), RecoveryUsed: w.patient.recovery.Public()}
	w.say(w.patient, ownChain(w.patient), b)

	refused(t, w.try(w.signed(w.patient, w.health, w.record(w.health))), ledger.ErrInvalid, identity.ErrSignature.Error())
	refused(t, w.try(w.signed(w.patient, ownChain(w.patient), &ledger.IdentityRevoked{})), ledger.ErrInvalid, identity.ErrSignature.Error())
	refused(t, w.try(w.signed(w.patient, ownChain(w.patient), rotation(w.patient, newPerson("third")))), ledger.ErrInvalid, "not signed by the recovery key")
	w.say(rotated, w.health, w.record(w.health))
	if got, err := w.state.Person(w.patient.GID()); err != nil || got.Sign != keys.Sign {
		t.Errorf("Person = %v, %v", got, err)
	}
	w.say(rotated, ownChain(w.patient), rotation(rotated, newPerson("third")))
	refused(t, w.try(w.signed(rotated, w.health, w.record(w.health))), ledger.ErrInvalid, identity.ErrSignature.Error())
}

// Who has revoked their identity says nothing more, anywhere.
func TestRevokedIdentity(t *testing.T) {
	w := newWorld(t)
	s := w.open(w.doctor, w.health, ledger.OpWrite, w.byDoctor)
	w.say(w.doctor, ownChain(w.doctor), &ledger.IdentityRevoked{Reason: "stolen"})
	for _, e := range []*ledger.Event{
		w.signed(w.doctor, w.health, w.record(w.health), in(s)),
		w.signed(w.doctor, ownChain(w.doctor), newRegistration("new-clinic", ledger.Hospital)),
		w.signed(w.doctor, ledger.RecordChain(w.doctor.GID(), ledger.Profile), &ledger.PatientRegistered{}),
		w.signed(w.node, w.access, w.opened(w.doctor, w.health, ledger.OpRead, w.byDoctor)),
		w.signed(w.hospital, ledger.AuthorityChain("city-hospital"), &ledger.RepresentativeEnrolled{GID: w.doctor.GID(), Attributes: []string{"nurse"}}),
		w.signed(w.patient, w.profile, w.issued(w.patient, w.doctor, ledger.GrantAttribute(w.patient.GID(), w.newTerm()).Name, 1)),
	} {
		refused(t, w.try(e), ledger.ErrInvalid, "revoked")
	}
	if _, err := w.state.Person(w.doctor.GID()); err == nil {
		t.Error("keys of a revoked identity are in force")
	}
}

func ownChain(p *person) ledger.Chain { return ledger.PersonChain(p.GID()) }

func TestPatients(t *testing.T) {
	w := newWorld(t)
	profile := ledger.RecordChain(w.nobody.GID(), ledger.Profile)
	health := ledger.RecordChain(w.nobody.GID(), ledger.Health)
	grant := ledger.GrantAttribute(w.nobody.GID(), w.newTerm()).Name
	for name, e := range map[string]*ledger.Event{
		"a compartment": w.signed(w.nobody, health, &ledger.CompartmentCreated{Class: ledger.HealthClass}),
		"an issuance":   w.signed(w.nobody, profile, &ledger.KeyIssued{GID: w.doctor.GID(), Attribute: grant, Version: 1, Sealed: []byte{1}}),
		"a refusal": w.signed(w.node, ledger.RecordChain(w.nobody.GID(), ledger.Access),
			&ledger.SessionRefused{GID: w.nurse.GID(), Operation: ledger.OpRead, Compartment: ledger.Health, Count: 1}),
	} {
		t.Run(name+" before the registration", func(t *testing.T) { refused(t, w.try(e), ledger.ErrInvalid, "is not registered as a patient") })
	}
	key := w.patient.master.PublicKey().Bytes()
	refused(t, w.try(w.signed(w.nobody, profile, &ledger.PatientRegistered{Key: key})), ledger.ErrInvalid, "the key is made for")
	refused(t, w.try(w.signed(w.nobody, profile, &ledger.PatientRegistered{Key: key[1:]})), ledger.ErrInvalid, "malformed")
	w.say(w.nobody, profile, &ledger.PatientRegistered{Key: newPatient("nobody").master.PublicKey().Bytes()})
	if _, ok := w.state.Patient(w.nobody.GID()); !ok {
		t.Error("no patient")
	}
	refused(t, w.try(w.signed(w.nobody, health, &ledger.CompartmentCreated{Class: "secret"})), ledger.ErrInvalid, "health or training")
	w.say(w.nobody, health, &ledger.CompartmentCreated{Class: ledger.HealthClass})
	refused(t, w.try(w.signed(w.nobody, health, &ledger.CompartmentCreated{Class: ledger.HealthClass})), ledger.ErrInvalid, "created once")
	refused(t, w.try(w.signed(w.nobody, ledger.RecordChain(w.nobody.GID(), ledger.Training), new(ledger.PolicySet))), ledger.ErrInvalid, "not created yet")
}

func TestPersonGrants(t *testing.T) {
	w := newWorld(t)
	grant := ledger.GrantAttribute(w.patient.GID(), w.newTerm())
	for _, tt := range []struct {
		name string
		body *ledger.KeyIssued
		text string
	}{
		{"no term", &ledger.KeyIssued{GID: w.nurse.GID(), Attribute: "friend", Version: 1, Sealed: []byte{1}}, "does not name a term"},
		{"not a term", &ledger.KeyIssued{GID: w.nurse.GID(), Attribute: "g-01", Version: 1, Sealed: []byte{1}}, "is not a lower-case ULID"},
		{"version 2", &ledger.KeyIssued{GID: w.nurse.GID(), Attribute: grant.Name, Version: 2, Sealed: []byte{1}}, "has version 1 only"},
		{"no key", &ledger.KeyIssued{GID: w.nurse.GID(), Attribute: grant.Name, Version: 1}, "carries no key"},
		{"no attribute", &ledger.KeyIssued{GID: w.nurse.GID(), Attribute: "G-1", Version: 1, Sealed: []byte{1}}, "is not a name for an attribute"},
		{"to a stranger", &ledger.KeyIssued{GID: newPerson("stranger").GID(), Attribute: grant.Name, Version: 1, Sealed: []byte{1}}, "is not registered"},
		{"to no GID", &ledger.KeyIssued{GID: "*", Attribute: grant.Name, Version: 1, Sealed: []byte{1}}, "is not registered"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			refused(t, w.try(w.signed(w.patient, w.profile, tt.body)), ledger.ErrInvalid, tt.text)
		})
	}
	if w.state.Holds(w.nurse.GID(), grant) {
		t.Error("held before it is issued")
	}
	w.say(w.patient, w.profile, w.issued(w.patient, w.nurse, grant.Name, 1))
	if !w.state.Holds(w.nurse.GID(), grant) {
		t.Error("not held")
	}
	w.say(w.patient, w.profile, w.issued(w.patient, w.nurse, grant.Name, 1))
	refused(t, w.try(w.signed(w.patient, w.profile, w.issued(w.patient, w.doctor, grant.Name, 1))), ledger.ErrInvalid, "a term names one person")
}

// A term for somebody in person who also is a doctor takes both, and the patient's word alone lets nobody in.
func TestJoinedGrant(t *testing.T) {
	w := newWorld(t)
	joined := func(who *person) ledger.TermID {
		id := w.newTerm()
		own := ledger.GrantAttribute(w.patient.GID(), id)
		term := ledger.Term{ID: id, Expression: "doctor@city-hospital and " + own.String(), Write: true, History: true}
		w.terms[w.health] = append(w.terms[w.health], term)
		w.say(w.patient, w.health, w.set(w.health))
		w.say(w.patient, w.health, &ledger.EpochRewrapped{Epoch: 1, Parts: []ledger.Part{w.wrap(term)}})
		w.say(w.patient, w.profile, w.issued(w.patient, who, own.Name, 1))
		return id
	}
	id := joined(w.nurse)
	refused(t, w.try(w.signed(w.node, w.access, w.opened(w.nurse, w.health, ledger.OpWrite, id))), ledger.ErrInvalid, "does not hold")
	refused(t, w.try(w.signed(w.node, w.access, w.opened(w.doctor, w.health, ledger.OpWrite, id))), ledger.ErrInvalid, "does not hold")
	id = joined(w.doctor)
	s := w.open(w.doctor, w.health, ledger.OpWrite, id)
	w.say(w.doctor, w.health, w.record(w.health), in(s))
}
