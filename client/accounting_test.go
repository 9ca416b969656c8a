package client_test

import (
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/ledger"
)

// accounting returns a patient's, each line in a few words.
func (w *world) accounting(patient *client.Client, q client.AccountingQuery) (*client.Accounting, []string) {
	w.t.Helper()
	a, err := patient.Accounting(w.ctx, q)
	must(w.t, err)
	if a.Patient != patient.GID() || a.Node != patient.Node().GID {
		w.t.Errorf("the accounting of %s by %s", a.Patient, a.Node)
	}
	var lines []string
	for i := range a.Disclosures {
		d := &a.Disclosures[i]
		lines = append(lines, fmt.Sprintf("%s %s", d.Who, d.What()))
		if len(d.Places) == 0 || d.Places[0].Sequence == 0 || d.From.IsZero() || d.Until.Before(d.From) {
			w.t.Errorf("%s: from %s to %s, by %v", lines[i], d.From, d.Until, d.Places)
		}
	}
	return a, lines
}

// A session is one line from its opening to its end, whatever it was renewed in between, and tells under which grant, also once that is
// revoked.
func TestAccounting(t *testing.T) {
	w := newWorld(t)
	maria, ruiz := w.patient(), w.the("doctor@city-hospital")
	hers, his := w.book(maria, maria, ledger.Health), w.book(ruiz, maria, ledger.Health)
	granted := w.grant(hers, client.GrantRequest{To: "doctor@city-hospital", Write: true, Purpose: "TREAT"})
	w.write(his, "one")
	for range 3 {
		w.clock.forward(11*time.Minute + 30*time.Second)
		w.write(his, "another")
	}
	a, lines := w.accounting(maria, client.AccountingQuery{})
	if !slices.Equal(lines, []string{"Dr doctor of city-hospital write health"}) {
		t.Fatalf("the accounting has %q", lines)
	}
	d := a.Disclosures[0]
	if d.Who.GID != ruiz.GID() || d.Who.Authority != "city-hospital" || !d.First || d.Acting || !d.Open || d.Outcome != "" || len(d.Places) != 4 ||
		d.Until.Sub(d.From) < 40*time.Minute || d.Node != maria.Node().GID {
		t.Errorf("while it goes on: %+v", d)
	}
	if g := d.Grant; g.ID != granted.Term.ID || g.To != "doctor@city-hospital" || g.Purpose != "TREAT" || g.Granted.IsZero() || !g.Revoked.IsZero() {
		t.Errorf("under %+v", g)
	}

	expires := d.Until
	must(t, hers.Revoke(w.ctx, granted.Term.ID))
	for a.Disclosures[0].Open { // a session's end is written down a moment after it
		a, _ = w.accounting(maria, client.AccountingQuery{})
	}
	d = a.Disclosures[0]
	if d.Outcome == "" || !d.Until.Before(expires) || len(d.Places) != 5 || d.Grant.Revoked.IsZero() || d.Grant.Purpose != "TREAT" {
		t.Errorf("once revoked: %+v under %+v", d, d.Grant)
	}

	// What nobody ends expires.
	w.grant(hers, client.GrantRequest{To: "doctor@city-hospital"})
	w.texts(his)
	w.clock.forward(time.Hour)
	a, _ = w.accounting(maria, client.AccountingQuery{})
	if d = a.Disclosures[1]; d.First || d.Open || d.Outcome != "expired" || d.Until.After(d.From.Add(ledger.MaxSession)) {
		t.Errorf("after an hour: %+v", d)
	}
	testQueries(w, maria, a.Disclosures)
}

// testQueries asks for parts of an accounting of two lines, an hour apart.
func testQueries(w *world, maria *client.Client, all []client.Disclosure) {
	w.t.Helper()
	first, second := all[0], all[1]
	for name, test := range map[string]struct {
		q    client.AccountingQuery
		want int
	}{
		"all":                     {client.AccountingQuery{}, 2},
		"since the first ended":   {client.AccountingQuery{Since: first.Until}, 2},
		"after the first ended":   {client.AccountingQuery{Since: first.Until.Add(time.Millisecond)}, 1},
		"before the second began": {client.AccountingQuery{Until: second.From}, 1},
		"before all":              {client.AccountingQuery{Until: first.From}, 0},
		"in the midst of one":     {client.AccountingQuery{Since: first.From.Add(time.Minute), Until: first.From.Add(time.Minute)}, 1},
		"of the doctor":           {client.AccountingQuery{GID: first.Who.GID}, 2},
		"of somebody else":        {client.AccountingQuery{GID: maria.GID()}, 0},
		"of health":               {client.AccountingQuery{Compartment: ledger.Health}, 2},
		"of training":             {client.AccountingQuery{Compartment: ledger.Training}, 0},
	} {
		if a, _ := w.accounting(maria, test.q); len(a.Disclosures) != test.want {
			w.t.Errorf("%s: %d lines, want %d", name, len(a.Disclosures), test.want)
		}
	}
}

