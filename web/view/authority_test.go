package view_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/phrledger/phr/authority"
	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/web/view"
)

// An authority invites, sees who came, and takes attributes away once it has seen what that does.
func TestAuthority(t *testing.T) {
	w := newWorld(t)
	maria, ruiz, okoye := w.patient(""), w.holder("doctor@city-hospital", "Dr. A. Ruiz"), w.holder("doctor@city-hospital", "Dr. B. Okoye")
	hospital := w.at(w.authority("city-hospital").Home())
	maria.grant(ledger.Health, client.GrantRequest{To: "doctor@city-hospital"})

	s := call[view.AuthorityState](hospital, "authority", view.Nothing{})
	if s.Name != "city-hospital" || s.Kind != "hospital" || !s.Endorsed || s.Fingerprint == "" || s.Owed != 0 || s.Rekeying || s.Serving {
		t.Errorf("%+v; want an endorsed hospital", s)
	}
	if len(s.Versions) != 1 || s.Versions[0].Version != 1 || len(s.Members) != 2 || s.Members[0].Name != "Dr. A. Ruiz" || len(s.Invitations) != 0 {
		t.Errorf("%+v; want two doctors, and no open invitation", s)
	}

	offer := call[view.Invited](hospital, "authority.invite", view.Offer{Attributes: []string{"nurse"}, Uses: 2, Days: 3, Note: "ward 5"})
	if !strings.HasPrefix(offer.Code, "city-hospital-") || offer.Uses != 2 || offer.Note != "ward 5" {
		t.Errorf("%+v; want an invitation with its code", offer)
	}
	nurse := w.person()
	code, err := authority.ParseCode(offer.Code)
	must(t, err)
	_, err = nurse.Client.Enroll(w.ctx, code, "Nina")
	must(t, err)
	s = call[view.AuthorityState](hospital, "authority", view.Nothing{})
	if len(s.Invitations) != 1 || s.Invitations[0].Taken != 1 || s.Invitations[0].ID != offer.ID || len(s.Versions) != 2 {
		t.Errorf("%+v; want one seat taken", s.Invitations)
	}

	impact := call[view.Impact](hospital, "authority.impact", view.Revocation{GID: string(ruiz.GID()), Reason: "left"})
	if impact.Member == nil || impact.Member.Name != "Dr. A. Ruiz" || impact.Holders != 1 || impact.Patients != 1 || impact.Compartments != 1 {
		t.Errorf("%+v; want that the other doctor gets a new key, and one compartment is touched", impact)
	}
	if want := []view.MovingKey{{Name: "doctor", Version: 2, Holders: 1}}; !slices.Equal(impact.Moving, want) {
		t.Errorf("moving %+v, want %+v", impact.Moving, want)
	}
	done := call[view.Revoked](hospital, "authority.revoke", view.Token{Token: impact.Token})
	if !slices.Equal(done.Attributes, []string{"doctor"}) {
		t.Errorf("%+v; want the doctors moved", done)
	}
	_, err = try[view.Revoked](hospital, "authority.revoke", view.Token{Token: impact.Token})
	failing(t, err, view.CodeMoved)
	s = call[view.AuthorityState](hospital, "authority.reissue", view.Nothing{})
	if s.Owed != 0 || s.Versions[0].Version != 2 || len(s.Members) != 2 || s.Members[0].GID != string(okoye.GID()) {
		t.Errorf("%+v; want the other doctor with a new key", s)
	}

	first := call[view.Impact](hospital, "authority.impact", view.Revocation{Attributes: []string{"nurse"}})
	second := call[view.Impact](hospital, "authority.impact", view.Revocation{Attributes: []string{"nurse"}})
	call[view.Revoked](hospital, "authority.revoke", view.Token{Token: second.Token})
	_, err = try[view.Revoked](hospital, "authority.revoke", view.Token{Token: first.Token})
	failing(t, err, view.CodeMoved)
	if _, err := try[view.Impact](hospital, "authority.impact", view.Revocation{GID: string(ruiz.GID())}); err == nil {
		t.Error("somebody is revoked twice")
	}
	if _, err := try[view.AuthorityState](maria, "authority", view.Nothing{}); err == nil {
		t.Error("a patient has an authority")
	}
}
