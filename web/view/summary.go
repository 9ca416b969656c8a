package view

import (
	"context"
	"slices"

	"github.com/phrledger/phr/projections/chart"
	"github.com/phrledger/phr/projections/chart/fhir"
)

// someSummary is how many results and notes stand on one page.
const someSummary = 12

// Summary returns a patient on one page. What it shows was looked at.
func (v *View) Summary(ctx context.Context, args Of) (Summary, error) {
	s, err := v.shelf(ctx, args.Patient)
	if err != nil {
		return Summary{}, err
	}
	sum := s.summary(ctx)
	return sum, s.look()
}

func (s *shelf) summary(ctx context.Context) Summary {
	s.mu.Lock()
	defer s.mu.Unlock()
	sum := Summary{
		Patient: s.v.person(s.patient), May: s.may(ctx), Write: s.writable(), Trends: s.trends(), Sealed: s.closed(),
		Problems: s.rowsOf((*chart.Chart).Problems), Medicines: s.rowsOf((*chart.Chart).Medications), Allergies: s.rowsOf(allergies),
		Results: []Row{}, Notes: []Row{},
	}
	rows := s.list()
	for i := range rows {
		r := &rows[i].Row
		switch {
		case r.Withdrawn:
		case r.Category == "note" && len(sum.Notes) < someSummary:
			sum.Notes = append(sum.Notes, *r)
		case slices.Contains([]string{"lab", "vital", "heart"}, r.Category) && len(sum.Results) < someSummary:
			sum.Results = append(sum.Results, *r)
		}
	}
	return sum
}

// rowsOf returns the rows of items of all volumes, newest first. The caller holds s.mu.
func (s *shelf) rowsOf(items func(*chart.Chart) []chart.Item) []Row {
	rows := []Row{}
	for _, o := range s.volumes {
		for _, item := range items(o.chart) {
			rows = append(rows, o.row(&item))
		}
	}
	slices.SortStableFunc(rows, func(a, b Row) int { return newestFirst(&a, &b) })
	return rows
}

// allergies returns those that are there now.
func allergies(c *chart.Chart) []chart.Item {
	return slices.DeleteFunc(c.List(chart.Query{Type: "AllergyIntolerance", Current: true}), func(i chart.Item) bool {
		return slices.Contains([]string{"inactive", "resolved", "refuted"}, i.Latest.Summary.Status)
	})
}

// may returns the grants by which the caller reads somebody else's record. The caller holds s.mu.
func (s *shelf) may(ctx context.Context) []Grant {
	var grants []Grant
	for _, t := range s.terms {
		grants = append(grants, s.v.grantOf(ctx, &t))
	}
	return grants
}

// writable returns the compartments that the caller may write into. The caller holds s.mu.
func (s *shelf) writable() []string {
	var names []string
	for _, o := range s.volumes {
		if s.writes(o) {
			names = append(names, string(o.book.Compartment()))
		}
	}
	return names
}

// writes tells whether the caller may write into a volume. The caller holds s.mu.
func (s *shelf) writes(o *volume) bool {
	if s.own() {
		return true
	}
	for _, t := range s.terms {
		if t.Chain.Compartment == o.book.Compartment() && t.Term.Write && !s.v.over(&t.Term) {
			return true
		}
	}
	return false
}

// fields returns the elements of a resource in words.
func fields(r *fhir.Resource) ([]Field, error) {
	all := []Field{}
	if len(r.Raw) == 0 {
		return all, nil
	}
	details, err := fhir.Details(r.Raw)
	for _, d := range details {
		all = append(all, Field{Label: d.Name, Value: d.Text})
	}
	return all, err
}
