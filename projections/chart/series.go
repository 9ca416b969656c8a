package chart

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/phrledger/phr/projections/chart/fhir"
)

// The codes of vital signs, in LOINC, as senders write them.
const (
	BloodPressure      = "85354-9" // panel; older senders write 55284-4
	OlderBloodPressure = "55284-4"
	Systolic           = "8480-6"
	Diastolic          = "8462-4"
	HeartRate          = "8867-4"
	BodyHeight         = "8302-2"
	BodyWeight         = "29463-7"
	BodyMassIndex      = "39156-5"
	HbA1c              = "4548-4"
)

// Series are the measurements of one thing in one unit over time.
type Series struct {
	Code    fhir.Code
	Display string
	Unit    string
	Points  []Point // in order of time
	// Low and High are the usual range as the newest result gives it, or nil.
	Low, High *float64
}

// Point is one measurement.
type Point struct {
	// Time is when it was taken.
	Time time.Time
	// Number is for drawing; Text is the number as it was written, with its comparator.
	Number float64
	Text   string
	// Record is where it stands.
	Record RecordID
}

// Series returns the measurements whose code is code or system|code, or all of them for "", one series for each code and
// unit, sorted by both: units are not converted, so values of two units never stand in one series. A panel's components
// are measurements of their own: blood pressure is Systolic and Diastolic. Observations without a date, retracted or
// entered in error are left out.
func (c *Chart) Series(code string) []Series {
	type key struct{ system, value, unit string }
	found := map[key]*Series{}
	for _, it := range c.all() {
		s := it.latest().Summary
		if s.Effective.IsZero() || !it.current() {
			continue
		}
		for _, m := range s.Measurements {
			if len(m.Codes) == 0 || code != "" && !matchesAny(m.Codes, code) {
				continue
			}
			main := principal(m.Codes)
			k := key{main.System, main.Value, m.Unit}
			if found[k] == nil {
				found[k] = &Series{Code: main, Unit: m.Unit}
			}
			found[k].Display, found[k].Low, found[k].High = m.Display, m.Low, m.High
			found[k].Points = append(found[k].Points, Point{Time: s.Effective, Number: m.Number, Text: m.Text, Record: it.root.ID})
		}
	}
	all := make([]Series, 0, len(found))
	for _, s := range found {
		all = append(all, *s)
	}
	slices.SortFunc(all, func(a, b Series) int {
		return cmp.Or(strings.Compare(a.Code.System, b.Code.System), strings.Compare(a.Code.Value, b.Code.Value), strings.Compare(a.Unit, b.Unit))
	})
	return all
}

// principal returns the LOINC code if there is one, as other systems are coded beside it, or else the first.
func principal(codes []fhir.Code) fhir.Code {
	for _, c := range codes {
		if c.System == "http://loinc.org" {
			return c
		}
	}
	return codes[0]
}
