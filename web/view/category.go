package view

import (
	"slices"

	"github.com/phrledger/phr/projections/chart"
	"github.com/phrledger/phr/projections/chart/fhir"
)

// categories are those of resource types; that of an Observation depends on what it is of.
var categories = map[string]string{
	"MedicationRequest": "medicine", "MedicationStatement": "medicine", "MedicationAdministration": "medicine", "MedicationDispense": "medicine", "Medication": "medicine",
	"Condition": "condition", "AllergyIntolerance": "allergy", "Immunization": "immunization", "Encounter": "visit", "Appointment": "visit",
	"Procedure": "procedure", "DiagnosticReport": "lab", "DocumentReference": "document", "Composition": "document", "Binary": "document", "Media": "document",
	"ImagingStudy": "document", "CarePlan": "plan", "CareTeam": "plan", "Goal": "plan", "ServiceRequest": "plan", "Task": "plan",
}

// category returns the category of a version.
func category(v *chart.Version) string {
	switch {
	case v.Unreadable != "":
		return "other"
	case v.Class == chart.Note:
		return "note"
	case v.Class != chart.FHIR:
		return "other"
	case v.Summary.Type == "Observation":
		return observed(&v.Summary)
	}
	if c, ok := categories[v.Summary.Type]; ok {
		return c
	}
	return "other"
}

// observed returns the category of an Observation.
func observed(s *fhir.Summary) string {
	if m := known(codeOf(s.Codes)); m != nil {
		return m.category
	}
	has := func(value string) bool {
		return slices.ContainsFunc(s.Categories, func(c fhir.Code) bool { return c.Value == value })
	}
	switch {
	case s.Activity():
		return "activity"
	case has("vital-signs"):
		return "vital"
	case has("laboratory"):
		return "lab"
	}
	return "other"
}
