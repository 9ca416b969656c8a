package view

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/projections/chart"
	"github.com/phrledger/phr/projections/chart/fhir"
)

// observation is a FHIR R4 Observation of something that somebody has measured.
type observation struct {
	ResourceType string      `json:"resourceType"`
	Status       string      `json:"status"`
	Category     []concept   `json:"category"`
	Code         concept     `json:"code"`
	Effective    string      `json:"effectiveDateTime"`
	Value        *quantity   `json:"valueQuantity,omitempty"`
	Component    []component `json:"component,omitempty"`
}

type concept struct {
	Coding []coding `json:"coding"`
	Text   string   `json:"text,omitempty"`
}

type coding struct {
	System string `json:"system"`
	Code   string `json:"code"`
}

type quantity struct {
	Value  json.Number `json:"value"`
	Unit   string      `json:"unit"`
	System string      `json:"system"`
	Code   string      `json:"code"`
}

type component struct {
	Code  concept  `json:"code"`
	Value quantity `json:"valueQuantity"`
}

const (
	loinc = "http://loinc.org"
	ucum  = "http://unitsofmeasure.org"
)

// observationCategories are FHIR's for ours.
var observationCategories = map[string]string{"vital": "vital-signs", "heart": "vital-signs", "lab": "laboratory", "activity": "activity"}

// decimal is a number as people write it. A point or a comma stands before its fraction.
var decimal = regexp.MustCompile(`^-?(0|[1-9][0-9]{0,6})([.,][0-9]{1,6})?$`)

// number reads a number, and keeps its digits as they were written.
func number(text string) (json.Number, error) {
	text = strings.TrimSpace(text)
	if !decimal.MatchString(text) {
		return "", misused(fmt.Sprintf("%q is not a number.", fhir.Printable(text)))
	}
	return json.Number(strings.Replace(text, ",", ".", 1)), nil
}

func loincOf(code, text string) concept { return concept{[]coding{{loinc, code}}, text} }

// observe makes a draft of a measurement.
func (d *Draft) observe(now time.Time) (client.Draft, error) {
	m := known(d.Code)
	if m == nil || m.place == "" {
		return client.Draft{}, misused("This can't be entered by hand.")
	}
	at := now
	if d.Date != nil {
		at = *d.Date
	}
	if at.After(now.Add(24 * time.Hour)) {
		return client.Draft{}, misused("This lies in the future.")
	}
	o := observation{
		ResourceType: "Observation", Status: "final", Code: loincOf(m.code, m.title), Effective: at.Format(time.RFC3339),
		Category: []concept{{Coding: []coding{{"http://terminology.hl7.org/CodeSystem/observation-category", observationCategories[m.category]}}}},
	}
	if err := o.measure(m, d); err != nil {
		return client.Draft{}, err
	}
	raw, err := json.Marshal(o)
	if err != nil {
		return client.Draft{}, err
	}
	body, err := fhir.Resource{Raw: raw}.Marshal()
	return client.Draft{Kind: chart.Written, Media: chart.FHIR, Body: body}, err
}

// measure sets the number, or the two of a blood pressure.
func (o *observation) measure(m *measure, d *Draft) error {
	first, err := number(d.Value)
	if err != nil {
		return err
	}
	unit := m.units[0].unit
	of := func(n json.Number) quantity { return quantity{n, unitOf(unit), ucum, unit} }
	if m.code != pressure {
		value := of(first)
		o.Value = &value
		return nil
	}
	second, err := number(d.Second)
	if err != nil {
		return err
	}
	o.Component = []component{
		{loincOf(chart.Systolic, "Systolic blood pressure"), of(first)}, {loincOf(chart.Diastolic, "Diastolic blood pressure"), of(second)},
	}
	return nil
}
