package view_test

import (
	"encoding/csv"
	"encoding/json"
	"strings"
	"testing"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/web/view"
)

// Who opened what, and who tried, is told newest first, with the grant that it rested on.
func TestAccessLog(t *testing.T) {
	w := newWorld(t)
	maria, leo, ruiz := w.patient("Maria"), w.holder("trainer@iron-gym", "Leo"), w.holder("doctor@city-hospital", "Dr. A. Ruiz")
	if log := call[view.AccessLog](maria, "access", view.AccessQuery{}); len(log.Lines) != 0 {
		t.Fatalf("%+v; want nobody yet", log)
	}
	grant := maria.grant(ledger.Health, client.GrantRequest{To: "doctor@city-hospital", Write: true}).Term.ID.String()
	club := maria.grant(ledger.Training, client.GrantRequest{To: "trainer@iron-gym"}).Term.ID
	ruiz.writes(maria, ledger.Health, "well")
	_, err := leo.book(maria, ledger.Training).Records(w.ctx)
	must(t, err)
	must(t, maria.book(maria, ledger.Training).Revoke(w.ctx, club))

	log := call[view.AccessLog](maria, "access", view.AccessQuery{})
	if len(log.Lines) < 2 {
		t.Fatalf("%+v; want the doctor and the trainer", log)
	}
	last := log.Lines[0]
	if last.Who.Name != "Leo" || last.Who.Authority != "iron-gym" || last.Open || last.Until == nil || last.Outcome != "opened" || last.Why == "" || !last.First {
		t.Errorf("the newest: %+v; want Leo's, ended by the revocation", last)
	}
	if last.Grant == nil || !last.Grant.Ended || last.Event == "" {
		t.Errorf("%+v; want the grant that is over", last)
	}
	wrote := log.Lines[len(log.Lines)-1]
	if wrote.Who.Name != "Dr. A. Ruiz" || wrote.Operation != "write" || !wrote.Open || wrote.Until != nil || wrote.Grant == nil || wrote.Grant.ID != grant {
		t.Errorf("the oldest: %+v; want the doctor's, which goes on", wrote)
	}
	one := call[view.AccessLog](maria, "access", view.AccessQuery{GID: string(leo.GID())})
	if len(one.Lines) != 1 || one.Lines[0].Who.GID != string(leo.GID()) {
		t.Errorf("%+v; want Leo's alone", one)
	}
	now := w.clock.now()
	if part := call[view.AccessLog](maria, "access", view.AccessQuery{Compartment: "training", Since: &now}); len(part.Lines) != 0 {
		t.Errorf("%+v; want nothing since", part)
	}

	table := call[view.Download](maria, "access.export", view.Format{Format: "csv"})
	if rows, err := csv.NewReader(strings.NewReader(string(table.Bytes))).ReadAll(); err != nil || len(rows) != len(log.Lines)+1 {
		t.Errorf("%s: %d rows, %v", table.Name, len(rows), err)
	}
	events := call[view.Download](maria, "access.export", view.Format{Format: "fhir"})
	if !json.Valid(events.Bytes) || !strings.Contains(string(events.Bytes), "AuditEvent") {
		t.Errorf("%s: %s", events.Name, events.Bytes)
	}
	_, err = try[view.Download](maria, "access.export", view.Format{Format: "pdf"})
	failing(t, err, view.CodeInput)
}
