package client

import (
	"encoding/hex"
	"slices"
	"time"

	"github.com/phrledger/phr/ledger"
)

// phrSystem begins the names of what FHIR has no code system for: gid, grant, compartment, event and event-hash.
const phrSystem = "https://github.com/phrledger/phr/fhir/"

// fhirConsent is a Consent resource of FHIR R4, as far as a grant fills it in.
type fhirConsent struct {
	ResourceType string           `json:"resourceType"`
	ID           string           `json:"id"`
	Text         fhirText         `json:"text"`
	Contained    []fhirDocument   `json:"contained"`
	Identifier   []fhirIdentifier `json:"identifier"`
	Status       string           `json:"status"`
	Scope        fhirConcept      `json:"scope"`
	Category     []fhirConcept    `json:"category"`
	Patient      fhirReference    `json:"patient"`
	DateTime     string           `json:"dateTime"`
	Performer    []fhirReference  `json:"performer"`
	Source       fhirReference    `json:"sourceReference"`
	Rule         fhirConcept      `json:"policyRule"`
	Provision    fhirProvision    `json:"provision"`
}

type fhirText struct {
	Status string `json:"status"`
	Div    string `json:"div"`
}

type fhirProvision struct {
	Type    string        `json:"type"`
	Period  fhirPeriod    `json:"period"`
	Actor   []fhirActor   `json:"actor"`
	Action  []fhirConcept `json:"action"`
	Label   []fhirCoding  `json:"securityLabel"`
	Purpose []fhirCoding  `json:"purpose,omitempty"`
	Data    *fhirPeriod   `json:"dataPeriod,omitempty"` // what is written before is not part of it
}

type fhirActor struct {
	Role      fhirConcept   `json:"role"`
	Reference fhirReference `json:"reference"`
}

type fhirReference struct {
	Reference  string          `json:"reference,omitempty"`
	Type       string          `json:"type,omitempty"`
	Identifier *fhirIdentifier `json:"identifier,omitempty"`
	Display    string          `json:"display,omitempty"`
}

type fhirIdentifier struct {
	System string `json:"system"`
	Value  string `json:"value"`
}

type fhirPeriod struct {
	Start string `json:"start"`
	End   string `json:"end,omitempty"`
}

type fhirConcept struct {
	Coding []fhirCoding `json:"coding"`
}

type fhirCoding struct {
	System  string `json:"system,omitempty"`
	Code    string `json:"code,omitempty"`
	Display string `json:"display,omitempty"`
}

// fhirDocument is a DocumentReference that stands for the event on the log which the consent rests on.
type fhirDocument struct {
	ResourceType string           `json:"resourceType"`
	ID           string           `json:"id"`
	Master       fhirIdentifier   `json:"masterIdentifier"`
	Identifier   []fhirIdentifier `json:"identifier"`
	Status       string           `json:"status"`
	Date         string           `json:"date"`
	Content      []fhirContent    `json:"content"`
}

type fhirContent struct {
	Attachment fhirAttachment `json:"attachment"`
}

type fhirAttachment struct {
	ContentType string `json:"contentType"`
	Title       string `json:"title"`
}

// sourceID names the contained document within its Consent.
const sourceID = "policy"

func documentOf(e *ledger.Entry) fhirDocument {
	return fhirDocument{
		ResourceType: "DocumentReference", ID: sourceID, Status: "current", Date: fhirTime(e.LogTime),
		Master:     fhirIdentifier{phrSystem + "event", e.ID.String()},
		Identifier: []fhirIdentifier{{phrSystem + "event-hash", hex.EncodeToString(e.Hash[:])}},
		Content:    []fhirContent{{fhirAttachment{"application/cbor", string(e.Kind()) + " on " + e.Chain.String()}}},
	}
}

func fhirTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

func coded(system, code, display string) fhirConcept {
	return fhirConcept{[]fhirCoding{{system, code, display}}}
}

func action(code, display string) fhirConcept {
	return coded("http://terminology.hl7.org/CodeSystem/consentaction", code, display)
}

// purposes are purposes of use that HL7 names in its code system ActReason.
var purposes = []string{
	"BTG", "CAREMGT", "CLINTRCH", "COVERAGE", "ETREAT", "FAMRQT", "HDIRECT", "HLEGAL", "HMARKT", "HOPERAT", "HPAYMT", "HRESCH", "PATADMIN",
	"PATRQT", "PATSFTY", "PUBHLTH", "PWATRNY", "SUPNWK", "TREAT",
}

// purposeOf writes the purpose of a grant: as a code where it is one, as it was typed otherwise.
func purposeOf(purpose string) fhirCoding {
	if slices.Contains(purposes, purpose) {
		return fhirCoding{System: "http://terminology.hl7.org/CodeSystem/v3-ActReason", Code: purpose}
	}
	return fhirCoding{Display: purpose}
}
