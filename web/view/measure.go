package view

import (
	"context"
	"math"
	"strconv"
	"strings"

	"github.com/phrledger/phr/projections/chart"
	"github.com/phrledger/phr/projections/chart/fhir"
)

// measure is something that is measured often, in the words that people use.
type measure struct {
	code     string // LOINC
	title    string
	category string
	units    []scale // the first is that of what is entered by hand, if it is
	place    string  // the compartment of what is entered by hand; empty if it is not
}

// scale is a unit with the usual range of adults in it.
type scale struct {
	unit      string // UCUM
	low, high float64
	source    string // of the range; empty where there is none
}

// pressure is the code of a blood pressure, of which two numbers belong together.
const pressure = chart.BloodPressure

const (
	resting  = "40443-4" // heart rate at rest
	exercise = "55411-3" // duration of an exercise
	steps    = "41950-7" // in a day
)

// measures are the things that people know by name, those that tell the most of somebody first. The ranges are for adults: of the NHS on
// blood pressure, pulse, oxygen and cholesterol, of Diabetes UK on HbA1c, of the NCEP (ATP III) where cholesterol is in mg/dL, of the WHO
// on the body mass index.
var measures = []measure{
	{pressure, "Blood pressure", "vital", []scale{{"mm[Hg]", 90, 140, "NHS"}}, fhir.Health},
	{resting, "Resting heart rate", "heart", []scale{{"/min", 60, 100, "NHS"}, {"{beats}/min", 60, 100, "NHS"}}, fhir.Training},
	{chart.HeartRate, "Heart rate", "heart", []scale{{"/min", 60, 100, "NHS"}, {"{beats}/min", 60, 100, "NHS"}}, fhir.Health},
	{chart.HbA1c, "HbA1c", "lab", []scale{{"mmol/mol", 0, 42, "Diabetes UK"}, {"%", 0, 6, "Diabetes UK"}}, fhir.Health},
	{"59261-8", "HbA1c", "lab", []scale{{"mmol/mol", 0, 42, "Diabetes UK"}}, ""},
	{chart.BodyWeight, "Weight", "vital", []scale{{"kg", 0, 0, ""}}, fhir.Health},
	{steps, "Steps", "activity", []scale{{"/d", 0, 0, ""}}, fhir.Training},
	{exercise, "Exercise", "activity", []scale{{"min", 0, 0, ""}}, fhir.Training},
	{"2093-3", "Cholesterol", "lab", []scale{{"mmol/L", 0, 5, "NHS"}, {"mg/dL", 0, 200, "NCEP"}}, ""},
	{"13457-7", "LDL cholesterol", "lab", []scale{{"mg/dL", 0, 130, "NCEP"}}, ""},
	{"18262-6", "LDL cholesterol", "lab", []scale{{"mg/dL", 0, 130, "NCEP"}}, ""},
	{"2085-9", "HDL cholesterol", "lab", []scale{{"mmol/L", 1, 0, "NHS"}, {"mg/dL", 40, 0, "NCEP"}}, ""},
	{"2571-8", "Triglycerides", "lab", []scale{{"mmol/L", 0, 2.3, "NHS"}, {"mg/dL", 0, 150, "NCEP"}}, ""},
	{chart.BodyMassIndex, "Body mass index", "vital", []scale{{"kg/m2", 18.5, 25, "WHO"}}, ""},
	{"2708-6", "Oxygen saturation", "vital", []scale{{"%", 95, 100, "NHS"}}, fhir.Health},
	{"59408-5", "Oxygen saturation", "vital", []scale{{"%", 95, 100, "NHS"}}, ""},
	{"8310-5", "Temperature", "vital", []scale{{"Cel", 0, 0, ""}}, fhir.Health},
	{"2339-0", "Glucose", "lab", []scale{{"mg/dL", 0, 0, ""}}, fhir.Health},
	{"2345-7", "Glucose", "lab", []scale{{"mg/dL", 0, 0, ""}}, ""},
	{chart.BodyHeight, "Height", "vital", []scale{{"cm", 0, 0, ""}}, fhir.Health},
	{"9279-1", "Breathing rate", "vital", []scale{{"/min", 12, 20, "NHS"}, {"{breaths}/min", 12, 20, "NHS"}}, ""},
	{"89555-7", "Active days a week", "activity", []scale{{"d/wk", 0, 0, ""}}, ""},
	{"68516-4", "Exercise a day", "activity", []scale{{"min/d", 0, 0, ""}}, ""},
	{"55425-3", "Average heart rate", "heart", []scale{{"/min", 0, 0, ""}}, ""},
	{"55426-1", "Highest heart rate", "heart", []scale{{"/min", 0, 0, ""}}, ""},
}