// People are called as the authority does that their grant names; proxies are told from others; who was refused is listed.
func TestAccountingSaysWho(t *testing.T) {
	w := inTown(t)
	maria, trainer, ana, both := w.patient(), w.the("trainer@iron-gym"), w.person(), w.person()
	w.enrol(both, "doctor@city-hospital")
	w.enrol(both, "trainer@iron-gym")
	must(t, ana.RegisterIdentity(w.ctx))
	hers := w.book(maria, maria, ledger.Health)
	w.grant(hers, client.GrantRequest{To: "doctor@city-hospital"})
	w.grant(w.book(maria, maria, ledger.Training), client.GrantRequest{To: "trainer@iron-gym"})
	named := w.proxy(maria, ana, true, ledger.Health)
	w.texts(w.book(both, maria, ledger.Health))
	w.texts(w.book(both, maria, ledger.Training))
	w.write(w.book(ana, maria, ledger.Health), "for her")
	term, err := ledger.NewTermID(rand.Reader, w.clock.now())
	must(t, err)
	if err := w.book(trainer, maria, ledger.Health).Force(w.ctx, ledger.OpWrite, term); err == nil {
		t.Fatal("the trainer is let in")
	}
	want := []string{
		"Dr doctor of city-hospital read health", "Dr trainer of iron-gym read training",
		string(ana.GID()) + " write health, acting for the patient", "Dr trainer of iron-gym refused to write health",
	}
	var a *client.Accounting
	var lines []string
	for len(lines) < len(want) { // a refusal is written down a moment after it
		a, lines = w.accounting(maria, client.AccountingQuery{})
	}
	if !slices.Equal(lines, want) {
		t.Fatalf("the accounting has %q, want %q", lines, want)
	}
	if d := a.Disclosures[2]; d.Grant.ID != named[0].Term.ID || d.Grant.To != "gid:"+string(ana.GID()) || !d.First {
		t.Errorf("the proxy: %+v under %+v", d, d.Grant)
	}
	if d := a.Disclosures[3]; d.Grant != nil || d.Refused != 1 || d.Outcome == "" || d.First || d.Open || !d.Until.Equal(d.From) {
		t.Errorf("the refusal: %+v", d)
	}

	// What is erased stays accounted for.
	must(t, maria.EraseCompartment(w.ctx, ledger.Health, ""))
	if a, _ := w.accounting(maria, client.AccountingQuery{GID: ana.GID()}); len(a.Disclosures) != 1 || a.Disclosures[0].Grant.To == "" {
		t.Errorf("once erased: %+v", a.Disclosures)
	}
}

// An emergency is told with the session that rests on it: why, who approved, what was found. One in which nobody read is a line of its own.
func TestAccountingOfEmergencies(t *testing.T) {
	d := newWard(newWorld(t))
	lapsed, err := d.ask(d.medic)
	must(t, err)
	_, err = d.medic.EndEmergency(d.ctx, d.maria.GID(), lapsed.ID(), "the wrong patient")
	must(t, err)
	d.clock.forward(10 * time.Minute)
	e, theirs := d.open()
	d.reads("the medic", theirs, "allergic to penicillin")
	_, err = d.maria.EndEmergency(d.ctx, d.maria.GID(), e.ID(), "awake")
	must(t, err)
	_, err = d.second.ReviewEmergency(d.ctx, d.maria.GID(), e.ID(), "justified")
	must(t, err)
	var all []client.Disclosure
	for len(all) < 2 || all[1].Open { // a session's end is written down a moment after it
		a, lines := d.accounting(d.maria, client.AccountingQuery{})
		all = a.Disclosures
		if len(lines) > 2 {
			t.Fatalf("the accounting has %q", lines)
		}
	}
	if x := all[0]; x.What() != "asked to read health in an emergency" || x.Outcome != "not approved; ended: the wrong patient" || x.Open || x.First ||
		x.Approver.GID != "" || x.Emergency.ID() != lapsed.ID() || len(x.Places) != 2 || x.Node != "" || x.Until.After(e.Requested.LogTime) {
		t.Errorf("what came to nothing: %+v", x)
	}
	x := all[1]
	if x.What() != "read health in an emergency" || x.Emergency.Reason() != why || x.Approver.String() != "Dr supervisor of city-hospital" ||
		x.Approver.GID != d.chief.GID() || !x.First || len(x.Places) != 7 || !strings.Contains(x.Grant.Approval, mayApprove) {
		t.Errorf("what was opened: %+v", x)
	}
	if len(x.Reviews) != 1 || x.Reviews[0].Who.GID != d.second.GID() || x.Reviews[0].Finding != "justified" || x.Reviews[0].Time.IsZero() {
		t.Errorf("reviewed by %+v", x.Reviews)
	}
}
