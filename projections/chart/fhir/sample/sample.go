// Package sample makes the records of two invented patients as FHIR R4 transaction Bundles: Maria Núñez, with ten years of
// checkups, diabetes and high blood pressure, their treatment, and a year of training; and Amara Lopez, who measures at home.
//
// A Bundle is the same, byte for byte, on every call. Its resources refer to each other by urn:uuid; some of Maria's hold
// primitive extensions, decimals with trailing zeros and text beyond ASCII, as records do.
package sample

import (
	"fmt"
	"strings"
)

// The names under which the people and places of the sample refer to each other.
const (
	patient  = "patient"
	hospital = "hospital"
	club     = "club"
	doctor   = "doctor"
	trainer  = "trainer"
)

// Bundle returns the record of Maria, indented.
func Bundle() []byte {
	var b bundle
	b.people()
	b.problems()
	b.visits()
	b.lipids()
	b.treatment()
	b.vaccines()
	b.training()
	return b.transaction()
}

// transaction returns the Bundle of what was added.
func (b *bundle) transaction() []byte {
	return []byte("{\n  \"resourceType\": \"Bundle\",\n  \"type\": \"transaction\",\n  \"entry\": [\n    " +
		strings.Join(b.entries, ",\n    ") + "\n  ]\n}\n")
}

func (b *bundle) people() {
	b.add("Patient", patient,
		"identifier", arr(obj("system", str("urn:ietf:rfc:3986"), "value", str(urn("identifier of Maria")))),
		"active", "true",
		"name", arr(obj(
			"use", str("official"),
			"family", str("Núñez Ibáñez"),
			"_family", obj("extension", arr(
				obj("url", str(structures+"humanname-fathers-family"), "valueString", str("Núñez")),
				obj("url", str(structures+"humanname-mothers-family"), "valueString", str("Ibáñez")))),
			"given", arr(str("Maria")))),
		"gender", str("female"),
		"birthDate", str("1974-06-21"),
		"_birthDate", obj("extension", arr(
			obj("url", str(structures+"patient-birthTime"), "valueDateTime", str("1974-06-21T04:40:00+01:00")))),
		"address", arr(obj("city", str("Cádiz"), "country", str("ES"))),
		"communication", arr(obj("language", concept("urn:ietf:bcp:47", "es", "Spanish"), "preferred", "true")))
	b.organization(hospital, "City Hospital", "prov", "Healthcare Provider")
	b.organization(club, "Riverside Health Club", "other", "Other")
	b.practitioner(doctor, "Ruiz", "Andrés", "Dr.")
	b.practitioner(trainer, "Brandt", "Leo", "")
}

func (b *bundle) organization(name, title, kind, display string) {
	b.add("Organization", name,
		"active", "true",
		"type", arr(concept(terminology+"organization-type", kind, display)),
		"name", str(title))
}

func (b *bundle) practitioner(name, family, given, prefix string) {
	title := ""
	if prefix != "" {
		title = arr(str(prefix))
	}
	b.add("Practitioner", name,
		"active", "true",
		"name", arr(obj("family", str(family), "given", arr(str(given)), "prefix", title)))
}

// problem is a condition with what is known of its beginning and end.
type problem struct {
	name, code, display, onset, abatement string
}

var problems = []problem{
	{"prediabetes", "714628002", "Prediabetes", "2017-03-14", "2019-03-12"},
	{"diabetes", "44054006", "Diabetes mellitus type 2", "2019-03-12", ""},
	{"hypertension", "38341003", "Hypertensive disorder", "2018-03-13", ""},
	{"ankle", "44465007", "Sprain of ankle", "2022-10-02", "2022-11-20"},
	{"hyperlipidemia", "55822004", "Hyperlipidemia", "2020-03-10", ""},
}

func (b *bundle) problems() {
	for _, p := range problems {
		status := "active"
		end := ""
		if p.abatement != "" {
			status, end = "resolved", str(p.abatement)
		}
		b.add("Condition", p.name,
			"clinicalStatus", concept(terminology+"condition-clinical", status, ""),
			"verificationStatus", concept(terminology+"condition-ver-status", "confirmed", ""),
			"category", arr(concept(terminology+"condition-category", "problem-list-item", "Problem List Item")),
			"code", concept(snomed, p.code, p.display),
			"subject", ref(patient),
			"onsetDateTime", str(p.onset),
			"abatementDateTime", end,
			"recordedDate", str(p.onset),
			"recorder", ref(doctor))
	}
	b.allergy("penicillin", "91936005", "Allergy to penicillin", "medication", "high", "1988-05")
	b.allergy("peanut", "91935009", "Allergy to peanut", "food", "low", "1996")
}

func (b *bundle) allergy(name, code, display, category, criticality, onset string) {
	b.add("AllergyIntolerance", name,
		"clinicalStatus", concept(terminology+"allergyintolerance-clinical", "active", ""),
		"verificationStatus", concept(terminology+"allergyintolerance-verification", "confirmed", ""),
		"type", str("allergy"),
		"category", arr(str(category)),
		"criticality", str(criticality),
		"code", concept(snomed, code, display),
		"patient", ref(patient),
		"onsetDateTime", str(onset))
}

func named(what, day string) string { return fmt.Sprintf("%s on %s", what, day) }