// known returns what is known of a LOINC code, nil if nothing is.
func known(code string) *measure {
	if code == chart.OlderBloodPressure {
		code = pressure
	}
	for i := range measures {
		if measures[i].code == code {
			return &measures[i]
		}
	}
	return nil
}

// codeOf returns the first code that is known, or else the first; empty if there is none.
func codeOf(codes []fhir.Code) string {
	for _, c := range codes {
		if known(c.Value) != nil {
			return c.Value
		}
	}
	if len(codes) == 0 {
		return ""
	}
	return codes[0].Value
}

// titleOf returns how people call something that is measured: a laboratory's name without what was measured in and how.
func titleOf(code, display string) string {
	if m := known(code); m != nil {
		return m.title
	}
	for _, rest := range []string{" [", " in Serum", " in Plasma", " in Blood", " in Urine", " of Blood", " by "} {
		if before, _, found := strings.Cut(display, rest); found && before != "" {
			display = before
		}
	}
	return display
}

// units are what people write for units of UCUM, as a whole and for parts of them.
var (
	units = map[string]string{
		"/d": "/day", "/wk": "/week", "d/wk": "days/week", "min/d": "min/day", "min/wk": "min/week", "Cel": "°C", "[degF]": "°F", "[lb_av]": "lb", "[in_i]": "in",
	}
	parts = strings.NewReplacer("mm[Hg]", "mmHg", "m2", "m²", "10*3/", "10³/", "10*6/", "10⁶/", "uL", "µL", "ug", "µg")
)

// unitOf returns a unit as people write it. What stands in braces is a remark.
func unitOf(ucum string) string {
	if unit, ok := units[ucum]; ok {
		return unit
	}
	before, after, found := strings.Cut(ucum, "{")
	_, rest, closed := strings.Cut(after, "}")
	if found && closed {
		return unitOf(strings.TrimSuffix(before+rest, "/"))
	}
	return parts.Replace(ucum)
}

// usual returns the usual range of something in a unit; nil if none is known.
func (m *measure) usual(unit string) *Range {
	for _, s := range m.units {
		if s.unit != unit || s.source == "" {
			continue
		}
		r := &Range{Source: s.source}
		if s.low != 0 {
			r.Low = &s.low
		}
		if s.high != 0 {
			r.High = &s.high
		}
		return r
	}
	return nil
}

// digits returns a number with no more decimals than anybody reads, after its comparator. What was written stands in the record.
func digits(text string) string {
	comparator := text[:len(text)-len(strings.TrimLeft(text, "<>=~"))]
	written := text[len(comparator):]
	_, decimals, _ := strings.Cut(written, ".")
	f, err := strconv.ParseFloat(written, 64)
	if err != nil || len(decimals) <= mostDecimals {
		return text
	}
	places := 1
	if math.Abs(f) < 10 {
		places = mostDecimals
	}
	return comparator + strconv.FormatFloat(f, 'f', places, 64)
}

// mostDecimals are as many as are shown.
const mostDecimals = 2

// pair returns the two numbers of a blood pressure: "128/82".
func pair(all []fhir.Measurement) (string, bool) {
	var systolic, diastolic string
	for _, m := range all {
		for _, c := range m.Codes {
			switch c.Value {
			case chart.Systolic:
				systolic = digits(m.Text)
			case chart.Diastolic:
				diastolic = digits(m.Text)
			}
		}
	}
	return systolic + "/" + diastolic, systolic != "" && diastolic != ""
}

// Measurables returns what may be entered by hand.
func (v *View) Measurables(context.Context, Nothing) ([]Measurable, error) {
	all := []Measurable{}
	for _, m := range measures {
		if m.place != "" {
			all = append(all, Measurable{Code: m.code, Title: m.title, Unit: unitOf(m.units[0].unit), Compartment: m.place, Pair: m.code == pressure})
		}
	}
	return all, nil
}
