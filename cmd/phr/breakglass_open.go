package main

import (
	"context"
	"errors"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/ledger"
)

// breakglassOpen asks to open a compartment in an emergency, and waits until another has approved.
func breakglassOpen(ctx context.Context, e *env, args []string) error {
	fs := e.online()
	t := targeted(fs)
	reason := fs.String("reason", "", "`TEXT`, at least 20 characters; the patient, the node's operator and auditors can read it")
	lasting := fs.Duration("for", 0, "`TIME` that it is to last, at most 4h (as long as may be)")
	wait := fs.Duration("wait", 0, "`TIME` to wait for the approval (as long as the request stands)")
	if _, err := e.parse(fs, args, 0, 0); err != nil {
		return err
	}
	if t.patient == "" || t.compartment == "" || *reason == "" {
		return e.misused("--patient, --compartment and --reason are needed")
	}
	name, err := ledger.ParseCompartment(t.compartment)
	if err != nil {
		return err
	}
	c, err := e.dial(ctx)
	if err != nil {
		return err
	}
	defer hangUp(c)
	patient, err := t.gid(c)
	if err != nil {
		return err
	}
	e.fetchKeys(ctx, c)
	asked, err := c.RequestEmergency(ctx, client.EmergencyRequest{Patient: patient, Compartment: name, Reason: *reason, For: *lasting})
	if err != nil {
		return err
	}
	if *wait > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, *wait)
		defer cancel()
	}
	return e.awaitEmergency(ctx, c, asked)
}

// awaitEmergency tells what comes of a request until it is opened.
func (e *env) awaitEmergency(ctx context.Context, c *client.Client, asked *client.Emergency) error {
	if !e.json {
		e.say("%s", asked.ID())
	}
	var broken error
	opened, err := c.AwaitEmergency(ctx, asked.Patient(), asked.ID(), func(em *client.Emergency) {
		switch {
		case e.json:
			broken = errors.Join(broken, e.emit(showEmergency(em, nil)))
		case em.Approved == nil:
			e.note("Waiting for an approval: another person does it with 'phr breakglass approve %s'. The patient is told.", em.ID())
		case em.Opened == nil:
			e.note("Approved by %s.", em.Approver())
		}
	})
	if errors.Is(err, client.ErrNotOpened) {
		return &hinted{err, "'phr breakglass open' with the same patient and compartment goes on waiting; 'phr breakglass end' takes the request back"}
	}
	if err = errors.Join(err, broken); err != nil || e.json {
		return err
	}
	e.note("Open until %s, approved by %s. Now read: phr record list --patient %s --compartment %s",
		moment(opened.Expires()), opened.Approver(), opened.Patient(), opened.Chain().Compartment)
	e.note("End it as soon as you can: phr breakglass end %s", opened.ID())
	return nil
}

// breakglassApprove lists what waits for the caller's approval, or approves one request.
func breakglassApprove(ctx context.Context, e *env, args []string) error {
	operands, err := e.parse(e.online(), args, 0, 1)
	if err != nil {
		return err
	}
	c, err := e.dial(ctx)
	if err != nil {
		return err
	}
	defer hangUp(c)
	e.fetchKeys(ctx, c)
	if len(operands) == 0 {
		return e.listWaiting(ctx, c)
	}
	em, err := e.emergencyNamed(ctx, c, operands[0])
	if err != nil {
		return err
	}
	if em, err = c.ApproveEmergency(ctx, em.Patient(), em.ID()); err != nil {
		return err
	}
	if e.json {
		return e.emit(showEmergency(em, nil))
	}
	e.say("approved %s", em.ID())
	e.note("%s may read %s of %s until %s, because: %s", em.Requester(), em.Chain().Compartment, em.Patient(), moment(em.Expires()), em.Reason())
	e.note("The patient knows that you approved. phr breakglass end %s ends it.", em.ID())
	return nil
}

func (e *env) listWaiting(ctx context.Context, c *client.Client) error {
	all, err := c.Emergencies(ctx, "")
	if err != nil {
		return err
	}
	var waiting []client.Emergency
	for _, em := range all {
		if em.Waits() {
			waiting = append(waiting, em)
		}
	}
	return e.showEmergencies(ctx, c, waiting, "Nothing waits for your approval.")
}

// breakglassEnd ends an emergency before its time, or takes a request back.
func breakglassEnd(ctx context.Context, e *env, args []string) error {
	fs := e.online()
	reason := fs.String("reason", "", "`TEXT` that says why")
	operands, err := e.parse(fs, args, 1, 1)
	if err != nil {
		return err
	}
	return e.settle(ctx, operands[0], "ended", func(c *client.Client, em *client.Emergency) (*client.Emergency, error) {
		return c.EndEmergency(ctx, em.Patient(), em.ID(), *reason)
	})
}

// breakglassReview says what was found about an emergency that is over.
func breakglassReview(ctx context.Context, e *env, args []string) error {
	fs := e.online()
	finding := fs.String("finding", "", "`TEXT` that says what was found: was it right?")
	operands, err := e.parse(fs, args, 1, 1)
	if err != nil {
		return err
	}
	if *finding == "" {
		return e.misused("--finding is missing")
	}
	return e.settle(ctx, operands[0], "reviewed", func(c *client.Client, em *client.Emergency) (*client.Emergency, error) {
		return c.ReviewEmergency(ctx, em.Patient(), em.ID(), *finding)
	})
}

// settle does something about the emergency that an operand names.
func (e *env) settle(ctx context.Context, named, done string, do func(*client.Client, *client.Emergency) (*client.Emergency, error)) error {
	c, err := e.dial(ctx)
	if err != nil {
		return err
	}
	defer hangUp(c)
	em, err := e.emergencyNamed(ctx, c, named)
	if err != nil {
		return err
	}
	if em, err = do(c, em); err != nil {
		return err
	}
	if e.json {
		return e.emit(showEmergency(em, nil))
	}
	e.say("%s %s", done, em.ID())
	if em.Opened != nil && len(em.Reviews) == 0 && done == "ended" {
		e.note("A review is due until %s, by the patient or by one who had no part in it: phr breakglass review %s --finding TEXT",
			moment(em.ReviewDue()), em.ID())
	}
	renewed := done == "ended" || em.Ended == nil || em.Ended.Author != c.GID() // which the patient's own end did before a review
	if em.Patient() == c.GID() && em.Opened != nil && renewed {
		e.note("%s goes on under new keys: what is written from here on is closed to who was let in.", em.Chain().Compartment)
	}
	return nil
}
