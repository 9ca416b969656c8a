package fhir

import (
	"math"
	"strconv"
	"strings"
)

// value returns what a resource says beside its name: the result of an Observation, the components of a panel, the dose
// of a prescription.
func value(n node) string {
	if s := choice(n, "value"); s != "" {
		return s
	}
	var parts []string
	for _, c := range n.list("component") {
		if s := choice(c, "value"); s != "" {
			parts = append(parts, strings.TrimSpace(firstText(c, "code")+" "+s))
		}
	}
	if len(parts) > 0 {
		return strings.Join(parts, ", ")
	}
	if s := firstText(n, "dosageInstruction", "dosage", "conclusion", "dataAbsentReason"); s != "" {
		return s
	}
	if birth := printed(n.get("birthDate")); birth != "" {
		return "born " + birth
	}
	return ""
}

// choice returns the text of the element called name followed by one of FHIR's type names (`value[x]`).
func choice(n node, name string) string {
	for _, c := range n.children {
		if n.kind != '{' || !strings.HasPrefix(c.key, name) {
			continue
		}
		switch kind := strings.TrimPrefix(c.key, name); kind {
		case "Quantity", "Age", "Duration", "Distance", "Count":
			return quantity(c)
		case "Range":
			return joined(" – ", quantity(c.get("low")), quantity(c.get("high")))
		case "Ratio":
			return joined(" / ", quantity(c.get("numerator")), quantity(c.get("denominator")))
		case "Period":
			return joined(" – ", printed(c.get("start")), printed(c.get("end")))
		case "CodeableConcept", "Coding", "String", "Boolean", "Integer", "Decimal", "DateTime", "Date", "Time":
			return concept(c)
		}
	}
	return ""
}

func joined(separator string, parts ...string) string {
	var filled []string
	for _, p := range parts {
		if p != "" {
			filled = append(filled, p)
		}
	}
	return strings.Join(filled, separator)
}

func quantity(n node) string {
	text, unit := amount(n)
	if text == "" {
		return ""
	}
	return strings.TrimSpace(text + " " + unit)
}

// amount returns the number as written, with its comparator, and the unit.
func amount(n node) (text, unit string) {
	if v := n.get("value"); v.kind == '0' {
		text = printed(n.get("comparator")) + string(v.raw)
	}
	if unit = printed(n.get("unit")); unit == "" {
		unit = printed(n.get("code"))
	}
	return text, unit
}

// measurements returns the numbers of an Observation.
func measurements(n node) []Measurement {
	if n.get("resourceType").text() != "Observation" {
		return nil
	}
	var all []Measurement
	for _, o := range append([]node{n}, n.list("component")...) {
		if m, ok := measurement(o); ok {
			all = append(all, m)
		}
	}
	return all
}

func measurement(n node) (Measurement, bool) {
	m := Measurement{Codes: codings(n, "code"), Display: firstText(n, "code")}
	number := firstOf(n, "valueInteger", "valueDecimal")
	if q := n.get("valueQuantity"); q.kind == '{' {
		number = q.get("value")
		m.Text, m.Unit = amount(q)
	} else {
		m.Text = number.text()
	}
	f, err := strconv.ParseFloat(number.text(), 64)
	if err != nil || number.kind != '0' || math.IsInf(f, 0) {
		return Measurement{}, false
	}
	m.Number = f
	usual := n.get("referenceRange")
	m.Low, m.High = bound(usual.get("low"), m.Unit), bound(usual.get("high"), m.Unit)
	return m, true
}

// bound returns one end of a range, if it is a number in the unit of the result.
func bound(n node, unit string) *float64 {
	number := n.get("value")
	f, err := strconv.ParseFloat(number.text(), 64)
	if _, of := amount(n); err != nil || number.kind != '0' || math.IsInf(f, 0) || of != "" && of != unit {
		return nil
	}
	return &f
}
