package ledger_test

import (
	"testing"

	"github.com/phrledger/phr/ledger"
)

// A shred that is too large for one part comes in pieces, which replace all of the one before.
func TestErasureInPieces(t *testing.T) {
	w := newWorld(t)
	second := w.say(w.patient, w.health, w.record(w.health))
	third := w.say(w.patient, w.health, w.record(w.health))
	b := w.erasure(w.first)
	b.More = []ledger.Hash{w.hash(), w.hash()}
	w.say(w.patient, w.health, b)
	f, _ := w.state.Compartment(w.health)
	pieces := f.Epoch.Shred()
	if len(pieces) != 3 || pieces[0].Hash != b.Shred || pieces[2].Hash != b.More[1] || pieces[2].Name != "shred-2" {
		t.Fatalf("the shred is %v", pieces)
	}
	if epoch, parts := ledger.Parts(b); epoch != 1 || len(parts) != 3 {
		t.Errorf("it names %v", parts)
	}
	for _, tt := range []struct {
		name string
		edit func(*ledger.RecordErased)
		text string
	}{
		{"the old shred", func(b *ledger.RecordErased) { b.Shred = pieces[0].Hash }, "no new key state"},
		{"a piece of the old one", func(b *ledger.RecordErased) { b.More = []ledger.Hash{pieces[1].Hash} }, "no new key state"},
		{"another part", func(b *ledger.RecordErased) { b.Shred = f.Epoch.Parts[0].Hash }, "no new key state"},
		{"a piece twice", func(b *ledger.RecordErased) { b.More = []ledger.Hash{b.Shred} }, "no new key state"},
		{"no hash", func(b *ledger.RecordErased) { b.More = []ledger.Hash{{}} }, "no new key state"},
		{"too many pieces", func(b *ledger.RecordErased) { b.More = make([]ledger.Hash, ledger.MaxPieces) }, "pieces"},
		{"too many records", func(b *ledger.RecordErased) {
			b.Records, b.Leaves = make([]ledger.EventID, ledger.MaxErased+1), make([][6]byte, ledger.MaxErased+1)
		}, "more than 10000"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := w.erasure(second)
			tt.edit(b)
			refused(t, w.try(w.signed(w.patient, w.health, b)), ledger.ErrInvalid, tt.text)
		})
	}
	w.say(w.patient, w.health, w.erasure(second))
	if f, _ = w.state.Compartment(w.health); len(f.Epoch.Shred()) != 1 || f.Epoch.Erased != 2 {
		t.Errorf("the shred is %v after %d erasures", f.Epoch.Shred(), f.Epoch.Erased)
	}
	if w.state.Erased(w.health, third.ID) {
		t.Error("another record is erased")
	}
	start := w.start(w.health)
	start.Parts = append(start.Parts, w.part("shred-1"))
	refused(t, w.try(w.signed(w.patient, w.health, start)), ledger.ErrInvalid, "none that an epoch has")
}

// Nothing follows on the chain of a compartment that is erased, nobody is let in, and no key is named.
func TestCompartmentErasure(t *testing.T) {
	w := newWorld(t)
	session := w.open(w.doctor, w.health, ledger.OpWrite, w.byDoctor)
	late := map[string]*ledger.Event{
		"a record":   w.signed(w.patient, w.health, w.record(w.health)),
		"a doctor's": w.signed(w.doctor, w.health, w.record(w.health), in(session)),
		"a policy":   w.signed(w.patient, w.health, w.set(w.health)),
		"an epoch":   w.signed(w.patient, w.health, w.start(w.health)),
		"an erasure": w.signed(w.patient, w.health, w.erasure(w.first)),
		"the same":   w.signed(w.patient, w.health, &ledger.CompartmentErased{}),
		"a creation": w.signed(w.patient, w.health, &ledger.CompartmentCreated{Class: ledger.HealthClass}),
	}
	refused(t, w.try(w.signed(w.doctor, w.health, &ledger.CompartmentErased{}, in(session))), ledger.ErrInvalid, "only the patient erases")
	last := w.say(w.patient, w.health, &ledger.CompartmentErased{Reason: "moved away"})
	f, ok := w.state.Compartment(w.health)
	if !ok || !f.Erased || f.Epoch != nil || len(f.Past)+len(f.Terms) > 0 || f.Set != nil || f.Must {
		t.Errorf("the compartment is %+v", f)
	}
	if !w.state.Erased(w.health, w.first.ID) {
		t.Error("its records are not erased")
	}
	for name, e := range late {
		t.Run(name, func(t *testing.T) {
			e.Number, e.Prev = last.Number+1, last.Hash
			w.sign(map[bool]*person{true: w.patient, false: w.doctor}[e.Author == w.patient.GID()], e)
			refused(t, w.try(e), ledger.ErrInvalid, "")
		})
	}
	_, err := w.state.Entitled(w.doctor.GID(), w.health, ledger.OpRead, w.byDoctor, w.now)
	refused(t, err, err, "not in force")
	refused(t, w.try(w.signed(w.node, w.access, w.opened(w.agent, w.health, ledger.OpRead, w.byAgent))), ledger.ErrInvalid, "not in force")
	refused(t, w.try(w.signed(w.node, w.access, &ledger.SessionRenewed{Session: session, Expires: w.now.Add(ledger.MaxSession).UnixMilli()})),
		ledger.ErrInvalid, "not in force")
	w.say(w.node, w.access, &ledger.SessionClosed{Session: session, Reason: "erased"})
	w.say(w.patient, w.training, w.record(w.training)) // the other one goes on
}

