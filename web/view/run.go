package view

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/projections/chart"
)

const (
	// idle is how long a record of somebody else's is followed after the last screen that showed it: the patient's access log shows for
	// how long it was open.
	idle = 10 * time.Minute
	// checkEvery is how often it is looked whether drafts wait that can be written now, and which records are to be followed.
	checkEvery = 2 * time.Second
	// pauseAfter is how long is waited before following again what broke off.
	pauseAfter = 5 * time.Second
)

// Run keeps up with what happens until ctx ends, and tells the screens: what is open is read on as it grows, keys and what is shared
// are asked for, who opens the caller's record and what others have to say in emergencies is passed on, and what waited while the
// node was away is written. Without it, all is found out when it is asked for.
func (v *View) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return v.followAll(ctx, g) })
	g.Go(func() error { return v.every(ctx, keysEvery, v.renewKeys) })
	g.Go(func() error { return v.every(ctx, checkEvery, v.resume) })
	g.Go(func() error { return v.access(ctx) })
	g.Go(func() error { return v.emergencies(ctx) })
	return g.Wait()
}

// every calls fn again and again.
func (v *View) every(ctx context.Context, d time.Duration, fn func(context.Context)) error {
	tick := time.NewTicker(d)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
			fn(ctx)
		}
	}
}

// pause waits, and tells whether ctx still lives.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// followAll follows every volume that is on a shelf which is looked at.
func (v *View) followAll(ctx context.Context, g *errgroup.Group) error {
	for {
		for _, o := range v.unfollowed() {
			g.Go(func() error {
				o.follow(ctx)
				return nil
			})
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-v.looking:
		case <-time.After(checkEvery):
		}
	}
}

// unfollowed returns the volumes that are to be followed from now on.
func (v *View) unfollowed() []*volume {
	v.mu.Lock()
	defer v.mu.Unlock()
	var all []*volume
	for _, s := range v.shelves {
		s.mu.Lock()
		for _, o := range s.volumes {
			if o.read && !o.following && s.watched() {
				o.following = true
				all = append(all, o)
			}
		}
		s.mu.Unlock()
	}
	return all
}

// watched tells whether the record is the caller's or was looked at lately. The caller holds s.mu.
func (s *shelf) watched() bool { return s.own() || time.Since(s.asked) < idle }

// follow reads what comes as it comes, for as long as somebody looks.
func (o *volume) follow(ctx context.Context) {
	s := o.shelf
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if !s.own() {
		go o.untilIdle(ctx, cancel)
	}
	policy := o.book.Policy()
	err := o.book.Follow(ctx, func(ctx context.Context) error {
		fresh, err := o.readOn(ctx)
		if err != nil {
			return err
		}
		if now := o.book.Policy(); now != policy {
			policy = now
			s.v.post("changed", Changed{What: "grants", Patient: string(s.patient), Compartment: string(o.book.Compartment())})
		}
		s.mu.Lock()
		o.followed = true
		s.mu.Unlock()
		o.tell(fresh)
		return nil
	})
	s.mu.Lock()
	o.followed = false
	s.mu.Unlock()
	if isSealed(err) || errors.Is(err, client.ErrErased) {
		o.seal()
		s.v.keys.stir()
		s.v.post("changed", Changed{What: "shared", Patient: string(s.patient), Compartment: string(o.book.Compartment())})
	}
	pause(ctx, pauseAfter)
	s.mu.Lock()
	o.following = false
	s.mu.Unlock()
}

// untilIdle stops what is done for screens that nobody looks at any more.
func (o *volume) untilIdle(ctx context.Context, stop func()) {
	for pause(ctx, idle/10) {
		o.shelf.mu.Lock()
		watched := o.shelf.watched()
		o.shelf.mu.Unlock()
		if !watched {
			stop()
			return
		}
	}
}

// tell tells the screens of what others have written. For the live region it says what, if it is one thing.
func (o *volume) tell(fresh []chart.Record) {
	if len(fresh) == 0 {
		return
	}
	s := o.shelf
	text := ""
	if last := fresh[len(fresh)-1]; len(fresh) == 1 && last.Author != s.v.config.Client.GID() {
		s.mu.Lock()
		if item, ok := o.chart.Item(last.ID); ok {
			text = title(&item.Latest)
		}
		s.mu.Unlock()
	}
	s.v.post("changed", Changed{What: "records", Patient: string(s.patient), Compartment: string(o.book.Compartment()), Text: text})
}

// renewKeys asks for keys, and for what is shared.
func (v *View) renewKeys(ctx context.Context) {
	v.keys.stir()
	_ = v.keys.refresh(ctx) // whoever needs them is told
}

// resume writes what waits on this device, as far as it may be written now: under the epoch in force, in the order in which it was
// entered.
func (v *View) resume(ctx context.Context) {
	c := v.config.Client
	if !c.Connected() {
		return
	}
	unsent, err := c.Home().Unsent()
	if err != nil {
		return
	}
	for name := range unsent {
		chain, err := ledger.ParseChain(name)
		if err != nil || v.config.Now().Before(v.retry[name]) {
			continue
		}
		b, err := c.Book(ctx, chain.GID(), chain.Compartment)
		if err == nil {
			_, err = b.Resume(ctx, nil)
		}
		if err != nil {
			v.retry[name] = v.config.Now().Add(stockEvery)
			continue
		}
		v.post("changed", Changed{What: "records", Patient: string(chain.GID()), Compartment: string(chain.Compartment)})
	}
}
