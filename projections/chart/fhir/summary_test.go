package fhir_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/phrledger/phr/projections/chart/fhir"
)

func TestDescribe(t *testing.T) {
	for name, c := range map[string]struct {
		raw, want string
	}{
		"blood pressure": {
			`{"resourceType":"Observation","id":"bp","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"85354-9","display":"Blood pressure"}]},
			  "subject":{"reference":"urn:uuid:1"},"effectiveDateTime":"2020-03-10T09:10:00+01:00","component":[
			  {"code":{"text":"Systolic"},"valueQuantity":{"value":136,"unit":"mmHg","code":"mm[Hg]"}},
			  {"code":{"text":"Diastolic"},"valueQuantity":{"value":86.0,"code":"mm[Hg]"}}]}`,
			`Observation/bp final "Blood pressure" = "Systolic 136 mmHg, Diastolic 86.0 mm[Hg]" of urn:uuid:1 at 2020-03-10T08:10:00Z [http://loinc.org|85354-9] {Systolic 136 136 mmHg} {Diastolic 86 86.0 mm[Hg]}`,
		},
		"below detection": {
			`{"resourceType":"Observation","status":"final","code":{"text":"CRP"},"valueQuantity":{"value":0.30,"comparator":"<","unit":"mg/L"},"effectivePeriod":{"start":"2020-03"}}`,
			`Observation/ final "CRP" = "<0.30 mg/L" of  at 2020-03-01T00:00:00Z [] {CRP 0.3 <0.30 mg/L}`,
		},
		"coded result": {
			`{"resourceType":"Observation","status":"final","code":{"text":"Smoking"},"valueCodeableConcept":{"coding":[{"display":"Never smoked"}]},"effectiveInstant":"2020-03-10T09:10:00.5Z"}`,
			`Observation/ final "Smoking" = "Never smoked" of  at 2020-03-10T09:10:00.5Z []`,
		},
		"range": {
			`{"resourceType":"Observation","status":"final","code":{"text":"Pain"},"valueRange":{"low":{"value":1},"high":{"value":3}},"effectiveTiming":{"event":["2021"]}}`,
			`Observation/ final "Pain" = "1 – 3" of  at 2021-01-01T00:00:00Z []`,
		},
		"absent": {
			`{"resourceType":"Observation","status":"final","code":{"text":"Pain"},"dataAbsentReason":{"text":"asleep"}}`,
			`Observation/ final "Pain" = "asleep" of  at never []`,
		},
		"condition": {
			`{"resourceType":"Condition","id":"c","clinicalStatus":{"coding":[{"code":"active","display":"Active"}]},"verificationStatus":{"coding":[{"code":"confirmed"}]},
			  "code":{"coding":[{"system":"http://snomed.info/sct","code":"44054006","display":"Diabetes"},{"system":"http://hl7.org/fhir/sid/icd-10","code":"E11"}],"text":"Diabetes type 2"},"onsetDateTime":"2019-03-12","recordedDate":"2020"}`,
			`Condition/c active "Diabetes type 2" = "" of  at 2019-03-12T00:00:00Z [http://snomed.info/sct|44054006 http://hl7.org/fhir/sid/icd-10|E11]`,
		},
		"refuted": {
			`{"resourceType":"Condition","clinicalStatus":{"coding":[{"code":"active"}]},"verificationStatus":{"coding":[{"code":"refuted"}]},"code":{"text":"x"}}`,
			`Condition/ refuted "x" = "" of  at never []`,
		},
		"prescription": {
			`{"resourceType":"MedicationRequest","status":"active","intent":"order","medicationCodeableConcept":{"coding":[{"system":"http://www.nlm.nih.gov/research/umls/rxnorm","code":"314076","display":"lisinopril"}]},"patient":{"reference":"Patient?identifier=a|1"},"authoredOn":"2018-09-11","dosageInstruction":[{"text":"in the morning"}]}`,
			`MedicationRequest/ active "lisinopril" = "in the morning" of Patient?identifier=a|1 at 2018-09-11T00:00:00Z [http://www.nlm.nih.gov/research/umls/rxnorm|314076]`,
		},
		"prescription by reference": {
			`{"resourceType":"MedicationRequest","status":"active","medicationReference":{"reference":"#m","display":"aspirin"}}`,
			`MedicationRequest/ active "aspirin" = "" of  at never []`,
		},
		"vaccine":       {`{"resourceType":"Immunization","status":"completed","vaccineCode":{"coding":[{"system":"http://hl7.org/fhir/sid/cvx","code":"140"}]},"occurrenceDateTime":"2016"}`, `Immunization/ completed "140" = "" of  at 2016-01-01T00:00:00Z [http://hl7.org/fhir/sid/cvx|140]`},
		"patient":       {maria, `Patient/m  "María 玛丽 Núñez" = "born 1974-06-21" of  at never []`},
		"organization":  {`{"resourceType":"Organization","name":"City Hospital"}`, `Organization/  "City Hospital" = "" of  at never []`},
		"encounter":     {`{"resourceType":"Encounter","status":"finished","class":{"code":"AMB"},"period":{"start":"2020-01-01T10:00:00Z"}}`, `Encounter/ finished "AMB" = "" of  at 2020-01-01T10:00:00Z []`},
		"goal":          {`{"resourceType":"Goal","lifecycleStatus":"active","description":{"text":"HbA1c ≤ 6.5 %"},"startDate":"2019-03-12"}`, `Goal/ active "HbA1c ≤ 6.5 %" = "" of  at 2019-03-12T00:00:00Z []`},
		"device":        {`{"resourceType":"Device","deviceName":[{"name":"Blood glucose meter","type":"user-friendly-name"}]}`, `Device/  "Blood glucose meter" = "" of  at never []`},
		"zone missing":  {`{"resourceType":"Basic","created":"2020-01-02T03:04:05"}`, `Basic/  "Basic" = "" of  at 2020-01-02T03:04:05Z []`},
		"odd resources": {`{"resourceType":"Observation","status":[1],"code":"pulse","category":7,"subject":"Patient/1","effectiveDateTime":20200101,"valueQuantity":[],"component":{"code":null,"valueQuantity":{"value":"7"}}}`, `Observation/ 1 "pulse" = "" of  at never []`},
		"infinite":      {`{"resourceType":"Observation","code":{"text":"x"},"valueQuantity":{"value":1e999}}`, `Observation/  "x" = "1e999" of  at never []`},
		"bad date":      {`{"resourceType":"Observation","code":{"text":"x"},"effectiveDateTime":"yesterday","issued":"2020-02-30"}`, `Observation/  "x" = "" of  at never []`},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := fhir.Describe([]byte(c.raw))
			if err != nil {
				t.Fatal(err)
			}
			if got := summary(s); got != c.want {
				t.Errorf("\n got %s\nwant %s", got, c.want)
			}
		})
	}
}

