package main

import (
	"context"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/projections/chart"
)

// watch follows a record, decrypted as it grows, until it is interrupted or access ends.
func watch(ctx context.Context, e *env, args []string) error {
	fs := e.online()
	t := targeted(fs)
	if _, err := e.parse(fs, args, 0, 0); err != nil {
		return err
	}
	c, err := e.dial(ctx)
	if err != nil {
		return err
	}
	defer hangUp(c)
	books, err := e.books(ctx, c, t)
	if err != nil {
		return err
	}
	last := make([]uint64, len(books))
	for i, b := range books {
		if last[i], err = newest(ctx, b); err != nil {
			return err
		}
	}
	e.tellUnproven(c.Unproven())
	e.note("Watching until interrupted.")
	var printing sync.Mutex
	g, watching := errgroup.WithContext(ctx)
	for i, b := range books {
		g.Go(func() error {
			return b.WatchAfter(watching, last[i], func(r chart.Record) error {
				printing.Lock()
				defer printing.Unlock()
				e.tellUnproven(b.Unproven())
				return e.showEvent(b, r)
			})
		})
	}
	if books[0].Patient() == c.GID() {
		g.Go(func() error {
			return c.WatchAlarms(watching, func(a client.Access) error {
				printing.Lock()
				defer printing.Unlock()
				return e.showAlarm(&a)
			})
		})
	}
	if err := g.Wait(); ctx.Err() == nil {
		return err
	}
	return nil
}

// showAlarm prints what must not be overlooked of what happens to the caller's own record: an emergency, or somebody new.
func (e *env) showAlarm(a *client.Access) error {
	if e.json {
		return e.emit(showAccess(a))
	}
	about := idText(a.Term)
	if a.Emergency != nil {
		about = a.Emergency.ID().String()
	}
	e.say("%s  %s  %s  %s  %s", moment(a.Time), about, a.Compartment, who(a), what(a))
	return nil
}

// newest returns the number of the newest record event of a book, 0 if there is none.
func newest(ctx context.Context, b *client.Book) (uint64, error) {
	all, err := b.Records(ctx)
	if err != nil || len(all) == 0 {
		return 0, err
	}
	return all[len(all)-1].Number, nil
}

// showEvent prints a record event as it came.
func (e *env) showEvent(b *client.Book, r chart.Record) error {
	s, err := showEvent(b.Patient(), r)
	if err != nil {
		return err
	}
	if e.json {
		return e.emit(s)
	}
	text := s.Display
	if s.Retracted != "" {
		text = s.Retracted
	}
	e.say("%s  %s  %s %s  %s %s %s  by %s", moment(s.LogTime), s.ID, s.Compartment, s.Kind, s.Type, clip(text, widest), s.Value, s.by())
	return nil
}

// showEvent returns what is told of one record event, which may be about another that is not at hand.
func showEvent(patient identity.GID, r chart.Record) (shownRecord, error) {
	alone := chart.New()
	if err := alone.Apply(r); err != nil {
		return shownRecord{}, err
	}
	history := alone.History(r.ID)
	if len(history) == 0 {
		return shownRecord{ID: r.ID, Patient: patient, Compartment: r.Compartment, Kind: r.Kind, Author: r.Author, Acting: r.Acting, LogTime: r.Time, Class: r.Class}, nil
	}
	s := showVersion(patient, r.Compartment, &history[0])
	s.Refers = r.RefersTo
	if r.Kind == chart.Retracted {
		s.Retracted = history[0].Text
	}
	return s, nil
}
