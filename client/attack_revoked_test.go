package client_test

import (
	"slices"
	"testing"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/ledger"
)

// A revoked reader keeps everything: the home with all attribute keys, the keys of every epoch that was opened, and a copy of
// the log and of all key material that the node has, also of later epochs. None of it opens what is written afterwards,
// whoever writes and however often keys change, not even when an epoch holds a wrap for the same role again.
func TestAttack49_RevokedReaderKeepsEverything(t *testing.T) {
	w := inTown(t)
	maria, ruiz, agent := w.patient(), w.the("doctor@city-hospital"), w.person()
	w.enrol(agent, "agent@acme-insurance")
	hers := w.book(maria, maria, ledger.Health)
	w.grant(hers, client.GrantRequest{To: "doctor@city-hospital", Write: true})
	role := w.grant(hers, client.GrantRequest{To: "agent@acme-insurance"}).Term.ID
	named := w.grant(hers, client.GrantRequest{To: gid(agent) + " and agent@acme-insurance", FromNow: true}).Term.ID
	his, its := w.book(ruiz, maria, ledger.Health), w.book(agent, maria, ledger.Health)
	w.write(hers, "one")
	must(t, his.Rotate(w.ctx))
	w.write(his, "two")
	w.reads("the insurer", its, "one", "two")
	held, err := its.Hold(w.ctx, ledger.OpRead)
	must(t, err)

	must(t, hers.Revoke(w.ctx, role))
	must(t, hers.Revoke(w.ctx, named))
	kept := len(w.entriesOf(hers))
	steps := []func(){
		func() { w.write(hers, "three") },
		func() { w.write(his, "four") },
		func() { must(t, his.Rotate(w.ctx)); w.write(his, "five") },
		func() {
			w.grant(hers, client.GrantRequest{To: "doctor@county-hospital", FromNow: true})
			w.write(hers, "six")
		},
		func() { w.texts(hers); must(t, hers.Rotate(w.ctx)); w.write(his, "seven") },
	}
	w.the("doctor@county-hospital")
	for _, step := range steps {
		step()
		f, err := hers.Fact(w.ctx)
		must(t, err)
		before, _ := f.At(f.Epoch.Number - 1)
		parts, err := hers.Parts(w.ctx)
		must(t, err)
		if its.Unlocks(f.Epoch, before, parts) {
			t.Errorf("epoch %d opens under keys of before", f.Epoch.Number)
		}
		if err := its.OpenStolen(w.ctx, f, parts); err == nil {
			t.Errorf("epoch %d opens with stolen parts", f.Epoch.Number)
		}
	}
	for _, e := range w.entriesOf(hers)[kept:] {
		if its.Opens(e) {
			t.Errorf("event %d opens under keys of before", e.Number)
		}
	}
	for _, e := range w.entriesOf(hers)[:kept] {
		if !its.Opens(e) {
			t.Errorf("event %d, which was given, does not open: the test proves nothing", e.Number)
		}
	}
	w.barred("the revoked insurer", its)
	w.barred("the revoked insurer, anew,", w.cold(hers, agent.Home()))
	if _, err := held.Parts(w.ctx); err == nil {
		t.Error("the session that was open still fetches keys")
	}
	w.reads("the patient", hers, "one", "two", "three", "four", "five", "six", "seven")
}

// entriesOf returns the record events of a book as they are now.
func (w *world) entriesOf(b *client.Book) []*ledger.Entry {
	w.t.Helper()
	w.texts(b)
	return slices.Clone(b.Entries())
}

// A doctor is removed, and an epoch still holds a wrap for the version that the doctor has. The patient's client finds out when
// it looks at the epoch, says so, and goes on in another one before anything more is written.
func TestAttack65_PatientFindsOutdatedEpoch(t *testing.T) {
	w := newWorld(t)
	lines := newTally()
	home := newHome(t)
	config := w.config(home)
	config.Log = lines.logger()
	maria := w.dial(config)
	must(t, maria.RegisterPatient(w.ctx))
	ruiz, left := w.the("doctor@city-hospital"), w.person()
	w.enrol(left, "doctor@city-hospital")
	hers := w.book(maria, maria, ledger.Health)
	w.grant(hers, client.GrantRequest{To: "doctor@city-hospital", Write: true})
	his, former := w.book(ruiz, maria, ledger.Health), w.book(left, maria, ledger.Health)
	w.write(his, "one")
	w.reads("the one who leaves", former, "one")
	must(t, his.Rotate(w.ctx))
	w.texts(former)
	w.version(w.authority("city-hospital"), "doctor", 2, ruiz)

	w.reads("the patient", hers, "one")
	w.epoch(hers, 3)
	if n := lines.of("epoch_outdated"); n != 1 {
		t.Errorf("it was said %d times, want once", n)
	}
	w.write(hers, "two")
	w.epoch(hers, 3)
	for _, e := range w.entriesOf(hers)[1:] {
		if former.Opens(e) {
			t.Error("the removed doctor opens what was written afterwards")
		}
	}
	w.reads("the doctor", his, "one", "two")
}