// A record is erased as a whole when its compartments are. Then only the ends of sessions are still logged.
func TestPatientErasure(t *testing.T) {
	w := newWorld(t)
	session := w.open(w.agent, w.health, ledger.OpRead, w.byAgent)
	gone := &ledger.PatientErased{Reason: "emigrated"}
	refused(t, w.try(w.signed(w.patient, w.profile, gone)), ledger.ErrConflict, "2 compartments of the record")
	w.say(w.patient, w.health, &ledger.CompartmentErased{})
	refused(t, w.try(w.signed(w.patient, w.profile, gone)), ledger.ErrConflict, "1 compartments of the record")
	w.say(w.patient, w.training, &ledger.CompartmentErased{})
	dental := ledger.RecordChain(w.patient.GID(), "dental")
	w.say(w.patient, dental, &ledger.CompartmentCreated{Class: ledger.HealthClass})
	refused(t, w.try(w.signed(w.patient, w.profile, gone)), ledger.ErrConflict, "1 compartments of the record")
	w.say(w.patient, dental, &ledger.CompartmentErased{})
	refused(t, w.try(w.signed(w.other, w.profile, gone)), ledger.ErrInvalid, "may not say it")
	w.say(w.patient, w.profile, gone)

	own := ledger.GrantAttribute(w.patient.GID(), w.byNobody)
	if _, ok := w.state.Patient(w.patient.GID()); ok || !w.state.PatientErased(w.patient.GID()) || w.state.Holds(w.nobody.GID(), own) {
		t.Error("the patient's own authority still counts")
	}
	another := ledger.RecordChain(w.patient.GID(), "emergency")
	for name, e := range map[string]*ledger.Event{
		"the same":      w.signed(w.patient, w.profile, gone),
		"registering":   w.signed(w.patient, w.profile, &ledger.PatientRegistered{Key: w.patient.master.PublicKey().Bytes()}),
		"a grant's key": w.signed(w.patient, w.profile, w.issued(w.patient, w.doctor, own.Name, 1)),
		"a compartment": w.signed(w.patient, another, &ledger.CompartmentCreated{Class: ledger.HealthClass}),
		"a session":     w.signed(w.node, w.access, w.opened(w.agent, w.health, ledger.OpRead, w.byAgent)),
		"a refusal": w.signed(w.node, w.access, &ledger.SessionRefused{
			GID: w.nobody.GID(), Operation: ledger.OpRead, Compartment: ledger.Health, Reason: "no term", Count: 3,
		}),
	} {
		t.Run(name, func(t *testing.T) { refused(t, w.try(e), ledger.ErrInvalid, "is erased") })
	}
	w.say(w.node, w.access, &ledger.SessionClosed{Session: session, Reason: "erased"})
	if ok := w.state.PatientErased(w.other.GID()); ok {
		t.Error("another patient is erased too")
	}
}

// A reader who sees a part of the log learns of it in any order.
func TestPatientErasureInPart(t *testing.T) {
	w := newWorld(t)
	w.say(w.patient, w.health, &ledger.CompartmentErased{})
	w.say(w.patient, w.training, &ledger.CompartmentErased{})
	end := w.say(w.patient, w.profile, &ledger.PatientErased{})
	r := newReader(w)
	if err := r.learn(func(e *ledger.Entry) bool { return e.Chain == ledger.PersonChain(w.patient.GID()) }); err != nil {
		t.Fatal(err)
	}
	if err := r.Fold(end); err != nil {
		t.Fatal(err)
	}
	if err := r.learn(func(e *ledger.Entry) bool { return e.Chain == w.profile || e.Chain == w.health }); err != nil {
		t.Fatal(err)
	}
	if _, ok := r.Patient(w.patient.GID()); ok || !r.PatientErased(w.patient.GID()) || !r.Erased(w.health, w.first.ID) {
		t.Error("the reader does not know that it is erased")
	}
}
