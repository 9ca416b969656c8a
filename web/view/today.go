package view

import (
	"context"
	"errors"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
)

// How much of everything there is on the first screen.
const (
	someRows   = 6
	someTrends = 3
	someOpened = 5
	endingIn   = 14 * 24 * time.Hour
)

// Today returns the patient's home: what is new, a few trends, and who opened what.
func (v *View) Today(ctx context.Context, _ Nothing) (Today, error) {
	t := Today{New: []Row{}, Recent: []Row{}, Trends: []Trend{}, Opened: []AccessLine{}}
	g, asking := errgroup.WithContext(ctx)
	v.ask(g, func() error { return v.addAccess(asking, &t) })
	v.ask(g, func() error { return v.addSharing(asking, &t) })
	v.ask(g, func() error { return v.addEmergencies(asking, &t) })
	s, err := v.shelf(ctx, "")
	if err := errors.Join(err, g.Wait()); err != nil {
		return Today{}, err
	}
	s.addToday(&t)
	return t, s.look()
}

// ask asks the node for a part of something that is shown without it while the node is away.
func (v *View) ask(g *errgroup.Group, fn func() error) {
	if v.config.Client.Connected() {
		g.Go(func() error { return passable(fn()) })
	}
}

// passable lets something be shown without a part of it.
func passable(err error) error {
	if err == nil || errorOf(err).Code == CodeOffline {
		return nil
	}
	return err
}

// addToday adds what the record says.
func (s *shelf) addToday(t *Today) {
	s.mu.Lock()
	defer s.mu.Unlock()
	rows := s.list()
	for i := range rows {
		r := &rows[i].Row
		switch {
		case r.New:
			t.New = append(t.New, *r)
		case len(t.Recent) < someRows && r.Category != "other" && !r.Withdrawn:
			t.Recent = append(t.Recent, *r)
		}
	}
	t.Trends = s.trends()
	t.Trends = t.Trends[:min(len(t.Trends), someTrends)]
}

// addAccess adds who opened something last, and who does now.
func (v *View) addAccess(ctx context.Context, t *Today) error {
	log, err := v.AccessLog(ctx, AccessQuery{})
	if err != nil {
		return err
	}
	for i := range log.Lines {
		if log.Lines[i].Open {
			t.Sessions = append(t.Sessions, log.Lines[i])
		}
	}
	t.Opened = append(t.Opened, log.Lines[:min(len(log.Lines), someOpened)]...)
	return nil
}

// addSharing adds which grants end soon, and which compartments need new keys.
func (v *View) addSharing(ctx context.Context, t *Today) error {
	shared, err := v.Sharing(ctx, Of{})
	if err != nil {
		return err
	}
	soon := v.config.Now().Add(endingIn)
	for _, c := range shared.Compartments {
		if c.Stale != nil {
			t.Stale = append(t.Stale, *c.Stale)
		}
		for _, g := range c.Grants {
			if !g.Ended && g.Until != nil && g.Until.Before(soon) {
				t.Ending = append(t.Ending, g)
			}
		}
	}
	slices.SortFunc(t.Ending, func(a, b Grant) int { return a.Until.Compare(*b.Until) })
	return nil
}

// addEmergencies adds the emergencies on the record that are not done with.
func (v *View) addEmergencies(ctx context.Context, t *Today) error {
	all, err := v.Emergencies(ctx, Of{Patient: string(v.config.Client.GID())})
	if err != nil {
		return err
	}
	for _, e := range all.Emergencies {
		if e.pending() {
			t.Emergencies = append(t.Emergencies, e)
		}
	}
	return nil
}

// pending tells whether an emergency is not done with: nobody has reviewed it yet.
func (e *Emergency) pending() bool {
	return e.Opened != nil && len(e.Reviews) == 0 || e.State == "asked" || e.State == "approved"
}
