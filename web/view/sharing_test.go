package view_test

import (
	"testing"
	"time"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/web/view"
)

// A patient sees who can open what, until when, and who did last.
func TestSharing(t *testing.T) {
	w := newWorld(t)
	maria, ana := w.patient("Maria"), w.person()
	must(t, ana.RegisterIdentity(w.ctx))
	ruiz := w.holder("doctor@city-hospital", "Dr. A. Ruiz")
	until := w.clock.now().Add(1000 * time.Hour)
	maria.grant(ledger.Health, client.GrantRequest{To: "doctor@city-hospital", Write: true, Purpose: "TREAT", Until: until})
	maria.grant(ledger.Health, client.GrantRequest{To: "gid:" + string(ana.GID()), FromNow: true})
	maria.grant(ledger.Training, client.GrantRequest{To: "gid:" + string(ruiz.GID()) + " and doctor@city-hospital"})
	gone := maria.grant(ledger.Training, client.GrantRequest{To: "doctor@city-hospital"}).Term.ID
	must(t, maria.book(maria, ledger.Training).Revoke(w.ctx, gone))
	_, err := ruiz.book(maria, ledger.Health).Records(w.ctx)
	must(t, err)

	s := call[view.Sharing](maria, "sharing", view.Of{})
	if len(s.Compartments) != 2 || s.Compartments[0].Name != "health" || !s.Patient.Me || s.Patient.Name != "Maria" {
		t.Fatalf("%+v; want health and training of the patient", s)
	}
	health, training := s.Compartments[0], s.Compartments[1]
	if health.Class != "health" || health.Records != 0 || len(health.Grants) != 2 || len(training.Grants) != 1 {
		t.Fatalf("%+v, %+v; want two grants and one, and the card not counted", health, training)
	}
	role := health.Grants[0]
	if want := (view.Grantee{
		Kind: "role", Name: "doctor@city-hospital", Attribute: "doctor", Authority: "city-hospital", Of: "hospital", Expression: "doctor@city-hospital",
	}); role.To != want || !role.Write || !role.History || role.Purpose != "TREAT" || role.Ended {
		t.Errorf("to the role: %+v", role)
	}
	if role.Live != 1 || role.LastOpened == nil || role.LastBy != "Dr. A. Ruiz" || role.Since == nil || role.Until.UnixMilli() != until.UnixMilli() {
		t.Errorf("used: %+v; want opened by the doctor, and open", role)
	}
	person := health.Grants[1]
	if person.To.Kind != "person" || person.To.GID != string(ana.GID()) || person.History || person.LastOpened != nil {
		t.Errorf("to the person: %+v", person)
	}
	both := training.Grants[0].To
	if both.Kind != "person" || both.Name != "Dr. A. Ruiz" || both.Attribute != "doctor" || both.Authority != "city-hospital" {
		t.Errorf("to the person in a role: %+v", both)
	}

	theirs := call[view.Sharing](ruiz, "sharing", view.Of{Patient: string(maria.GID())})
	if len(theirs.Compartments) != 2 || theirs.Compartments[0].Grants[1].To.Kind != "person" || theirs.Compartments[0].Grants[1].To.GID != "" {
		t.Errorf("as the doctor sees it: %+v; want both, and nobody's GID but their own", theirs)
	}
	if own := theirs.Compartments[1].Grants[0].To; own.GID != string(ruiz.GID()) {
		t.Errorf("the doctor's own grant: %+v", own)
	}
	w.clock.forward(1001 * time.Hour)
	if s := call[view.Sharing](maria, "sharing", view.Of{}); !s.Compartments[0].Grants[0].Ended || s.Compartments[0].Grants[0].Live != 0 {
		t.Errorf("after its end: %+v; want it shown as ended", s.Compartments[0].Grants[0])
	}
	_, err = try[view.Sharing](ana, "sharing", view.Of{Patient: string(ruiz.GID())})
	failing(t, err, view.CodeSealed)
}
