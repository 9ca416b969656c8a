package view

import (
	"context"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/projections/chart"
)

const (
	openAtOnce = 4  // records that are opened at the same time for a list
	weeks      = 12 // of activity that a list shows
)

// Patients returns whose records are shared with the caller. With open it opens them for names and what is new, which the patients'
// access logs show; without, it says what is known.
func (v *View) Patients(ctx context.Context, args PatientsQuery) (Patients, error) {
	if args.Open {
		v.keys.stir() // whoever opens all means those who have just shared something, too
	}
	shared, err := v.shared(ctx)
	if err != nil {
		return Patients{}, err
	}
	all := Patients{Patients: []SharedPatient{}}
	var gids []identity.GID
	for _, s := range shared {
		if gid := s.Chain.GID(); !slices.Contains(gids, gid) {
			gids = append(gids, gid)
			all.Patients = append(all.Patients, SharedPatient{Grants: []Grant{}, Emergency: true})
		}
	}
	g, opening := errgroup.WithContext(ctx)
	g.SetLimit(openAtOnce)
	for i, gid := range gids {
		g.Go(func() error { return v.addPatient(opening, gid, args.Open, shared, &all.Patients[i]) })
	}
	if err := g.Wait(); err != nil {
		return Patients{}, err
	}
	slices.SortStableFunc(all.Patients, func(a, b SharedPatient) int { return strings.Compare(fold(a.Patient.Name), fold(b.Patient.Name)) })
	return all, nil
}

// addPatient fills in the line of one patient. A record that does not open keeps nobody from seeing the others.
func (v *View) addPatient(ctx context.Context, gid identity.GID, open bool, shared []client.Shared, p *SharedPatient) error {
	for _, s := range shared {
		if s.Chain.GID() != gid {
			continue
		}
		p.Grants = append(p.Grants, v.grantOf(ctx, &s))
		p.Emergency = p.Emergency && s.Term.Emergency()
	}
	s := v.known(gid)
	if open && !p.Emergency {
		var err error
		if s, err = v.peek(ctx, gid); err != nil && ctx.Err() != nil {
			return err
		}
	}
	if s != nil {
		s.addTo(p)
	}
	p.Patient = v.person(gid)
	for i := range p.Grants {
		p.Grants[i].Patient = p.Patient
	}
	return nil
}

// known returns the record of a patient that was opened before, nil if it was not.
func (v *View) known(gid identity.GID) *shelf {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.shelves[gid]
}

// addTo adds what an open record says to the line of a patient.
func (s *shelf) addTo(p *SharedPatient) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.volumes {
		for _, item := range o.chart.List(chart.Query{}) {
			word := &item.Latest
			if item.Retraction != nil {
				word = item.Retraction
			}
			if t := word.Time.UTC(); p.LastChange == nil || t.After(*p.LastChange) {
				p.LastChange = &t
			}
			if word.Number > o.looked && word.Author != s.v.config.Client.GID() && item.Latest.Class != client.CardMedia && !o.hides(&item) {
				p.Unread++
			}
		}
		p.Load = append(p.Load, o.load(s.v.config.Now())...)
		p.Resting = newest(p.Resting, o.pulse())
	}
}

// load returns the minutes of exercise in each of the last weeks, from Monday to Sunday, those without any too.
func (o *volume) load(now time.Time) []Point {
	monday := now.UTC().Truncate(24 * time.Hour)
	for monday.Weekday() != time.Monday {
		monday = monday.AddDate(0, 0, -1)
	}
	first := monday.AddDate(0, 0, -7*(weeks-1))
	points := make([]Point, weeks)
	for i := range points {
		points[i].Time = first.AddDate(0, 0, 7*i)
	}
	found := false
	for _, s := range o.chart.Series(exercise) {
		if s.Unit != "min" {
			continue
		}
		for _, p := range s.Points {
			if i := int(p.Time.Sub(first) / (7 * 24 * time.Hour)); !p.Time.Before(first) && i < weeks {
				points[i].Value += p.Number
				found = true
			}
		}
	}
	if !found {
		return nil
	}
	return points
}

// pulse returns the newest resting heart rate, nil if there is none.
func (o *volume) pulse() *Point {
	var last *Point
	for _, s := range o.chart.Series(resting) {
		p := s.Points[len(s.Points)-1]
		last = newest(last, &Point{Time: p.Time, Value: p.Number, Text: digits(p.Text), Record: string(p.Record)})
	}
	return last
}

// newest returns the later of two points, either of which may be nil.
func newest(a, b *Point) *Point {
	if a == nil || b != nil && b.Time.After(a.Time) {
		return b
	}
	return a
}
