package sample

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"
)

// The code systems of the sample.
const (
	loinc       = "http://loinc.org"
	snomed      = "http://snomed.info/sct"
	rxnorm      = "http://www.nlm.nih.gov/research/umls/rxnorm"
	cvx         = "http://hl7.org/fhir/sid/cvx"
	ucum        = "http://unitsofmeasure.org"
	terminology = "http://terminology.hl7.org/CodeSystem/"
	structures  = "http://hl7.org/fhir/StructureDefinition/"
)

type bundle struct{ entries []string }

// add appends a resource to be created. The members are names and JSON values in turn, as for obj.
func (b *bundle) add(kind, name string, members ...string) {
	members = append([]string{"resourceType", str(kind), "id", str(uuid(name))}, members...)
	b.entries = append(b.entries, obj(
		"fullUrl", str(urn(name)),
		"resource", obj(members...),
		"request", obj("method", str("POST"), "url", str(kind))))
}

// obj returns a JSON object of names and JSON values in turn, without those whose value is empty.
func obj(members ...string) string {
	var filled []string
	for i := 0; i < len(members); i += 2 {
		if members[i+1] != "" {
			filled = append(filled, str(members[i])+": "+members[i+1])
		}
	}
	return "{" + strings.Join(filled, ", ") + "}"
}

func arr(items ...string) string { return "[" + strings.Join(items, ", ") + "]" }

func str(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // strings always encode
	}
	return string(b)
}

// concept returns a CodeableConcept of one coding.
func concept(system, code, display string) string {
	coding := obj("system", str(system), "code", str(code), "display", optional(display))
	return obj("coding", arr(coding), "text", optional(display))
}

func optional(s string) string {
	if s == "" {
		return ""
	}
	return str(s)
}

// quantity returns a Quantity; value is a JSON number as it is to be written, unit a UCUM code.
func quantity(value, unit string) string {
	return obj("value", value, "unit", str(unit), "system", str(ucum), "code", str(unit))
}

func ref(name string) string { return obj("reference", str(urn(name))) }

func urn(name string) string { return "urn:uuid:" + uuid(name) }

// uuid derives a UUID of version 8 (RFC 9562) from a name, so that the sample never changes.
func uuid(name string) string {
	h := sha256.Sum256([]byte("phr sample record: " + name))
	h[6] = h[6]&0x0f | 0x80
	h[8] = h[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", h[:4], h[4:6], h[6:8], h[8:10], h[10:16])
}
