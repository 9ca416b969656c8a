package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
)

// shownEmergency is a request to open a compartment in an emergency, with what came of it.
type shownEmergency struct {
	Request     ledger.EventID     `json:"request"`
	Patient     identity.GID       `json:"patient"`
	Compartment ledger.Compartment `json:"compartment"`
	State       string             `json:"state"`
	Requester   identity.GID       `json:"requester"`
	Display     string             `json:"display,omitempty"` // of the requester
	Reason      string             `json:"reason"`
	LogTime     time.Time          `json:"log_time"` // of the request
	Expires     time.Time          `json:"expires"`
	Approver    identity.GID       `json:"approver,omitempty"`
	Opened      *time.Time         `json:"opened,omitempty"`
	Ended       *time.Time         `json:"ended,omitempty"`
	ReviewDue   *time.Time         `json:"review_due,omitempty"` // while there is none
	Overdue     bool               `json:"review_overdue,omitempty"`
	Reviews     []shownReview      `json:"reviews,omitempty"`
}

type shownReview struct {
	GID     identity.GID `json:"gid"`
	LogTime time.Time    `json:"log_time"`
	Finding string       `json:"finding"`
}

func showEmergency(em *client.Emergency, names map[identity.GID]string) shownEmergency {
	now := time.Now()
	s := shownEmergency{
		Request: em.ID(), Patient: em.Patient(), Compartment: em.Chain().Compartment, State: stateOf(em, now), Requester: em.Requester(),
		Display: names[em.Requester()], Reason: em.Reason(), LogTime: em.Requested.LogTime, Expires: em.Expires(), Approver: em.Approver(),
		Overdue: em.Overdue(now),
	}
	if em.Opened != nil {
		s.Opened = &em.Opened.LogTime
		if due := em.ReviewDue(); len(em.Reviews) == 0 {
			s.ReviewDue = &due
		}
	}
	if em.Ended != nil {
		s.Ended = &em.Ended.LogTime
	}
	for _, r := range em.Reviews {
		if body, ok := r.Body.(*ledger.BreakglassReviewed); ok {
			s.Reviews = append(s.Reviews, shownReview{r.Author, r.LogTime, body.Finding})
		}
	}
	return s
}

// who names the requester.
func (s *shownEmergency) who() string { return cmp.Or(s.Display, string(s.Requester)) }

// stateOf says in a few words how an emergency stands.
func stateOf(em *client.Emergency, now time.Time) string {
	switch {
	case em.Overdue(now):
		return "REVIEW OVERDUE"
	case len(em.Reviews) > 0:
		return "reviewed"
	case em.Opened != nil && em.Over(now):
		return "over, review due " + moment(em.ReviewDue())
	case em.Opened != nil:
		return "open until " + moment(em.Expires())
	case em.Ended != nil:
		return "taken back"
	case em.Over(now):
		return "lapsed"
	case em.Approved != nil:
		return "approved"
	}
	return "waits for approval"
}

// showEmergencies lists emergencies.
func (e *env) showEmergencies(ctx context.Context, c *client.Client, all []client.Emergency, none string) error {
	var people []identity.GID
	for i := range all {
		people = append(people, all[i].Requester())
	}
	names, err := c.Names(ctx, people...)
	if err != nil {
		return err
	}
	t := e.table("REQUEST", "WHEN", "PATIENT", "COMPARTMENT", "WHO", "STATE", "WHY")
	for i := range all {
		s := showEmergency(&all[i], names)
		err := t.row(s, s.Request.String(), moment(s.LogTime), string(s.Patient), string(s.Compartment), s.who(), s.State, s.Reason)
		if err != nil {
			return err
		}
	}
	if err := t.end(none); err != nil {
		return err
	}
	e.alarmReviews(all)
	return nil
}

// alarmReviews tells how many reviews are overdue, so that nobody overlooks it.
func (e *env) alarmReviews(all []client.Emergency) {
	overdue := 0
	for i := range all {
		if all[i].Overdue(time.Now()) {
			overdue++
		}
	}
	if overdue > 0 {
		e.alarm("%s overdue: phr breakglass list, and phr breakglass review REQUEST --finding TEXT", plural(overdue, "review"))
	}
}

// alarmOverdue tells a patient how many emergencies on their own record should have been reviewed, and were not.
func (e *env) alarmOverdue(ctx context.Context, c *client.Client) error {
	all, err := c.Emergencies(ctx, c.GID())
	if err == nil {
		e.alarmReviews(all)
	}
	return err
}

