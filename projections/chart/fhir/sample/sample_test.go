package sample_test

import (
	"bytes"
	"regexp"
	"testing"
	"time"

	"github.com/phrledger/phr/projections/chart/fhir"
	"github.com/phrledger/phr/projections/chart/fhir/sample"
)

func TestBundleIsTheSameEveryTime(t *testing.T) {
	if !bytes.Equal(sample.Bundle(), sample.Bundle()) {
		t.Error("two calls differ")
	}
}

func TestBundleReads(t *testing.T) {
	entries, err := fhir.ReadAll(bytes.NewReader(sample.Bundle()), fhir.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	types := map[string]int{}
	training := 0
	known := map[string]bool{}
	for _, e := range entries {
		types[e.Type]++
		if fhir.Compartment(e.Raw) == fhir.Training {
			training++
		}
		if known[e.FullURL] || e.FullURL != "urn:uuid:"+e.ID {
			t.Errorf("entry %d: fullUrl %s, id %s, seen before %t", e.Number, e.FullURL, e.ID, known[e.FullURL])
		}
		known[e.FullURL] = true
		if e.Request == nil || e.Request.Method != "POST" || e.Request.URL != e.Type {
			t.Errorf("entry %d: request %+v", e.Number, e.Request)
		}
	}
	if n := len(entries); n < 120 || n > 200 {
		t.Errorf("%d resources, want 120 to 200", n)
	}
	if training != 28 {
		t.Errorf("%d resources of training, want 28", training)
	}
	for _, kind := range []string{
		"Patient", "Practitioner", "Organization", "Encounter", "Condition", "Observation", "MedicationRequest", "Immunization",
		"AllergyIntolerance", "Procedure", "DiagnosticReport", "CarePlan", "Goal",
	} {
		if types[kind] == 0 {
			t.Errorf("no %s", kind)
		}
	}
	for _, r := range regexp.MustCompile(`"reference": "([^"]*)"`).FindAllSubmatch(sample.Bundle(), -1) {
		if !known[string(r[1])] {
			t.Errorf("reference %s leads nowhere", r[1])
		}
	}
}

func TestEverythingHasADate(t *testing.T) {
	undated := map[string]bool{"Patient": true, "Practitioner": true, "Organization": true}
	for e, err := range fhir.Entries(bytes.NewReader(sample.Bundle()), fhir.Limits{}) {
		if err != nil {
			t.Fatal(err)
		}
		s, err := fhir.Describe(e.Raw)
		if err != nil {
			t.Fatal(err)
		}
		if s.Effective.IsZero() != undated[e.Type] || s.Display == "" || s.Display == e.Type {
			t.Errorf("entry %d, %s: %q, %v", e.Number, e.Type, s.Display, s.Effective)
		}
	}
}

func TestAmara(t *testing.T) {
	today := time.Date(2026, 3, 14, 9, 30, 0, 0, time.UTC)
	bundle := sample.Amara(today)
	if !bytes.Equal(bundle, sample.Amara(today.Add(time.Hour))) {
		t.Error("two calls of a day differ")
	}
	entries, err := fhir.ReadAll(bytes.NewReader(bundle), fhir.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	known, kinds, training := map[string]bool{}, map[string]int{}, 0
	for _, e := range entries {
		if known[e.FullURL] {
			t.Errorf("entry %d: %s is there twice", e.Number, e.FullURL)
		}
		known[e.FullURL] = true
		kinds[e.Type]++
		if fhir.Compartment(e.Raw) == fhir.Training {
			training++
		}
		s, err := fhir.Describe(e.Raw)
		if err != nil || s.Display == "" || s.Effective.After(today) {
			t.Errorf("entry %d, %s: %q on %v, %v", e.Number, e.Type, s.Display, s.Effective, err)
		}
	}
	if n := len(entries); n < 140 || n > 200 || training < 60 || kinds["Condition"] != 3 || kinds["Immunization"] != 4 {
		t.Errorf("%d resources, %d of training, %v", n, training, kinds)
	}
	for _, r := range regexp.MustCompile(`"reference": "([^"]*)"`).FindAllSubmatch(bundle, -1) {
		if !known[string(r[1])] {
			t.Errorf("reference %s leads nowhere", r[1])
		}
	}
}
