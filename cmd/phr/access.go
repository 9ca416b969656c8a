package main

import (
	"context"
	"fmt"
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
	Acting      bool               `json:"acting,omitempty"` // for the patient
	Reason      string             `json:"reason,omitempty"`
	Count       uint32             `json:"count,omitempty"`
	Expires     *time.Time         `json:"expires,omitempty"`
}

// accessLog lists who looked at the caller's record, and who tried.
func accessLog(ctx context.Context, e *env, args []string) error {
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
	if gid, err := t.gid(c); err != nil {
		return err
	} else if gid != c.GID() {
		return fmt.Errorf("the access log of %s is for that patient alone", gid)
	}
	log, err := c.AccessLog(ctx)
	if err != nil {
		return err
	}
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
	return rows.end("Nobody has looked, and nobody has tried.")
}

func showAccess(a *client.Access) shownAccess {
	s := shownAccess{
		LogTime: a.Time, Kind: a.Kind, GID: a.GID, Display: a.Display, Operation: a.Operation, Compartment: a.Compartment, Acting: a.Acting, Reason: a.Reason, Count: a.Count,
	}
	if !a.Term.IsZero() {
		s.Grant = &a.Term
	}
	if !a.Expires.IsZero() {
		s.Expires = &a.Expires
	}
	return s
}

// what says in words what happened.
func what(a *client.Access) string {
	switch a.Kind {
	case ledger.SessionOpenedKind:
		if a.Acting {
			return fmt.Sprintf("opened to %s, acting for you", a.Operation)
		}
		return fmt.Sprintf("opened to %s", a.Operation)
	case ledger.SessionRenewedKind:
		return "went on until " + moment(a.Expires)
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

func idText(id ledger.TermID) string {
	if id.IsZero() {
		return ""
	}
	return id.String()
}
