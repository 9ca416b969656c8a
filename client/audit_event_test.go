package client_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/projections/chart/fhir"
)

// auditEvent is an AuditEvent resource as its reader sees it.
type auditEvent = consent

// auditEvents writes an accounting as FHIR, and reads it as any other file.
func auditEvents(t testing.TB, a *client.Accounting) []auditEvent {
	t.Helper()
	var out bytes.Buffer
	must(t, a.WriteFHIR(&out))
	var bundle struct{ ResourceType, Type string }
	must(t, json.Unmarshal(out.Bytes(), &bundle))
	if bundle.ResourceType != "Bundle" || bundle.Type != "collection" {
		t.Errorf("it is a %s of type %s", bundle.ResourceType, bundle.Type)
	}
	entries, err := fhir.ReadAll(&out, fhir.Limits{})
	must(t, err)
	if len(entries) != len(a.Disclosures) {
		t.Fatalf("%d resources for %d disclosures", len(entries), len(a.Disclosures))
	}
	all := make([]auditEvent, len(entries))
	for i, e := range entries {
		must(t, json.Unmarshal(e.Resource.Raw, &all[i]))
		checkAuditEvent(t, all[i])
	}
	return all
}

// each returns the elements of a list.
func (c consent) each(list string) []auditEvent {
	all, _ := c[list].([]any)
	elements := make([]auditEvent, len(all))
	for i := range all {
		elements[i], _ = all[i].(map[string]any)
	}
	return elements
}

// of returns the elements of a list that have a code at a path.
func (c consent) of(list, path, code string) []auditEvent {
	return slices.DeleteFunc(c.each(list), func(e auditEvent) bool { return e.at(path) != code })
}

// checkAuditEvent checks what FHIR R4 asks of every AuditEvent: the elements that must be there, the codes of required bindings, that
// nothing is empty, and sev-1; and what IHE BALP asks of the profiles that it names.
func checkAuditEvent(t testing.TB, e auditEvent) {
	t.Helper()
	for path, want := range map[string]string{
		"resourceType": "^AuditEvent$", "id": fhirID.String(), "type.system": "^http", "type.code": "^(rest|110113)$", "action": "^[CRUDE]$",
		"recorded": fhirDateTime.String(), "period.start": fhirDateTime.String(), "outcome": "^(0|4|8|12)$", "text.status": "^generated$",
		"text.div": `^<div xmlns="http://www.w3.org/1999/xhtml">[^<>]+</div>$`, "source.observer.identifier.value": "^[a-z2-7]{32}$",
		"agent.0.who.identifier.value": "^[a-z2-7]{32}$", "entity.0.what.identifier.value": "^[a-z2-7]{32}$",
	} {
		if got := e.at(path); !regexp.MustCompile(want).MatchString(got) {
			t.Errorf("%s is %q, want %s", path, got, want)
		}
	}
	requestors := 0
	for _, agent := range e.each("agent") {
		requestor, there := agent["requestor"].(bool)
		if !there {
			t.Errorf("an agent does not say whether it asked: %v", agent)
		}
		if requestor {
			requestors++
		}
	}
	if requestors != 1 {
		t.Errorf("%d agents asked", requestors)
	}
	for _, entity := range e.each("entity") {
		if entity["what"] == nil || entity["name"] != nil && entity["query"] != nil {
			t.Errorf("an entity is %v", entity)
		}
		for _, d := range entity.each("detail") {
			if d.at("type") == "" || d.at("valueString") == "" {
				t.Errorf("a detail is %v", d)
			}
		}
	}
	nothingEmpty(t, map[string]any(e), "AuditEvent")
	checkProfile(t, e)
}

// nothingEmpty checks that every element has a value or children.
func nothingEmpty(t testing.TB, v any, path string) {
	t.Helper()
	switch v := v.(type) {
	case map[string]any:
		if len(v) == 0 {
			t.Errorf("%s is empty", path)
		}
		for name, child := range v {
			nothingEmpty(t, child, path+"."+name)
		}
	case []any:
		if len(v) == 0 {
			t.Errorf("%s is empty", path)
		}
		for i, child := range v {
			nothingEmpty(t, child, fmt.Sprint(path, ".", i))
		}
	case string:
		if v == "" {
			t.Errorf("%s is empty", path)
		}
	case nil:
		t.Errorf("%s is null", path)
	}
}

