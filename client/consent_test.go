package client_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/projections/chart/fhir"
)

// consent is a Consent resource as its reader sees it.
type consent map[string]any

func (w *world) consent(b *client.Book, id ledger.TermID) (consent, []byte) {
	w.t.Helper()
	raw, err := b.Consent(w.ctx, id)
	must(w.t, err)
	c := make(consent)
	must(w.t, json.Unmarshal(raw, &c))
	w.checkConsent(c)
	return c, raw
}

// at returns what stands at a path such as "provision.actor.0.role", "" if nothing does.
func (c consent) at(path string) string {
	var v any = map[string]any(c)
	for _, step := range strings.Split(path, ".") {
		switch here := v.(type) {
		case map[string]any:
			v = here[step]
		case []any:
			i := int(step[0] - '0')
			if i >= len(here) {
				return ""
			}
			v = here[i]
		default:
			return ""
		}
	}
	text, _ := v.(string)
	return text
}

// The forms of FHIR R4's primitive types.
var (
	fhirID       = regexp.MustCompile(`^[A-Za-z0-9\-.]{1,64}$`)
	fhirDateTime = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$`)
)

// checkConsent checks what FHIR R4 asks of every Consent: the elements that must be there, the codes of required bindings,
// the invariants ppc-1 and ppc-2, and that what is contained is referred to.
func (w *world) checkConsent(c consent) {
	w.t.Helper()
	for path, want := range map[string]string{
		"resourceType":                           "^Consent$",
		"status":                                 "^(draft|proposed|active|rejected|inactive|entered-in-error)$",
		"id":                                     fhirID.String(),
		"text.status":                            "^(generated|extensions|additional|empty)$",
		"text.div":                               `^<div xmlns="http://www.w3.org/1999/xhtml">[^<>]+</div>$`,
		"scope.coding.0.system":                  "^http://terminology.hl7.org/CodeSystem/consentscope$",
		"scope.coding.0.code":                    "^patient-privacy$",
		"category.0.coding.0.code":               "^59284-0$",
		"patient.identifier.value":               "^[a-z2-7]{32}$", // ppc-2: a privacy consent has a patient
		"policyRule.coding.0.code":               "^OPTIN$",        // ppc-1: a policy or a rule
		"dateTime":                               fhirDateTime.String(),
		"sourceReference.reference":              "^#policy$",
		"contained.0.id":                         "^policy$",
		"contained.0.resourceType":               "^DocumentReference$",
		"contained.0.status":                     "^(current|superseded|entered-in-error)$",
		"contained.0.masterIdentifier.value":     "^[0-9a-z]{26}$",
		"contained.0.identifier.0.value":         "^[0-9a-f]{64}$",
		"contained.0.content.0.attachment.title": "^policy.set on phr.",
		"provision.type":                         "^(deny|permit)$",
		"provision.period.start":                 fhirDateTime.String(),
		"provision.actor.0.role.coding.0.code":   "^(IRCP|RESPRSN)$",
		"provision.actor.0.reference.display":    ".",
		"provision.action.0.coding.0.code":       "^access$",
	} {
		if got := c.at(path); !regexp.MustCompile(want).MatchString(got) {
			w.t.Errorf("%s is %q, want %s", path, got, want)
		}
	}
}

// A receipt says what the policies on the log say, and names the one it rests on.
func TestConsent(t *testing.T) {
	w := newWorld(t)
	w.the("doctor@city-hospital")
	maria, ana := w.patient(), w.person()
	must(t, ana.RegisterIdentity(w.ctx))
	hers := w.book(maria, maria, ledger.Health)
	until := w.clock.now().Add(time.Hour).Truncate(time.Millisecond)
	id := w.grant(hers, client.GrantRequest{To: gid(ana) + " and doctor@city-hospital", Until: until, Purpose: "TREAT", FromNow: true}).Term.ID
	source := func() *ledger.Entry {
		f, err := hers.Fact(w.ctx)
		must(t, err)
		return f.Set
	}
	first := source()

	c, _ := w.consent(hers, id)
	stamp := func(at time.Time) string { return at.UTC().Format("2006-01-02T15:04:05.000Z") }
	for path, want := range map[string]string{
		"status": "active", "id": id.String(), "patient.identifier.value": string(maria.GID()), "dateTime": stamp(first.LogTime),
		"provision.period.start": stamp(first.LogTime), "provision.period.end": stamp(until), "provision.dataPeriod.start": stamp(first.LogTime),
		"provision.actor.0.reference.identifier.value": string(ana.GID()),
		"provision.actor.0.reference.display":          "whoever is doctor@city-hospital and the person " + string(ana.GID()),
		"provision.securityLabel.0.code":               "health", "provision.action.1.coding.0.code": "",
		"provision.purpose.0.system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "provision.purpose.0.code": "TREAT",
		"contained.0.masterIdentifier.value": first.ID.String(), "contained.0.identifier.0.value": hex.EncodeToString(first.Hash[:]),
	} {
		if got := c.at(path); got != want {
			t.Errorf("%s is %q, want %q", path, got, want)
		}
	}

	// Another grant changes nothing of it; an edit does.
	other := w.grant(hers, client.GrantRequest{To: "doctor@city-hospital", Write: true, Purpose: "because <I> say so"}).Term.ID
	if c, _ := w.consent(hers, id); c.at("contained.0.masterIdentifier.value") != first.ID.String() {
		t.Error("the receipt rests on a policy that did not touch the grant")
	}
	must(t, hers.EditGrant(w.ctx, id, client.GrantEdit{Until: ptr(until.Add(time.Hour))}))
	if c, _ := w.consent(hers, id); c.at("contained.0.masterIdentifier.value") != source().ID.String() ||
		c.at("provision.period.end") != stamp(until.Add(time.Hour)) || c.at("provision.period.start") != stamp(first.LogTime) {
		t.Errorf("after an edit: %v", c)
	}
	w.clock.forward(2 * time.Hour)
	if c, _ := w.consent(hers, id); c.at("status") != "inactive" {
		t.Errorf("after its end it is %s", c.at("status"))
	}

	c, _ = w.consent(hers, other)
	if c.at("provision.action.1.coding.0.code") != "collect" || c.at("provision.action.2.coding.0.code") != "correct" ||
		c.at("provision.purpose.0.display") != "because <I> say so" || c.at("provision.purpose.0.code") != "" ||
		c.at("provision.period.end") != "" || c.at("provision.dataPeriod.start") != "" || c.at("provision.actor.0.reference.identifier.value") != "" {
		t.Errorf("the other one: %v", c)
	}
	must(t, hers.Revoke(w.ctx, other))
	c, _ = w.consent(hers, other)
	if end := source(); c.at("status") != "inactive" || c.at("contained.0.masterIdentifier.value") != end.ID.String() ||
		c.at("provision.period.end") != stamp(end.LogTime) {
		t.Errorf("once revoked: %v", c)
	}
}

func TestConsentRefused(t *testing.T) {
	w := inTown(t)
	w.the("doctor@city-hospital")
	maria, ruiz := w.patient(), w.the("doctor@city-hospital")
	hers := w.book(maria, maria, ledger.Health)
	if _, err := hers.Consent(w.ctx, ledger.TermID{1}); !errors.Is(err, client.ErrNoGrant) {
		t.Errorf("the receipt of nothing: %v", err)
	}
	id := w.grant(hers, client.GrantRequest{To: "doctor@city-hospital"}).Term.ID
	if _, err := w.bookOf(ruiz, maria.GID(), ledger.Health).Consent(w.ctx, id); err == nil {
		t.Error("a receipt for somebody else")
	}
}

// A receipt is a record like any other: it is imported, read, and exported as it is.
func TestConsentComesBack(t *testing.T) {
	w := inTown(t)
	w.the("doctor@city-hospital")
	maria := w.patient()
	hers := w.book(maria, maria, ledger.Health)
	_, raw := w.consent(hers, w.grant(hers, client.GrantRequest{To: "doctor@city-hospital"}).Term.ID)
	plan := new(client.Plan)
	must(t, plan.Add("consent.json", bytes.NewReader(raw), ""))
	if _, err := maria.Import(w.ctx, maria.GID(), plan, nil); err != nil {
		t.Fatal(err)
	}
	folded, err := client.Chart(w.ctx, hers)
	must(t, err)
	var out bytes.Buffer
	if n, err := client.ExportFHIR(&out, folded); n != 1 || err != nil {
		t.Fatalf("%d exported, %v", n, err)
	}
	back, err := fhir.ReadAll(&out, fhir.Limits{})
	must(t, err)
	if len(back) != 1 || !bytes.Equal(bytes.TrimSpace(back[0].Resource.Raw), bytes.TrimSpace(raw)) {
		t.Errorf("it came back as %s", back[0].Resource.Raw)
	}
}
