package client_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
)

// newcomers returns of whom a patient is told whose programs start anew.
func (w *world) newcomers(patient *client.Client) []identity.GID {
	w.t.Helper()
	var told []identity.GID
	must(w.t, w.started(patient).Newcomers(w.ctx, func(a client.Access) error {
		if a.Kind != ledger.SessionOpenedKind || !a.First || a.Time.IsZero() {
			w.t.Errorf("told of %+v", a)
		}
		told = append(told, a.GID)
		return nil
	}))
	return told
}

// started connects a patient anew, as a command does.
func (w *world) started(patient *client.Client) *client.Client {
	w.t.Helper()
	c := w.connect(patient.Home())
	_, err := c.Person(w.ctx, c.GID())
	must(w.t, err)
	return c
}

func (w *world) tells(what string, patient *client.Client, want ...*client.Client) {
	w.t.Helper()
	var gids []identity.GID
	for _, c := range want {
		gids = append(gids, c.GID())
	}
	if got := w.newcomers(patient); !slices.Equal(got, gids) {
		w.t.Errorf("%s: told of %q, want %q", what, got, gids)
	}
}

// Everybody who is new is told of once, whatever they do afterwards.
func TestNewcomers(t *testing.T) {
	w := inTown(t)
	maria, ruiz, trainer := w.patient(), w.the("doctor@city-hospital"), w.the("trainer@iron-gym")
	hers := w.book(maria, maria, ledger.Health)
	w.grant(hers, client.GrantRequest{To: "doctor@city-hospital or trainer@iron-gym"})
	w.grant(w.book(maria, maria, ledger.Training), client.GrantRequest{To: "doctor@city-hospital"})
	w.tells("nobody came", maria)
	w.texts(w.book(ruiz, maria, ledger.Health))
	w.tells("the doctor came", maria, ruiz)
	w.tells("nothing happened", maria)
	w.texts(w.book(ruiz, maria, ledger.Training))
	w.tells("the doctor came again", maria)
	w.texts(w.book(trainer, maria, ledger.Health))
	w.tells("the trainer came", maria, trainer)
	w.tells("nothing happened", maria)
	if err := w.started(ruiz).Newcomers(w.ctx, func(client.Access) error { return errors.New("he is no patient") }); err != nil {
		t.Error(err)
	}

	log, err := maria.AccessLog(w.ctx)
	must(t, err)
	for i, a := range log {
		if a.First != (a.Kind == ledger.SessionOpenedKind && (a.GID == trainer.GID() || i == 0)) {
			t.Errorf("line %d, %s by %s: first is %v", i, a.Kind, a.GID, a.First)
		}
		if a.Number != uint64(i+1) || a.Event.IsZero() || a.Hash.IsZero() || a.Sequence == 0 || i > 0 && a.Sequence <= log[i-1].Sequence {
			t.Errorf("line %d stands at %+v", i, a.Place)
		}
	}
}

// While the log stands where it stood, nothing is asked.
func TestNewcomersAsksForNothing(t *testing.T) {
	w := inTown(t)
	maria, ruiz := w.patient(), w.the("doctor@city-hospital")
	w.grant(w.book(maria, maria, ledger.Health), client.GrantRequest{To: "doctor@city-hospital"})
	w.texts(w.book(ruiz, maria, ledger.Health))
	w.tells("the doctor came", maria, ruiz)

	config, sent := w.config(maria.Home()), new(atomic.Int64)
	wire := newWire(config.Dialer)
	wire.each = func([]byte) fate {
		sent.Add(1)
		return passes
	}
	config.Dialer = wire
	c := w.dial(config)
	_, err := c.Person(w.ctx, c.GID())
	must(t, err)
	_, err = w.book(c, maria, ledger.Health).Hold(w.ctx, ledger.OpLogin)
	must(t, err)
	before := sent.Load()
	must(t, c.Newcomers(w.ctx, func(client.Access) error { return errors.New("nobody is new") }))
	if n := sent.Load() - before; n != 0 {
		t.Errorf("%d times something was sent", n)
	}
}

// What was not shown is told again, and what several programs find at once is told by one of them.
func TestNewcomersAreToldOnce(t *testing.T) {
	w := inTown(t)
	maria, ruiz := w.patient(), w.the("doctor@city-hospital")
	w.grant(w.book(maria, maria, ledger.Health), client.GrantRequest{To: "doctor@city-hospital"})
	w.texts(w.book(ruiz, maria, ledger.Health))
	closed := errors.New("standard error is closed")
	if err := w.started(maria).Newcomers(w.ctx, func(client.Access) error { return closed }); !errors.Is(err, closed) {
		t.Fatalf("Newcomers: %v", err)
	}
	var mu sync.Mutex
	var told []identity.GID
	var g errgroup.Group
	for range 4 {
		c := w.started(maria)
		g.Go(func() error {
			return c.Newcomers(w.ctx, func(a client.Access) error {
				mu.Lock()
				defer mu.Unlock()
				told = append(told, a.GID)
				return nil
			})
		})
	}
	must(t, g.Wait())
	if !slices.Equal(told, []identity.GID{ruiz.GID()}) {
		t.Errorf("told of %q", told)
	}
}

// Whoever watches is told at once, and the next program tells of nobody of whom the watch has told.
func TestWatchTellsOfNewcomers(t *testing.T) {
	w := inTown(t)
	maria := w.patient()
	hers := w.book(maria, maria, ledger.Health)
	ctx, cancel := context.WithCancel(w.ctx)
	heard, ended := make(chan identity.GID, 100), make(chan error, 1)
	go func() {
		ended <- maria.WatchAlarms(ctx, func(a client.Access) error {
			if !a.First || a.Kind != ledger.SessionOpenedKind {
				t.Errorf("told of %+v", a)
			}
			heard <- a.GID
			return nil
		})
	}()
	var came []identity.GID
	visit := func() {
		friend := w.person()
		must(t, friend.RegisterIdentity(w.ctx))
		w.grant(hers, client.GrantRequest{To: gid(friend)})
		w.texts(w.book(friend, maria, ledger.Health))
		came = append(came, friend.GID())
	}
	// People come until one is heard of: from then on it watches.
	for len(heard) == 0 {
		visit()
	}
	visit()
	var told []identity.GID
	for !slices.Contains(told, came[len(came)-1]) {
		select {
		case gid := <-heard:
			told = append(told, gid)
		case err := <-ended:
			t.Fatal(err)
		}
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("watching ended with %v", err)
	}
	// The rest came before the watch began.
	if all := append(w.newcomers(maria), told...); !slices.Equal(all, came) {
		t.Errorf("told of %q by and by, and %q came", all, came)
	}
}

// A stream that was built anew numbers its entries in another way: the log is read from its beginning, and nobody is told of twice.
func TestNewcomersOfAnotherStream(t *testing.T) {
	w := inTown(t)
	maria, guests := w.patient(), []*client.Client{w.the("doctor@city-hospital"), w.the("trainer@iron-gym"), w.the("emergency@city-hospital")}
	w.grant(w.book(maria, maria, ledger.Health), client.GrantRequest{To: "doctor@city-hospital or trainer@iron-gym or emergency@city-hospital"})
	for i, next := range []uint64{0, 1 << 40, 1} {
		must(t, maria.Home().MoveMet(next))
		w.texts(w.book(guests[i], maria, ledger.Health))
		w.tells("somebody came", maria, guests[i])
	}
}
