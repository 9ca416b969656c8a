package fhir_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/phrledger/phr/projections/chart/fhir"
	"github.com/phrledger/phr/projections/chart/fhir/sample"
)

func TestDetails(t *testing.T) {
	for _, tt := range []struct {
		name, raw string
		want      []fhir.Field
	}{
		{
			"a result", `{"resourceType":"Observation","id":"1","status":"final","code":{"text":"HbA1c"},"subject":{"reference":"x"},
			"valueQuantity":{"value":5.60,"unit":"%"},"referenceRange":[{"low":{"value":4},"high":{"value":6}}]}`,
			[]fhir.Field{{"status", "final"}, {"code", "HbA1c"}, {"valueQuantity", "5.60 %"}, {"referenceRange", "4 – 6"}},
		},
		{
			"a panel", `{"resourceType":"Observation","component":[{"code":{"text":"a"},"valueQuantity":{"value":1,"unit":"g"}},{"code":{"text":"b"},"valueString":"c"}]}`,
			[]fhir.Field{{"component", "a 1 g; b c"}},
		},
		{"a period", `{"resourceType":"Encounter","period":{"start":"2020","end":"2021"},"_period":{"extension":[]}}`, []fhir.Field{{"period", "2020 – 2021"}}},
		{"overrides", `{"resourceType":"Basic","code":{"text":"a\u202eb\u0007\nc"}}`, []fhir.Field{{"code", "ab c"}}},
		{"nothing to say", `{"resourceType":"Basic","extension":[{"url":"x"}],"odd":{"a":[1]}}`, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := fhir.Details([]byte(tt.raw))
			if err != nil || !slices.Equal(got, tt.want) {
				t.Errorf("%q, %v; want %q", got, err, tt.want)
			}
		})
	}
	if _, err := fhir.Details([]byte(`{"a":1}`)); err == nil {
		t.Error("there is no resource, and no error")
	}
}

// Whatever a resource holds, its details are bounded.
func TestAttack55_DetailsAreBounded(t *testing.T) {
	raw := `{"resourceType":"Basic"`
	for i := range 200 {
		raw += `,"e` + strings.Repeat("x", i+1) + `":["` + strings.Repeat("é", 5000) + `"]`
	}
	got, err := fhir.Details([]byte(raw + "}"))
	if err != nil || len(got) != 64 {
		t.Fatalf("%d fields, %v", len(got), err)
	}
	for _, f := range got {
		if len(f.Text) > 2010 || !strings.HasSuffix(f.Text, "é…") {
			t.Errorf("a field of %d bytes, which ends in %q", len(f.Text), f.Text[len(f.Text)-8:])
		}
	}
}

func TestDetailsOfTheSample(t *testing.T) {
	entries, err := fhir.ReadAll(bytes.NewReader(sample.Bundle()), fhir.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if fields, err := fhir.Details(e.Resource.Raw); err != nil || len(fields) == 0 {
			t.Errorf("%s: %d fields, %v", e.Type, len(fields), err)
		}
	}
}

func TestAttachment(t *testing.T) {
	for raw, want := range map[string]string{
		`{"resourceType":"Binary","contentType":"image/png","data":"aGk="}`:                                           "hi",
		`{"resourceType":"DocumentReference","content":[{"attachment":{"data":"!"}},{"attachment":{"data":"aGk="}}]}`: "hi",
		`{"resourceType":"Basic"}`: "",
		`{"data":`:                 "",
	} {
		if got := fhir.Attachment([]byte(raw)); string(got) != want {
			t.Errorf("%s: %q, want %q", raw, got, want)
		}
	}
}
