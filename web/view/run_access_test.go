package view_test

import (
	"testing"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/web/view"
)

// Screens are told when somebody opens a record, when its reach changes elsewhere, and of emergencies.
func TestChangedAccess(t *testing.T) {
	w := newWorld(t)
	maria, ruiz := w.patient("Maria"), w.holder("emergency@city-hospital", "Dr. A. Ruiz")
	okoye := w.holder("supervisor@city-hospital", "Dr. B. Okoye")
	gid := string(maria.GID())
	call[view.Today](maria, "today", view.Nothing{})
	maria.runs()
	okoye.runs()

	tablet := w.at(maria.Home())
	p := call[view.GrantPreview](tablet, "grant.preview", view.GrantDraft{To: "emergency@city-hospital", Compartments: []string{"training"}})
	call[view.Sharing](tablet, "grant.make", view.Token{Token: p.Token})
	maria.hears(func(c view.Changed) bool {
		return c.What == "grants" && c.Patient == gid && c.Compartment == "training"
	})

	_, err := ruiz.book(maria, ledger.Training).Records(w.ctx)
	must(t, err)
	maria.hears(func(c view.Changed) bool { return c.What == "access" && c.Compartment == "training" })
	grants := call[view.Sharing](tablet, "sharing", view.Of{}).Compartments[1].Grants
	end := call[view.RevokePreview](tablet, "revoke.preview", view.GrantNames{Grants: []string{grants[0].ID}})
	call[view.Sharing](tablet, "revoke.make", view.Token{Token: end.Token})
	maria.hears(func(c view.Changed) bool { return c.What == "access" && c.Compartment == "training" }) // the session is over

	call[view.Emergencies](tablet, "emergency.allow", view.EmergencyTerms{
		Compartment: "health", Open: "emergency@city-hospital", Approve: "supervisor@city-hospital",
	})
	_, err = ruiz.Client.RequestEmergency(w.ctx, client.EmergencyRequest{Patient: maria.GID(), Compartment: ledger.Health, Reason: why})
	must(t, err)
	maria.hears(func(c view.Changed) bool { return c.What == "emergency" && c.Patient == gid })
	okoye.hears(func(c view.Changed) bool {
		return c.What == "emergency" && c.Patient == gid && c.Compartment == "health"
	})
}