func summary(s fhir.Summary) string {
	at := "never"
	if !s.Effective.IsZero() {
		at = s.Effective.Format(time.RFC3339Nano)
	}
	out := fmt.Sprintf("%s/%s %s %q = %q of %s at %s %v", s.Type, s.ID, s.Status, s.Display, s.Value, s.Subject, at, s.Codes)
	for _, m := range s.Measurements {
		out += fmt.Sprintf(" {%s %v %s %s}", m.Display, m.Number, m.Text, m.Unit)
	}
	return out
}

func TestDescribeKeepsThePrecisionOfDates(t *testing.T) {
	for _, when := range []string{"2020", "2020-03", "2020-03-10", "2020-03-10T09:10:00+01:00", "2020-03-10T09:10:00.250Z"} {
		s, err := fhir.Describe([]byte(`{"resourceType":"Procedure","performedPeriod":{"start":"` + when + `"}}`))
		if err != nil || s.When != when || s.Effective.Year() != 2020 {
			t.Errorf("%s is read as %s, %v (%v)", when, s.When, s.Effective, err)
		}
	}
}

func TestDescribeRefusesWhatIsNoResource(t *testing.T) {
	for _, raw := range []string{"", "null", "[]", "{}", `{"resourceType":""}`, `{"resourceType":"Patient"`, `{"resourceType":"Patient"}x`} {
		if s, err := fhir.Describe([]byte(raw)); !errors.Is(err, fhir.ErrMalformed) {
			t.Errorf("Describe(%q) = %+v, %v", raw, s, err)
		}
	}
}

func TestCompartment(t *testing.T) {
	observation := func(system, code, category string) string {
		return `{"resourceType":"Observation","category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"` + category +
			`"}]}],"code":{"coding":[{"system":"x","code":"y"},{"system":"` + system + `","code":"` + code + `"}]}}`
	}
	for name, c := range map[string]struct{ raw, want string }{
		"exercise":          {observation("http://loinc.org", "73985-4", "social-history"), fhir.Training},
		"moderate activity": {observation("http://loinc.org", "77592-4", ""), fhir.Training},
		"steps":             {observation("http://loinc.org", "55423-8", ""), fhir.Training},
		"steps in a day":    {observation("http://loinc.org", "41950-7", ""), fhir.Training},
		"by category":       {observation("", "", "activity"), fhir.Training},
		"same code, other":  {observation("http://example.org", "73985-4", ""), fhir.Health},
		"HbA1c":             {observation("http://loinc.org", "4548-4", "laboratory"), fhir.Health},
		"resting pulse":     {observation("http://loinc.org", "40443-4", "vital-signs"), fhir.Health},
		"a condition":       {strings.Replace(observation("http://loinc.org", "73985-4", "activity"), "Observation", "Condition", 1), fhir.Health},
		"activity goal":     {`{"resourceType":"Goal","category":[{"coding":[{"system":"http://hl7.org/fhir/us/physical-activity/CodeSystem/pa-temporary-codes","code":"PhysicalActivity"}]}]}`, fhir.Training},
		"another goal":      {`{"resourceType":"Goal"}`, fhir.Health},
		"patient":           {maria, fhir.Health},
		"unreadable":        {`{`, fhir.Health},
	} {
		t.Run(name, func(t *testing.T) {
			if got := fhir.Compartment([]byte(c.raw)); got != c.want {
				t.Errorf("Compartment = %s, want %s", got, c.want)
			}
		})
	}
}

func BenchmarkDescribe(b *testing.B) {
	raw := []byte(pulse)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := fhir.Describe(raw); err != nil {
			b.Fatal(err)
		}
	}
}
