package chart_test

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/phrledger/phr/projections/chart"
	"github.com/phrledger/phr/projections/chart/fhir"
	"github.com/phrledger/phr/projections/chart/fhir/sample"
)

func Example() {
	c := chart.New()
	number := uint64(0)
	for e, err := range fhir.Entries(bytes.NewReader(sample.Bundle()), fhir.Limits{}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		body, err := e.Marshal()
		if err != nil {
			fmt.Println(err)
			return
		}
		number++
		err = c.Apply(chart.Record{
			ID: chart.RecordID(e.ID), Compartment: "health", Number: number, Author: "maria", Time: time.Unix(0, 0),
			Class: chart.FHIR, Kind: chart.Written, Body: body,
		})
		if err != nil {
			fmt.Println(err)
		}
	}
	for _, it := range c.Problems() {
		fmt.Println(it.Latest.Summary.When, it.Latest.Summary.Display)
	}
	for _, s := range c.Series(chart.HbA1c) {
		last := s.Points[len(s.Points)-1]
		fmt.Println(len(s.Points), "of", s.Display+", the last", last.Text, s.Unit)
	}
	// Output:
	// 2018-03-13 Hypertensive disorder
	// 2019-03-12 Diabetes mellitus type 2
	// 2020-03-10 Hyperlipidemia
	// 18 of Hemoglobin A1c/Hemoglobin.total in Blood, the last 6.3 %
}

func FuzzApply(f *testing.F) {
	body, err := fhir.Resource{Raw: []byte(pulse("2020-01-01", 70))}.Marshal()
	if err != nil {
		f.Fatal(err)
	}
	f.Add("fhir", body)
	f.Add("note", []byte("hello"))
	f.Fuzz(func(t *testing.T, class string, body []byte) {
		c := fold(t, chart.Record{ID: "a", Compartment: "health", Class: class, Kind: chart.Written, Body: body})
		if len(c.List(chart.Query{})) != 1 {
			t.Error("a record was lost")
		}
		c.Series("")
		c.Counts()
	})
}
