package view

import (
	"cmp"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/projections/chart"
	"github.com/phrledger/phr/projections/chart/fhir"
)

// entry is a row with what it is searched by.
type entry struct {
	Row
	text string // folded
}

// drawn is what was made of a record for screens, as far as they asked. Making it takes longer than showing it.
type drawn struct {
	rows   []entry
	trends []Trend
	closed []Sealed
}

// list returns the rows of a record, newest first. The caller holds s.mu, and changes nothing of them.
func (s *shelf) list() []entry {
	if s.drawn.rows != nil {
		return s.drawn.rows
	}
	rows := []entry{}
	for _, o := range s.volumes {
		for _, item := range o.chart.List(chart.Query{}) {
			if item.Latest.Class == client.CardMedia || o.hides(&item) {
				continue
			}
			rows = append(rows, o.entry(&item))
		}
	}
	slices.SortStableFunc(rows, func(a, b entry) int { return newestFirst(&a.Row, &b.Row) })
	s.drawn.rows = rows
	return rows
}

// newestFirst orders rows; what never happens at a time, as a hospital, comes last.
func newestFirst(a, b *Row) int {
	switch {
	case a.Date == nil && b.Date == nil:
		return strings.Compare(a.Title, b.Title)
	case a.Date == nil:
		return 1
	case b.Date == nil:
		return -1
	}
	return cmp.Or(b.Date.Compare(*a.Date), strings.Compare(b.ID, a.ID))
}

// hides tells whether a record is one that was written before the caller's grant: that there is one is nobody's business.
func (o *volume) hides(item *chart.Item) bool {
	return o.partial && item.Latest.Unreadable != "" && item.Latest.Unreadable != client.ErrErased.Error()
}

func (o *volume) entry(item *chart.Item) entry {
	r := o.row(item)
	s := &item.Latest.Summary
	text := []string{r.Title, r.Detail, r.By.Name, s.Type, s.Display, item.Latest.Text}
	for _, c := range s.Codes {
		text = append(text, c.Display, c.Value)
	}
	return entry{r, fold(strings.Join(text, "\n"))}
}

// row returns what lists say of a record.
func (o *volume) row(item *chart.Item) Row {
	latest := &item.Latest
	s := &latest.Summary
	r := Row{
		ID: string(item.ID), Compartment: item.Compartment, Category: category(latest), Title: title(latest), Detail: detail(latest),
		By: o.shelf.v.person(latest.Author), Acting: latest.Acting, Versions: item.Versions, Withdrawn: item.Retraction != nil,
		Sealed: latest.Unreadable,
	}
	word := latest
	if item.Retraction != nil {
		word = item.Retraction
	}
	r.New = word.Number > o.seen && word.Author != o.shelf.v.config.Client.GID()
	switch {
	case latest.Class == chart.FHIR && !s.Effective.IsZero():
		date := s.Effective
		r.Date, r.Day = &date, !strings.Contains(s.When, ":")
	case !slices.Contains(timeless, s.Type):
		date := latest.Time.UTC()
		r.Date = &date
	}
	return r
}

// timeless are the types of resources that tell of nothing that happens.
var timeless = []string{
	"Patient", "Organization", "Practitioner", "PractitionerRole", "Location", "RelatedPerson", "Device", "Medication", "Substance", "HealthcareService", "Endpoint",
}

// maxTitle bounds a title, in bytes.
const maxTitle = 200

// title returns what a version is in one line, in the words that people use where they are known.
func title(v *chart.Version) string {
	if v.Unreadable != "" {
		return ""
	}
	text := called(v)
	for _, kind := range []string{" (disorder)", " (finding)", " (procedure)", " (situation)", " (regime/therapy)", " (environment)"} {
		text = strings.TrimSuffix(text, kind) // SNOMED CT says of every name what it is a name of
	}
	return fhir.Clip(text, maxTitle)
}

func called(v *chart.Version) string {
	s := &v.Summary
	if v.Class == chart.FHIR && s.Type == "Observation" {
		if text, ok := pair(s.Measurements); ok {
			return titleOf(pressure, "") + " " + text
		}
		return strings.TrimSpace(titleOf(codeOf(s.Codes), s.Display) + " " + result(s))
	}
	return cmp.Or(s.Display, s.Type)
}

// result returns the value of an Observation with its unit as people write it.
func result(s *fhir.Summary) string {
	if len(s.Measurements) == 1 {
		m := s.Measurements[0]
		return strings.TrimSpace(digits(m.Text) + " " + unitOf(m.Unit))
	}
	return s.Value
}

// detail returns what else a list says of a version.
func detail(v *chart.Version) string {
	s := &v.Summary
	switch {
	case v.Unreadable != "" || v.Class != chart.FHIR || s.Type == "Observation":
		return ""
	case s.Value != "":
		return s.Value
	case slices.Contains([]string{"active", "final", "completed", "finished"}, s.Status):
		return ""
	}
	return s.Status
}

// fold makes of a text what searches compare: lower case, without accents.
func fold(s string) string {
	plain := true
	for i := range len(s) {
		plain = plain && s[i] < 0x80
	}
	if plain {
		return strings.ToLower(s)
	}
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return unicode.ToLower(r)
	}, norm.NFKD.String(strings.ToValidUTF8(s, "")))
}
