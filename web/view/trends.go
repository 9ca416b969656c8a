package view

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/projections/chart"
)

// fewest is how many readings make a trend.
const fewest = 3

// Trends returns everything that was measured at least three times.
func (v *View) Trends(ctx context.Context, args Of) (Trends, error) {
	s, err := v.shelf(ctx, args.Patient)
	if err != nil {
		return Trends{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return Trends{Trends: s.trends(), Sealed: s.closed()}, nil
}

// trends returns those of all volumes, what tells the most first. The caller holds s.mu.
func (s *shelf) trends() []Trend {
	if s.drawn.trends != nil {
		return s.drawn.trends
	}
	all := []Trend{}
	for _, o := range s.volumes {
		all = append(all, o.trends()...)
	}
	slices.SortStableFunc(all, func(a, b Trend) int {
		return cmp.Or(cmp.Compare(rank(a.Code), rank(b.Code)), cmp.Compare(len(b.Points), len(a.Points)), strings.Compare(a.Title, b.Title))
	})
	s.drawn.trends = all
	return all
}

// rank orders codes as measures does, and those that are unknown last.
func rank(code string) int {
	i := slices.IndexFunc(measures, func(m measure) bool { return m.code == code })
	if i < 0 {
		return len(measures)
	}
	return i
}

// closed returns what is sealed to the caller, what is open in part with it. The caller holds s.mu.
func (s *shelf) closed() []Sealed {
	if s.drawn.closed != nil || s.own() {
		return s.drawn.closed
	}
	all := slices.Clone(s.sealed)
	for _, o := range s.volumes {
		if seal := o.sealedPart(); seal != nil {
			all = append(all, *seal)
		}
	}
	slices.SortFunc(all, func(a, b Sealed) int { return strings.Compare(a.Compartment, b.Compartment) })
	s.drawn.closed = all
	return all
}

// sealedPart says what of an open volume is sealed all the same: what was written before the grant, or everything, where its keys are not
// renewed for those that the caller holds now. It is nil if nothing is.
func (o *volume) sealedPart() *Sealed {
	var first Time
	shut := 0
	for _, item := range o.chart.List(chart.Query{}) {
		t := item.Latest.Time.UTC()
		switch {
		case item.Latest.Unreadable != "" && item.Latest.Unreadable != client.ErrErased.Error():
			shut++
		case first == nil || t.Before(*first):
			first = &t
		}
	}
	name := string(o.book.Compartment())
	switch {
	case o.partial:
		return &Sealed{Compartment: name, Why: "from-now", Since: first}
	case shut > 0 && first == nil:
		return &Sealed{Compartment: name, Why: "stale"}
	}
	return nil
}

func (o *volume) trends() []Trend {
	var all []Trend
	series := o.chart.Series("")
	for i := range series {
		one := &series[i]
		if one.Code.Value == chart.Diastolic || len(one.Points) < fewest || !draws(one) {
			continue
		}
		t := o.trend(one)
		if one.Code.Value == chart.Systolic {
			t.Code, t.Title, t.Category = pressure, known(pressure).title, known(pressure).category
			t.Points = joined(one.Points, series)
		}
		all = append(all, t)
	}
	return all
}

// draws tells whether a series can be drawn: a number that JSON has no word for can't.
func draws(s *chart.Series) bool {
	return !slices.ContainsFunc(s.Points, func(p chart.Point) bool { return math.IsNaN(p.Number) || math.IsInf(p.Number, 0) })
}

// trend returns a series for drawing.
func (o *volume) trend(s *chart.Series) Trend {
	t := Trend{
		Code: s.Code.Value, Title: titleOf(s.Code.Value, s.Display), Unit: unitOf(s.Unit), Compartment: string(o.book.Compartment()),
		Category: o.categoryOf(s), Points: make([]Point, len(s.Points)),
	}
	for i, p := range s.Points {
		t.Points[i] = Point{Time: p.Time, Value: p.Number, Text: digits(p.Text), Record: string(p.Record)}
	}
	m := known(t.Code)
	if s.Code.Value == chart.Systolic {
		m = known(pressure)
	}
	switch {
	case s.Low != nil || s.High != nil:
		t.Usual = &Range{Low: s.Low, High: s.High, Source: "record"}
	case m != nil && o.shelf.adult(s.Points[len(s.Points)-1].Time):
		t.Usual = m.usual(s.Unit)
	}
	return t
}

// adult tells whether the patient was of age at a time, as far as the record says: who says nothing is.
func (s *shelf) adult(at time.Time) bool {
	for _, o := range s.volumes {
		for _, item := range o.chart.List(chart.Query{Type: "Patient", Current: true}) {
			born, err := time.Parse("born 2006-01-02", item.Latest.Summary.Value)
			if err == nil && at.Before(born.AddDate(18, 0, 0)) {
				return false
			}
		}
	}
	return true
}

// categoryOf returns the category of the newest record of a series: heart, vital, lab or activity.
func (o *volume) categoryOf(s *chart.Series) string {
	if item, ok := o.chart.Item(s.Points[len(s.Points)-1].Record); ok {
		if c := category(&item.Latest); c != "other" {
			return c
		}
	}
	return "lab"
}

// joined returns the points of a blood pressure: the systolic ones, each with the diastolic of the same record.
func joined(systolic []chart.Point, all []chart.Series) []Point {
	second := make(map[chart.RecordID]*chart.Point)
	for i := range all {
		if all[i].Code.Value != chart.Diastolic {
			continue
		}
		for j := range all[i].Points {
			second[all[i].Points[j].Record] = &all[i].Points[j]
		}
	}
	points := make([]Point, len(systolic))
	for i, p := range systolic {
		points[i] = Point{Time: p.Time, Value: p.Number, Text: digits(p.Text), Record: string(p.Record)}
		if d := second[p.Record]; d != nil {
			points[i].Second = &d.Number
			points[i].Text += "/" + digits(d.Text)
		}
	}
	return points
}
