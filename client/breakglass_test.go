package client_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/ledger"
)

// ward is a patient whose health compartment opens in an emergency, and the people of the hospital.
type ward struct {
	*world
	maria                *client.Client
	hers                 *client.Book
	medic, chief, second *client.Client
}

const (
	mayOpen    = "emergency@city-hospital"
	mayApprove = "supervisor@city-hospital"
	why        = "unconscious after a fall, nobody to ask"
)

func newWard(w *world) *ward {
	w.t.Helper()
	d := &ward{world: w, maria: w.patient(), medic: w.the(mayOpen), chief: w.the(mayApprove), second: w.person()}
	w.enrol(d.second, mayApprove)
	d.hers = w.book(d.maria, d.maria, ledger.Health)
	w.write(d.hers, "allergic to penicillin")
	_, err := d.hers.AllowEmergency(w.ctx, mayOpen, mayApprove)
	must(w.t, err)
	return d
}

// ask requests as somebody.
func (d *ward) ask(c *client.Client) (*client.Emergency, error) {
	return c.RequestEmergency(d.ctx, client.EmergencyRequest{Patient: d.maria.GID(), Compartment: ledger.Health, Reason: why})
}

// open opens the compartment to the medic, and returns the medic's book.
func (d *ward) open() (*client.Emergency, *client.Book) {
	d.t.Helper()
	e, err := d.ask(d.medic)
	must(d.t, err)
	_, err = d.chief.ApproveEmergency(d.ctx, d.maria.GID(), e.ID())
	must(d.t, err)
	e, err = d.medic.AwaitEmergency(d.ctx, d.maria.GID(), e.ID(), nil)
	must(d.t, err)
	return e, d.book(d.medic, d.maria, ledger.Health)
}

// Two people open a compartment, one of them reads it, the patient ends it, and what is written later stays closed.
func TestBreakglass(t *testing.T) {
	d := newWard(newWorld(t))
	theirs := d.book(d.medic, d.maria, ledger.Health)
	d.barred("the medic, unasked", theirs)
	asked, err := d.ask(d.medic)
	must(t, err)
	if again, err := d.ask(d.medic); err != nil || again.ID() != asked.ID() {
		t.Errorf("asking again: %v", err)
	}
	d.barred("the medic, not approved", theirs)
	waiting, err := d.chief.Emergencies(d.ctx, "")
	must(t, err)
	if i := slices.IndexFunc(waiting, func(e client.Emergency) bool { return e.ID() == asked.ID() }); i < 0 || !waiting[i].Waits() || waiting[i].Reason() != why {
		t.Fatalf("%d wait for the chief", len(waiting))
	}
	if _, err := d.medic.ApproveEmergency(d.ctx, d.maria.GID(), asked.ID()); err == nil {
		t.Error("the medic approves alone")
	}
	_, err = d.chief.ApproveEmergency(d.ctx, d.maria.GID(), asked.ID())
	must(t, err)
	opened, err := d.medic.AwaitEmergency(d.ctx, d.maria.GID(), asked.ID(), nil)
	must(t, err)
	if opened.Approver() != d.chief.GID() || opened.Requester() != d.medic.GID() {
		t.Error("opened to others")
	}
	d.reads("the medic", theirs, "allergic to penicillin")
	d.refused("the medic", theirs)
	d.barred("the chief", d.book(d.chief, d.maria, ledger.Health))
	d.write(d.hers, "takes warfarin")
	d.reads("the medic, meanwhile", theirs, "allergic to penicillin", "takes warfarin")

	_, err = d.maria.EndEmergency(d.ctx, d.maria.GID(), asked.ID(), "I am awake")
	must(t, err)
	d.barred("the medic, after the end", theirs)
	d.write(d.hers, "written afterwards")
	d.closed(theirs, "written afterwards")
	if _, err := d.chief.ReviewEmergency(d.ctx, d.maria.GID(), asked.ID(), "all well"); err == nil {
		t.Error("the chief reviews")
	}
	_, err = d.second.ReviewEmergency(d.ctx, d.maria.GID(), asked.ID(), "justified")
	must(t, err)
	all, err := d.maria.Emergencies(d.ctx, d.maria.GID())
	must(t, err)
	if len(all) != 1 || len(all[0].Reviews) != 1 || all[0].Overdue(d.clock.now().Add(1000*time.Hour)) {
		t.Errorf("the patient sees %+v", all)
	}
}

// closed checks that the patient's newest record opens under no key that somebody was ever given.
func (d *ward) closed(theirs *client.Book, text string) {
	d.t.Helper()
	d.reads("the patient", d.hers, append(d.texts(d.hers)[:len(d.texts(d.hers))-1], text)...)
	entries := d.hers.Entries()
	if theirs.Opens(entries[len(entries)-1]) {
		d.t.Errorf("%q opens with what was given in the emergency", text)
	}
}