// checkProfile checks the slices of IHE BALP's PatientRead and PatientUpdate. What failed claims neither.
func checkProfile(t testing.TB, e auditEvent) {
	t.Helper()
	const balp = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit."
	interaction, action, client, server, user := "read", "R", "110152", "110153", "IRCP"
	switch e.at("meta.profile.0") {
	case "":
		if e.at("outcome") == "0" {
			t.Error("what went well claims no profile")
		}
		return
	case balp + "PatientUpdate":
		interaction, action, client, server, user = "update", "U", server, client, "AUT"
	case balp + "PatientRead":
	default:
		t.Fatalf("the profile is %q", e.at("meta.profile.0"))
	}
	if e.at("type.code") != "rest" || e.at("subtype.0.code") != interaction || e.at("action") != action || e.at("outcome") != "0" {
		t.Errorf("%s, %s, %s, %s", e.at("type.code"), e.at("subtype.0.code"), e.at("action"), e.at("outcome"))
	}
	for _, code := range []string{client, server} {
		if ends := e.of("agent", "type.coding.0.code", code); len(ends) != 1 || ends[0].at("who.identifier.value") == "" || ends[0]["network"] == nil {
			t.Errorf("the agents %s are %v", code, ends)
		}
	}
	if users := e.of("agent", "type.coding.0.code", user); len(users) != 1 || users[0]["requestor"] != true || users[0]["network"] != nil {
		t.Errorf("the users are %v", users)
	}
	if who := e.of("entity", "type.code", "1"); len(who) != 1 || who[0].at("role.code") != "1" || who[0].at("what.type") != "Patient" {
		t.Errorf("the patients are %v", who)
	}
	if what := e.of("entity", "type.code", "2"); len(what) != 1 || what[0].at("role.code") != "4" {
		t.Errorf("the data are %v", what)
	}
}

// AuditEvents say what the accounting says.
func TestAuditEvents(t *testing.T) {
	d := newWard(newWorld(t))
	ruiz := d.the("doctor@city-hospital")
	granted := d.grant(d.hers, client.GrantRequest{To: "doctor@city-hospital", Write: true, Purpose: "TREAT"})
	d.write(d.book(ruiz, d.maria, ledger.Health), "takes warfarin")
	must(t, d.hers.Revoke(d.ctx, granted.Term.ID))
	lapsed, err := d.ask(d.medic)
	must(t, err)
	_, err = d.medic.EndEmergency(d.ctx, d.maria.GID(), lapsed.ID(), "")
	must(t, err)
	d.clock.forward(10 * time.Minute)
	_, theirs := d.open()
	d.reads("the medic", theirs, "allergic to penicillin", "takes warfarin")
	a, _ := d.accounting(d.maria, client.AccountingQuery{})
	events := auditEvents(t, a)
	if len(events) != 3 {
		t.Fatalf("%d events", len(events))
	}
	written, asked, read := events[0], events[1], events[2]
	stamp := func(at time.Time) string { return at.UTC().Format("2006-01-02T15:04:05.000Z") }
	for path, want := range map[string]string{
		"id": a.Disclosures[0].Places[0].Event.String(), "recorded": stamp(a.Disclosures[0].From),
		"source.observer.identifier.value":      string(d.maria.Node().GID),
		"purposeOfEvent.0.coding.0.code":        "TREAT",
		"agent.0.purposeOfUse.0.coding.0.code":  "TREAT",
		"agent.0.name":                          "Dr doctor",
		"agent.0.who.display":                   "Dr doctor of city-hospital",
		"agent.1.network.extension.0.valueCode": "unknown",
		"entity.0.what.identifier.value":        string(d.maria.GID()),
		"entity.1.what.identifier.value":        "health",
		"entity.2.type.code":                    "Consent",
		"entity.2.what.identifier.value":        granted.Term.ID.String(),
		"entity.2.what.display":                 "doctor@city-hospital",
		"entity.2.detail.1.type":                "revoked",
		"entity.3.type.code":                    "DocumentReference",
		"entity.3.detail.1.valueString":         a.Disclosures[0].Places[0].Hash.String(),
	} {
		if got := written.at(path); got != want {
			t.Errorf("%s of what was written is %q, want %q", path, got, want)
		}
	}
	if asked.at("outcome") != "4" || asked.at("subtype.0.code") != "110127" || asked.at("purposeOfEvent.0.coding.0.code") != "BTG" {
		t.Errorf("what was asked for in vain: %v", asked)
	}
	if read.at("purposeOfEvent.0.coding.0.code") != "BTG" || len(read.of("agent", "type.coding.0.code", "VRF")) != 1 || read.at("period.end") != "" {
		t.Errorf("what was read in an emergency: %v", read)
	}
	if empty := auditEvents(t, &client.Accounting{}); len(empty) != 0 {
		t.Errorf("nothing is %v", empty)
	}
}