// breakglassList lists the emergencies that the caller has a part in, or may have one.
func breakglassList(ctx context.Context, e *env, args []string) error {
	fs := e.online()
	var t target
	fs.StringVar(&t.patient, "patient", "", "`ID` of a patient (everybody who concerns you)")
	follow := fs.Bool("watch", false, "go on with what comes, until interrupted")
	if _, err := e.parse(fs, args, 0, 0); err != nil {
		return err
	}
	c, err := e.dial(ctx)
	if err != nil {
		return err
	}
	defer hangUp(c)
	var patient identity.GID
	if t.patient != "" {
		if patient, err = t.gid(c); err != nil {
			return err
		}
	}
	if *follow {
		return e.followEmergencies(ctx, c, patient)
	}
	all, err := c.Emergencies(ctx, patient)
	if err != nil {
		return err
	}
	return e.showEmergencies(ctx, c, all, "No emergency concerns you.")
}

// followEmergencies tells of emergencies as they come, until it is interrupted.
func (e *env) followEmergencies(ctx context.Context, c *client.Client, patient identity.GID) error {
	e.note("Watching until interrupted.")
	err := c.FollowEmergencies(ctx, patient, func(em *client.Emergency) error {
		names, err := c.Names(ctx, em.Requester())
		if err != nil {
			return err
		}
		s, said := showEmergency(em, names), em.Entries()
		if e.json {
			return e.emit(s)
		}
		newest := said[len(said)-1].LogTime
		e.say("%s  %s  %s  %s  %s  %s, because: %s", moment(newest), s.Request, s.Patient, s.Compartment, s.who(), s.State, s.Reason)
		if em.Waits() {
			e.note("It waits for you, or for somebody like you: phr breakglass approve %s", s.Request)
		}
		return nil
	})
	if ctx.Err() == nil {
		return err
	}
	return nil
}

// breakglassAllow lets others open a compartment of the caller's record in an emergency.
func breakglassAllow(ctx context.Context, e *env, args []string) error {
	fs := e.online()
	t := targeted(fs)
	open := fs.String("open", "", "`WHO` may ask to open it, such as emergency@city-hospital")
	approve := fs.String("approve", "", "`WHO` must approve, such as supervisor@city-hospital: another person")
	if _, err := e.parse(fs, args, 0, 0); err != nil {
		return err
	}
	if t.compartment == "" || *open == "" || *approve == "" {
		return e.misused("--compartment, --open and --approve are needed")
	}
	c, b, err := e.ownBook(ctx, t)
	if err != nil {
		return err
	}
	defer hangUp(c)
	return e.allow(ctx, b, *open, *approve)
}

// allow lets others open a compartment in an emergency, and says so.
func (e *env) allow(ctx context.Context, b *client.Book, open, approve string) error {
	granted, err := b.AllowEmergency(ctx, open, approve)
	if err != nil {
		return err
	}
	s := showTerm(ledger.RecordChain(b.Patient(), b.Compartment()), &client.ExplainedTerm{Term: granted.Term})
	if e.json {
		return e.emit(s)
	}
	e.say("%s", s.Grant)
	e.note("In an emergency %s may read %s, once %s has approved: two people, and the node. You are told at once, and can end it.",
		s.Expression, s.Compartment, s.Approval)
	return nil
}

// breakglassDeny takes that back.
func breakglassDeny(ctx context.Context, e *env, args []string) error {
	fs := e.online()
	t := targeted(fs)
	if _, err := e.parse(fs, args, 0, 0); err != nil {
		return err
	}
	if t.compartment == "" {
		return e.misused("--compartment is missing")
	}
	c, b, err := e.ownBook(ctx, t)
	if err != nil {
		return err
	}
	defer hangUp(c)
	n, err := b.DenyEmergencies(ctx)
	if err != nil {
		return err
	}
	if n == 0 {
		return &hinted{fmt.Errorf("%s does not open in an emergency", b.Compartment()), "phr grants lists what does"}
	}
	if e.json {
		return e.emit(struct {
			Compartment ledger.Compartment `json:"compartment"`
			Denied      int                `json:"denied"`
		}{b.Compartment(), n})
	}
	e.say("denied %s", b.Compartment())
	e.note("%s opens in no emergency any more, and goes on under new keys.", b.Compartment())
	return nil
}

// emergencyNamed finds the emergency that an operand names.
func (e *env) emergencyNamed(ctx context.Context, c *client.Client, text string) (*client.Emergency, error) {
	id, err := ledger.ParseEventID(text)
	if err != nil {
		return nil, fmt.Errorf("the request %s: %w", quote(text), err)
	}
	all, err := c.Emergencies(ctx, "")
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(all, func(em client.Emergency) bool { return em.ID() == id })
	if i < 0 {
		return nil, &hinted{errors.New("no such emergency concerns you"), "phr breakglass list tells which do; phr keys fetches what was issued to you"}
	}
	return &all[i], nil
}
