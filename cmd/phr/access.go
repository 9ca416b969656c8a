package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
)

// shownAccess is one line of the access log.
type shownAccess struct {
	LogTime     time.Time          `json:"log_time"`
	Kind        ledger.Kind        `json:"kind"`
	GID         identity.GID       `json:"gid"`
	Display     string             `json:"display,omitempty"`
	Operation   ledger.Operation   `json:"operation,omitempty"`
	Compartment ledger.Compartment `json:"compartment,omitempty"`
	Grant       *ledger.TermID     `json:"grant,omitempty"`
	Acting      bool               `json:"acting,omitempty"`       // for the patient
	First       bool               `json:"first_access,omitempty"` // by this person, ever
	Reason      string             `json:"reason,omitempty"`
	Count       uint32             `json:"count,omitempty"`
	Session     *ledger.SessionID  `json:"session,omitempty"`
	Expires     *time.Time         `json:"expires,omitempty"`
	Expired     bool               `json:"expired,omitempty"`
	Request     *ledger.EventID    `json:"request,omitempty"` // of the emergency that it is about
	Approver    identity.GID       `json:"approver,omitempty"`
	Overdue     bool               `json:"review_overdue,omitempty"`
	client.Place
}

// accessLog lists who looked at the caller's record, and who tried.
func accessLog(ctx context.Context, e *env, args []string) error {
	fs := e.online()
	t := targeted(fs)
	proofs := fs.String("proofs", "", "write the proof of each line into `DIR`, for phr record proof --check")
	if _, err := e.parse(fs, args, 0, 0); err != nil {
		return err
	}
	c, err := e.dial(ctx)
	if err != nil {
		return err
	}
	defer hangUp(c)
	if gid, err := t.gid(c); err != nil {
		return err
	} else if gid != c.GID() {
		return fmt.Errorf("the access log of %s is for that patient alone", gid)
	}
	log, err := c.AccessLog(ctx)
	if err != nil {
		return err
	}
	e.tellUnproven(c.Unproven())
	rows := e.table("TIME", "WHO", "WHAT", "COMPARTMENT", "GRANT", "GID")
	for _, a := range log {
		if t.compartment != "" && string(a.Compartment) != t.compartment {
			continue
		}
		err := rows.row(showAccess(&a), moment(a.Time), a.Display, what(&a), string(a.Compartment), idText(a.Term), string(a.GID))
		if err != nil {
			return err
		}
	}
	if err := rows.end("Nobody has looked, and nobody has tried."); err != nil {
		return err
	}
	if *proofs != "" {
		if err := e.proveAccess(ctx, c, *proofs); err != nil {
			return err
		}
	}
	return e.alarmOverdue(ctx, c)
}

// proveAccess writes the proofs of an access log's lines, each under the id of its event.
func (e *env) proveAccess(ctx context.Context, c *client.Client, dir string) error {
	proofs, err := c.ProveAccess(ctx)
	if errors.Is(err, client.ErrUnsealed) {
		return &hinted{err, "the node seals within a moment: try again"}
	}
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for _, p := range proofs {
		entry, err := ledger.ParseEntry(p.Entry)
		if err != nil {
			return err
		}
		if err := writeProof(filepath.Join(dir, entry.ID.String()+".tlog-proof"), p); err != nil {
			return err
		}
	}
	e.note("Wrote the proofs of %s into %s.", plural(len(proofs), "line"), dir)
	return nil
}

func showAccess(a *client.Access) shownAccess {
	s := shownAccess{
		LogTime: a.Time, Kind: a.Kind, GID: a.GID, Display: a.Display, Operation: a.Operation, Compartment: a.Compartment, Acting: a.Acting,
		First: a.First, Reason: a.Reason, Count: a.Count, Expired: a.Expired, Place: a.Place,
	}
	if !a.Session.IsZero() {
		s.Session = &a.Session
	}
	if !a.Term.IsZero() {
		s.Grant = &a.Term
	}
	if !a.Expires.IsZero() {
		s.Expires = &a.Expires
	}
	if em := a.Emergency; em != nil {
		id := em.ID()
		s.Request, s.Approver, s.Overdue = &id, em.Approver(), em.Overdue(time.Now())
	}
	return s
}

