package view_test

import (
	"slices"
	"testing"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/web/view"
)

// What stops is shown before it does, with what they keep and what is still open to them.
func TestRevoke(t *testing.T) {
	w := newWorld(t)
	maria, leo := w.patient("Maria"), w.holder("trainer@iron-gym", "Leo")
	person := "gid:" + string(leo.GID())
	id := func(name ledger.Compartment, r client.GrantRequest) string {
		return maria.grant(name, r).Term.ID.String()
	}
	read := id(ledger.Training, client.GrantRequest{To: person})
	more := id(ledger.Training, client.GrantRequest{To: person, FromNow: true})
	health := id(ledger.Health, client.GrantRequest{To: person})
	club := id(ledger.Training, client.GrantRequest{To: "trainer@iron-gym"})

	p := call[view.RevokePreview](maria, "revoke.preview", view.GrantNames{Grants: []string{health}})
	if p.Opened || p.Sessions != 0 || p.LastOpened != nil || len(p.StillOpen) != 3 {
		t.Errorf("%+v; want nothing opened yet, and three others", p)
	}
	_, err := leo.book(maria, ledger.Health).Records(w.ctx)
	must(t, err)
	p = call[view.RevokePreview](maria, "revoke.preview", view.GrantNames{Grants: []string{health, read, more}})
	if !p.Opened || p.Sessions != 1 || p.LastOpened == nil || !slices.Equal(p.Compartments, []string{"health", "training"}) || p.To.Name != "Leo" {
		t.Errorf("%+v; want that Leo loses both, and keeps what was opened", p)
	}
	if len(p.StillOpen) != 1 || p.StillOpen[0].ID != club || p.StillOpen[0].Compartment != "training" {
		t.Errorf("still open by %+v; want by being one of the club's trainers", p.StillOpen)
	}
	s := call[view.Sharing](maria, "revoke.make", view.Token{Token: p.Token})
	if len(s.Compartments[0].Grants) != 0 || len(s.Compartments[1].Grants) != 1 || s.Compartments[1].Grants[0].ID != club {
		t.Errorf("%+v; want the club's grant alone", s)
	}
	_, err = try[view.Sharing](maria, "revoke.make", view.Token{Token: p.Token})
	failing(t, err, view.CodeMoved)
	_, err = try[view.RevokePreview](maria, "revoke.preview", view.GrantNames{Grants: []string{health}})
	failing(t, err, view.CodeMoved)
	_, err = try[view.RevokePreview](maria, "revoke.preview", view.GrantNames{})
	failing(t, err, view.CodeInput)

	last := id(ledger.Training, client.GrantRequest{To: person})
	_, err = try[view.RevokePreview](maria, "revoke.preview", view.GrantNames{Grants: []string{last, club}})
	failing(t, err, view.CodeInput)
	p = call[view.RevokePreview](maria, "revoke.preview", view.GrantNames{Grants: []string{last}})
	id(ledger.Training, client.GrantRequest{To: person, FromNow: true})
	_, err = try[view.Sharing](maria, "revoke.make", view.Token{Token: p.Token})
	failing(t, err, view.CodeMoved)
}

// A part is added, goes on under new keys, and has a name of its own.
func TestCompartments(t *testing.T) {
	w := newWorld(t)
	maria := w.patient("")
	s := call[view.Sharing](maria, "compartment.create", view.NewCompartment{Name: "fertility", Class: "health"})
	if len(s.Compartments) != 3 || s.Compartments[0].Name != "fertility" || len(s.Compartments[0].Grants) != 0 {
		t.Errorf("%+v; want another, shared with nobody", s)
	}
	for _, bad := range []view.NewCompartment{{Name: "fertility", Class: "health"}, {Name: "Two words", Class: "health"}, {Name: "money", Class: "bank"}} {
		_, err := try[view.Sharing](maria, "compartment.create", bad)
		failing(t, err, view.CodeInput)
	}
	call[view.Sharing](maria, "compartment.renew", view.CompartmentName{Compartment: "fertility"})
	if f, err := maria.book(maria, "fertility").Fact(w.ctx); err != nil || f.Epoch.Number != 2 {
		t.Errorf("%+v, %v; want its second epoch", f.Epoch, err)
	}
}
