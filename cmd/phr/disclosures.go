package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"time"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
)

// disclosures writes an accounting of who was given what of the caller's record.
func disclosures(ctx context.Context, e *env, args []string) error {
	fs := e.online()
	wanted := accounted(fs)
	format := fs.String("format", "text", "`FORMAT`: text, csv or fhir")
	out := fs.String("o", "", "`FILE` to write, instead of standard output")
	if _, err := e.parse(fs, args, 0, 0); err != nil {
		return err
	}
	q, err := wanted.query()
	if err != nil {
		return e.misused(err.Error())
	}
	write := map[string]func(*client.Accounting) error{
		"text": e.showAccounting,
		"csv":  func(a *client.Accounting) error { return a.WriteCSV(e.stdout) },
		"fhir": func(a *client.Accounting) error { return a.WriteFHIR(e.stdout) },
	}[*format]
	if write == nil || e.json && *format != "text" {
		return e.misused("--format is text, csv or fhir; with --json there is none")
	}
	c, err := e.dial(ctx)
	if err != nil {
		return err
	}
	defer hangUp(c)
	accounting, err := c.Accounting(ctx, *q)
	if err != nil {
		return err
	}
	if *out == "" {
		return write(accounting)
	}
	return replaceFile(*out, func(w io.Writer) error {
		e.stdout = w
		return write(accounting)
	})
}

// accountedFlags say which disclosures are meant.
type accountedFlags struct{ since, until, compartment, gid string }

func accounted(fs *flag.FlagSet) *accountedFlags {
	f := new(accountedFlags)
	fs.StringVar(&f.since, "since", "", "`DATE` on or after which they went on")
	fs.StringVar(&f.until, "until", "", "`DATE` on or before which they went on")
	fs.StringVar(&f.compartment, "compartment", "", "`NAME` of a compartment of the record")
	fs.StringVar(&f.gid, "gid", "", "`GID` of who had access, or wanted it")
	return f
}

func (f *accountedFlags) query() (*client.AccountingQuery, error) {
	q := new(client.AccountingQuery)
	var err error
	if q.Since, q.Until, err = between(f.since, f.until); err != nil {
		return nil, err
	}
	if f.compartment != "" {
		q.Compartment, err = ledger.ParseCompartment(f.compartment)
	}
	if f.gid != "" && err == nil {
		q.GID, err = identity.ParseGID(f.gid)
	}
	return q, err
}

// shownDisclosure is a line of an accounting.
type shownDisclosure struct {
	From        time.Time          `json:"from"`
	Until       *time.Time         `json:"until,omitempty"` // while it does not go on
	GID         identity.GID       `json:"gid"`
	Name        string             `json:"name,omitempty"`
	Authority   policy.Authority   `json:"authority,omitempty"` // that gives the name
	First       bool               `json:"first_access,omitempty"`
	Acting      bool               `json:"acting,omitempty"` // for the patient
	Operation   ledger.Operation   `json:"operation"`
	Compartment ledger.Compartment `json:"compartment,omitempty"`
	Refused     uint32             `json:"refused,omitempty"` // attempts
	Outcome     string             `json:"outcome,omitempty"`
	Purpose     string             `json:"purpose,omitempty"`
	Grant       *ledger.TermID     `json:"grant,omitempty"`
	To          string             `json:"to,omitempty"`
	Granted     *time.Time         `json:"granted,omitempty"`
	Revoked     *time.Time         `json:"revoked,omitempty"`
	Emergency   string             `json:"emergency,omitempty"` // the reason
	Request     *ledger.EventID    `json:"request,omitempty"`   // of the emergency
	Approver    identity.GID       `json:"approver,omitempty"`
	Reviews     []shownReview      `json:"reviews,omitempty"`
	Session     *ledger.SessionID  `json:"session,omitempty"`
	Events      []client.Place     `json:"events"` // of the access log, that say all this
}

