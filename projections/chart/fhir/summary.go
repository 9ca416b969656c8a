package fhir

import (
	"strings"
	"time"
)

// Summary is what lists and charts show of a resource. Every text in it is Printable. Fields that the resource doesn't
// have, or has in an odd form, are empty.
type Summary struct {
	Type string
	ID   string
	// Codes say what the resource is about, as its sender coded it: an Observation's code, an Immunization's vaccine, a
	// prescription's drug, an Encounter's type.
	Codes []Code
	// Categories are the codes of its category.
	Categories []Code
	// Display is a short text for people.
	Display string
	// Status is a code: refuted or entered-in-error where that is so, or else the clinical status, or the workflow status.
	Status string
	// Subject is the reference to whom the resource is about, as written.
	Subject string
	// Effective is when what it tells of happened, or began, or zero. A date without a day is its first day, and a date
	// without time its midnight, in UTC.
	Effective time.Time
	// When is Effective as it was written, with the precision it was given.
	When string
	// Value is the result of an Observation, the dose of a prescription, and so on, with its unit.
	Value string
	// Measurements are the numbers of an Observation, one for each component of a panel.
	Measurements []Measurement
}

// Code is one coding.
type Code struct {
	System  string
	Value   string
	Display string
}

// String returns system|code, as in FHIR searches.
func (c Code) String() string {
	if c.System == "" {
		return c.Value
	}
	return c.System + "|" + c.Value
}

// Measurement is one number with its unit.
type Measurement struct {
	// Codes say what was measured: of the component, or of the Observation where it has none.
	Codes   []Code
	Display string
	// Number is Text as a float, for charts; NaN or an infinity is never among them.
	Number float64
	// Text is the number as it was written, after its comparator if there was one.
	Text string
	Unit string
	// Low and High are the usual range as the result itself gives it, or nil.
	Low, High *float64
}

// Describe returns the summary of a resource. It fails, with ErrMalformed, only where there is no resource of any kind;
// odd and missing elements are passed over.
func Describe(raw []byte) (Summary, error) {
	n, err := parse(raw)
	if err != nil {
		return Summary{}, err
	}
	kind, id, err := identify(n)
	if err != nil {
		return Summary{}, err
	}
	s := Summary{
		Type:         kind,
		ID:           Printable(id),
		Codes:        codings(n, codeElements...),
		Categories:   codings(n, "category"),
		Display:      firstText(n, displayElements...),
		Status:       status(n),
		Subject:      printed(firstOf(n, "subject", "patient", "beneficiary").get("reference")),
		Value:        value(n),
		Measurements: measurements(n),
	}
	if kind == "Encounter" && s.Display == "" {
		s.Display = firstText(n, "class")
	}
	if s.Display == "" {
		s.Display = kind
	}
	s.When, s.Effective = effective(n)
	return s, nil
}

// codeElements hold what a resource is about, over all types; a resource has at most one or two of them.
var codeElements = []string{"code", "vaccineCode", "medicationCodeableConcept", "productCodeableConcept", "type"}

// displayElements are asked in this order for a text; "type" and "category" are vaguer than the rest.
var displayElements = []string{
	"code", "vaccineCode", "medicationCodeableConcept", "medicationReference", "title", "name", "description", "deviceName",
	"type", "serviceType", "category", "relationship", "vaccine", "reasonCode",
}

func status(n node) string {
	if s := printed(n.get("verificationStatus", "coding", "code")); s == "refuted" || s == "entered-in-error" {
		return s
	}
	for _, name := range []string{"clinicalStatus", "lifecycleStatus", "status"} {
		if s := printed(n.get(name, "coding", "code")); s != "" {
			return s
		}
		if s := firstText(n, name); s != "" {
			return s
		}
	}
	return ""
}

func firstOf(n node, names ...string) node {
	for _, name := range names {
		if c := n.get(name); c.kind != 0 {
			return c
		}
	}
	return node{}
}

func firstText(n node, names ...string) string {
	for _, name := range names {
		for _, c := range n.list(name) {
			if s := concept(c); s != "" {
				return s
			}
		}
	}
	return ""
}

// concept returns the text of a value that may be a string, CodeableConcept, Coding, Reference, HumanName or
// DeviceName.
func concept(n node) string {
	if s := printed(n); s != "" {
		return s
	}
	for _, name := range []string{"text", "display"} {
		if s := printed(n.get(name)); s != "" {
			return s
		}
	}
	for _, name := range []string{"display", "code"} {
		for _, c := range n.list("coding") {
			if s := printed(c.get(name)); s != "" {
				return s
			}
		}
	}
	if name := personName(n); name != "" {
		return name
	}
	return printed(firstOf(n, "name", "code"))
}

func personName(n node) string {
	var parts []string
	for _, element := range []string{"prefix", "given", "family"} {
		for _, c := range n.list(element) {
			if s := printed(c); s != "" {
				parts = append(parts, s)
			}
		}
	}
	return strings.Join(parts, " ")
}

func printed(n node) string { return strings.TrimSpace(Printable(n.text())) }

// codings returns the codings of the CodeableConcepts under names.
func codings(n node, names ...string) []Code {
	var codes []Code
	for _, name := range names {
		for _, concept := range n.list(name) {
			for _, c := range concept.list("coding") {
				code := Code{
					System:  printed(c.get("system")),
					Value:   printed(c.get("code")),
					Display: printed(c.get("display")),
				}
				if code.Value != "" {
					codes = append(codes, code)
				}
			}
		}
	}
	return codes
}
