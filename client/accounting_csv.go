package client

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/phrledger/phr/projections/chart/fhir"
)

// csvHead names the columns of an accounting.
var csvHead = []string{
	"from", "until", "gid", "name", "authority", "first_access", "acting", "operation", "compartment", "refused", "outcome", "purpose", "grant",
	"to", "granted", "revoked", "emergency", "approver", "review", "session", "event", "number", "event_hash", "sequence",
}

// WriteCSV writes the accounting as RFC 4180 has it, in UTF-8, with a line of names first. Times are in UTC; until is empty for what
// goes on. Text that others wrote is made one line without control characters, and what a spreadsheet would take for a formula begins
// with an apostrophe.
func (a *Accounting) WriteCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	out.UseCRLF = true
	if err := out.Write(csvHead); err != nil {
		return err
	}
	for i := range a.Disclosures {
		cells := a.Disclosures[i].cells()
		for j := range cells {
			cells[j] = noFormula(fhir.Printable(cells[j]))
		}
		if err := out.Write(cells); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// cells returns the values of the columns.
func (d *Disclosure) cells() []string {
	until := d.Until
	if d.Open {
		until = time.Time{}
	}
	var purpose, grant, to, granted, revoked, emergency, session string
	if g := d.Grant; g != nil {
		purpose, grant, to, granted, revoked = g.Purpose, g.ID.String(), g.To, csvTime(g.Granted), csvTime(g.Revoked)
	}
	if d.Emergency != nil {
		emergency = d.Emergency.Reason()
	}
	if !d.Session.IsZero() {
		session = d.Session.String()
	}
	var reviews []string
	for _, r := range d.Reviews {
		reviews = append(reviews, fmt.Sprintf("%s %s: %s", csvTime(r.Time), r.Who, r.Finding))
	}
	first := d.Places[0]
	return []string{
		csvTime(d.From), csvTime(until), string(d.Who.GID), d.Who.Name, string(d.Who.Authority), strconv.FormatBool(d.First),
		strconv.FormatBool(d.Acting), string(d.Operation), string(d.Compartment), fmt.Sprint(d.Refused), d.Outcome, purpose, grant, to, granted,
		revoked, emergency, d.Approver.String(), strings.Join(reviews, "; "), session, first.Event.String(), fmt.Sprint(first.Number),
		first.Hash.String(), fmt.Sprint(first.Sequence),
	}
}

func csvTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return fhirTime(t)
}

// formula are the characters with which spreadsheets let a formula begin, full-width ones too.
const formula = "=+-@＝＋－＠"

// noFormula puts an apostrophe before each of them that a cell could begin with: also after what separates cells where the reader's
// locale is not the writer's.
func noFormula(s string) string {
	var b strings.Builder
	begins := true
	for _, r := range s {
		if begins && strings.ContainsRune(formula, r) {
			b.WriteByte('\'')
		}
		b.WriteRune(r)
		begins = strings.ContainsRune(`;,|"`, r) || begins && !unicode.IsLetter(r) && !unicode.IsDigit(r)
	}
	return b.String()
}
