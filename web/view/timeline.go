package view

import (
	"context"
	"strings"
)

// maxText bounds what is searched for, in bytes.
const maxText = 200

// Timeline returns the rows that a query picks, newest first. What it shows was looked at.
func (v *View) Timeline(ctx context.Context, q TimelineQuery) (Timeline, error) {
	if len(q.Text) > maxText || q.Offset < 0 || q.Limit < 0 {
		return Timeline{}, misused("there is no such list")
	}
	s, err := v.shelf(ctx, q.Patient)
	if err != nil {
		return Timeline{}, err
	}
	s.mu.Lock()
	t := s.pick(&q)
	t.Sealed = s.closed()
	s.mu.Unlock()
	return t, s.look()
}

// pick goes through the rows. The caller holds s.mu.
func (s *shelf) pick(q *TimelineQuery) Timeline {
	words := strings.Fields(fold(q.Text))
	t := Timeline{Rows: []Row{}}
	rows := s.list()
	for i := range rows {
		if !rows[i].fits(q, words) {
			continue
		}
		if t.Total >= q.Offset && (q.Limit == 0 || len(t.Rows) < q.Limit) {
			t.Rows = append(t.Rows, rows[i].Row)
		}
		t.Total++
	}
	return t
}

func (e *entry) fits(q *TimelineQuery, words []string) bool {
	if q.Category != "" && q.Category != e.Category || q.Compartment != "" && q.Compartment != e.Compartment {
		return false
	}
	for _, w := range words {
		if !strings.Contains(e.text, w) {
			return false
		}
	}
	return true
}