// what says in words what happened.
func what(a *client.Access) string {
	if a.First {
		return whatElse(a) + "; " + firstAccess
	}
	return whatElse(a)
}

// firstAccess marks the first session ever of somebody on a record.
const firstAccess = "FIRST ACCESS"

func whatElse(a *client.Access) string {
	if a.Emergency != nil {
		return whatInEmergency(a)
	}
	switch a.Kind {
	case ledger.SessionOpenedKind:
		if a.Acting {
			return fmt.Sprintf("opened to %s, acting for you, %s", a.Operation, lasts(a))
		}
		return fmt.Sprintf("opened to %s, %s", a.Operation, lasts(a))
	case ledger.SessionRenewedKind:
		return fmt.Sprintf("went on to %s, %s", a.Operation, lasts(a))
	case ledger.SessionClosedKind:
		return "closed: " + a.Reason
	case ledger.SessionRefusedKind:
		if a.Count > 1 {
			return fmt.Sprintf("refused to %s, %d times: %s", a.Operation, a.Count, a.Reason)
		}
		return fmt.Sprintf("refused to %s: %s", a.Operation, a.Reason)
	}
	return string(a.Kind)
}

// whatInEmergency says in words what happened in an emergency.
func whatInEmergency(a *client.Access) string {
	switch a.Kind {
	case ledger.BreakglassRequestedKind:
		return "EMERGENCY: asks to read, because: " + a.Reason
	case ledger.BreakglassApprovedKind:
		return "EMERGENCY: approved that it is opened to " + string(a.Emergency.Requester())
	case ledger.BreakglassOpenedKind:
		return "EMERGENCY: may read until " + moment(a.Expires) + "; " + reviewState(a.Emergency)
	case ledger.BreakglassEndedKind:
		return strings.TrimSuffix("EMERGENCY: ended: "+a.Reason, ": ")
	case ledger.BreakglassReviewedKind:
		return "EMERGENCY: reviewed: " + a.Reason
	case ledger.SessionOpenedKind:
		return "EMERGENCY: opened to read, " + lasts(a)
	case ledger.SessionRenewedKind:
		return "EMERGENCY: went on to read, " + lasts(a)
	case ledger.SessionClosedKind:
		return "EMERGENCY: closed: " + a.Reason
	}
	return "EMERGENCY: " + string(a.Kind)
}

// reviewState says how the review of an emergency stands.
func reviewState(em *client.Emergency) string {
	switch {
	case len(em.Reviews) > 0:
		return "reviewed"
	case em.Overdue(time.Now()):
		return "REVIEW OVERDUE since " + moment(em.ReviewDue())
	}
	return "review due until " + moment(em.ReviewDue())
}

// who names the person whom a line is about.
func who(a *client.Access) string {
	if a.Display != "" {
		return a.Display
	}
	return string(a.GID)
}

// tellNewcomers tells a patient, once each, who has opened something of their record for the first time.
func (e *env) tellNewcomers(ctx context.Context, c *client.Client) error {
	if _, replaced := c.Replaced(); replaced || c.Home().Recovering() {
		return nil // these keys open nothing
	}
	return c.Newcomers(ctx, func(a client.Access) error {
		e.alarm("%s by %s: %s %s, %s. See 'phr access-log'.", firstAccess, who(&a), a.Operation, a.Compartment, moment(a.Time))
		return nil
	})
}

// lasts says until when a session lasts or lasted.
func lasts(a *client.Access) string {
	if a.Expired {
		return "expired " + moment(a.Expires)
	}
	return "until " + moment(a.Expires)
}

func idText(id ledger.TermID) string {
	if id.IsZero() {
		return ""
	}
	return id.String()
}