// What nobody ends is over when its time is; the next writer starts a new epoch without being told.
func TestBreakglassLapses(t *testing.T) {
	d := newWard(newWorld(t))
	doctor := d.the("doctor@city-hospital")
	d.grant(d.hers, client.GrantRequest{To: "doctor@city-hospital", Write: true})
	e, theirs := d.open()
	d.reads("the medic", theirs, "allergic to penicillin")
	d.clock.forward(e.Expires().Sub(d.clock.now()) + time.Second)
	d.barred("the medic, too late", theirs)
	d.write(d.book(doctor, d.maria, ledger.Health), "by the doctor, later")
	d.closed(theirs, "by the doctor, later")
	if fact, err := d.hers.Fact(d.ctx); err != nil || fact.Epoch.Number != 2 {
		t.Errorf("epoch %d, %v", fact.Epoch.Number, err)
	}
	// The next one opens the epoch that is in force then, with all the past.
	_, again := d.open()
	d.reads("the medic, again", again, "allergic to penicillin", "by the doctor, later")
}

// A request that nobody approves comes to nothing, and can be taken back.
func TestBreakglassTakenBack(t *testing.T) {
	d := newWard(newWorld(t))
	e, err := d.ask(d.medic)
	must(t, err)
	_, err = d.medic.EndEmergency(d.ctx, d.maria.GID(), e.ID(), "found the family")
	must(t, err)
	if _, err := d.medic.AwaitEmergency(d.ctx, d.maria.GID(), e.ID(), nil); !errors.Is(err, client.ErrNotOpened) {
		t.Errorf("waiting for it: %v", err)
	}
	if _, err := d.chief.ApproveEmergency(d.ctx, d.maria.GID(), e.ID()); err == nil {
		t.Error("approved after it was taken back")
	}
	next, err := d.ask(d.medic)
	must(t, err)
	if next.ID() == e.ID() {
		t.Error("what was taken back still stands")
	}
	n, err := d.hers.DenyEmergencies(d.ctx)
	must(t, err)
	if n != 1 {
		t.Errorf("%d terms denied", n)
	}
	if _, err := d.chief.ApproveEmergency(d.ctx, d.maria.GID(), next.ID()); err == nil {
		t.Error("approved after the patient denied it")
	}
}

// The patient hears of it at once, and the access log tells it from the request to the review.
func TestBreakglassIsTold(t *testing.T) {
	d := newWard(newWorld(t))
	heard := make(chan ledger.Kind, 100)
	watching := make(chan error, 1)
	ctx, cancel := context.WithCancel(d.ctx)
	go func() {
		watching <- d.maria.WatchAlarms(ctx, func(a client.Access) error {
			heard <- a.Kind
			return nil
		})
	}()
	// Requests are made until one is heard of: from then on it watches.
	for len(heard) == 0 {
		e, err := d.ask(d.medic)
		must(t, err)
		_, err = d.medic.EndEmergency(d.ctx, d.maria.GID(), e.ID(), "only to try")
		must(t, err)
		d.clock.forward(10 * time.Minute)
	}
	e, theirs := d.open()
	d.reads("the medic", theirs, "allergic to penicillin")
	_, err := d.maria.EndEmergency(d.ctx, d.maria.GID(), e.ID(), "awake")
	must(t, err)
	_, err = d.maria.ReviewEmergency(d.ctx, d.maria.GID(), e.ID(), "thank you")
	must(t, err)
	var kinds []ledger.Kind
	for len(kinds) == 0 || kinds[len(kinds)-1] != ledger.BreakglassReviewedKind {
		kinds = append(kinds, <-heard)
	}
	want := []ledger.Kind{
		ledger.BreakglassRequestedKind, ledger.BreakglassApprovedKind, ledger.BreakglassOpenedKind, ledger.SessionOpenedKind,
		ledger.BreakglassEndedKind, ledger.BreakglassReviewedKind,
	}
	if n := len(kinds) - len(want); n < 0 || !slices.Equal(kinds[n:], want) {
		t.Errorf("heard %q", kinds)
	}
	cancel()
	if err := <-watching; !errors.Is(err, context.Canceled) {
		t.Errorf("watching ended with %v", err)
	}
	log, err := d.maria.AccessLog(d.ctx)
	must(t, err)
	var told []ledger.Kind
	for _, a := range log {
		if a.Emergency != nil && a.Emergency.ID() == e.ID() {
			told = append(told, a.Kind)
		}
	}
	if !slices.Contains(told, ledger.SessionOpenedKind) {
		t.Errorf("the access log does not say that somebody read: %q", told)
	}
	told = slices.DeleteFunc(told, func(k ledger.Kind) bool { return !slices.Contains(want, k) })
	if !slices.Equal(told, want) {
		t.Errorf("the access log tells %q", told)
	}
}

