package sample

import (
	"strconv"
	"strings"
)

// visit is a checkup or follow-up, with what was measured there.
type visit struct {
	day, systolic, diastolic, hba1c string
	weight, bmi                     string // in spring only
}

const height = "164.0" // cm

var visits = []visit{
	{"2016-03-15", "128", "82", "5.6", "78.4", "29.1"},
	{"2017-03-14", "134", "86", "6.0", "80.1", "29.8"},
	{"2018-03-13", "148", "94", "6.2", "82.0", "30.5"},
	{"2018-09-11", "141", "90", "6.3", "", ""},
	{"2019-03-12", "138", "88", "7.8", "83.7", "31.1"},
	{"2019-09-10", "134", "85", "7.1", "", ""},
	{"2020-03-10", "136", "86", "7.0", "82.2", "30.6"},
	{"2020-09-15", "132", "84", "6.9", "", ""},
	{"2021-03-16", "131", "83", "7.0", "81.0", "30.1"},
	{"2021-09-14", "133", "84", "7.2", "", ""},
	{"2022-03-15", "130", "82", "6.9", "80.5", "29.9"},
	{"2022-09-13", "128", "82", "6.8", "", ""},
	{"2023-03-14", "129", "81", "6.8", "79.2", "29.4"},
	{"2023-09-12", "127", "80", "6.7", "", ""},
	{"2024-03-12", "126", "80", "6.6", "77.0", "28.6"},
	{"2024-09-10", "125", "79", "6.5", "", ""},
	{"2025-03-11", "124", "78", "6.4", "74.3", "27.6"},
	{"2025-09-09", "122", "78", "6.3", "", ""},
}

func (b *bundle) visits() {
	for _, v := range visits {
		code, display := "390906007", "Follow-up encounter"
		if v.weight != "" {
			code, display = "185349003", "Encounter for check up"
		}
		b.add("Encounter", named("visit", v.day),
			"status", str("finished"),
			"class", obj("system", str(terminology+"v3-ActCode"), "code", str("AMB"), "display", str("ambulatory")),
			"type", arr(concept(snomed, code, display)),
			"subject", ref(patient),
			"participant", arr(obj("individual", ref(doctor))),
			"period", obj("start", str(at(v.day, "09:00:00")), "end", str(at(v.day, "09:25:00"))),
			"serviceProvider", ref(hospital))
		b.vital("blood pressure", v.day, concept(loinc, "85354-9", "Blood pressure panel with all children optional"),
			"component", arr(
				obj("code", concept(loinc, "8480-6", "Systolic blood pressure"), "valueQuantity", quantity(v.systolic, "mm[Hg]")),
				obj("code", concept(loinc, "8462-4", "Diastolic blood pressure"), "valueQuantity", quantity(v.diastolic, "mm[Hg]"))))
		b.laboratory("HbA1c", v.day, "4548-4", "Hemoglobin A1c/Hemoglobin.total in Blood", v.hba1c, "%")
		if v.weight != "" {
			b.vital("weight", v.day, concept(loinc, "29463-7", "Body weight"), "valueQuantity", quantity(v.weight, "kg"))
			b.vital("BMI", v.day, concept(loinc, "39156-5", "Body mass index (BMI) [Ratio]"), "valueQuantity", quantity(v.bmi, "kg/m2"))
		}
	}
	for _, i := range []int{0, len(visits) - 2} {
		b.vital("height", visits[i].day, concept(loinc, "8302-2", "Body height"), "valueQuantity", quantity(height, "cm"))
	}
}

// at returns the dateTime of a visit on the clocks of Spain: visits are in March and September.
func at(day, clock string) string {
	zone := "+01:00"
	if strings.Contains(day, "-09-") {
		zone = "+02:00"
	}
	return day + "T" + clock + zone
}

func (b *bundle) vital(what, day, code string, result ...string) {
	b.observation(what, day, "vital-signs", "Vital Signs", code, result...)
}

func (b *bundle) laboratory(what, day, code, display, value, unit string) {
	b.observation(what, day, "laboratory", "Laboratory", concept(loinc, code, display), "valueQuantity", quantity(value, unit))
}

func (b *bundle) observation(what, day, category, display, code string, result ...string) {
	b.add("Observation", named(what, day), append([]string{
		"status", str("final"),
		"category", arr(concept(terminology+"observation-category", category, display)),
		"code", code,
		"subject", ref(patient),
		"encounter", ref(named("visit", day)),
		"effectiveDateTime", str(at(day, "09:10:00")),
		"performer", arr(ref(doctor)),
	}, result...)...)
}

// lipids adds a panel every second year: a report and the four results it refers to.
func (b *bundle) lipids() {
	panels := []struct {
		day                      string
		total, ldl, hdl, triglyc int
	}{
		{"2016-03-15", 205, 128, 48, 150},
		{"2018-03-13", 218, 139, 46, 168},
		{"2020-03-10", 231, 150, 44, 185},
		{"2022-03-15", 172, 92, 50, 140},
		{"2024-03-12", 164, 84, 55, 121},
	}
	for _, p := range panels {
		results := []struct {
			what, code, display string
			value               int
		}{
			{"total cholesterol", "2093-3", "Cholesterol [Mass/volume] in Serum or Plasma", p.total},
			{"LDL", "13457-7", "Cholesterol in LDL [Mass/volume] in Serum or Plasma by calculation", p.ldl},
			{"HDL", "2085-9", "Cholesterol in HDL [Mass/volume] in Serum or Plasma", p.hdl},
			{"triglycerides", "2571-8", "Triglyceride [Mass/volume] in Serum or Plasma", p.triglyc},
		}
		var refs []string
		for _, r := range results {
			b.laboratory(r.what, p.day, r.code, r.display, strconv.Itoa(r.value), "mg/dL")
			refs = append(refs, ref(named(r.what, p.day)))
		}
		b.add("DiagnosticReport", named("lipid panel", p.day),
			"status", str("final"),
			"category", arr(concept(terminology+"v2-0074", "LAB", "Laboratory")),
			"code", concept(loinc, "24331-1", "Lipid 1996 panel - Serum or Plasma"),
			"subject", ref(patient),
			"encounter", ref(named("visit", p.day)),
			"effectiveDateTime", str(at(p.day, "09:10:00")),
			"issued", str(at(p.day, "17:30:00.000")),
			"performer", arr(ref(hospital)),
			"result", arr(refs...))
	}
}