func showDisclosure(d *client.Disclosure) shownDisclosure {
	s := shownDisclosure{
		From: d.From, GID: d.Who.GID, Name: d.Who.Name, Authority: d.Who.Authority, First: d.First, Acting: d.Acting, Operation: d.Operation,
		Compartment: d.Compartment, Refused: d.Refused, Outcome: d.Outcome, Approver: d.Approver.GID, Events: d.Places,
	}
	if !d.Open {
		s.Until = &d.Until
	}
	if !d.Session.IsZero() {
		s.Session = &d.Session
	}
	if g := d.Grant; g != nil {
		s.Purpose, s.Grant, s.To = g.Purpose, &g.ID, g.To
		if !g.Granted.IsZero() {
			s.Granted = &g.Granted
		}
		if !g.Revoked.IsZero() {
			s.Revoked = &g.Revoked
		}
	}
	if em := d.Emergency; em != nil {
		id := em.ID()
		s.Emergency, s.Request = em.Reason(), &id
	}
	for _, r := range d.Reviews {
		s.Reviews = append(s.Reviews, shownReview{r.Who.GID, r.Time, r.Finding})
	}
	return s
}

// showAccounting writes an accounting: a paragraph a disclosure for people, since nothing of it is to be cut.
func (e *env) showAccounting(a *client.Accounting) error {
	if e.json {
		for i := range a.Disclosures {
			if err := e.emit(showDisclosure(&a.Disclosures[i])); err != nil {
				return err
			}
		}
		return nil
	}
	if len(a.Disclosures) == 0 {
		e.note("Nobody was given anything, and nobody has tried.")
		return nil
	}
	e.say("Disclosures of the record of %s, as of %s", a.Patient, moment(time.Now()))
	for i := range a.Disclosures {
		e.say("")
		for _, line := range paragraph(&a.Disclosures[i]) {
			e.say("%s", line)
		}
	}
	return nil
}

// paragraph tells people of a disclosure.
func paragraph(d *client.Disclosure) []string {
	ending, who := "to "+moment(d.Until), string(d.Who.GID)
	if d.Open {
		ending = "and goes on"
	}
	if d.Who.Name != "" {
		who = fmt.Sprintf("%s (%s)", d.Who, d.Who.GID)
	}
	what := d.What()
	if d.First {
		what = firstAccess + ": " + what
	}
	if d.Grant != nil && d.Grant.Purpose != "" {
		what += ", for " + d.Grant.Purpose
	}
	lines := []string{fmt.Sprintf("%s %s  %s", moment(d.From), ending, who), "    " + what}
	if g := d.Grant; g != nil {
		lines = append(lines, fmt.Sprintf("    grant %s to %s%s", g.ID, g.To, lifeOf(g)))
	}
	lines = append(lines, emergencyLines(d)...)
	switch {
	case d.Outcome == "":
	case d.Session.IsZero():
		lines = append(lines, "    "+d.Outcome)
	default:
		lines = append(lines, "    ended: "+d.Outcome)
	}
	return lines
}

// emergencyLines tells of the emergency that an access rests on: why, who approved, and what the review found.
func emergencyLines(d *client.Disclosure) (lines []string) {
	if d.Emergency == nil {
		return nil
	}
	lines = append(lines, "    because: "+d.Emergency.Reason())
	if d.Approver.GID != "" {
		lines = append(lines, "    approved by "+d.Approver.String())
	}
	for _, r := range d.Reviews {
		lines = append(lines, fmt.Sprintf("    reviewed %s by %s: %s", moment(r.Time), r.Who, r.Finding))
	}
	if d.Emergency.Opened != nil && len(d.Reviews) == 0 {
		lines = append(lines, "    "+reviewState(d.Emergency))
	}
	return lines
}

// lifeOf says since when a grant was in force, and until when if it is not any more.
func lifeOf(g *client.Basis) string {
	switch {
	case g.Granted.IsZero():
		return ""
	case g.Revoked.IsZero():
		return ", since " + moment(g.Granted)
	}
	return fmt.Sprintf(", from %s, revoked %s", moment(g.Granted), moment(g.Revoked))
}
