package view

import (
	"bytes"
	"context"
	"slices"
	"time"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/projections/chart/fhir"
)

// AccessLine is one line of who opened what, or tried.
type AccessLine struct {
	Time        time.Time `json:"time"`
	Until       Time      `json:"until,omitempty"`
	Open        bool      `json:"open,omitempty"` // goes on
	Who         Person    `json:"who"`
	First       bool      `json:"first,omitempty"`
	Acting      bool      `json:"acting,omitempty"`
	Operation   string    `json:"operation"` // read, write, …
	Compartment string    `json:"compartment"`
	Outcome     string    `json:"outcome"`         // opened, refused, emergency
	Why         string    `json:"why,omitempty"`   // how it ended, why it was refused, or why there was an emergency
	Count       int       `json:"count,omitempty"` // attempts that were refused
	Grant       *Grant    `json:"grant,omitempty"` // that it rested on
	Emergency   string    `json:"emergency,omitempty"`
	Event       string    `json:"event"`
	Sequence    uint64    `json:"sequence,omitempty"`
}

// AccessQuery picks lines.
type AccessQuery struct {
	Compartment string `json:"compartment,omitempty"`
	GID         string `json:"gid,omitempty"`
	Since       Time   `json:"since,omitempty"`
}

// AccessLog are lines, newest first.
type AccessLog struct {
	Lines  []AccessLine `json:"lines"`
	Proven bool         `json:"proven"` // that these are all, as of the last minutes
	AsOf   Time         `json:"as_of,omitempty"`
}

// Format is csv or fhir.
type Format struct {
	Format string `json:"format"`
}

// AccessLog tells who opened what of the caller's record, or tried, a line a session, newest first.
func (v *View) AccessLog(ctx context.Context, args AccessQuery) (AccessLog, error) {
	log := AccessLog{Lines: []AccessLine{}}
	q := client.AccountingQuery{Compartment: ledger.Compartment(args.Compartment), GID: identity.GID(args.GID)}
	if args.Since != nil {
		q.Since = *args.Since
	}
	a, err := v.config.Client.Accounting(ctx, q)
	if err != nil {
		return log, err
	}
	v.learnAll(ctx, a)
	for i := range a.Disclosures {
		log.Lines = append(log.Lines, v.accessLine(ctx, &a.Disclosures[i]))
	}
	slices.Reverse(log.Lines)
	unproven := v.config.Client.Unproven()
	if log.Proven = unproven == nil; !log.Proven {
		log.AsOf = moment(unproven.AsOf)
	}
	return log, nil
}

// learnAll finds out who the people are that have a part in disclosures.
func (v *View) learnAll(ctx context.Context, a *client.Accounting) {
	var people []identity.GID
	for _, d := range a.Disclosures {
		people = append(people, d.Who.GID, d.Approver.GID)
		if d.Grant != nil {
			people = append(people, d.Grant.Person)
		}
	}
	v.learn(ctx, people...)
}

// accessLine tells of one disclosure.
func (v *View) accessLine(ctx context.Context, d *client.Disclosure) AccessLine {
	l := AccessLine{
		Time: d.From.UTC(), Open: d.Open, Who: v.personAs(d.Who), First: d.First, Acting: d.Acting, Operation: string(d.Operation),
		Compartment: string(d.Compartment), Outcome: "opened", Why: fhir.Printable(d.Outcome), Count: int(d.Refused),
	}
	if !d.Open {
		l.Until = moment(d.Until)
	}
	if d.Refused > 0 {
		l.Outcome = "refused"
	}
	if d.Emergency != nil {
		l.Outcome, l.Emergency, l.Why = "emergency", d.Emergency.ID().String(), fhir.Printable(d.Emergency.Reason())
	}
	if d.Grant != nil {
		g := v.grant(ctx, ledger.RecordChain(v.config.Client.GID(), d.Compartment), d.Grant)
		l.Grant = &g
	}
	if len(d.Places) > 0 {
		l.Event, l.Sequence = d.Places[0].Event.String(), d.Places[0].Sequence
	}
	return l
}

// personAs returns somebody under the name that counts for a disclosure.
func (v *View) personAs(p client.Person) Person {
	if p.Name == "" {
		return v.person(p.GID)
	}
	return Person{GID: string(p.GID), Name: fhir.Printable(p.Name), Authority: string(p.Authority), Me: p.GID == v.config.Client.GID()}
}

// ExportAccess returns the accounting of disclosures of the caller's record, as a table or as FHIR AuditEvents.
func (v *View) ExportAccess(ctx context.Context, args Format) (Download, error) {
	var d Download
	write := (*client.Accounting).WriteCSV
	switch args.Format {
	case "csv":
		d.Media = "text/csv"
	case "fhir":
		d.Media, write = "application/fhir+json", (*client.Accounting).WriteFHIR
	default:
		return d, misused("a format is csv or fhir")
	}
	a, err := v.config.Client.Accounting(ctx, client.AccountingQuery{})
	if err != nil {
		return d, err
	}
	extension := map[string]string{"csv": ".csv", "fhir": ".json"}[args.Format]
	d.Name = "access-log-" + v.config.Now().UTC().Format(time.DateOnly) + extension
	var text bytes.Buffer
	err = write(a, &text)
	d.Bytes = text.Bytes()
	return d, err
}
