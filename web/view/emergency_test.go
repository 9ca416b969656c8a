package view_test

import (
	"strings"
	"testing"
	"time"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/web/view"
)

const why = "found unconscious in the street, medicines unknown"

// An emergency from the terms to the review, as all who have a part in it see it.
func TestEmergency(t *testing.T) {
	w := newWorld(t)
	maria := w.maria()
	ruiz, okoye, other := w.holder("emergency@city-hospital", "Dr. A. Ruiz"), w.holder("supervisor@city-hospital", "Dr. B. Okoye"), w.holder("supervisor@city-hospital", "Dr. C")
	terms := call[view.Emergencies](maria, "emergency.allow", view.EmergencyTerms{
		Compartment: "health", Open: "emergency@city-hospital", Approve: "supervisor@city-hospital",
	})
	if len(terms.Offers) != 1 || terms.Offers[0].To.Kind != "emergency" || terms.Offers[0].To.Approval != "supervisor@city-hospital" {
		t.Fatalf("%+v; want the terms", terms)
	}
	card := call[view.EmergencyCard](maria, "emergency.card", view.Nothing{})
	if len(card.Medicines) == 0 || len(card.Terms) != 1 || !strings.HasSuffix(card.Address, "#"+string(maria.GID())) || card.Patient.Name == "" {
		t.Errorf("%+v; want what is on it", card)
	}
	if p := call[view.GrantPreview](maria, "grant.preview", view.GrantDraft{To: "emergency@city-hospital", Compartments: []string{"training"}}); len(p.Cannot) != 1 {
		t.Errorf("%+v; want health among what they cannot open without an emergency", p)
	}
	patient := string(maria.GID())
	if offers := call[view.Emergencies](ruiz, "emergencies", view.Of{Patient: patient}).Offers; len(offers) != 1 || offers[0].Patient.GID != patient {
		t.Errorf("offered to the doctor: %+v", offers)
	}
	if offers := call[view.Emergencies](okoye, "emergencies", view.Of{Patient: patient}).Offers; len(offers) != 0 {
		t.Errorf("offered to who may approve alone: %+v", offers)
	}
	_, err := try[view.Sharing](ruiz, "sharing", view.Of{Patient: patient})
	failing(t, err, view.CodeSealed)
	if log := call[view.AccessLog](maria, "access", view.AccessQuery{}); len(log.Lines) != 0 {
		t.Errorf("looking stands on the access log: %+v", log.Lines)
	}

	_, err = try[view.Emergency](ruiz, "emergency.request", view.EmergencyRequest{Patient: patient, Compartment: "health", Reason: "hurry"})
	failing(t, err, view.CodeOther)
	e := call[view.Emergency](ruiz, "emergency.request", view.EmergencyRequest{Patient: patient, Compartment: "health", Reason: why, Hours: 1})
	if e.State != "asked" || !e.MayEnd || e.MayApprove || e.Reason != why || e.Requester.Name != "Dr. A. Ruiz" {
		t.Errorf("asked: %+v", e)
	}
	act := view.EmergencyAct{Patient: patient, ID: e.ID}
	if all := call[view.Emergencies](okoye, "emergencies", view.Of{}).Emergencies; len(all) != 1 || !all[0].MayApprove {
		t.Fatalf("as the supervisor sees it: %+v", all)
	}
	call[view.Emergency](okoye, "emergency.approve", act)
	id, err := ledger.ParseEventID(e.ID)
	must(t, err)
	_, err = ruiz.AwaitEmergency(w.ctx, maria.GID(), id, nil)
	must(t, err)
	if all := call[view.Emergencies](ruiz, "emergencies", view.Of{Patient: patient}).Emergencies; all[0].State != "open" || all[0].Opened == nil || all[0].Approver.Name != "Dr. B. Okoye" {
		t.Errorf("approved: %+v", all)
	}
	reach := call[view.Sharing](ruiz, "sharing", view.Of{Patient: patient})
	if len(reach.Compartments) != 1 || reach.Compartments[0].Grants[0].To.Kind != "emergency" {
		t.Errorf("as the doctor sees it: %+v", reach)
	}
	records, err := ruiz.book(maria, ledger.Health).Records(w.ctx)
	must(t, err)
	if len(records) == 0 {
		t.Error("nothing was opened")
	}
	log := call[view.AccessLog](maria, "access", view.AccessQuery{})
	if len(log.Lines) != 1 || log.Lines[0].Outcome != "emergency" || log.Lines[0].Emergency != e.ID || log.Lines[0].Why != why {
		t.Errorf("on the access log: %+v", log.Lines)
	}

	own := view.EmergencyAct{ID: e.ID, Text: "I am awake"}
	if ended := call[view.Emergency](maria, "emergency.end", own); ended.State != "over" || !ended.MayReview || ended.MayEnd || ended.ReviewDue == nil {
		t.Errorf("ended: %+v", ended)
	}
	if _, err := try[view.Emergency](okoye, "emergency.review", view.EmergencyAct{Patient: patient, ID: e.ID, Text: "fine"}); err == nil {
		t.Error("who approved has reviewed")
	}
	reviewed := call[view.Emergency](other, "emergency.review", view.EmergencyAct{Patient: patient, ID: e.ID, Text: "as it should be"})
	if len(reviewed.Reviews) != 1 || reviewed.Reviews[0].By.Name != "Dr. C" || reviewed.MayReview || reviewed.ReviewDue != nil {
		t.Errorf("reviewed: %+v", reviewed)
	}
	if left := call[view.Emergencies](maria, "emergency.deny", view.CompartmentName{Compartment: "health"}); len(left.Offers) != 0 || len(left.Emergencies) != 1 {
		t.Errorf("denied: %+v", left)
	}
	_, err = try[view.Emergency](maria, "emergency.end", view.EmergencyAct{ID: "none"})
	failing(t, err, view.CodeInput)
}