// The session of an emergency ends with it, at once, and the access log says so.
func TestBreakglassEndsAtOnce(t *testing.T) {
	d := newWard(newWorld(t))
	e, theirs := d.open()
	d.reads("the medic", theirs, "allergic to penicillin")
	held, err := theirs.Hold(d.ctx, ledger.OpRead)
	must(t, err)
	start := time.Now()
	_, err = d.chief.EndEmergency(d.ctx, d.maria.GID(), e.ID(), "a mistake")
	must(t, err)
	said := time.Since(start)
	<-held.Ended()
	t.Logf("ended within %v, the connection closed %v after it was asked for", said, time.Since(start))
	d.barred("the medic", theirs)
}

// A node that is restarted goes on where it was: with what is approved and not opened, and with what is open.
func TestBreakglassOutlastsTheNode(t *testing.T) {
	d := newWard(newWorld(t))
	asked, err := d.ask(d.medic)
	must(t, err)
	_, err = d.chief.ApproveEmergency(d.ctx, d.maria.GID(), asked.ID())
	must(t, err)
	must(t, d.stop())
	must(t, d.start())
	medic := d.connect(d.medic.Home())
	_, err = medic.AwaitEmergency(d.ctx, d.maria.GID(), asked.ID(), nil)
	must(t, err)
	theirs := d.book(medic, d.maria, ledger.Health)
	d.reads("the medic", theirs, "allergic to penicillin")
	must(t, d.stop())
	must(t, d.start())
	again := d.connect(d.medic.Home())
	d.reads("the medic, from another start of the node", d.book(again, d.maria, ledger.Health), "allergic to penicillin")
}

// One person can say only so much: nobody's access log is filled, and nobody's sleep taken, by asking again and again.
func TestBreakglassIsPaced(t *testing.T) {
	d := newWard(newWorld(t))
	told := 0
	for ; told < 50; told++ {
		e, err := d.ask(d.medic)
		if err == nil {
			_, err = d.medic.EndEmergency(d.ctx, d.maria.GID(), e.ID(), "")
		}
		if err != nil {
			break
		}
	}
	if told < 3 || told > 10 {
		t.Errorf("%d requests were taken at once", told)
	}
	d.clock.forward(20 * time.Minute)
	if _, err := d.ask(d.medic); err != nil {
		t.Errorf("after a while: %v", err)
	}
}

// Those who may approve hear of a request as it comes, and of what comes of it as long as it concerns them; who has nothing to do with it
// hears nothing.
func TestFollowEmergencies(t *testing.T) {
	d := newWard(newWorld(t))
	ctx, cancel := context.WithCancel(d.ctx)
	defer cancel()
	type heard struct {
		id    ledger.EventID
		said  int
		waits bool
	}
	follow := func(c *client.Client) (<-chan heard, <-chan error) {
		came, done := make(chan heard, 100), make(chan error, 1)
		go func() {
			done <- c.FollowEmergencies(ctx, "", func(e *client.Emergency) error {
				came <- heard{e.ID(), len(e.Entries()), e.Waits()}
				return nil
			})
		}()
		return came, done
	}
	old, err := d.ask(d.medic)
	must(t, err)
	chief, chiefDone := follow(d.chief)
	strange, strangeDone := follow(d.the("doctor@city-hospital"))
	if got, want := <-chief, (heard{old.ID(), 1, true}); got != want {
		t.Errorf("of what there is, the chief hears %+v, want %+v", got, want)
	}
	_, err = d.medic.EndEmergency(d.ctx, d.maria.GID(), old.ID(), "only to try")
	must(t, err)
	d.clock.forward(10 * time.Minute)
	next, err := d.ask(d.medic)
	must(t, err)
	await := func(want heard) {
		got := <-chief
		for got.id == old.ID() || got.said < want.said { // of steps in between it may hear
			got = <-chief
		}
		if got != want {
			t.Errorf("the chief hears %+v, want %+v", got, want)
		}
	}
	await(heard{next.ID(), 1, true})
	d.open()
	await(heard{next.ID(), 3, false})
	cancel()
	for _, done := range []<-chan error{chiefDone, strangeDone} {
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("following ended: %v", err)
		}
	}
	if len(strange) > 0 {
		t.Errorf("a doctor hears %+v", <-strange)
	}

	enough := errors.New("enough")
	if err := d.chief.FollowEmergencies(d.ctx, d.maria.GID(), func(*client.Emergency) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("it ended: %v, want %v", err, enough)
	}
}