// A patient chooses from the authorities in force, and from people who were there before.
func TestCircle(t *testing.T) {
	w := newWorld(t)
	maria, ana := w.patient(""), w.person()
	must(t, ana.RegisterIdentity(w.ctx))
	leo := w.holder("trainer@iron-gym", "Leo")
	w.holder("doctor@city-hospital", "Dr. A. Ruiz")
	maria.grant(ledger.Training, client.GrantRequest{To: "trainer@iron-gym"})
	gone := maria.grant(ledger.Training, client.GrantRequest{To: "gid:" + string(ana.GID())}).Term.ID
	must(t, maria.book(maria, ledger.Training).Revoke(w.ctx, gone))
	_, err := leo.book(maria, ledger.Training).Records(w.ctx)
	must(t, err)
	c := call[view.Circle](maria, "circle", view.Nothing{})
	if len(c.Authorities) != 2 || c.Authorities[0].Name != "city-hospital" || c.Authorities[1].Kind != "health-club" || c.Authorities[1].Asleep {
		t.Errorf("%+v; want the hospital and the club", c.Authorities)
	}
	if a := c.Authorities[1].Attributes; len(a) != 1 || a[0].Name != "trainer" || a[0].Version != 1 {
		t.Errorf("the club's roles: %+v", a)
	}
	if len(c.People) != 2 || c.People[0].Name != "Leo" || c.People[1].GID != string(ana.GID()) {
		t.Errorf("%+v; want Leo, and who was granted something once", c.People)
	}
	if theirs := call[view.Circle](leo, "circle", view.Nothing{}); len(theirs.Authorities) != 2 || len(theirs.People) != 0 {
		t.Errorf("of one who is no patient: %+v", theirs)
	}
	w.leave("iron-gym")
	w.clock.forward(72 * time.Hour)
	if c := call[view.Circle](maria, "circle", view.Nothing{}); !c.Authorities[1].Asleep {
		t.Errorf("later: %+v; want the club asleep", c.Authorities)
	}
}
