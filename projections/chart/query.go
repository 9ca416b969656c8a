package chart

import (
	"strings"
	"time"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/projections/chart/fhir"
)

// Query picks items. Empty fields don't restrict; all others must hold.
type Query struct {
	// Type is a resource type (Observation), or a media class (note). Case doesn't matter.
	Type string
	// Code is a code, or system|code as in FHIR searches; the components of a panel count as well.
	Code string
	// Since and Until bound when it happened: at or after Since, before Until. What has no date is then left out.
	Since, Until time.Time
	// Author wrote the latest version.
	Author identity.GID
	// Compartment is its name.
	Compartment string
	// Text occurs in what the item shows or in its note, in any case.
	Text string
	// Current leaves out what was retracted or entered in error.
	Current bool
}

// List returns the items that q picks, in order of when they happened, those without a date first.
func (c *Chart) List(q Query) []Item {
	var items []Item
	for _, it := range c.all() {
		if q.picks(it) {
			items = append(items, it.export())
		}
	}
	return items
}

func (q Query) picks(it *item) bool {
	v := it.latest()
	t := v.Summary.Effective
	switch {
	case q.Type != "" && !strings.EqualFold(q.Type, v.Summary.Type) && !strings.EqualFold(q.Type, v.Class):
	case q.Compartment != "" && q.Compartment != v.compartment:
	case q.Author != "" && q.Author != v.Author:
	case !q.Since.IsZero() && t.Before(q.Since):
	case !q.Until.IsZero() && (t.IsZero() || !t.Before(q.Until)):
	case q.Current && !it.current():
	case q.Code != "" && !hasCode(v.Summary, q.Code):
	case q.Text != "" && !hasText(v.Version, q.Text):
	default:
		return true
	}
	return false
}

func hasCode(s fhir.Summary, code string) bool {
	if matchesAny(s.Codes, code) {
		return true
	}
	for _, m := range s.Measurements {
		if matchesAny(m.Codes, code) {
			return true
		}
	}
	return false
}

// matchesAny follows FHIR's token search: code in any system, system|code, system| or |code.
func matchesAny(codes []fhir.Code, want string) bool {
	system, value, qualified := strings.Cut(want, "|")
	for _, c := range codes {
		switch {
		case !qualified && c.Value == want:
			return true
		case qualified && c.System == system && (value == "" || c.Value == value):
			return true
		}
	}
	return false
}

func hasText(v Version, text string) bool {
	texts := []string{v.Summary.Type, v.Summary.Display, v.Summary.Value, v.Summary.Status, v.Text}
	for _, c := range v.Summary.Codes {
		texts = append(texts, c.Display)
	}
	text = strings.ToLower(text)
	for _, t := range texts {
		if strings.Contains(strings.ToLower(t), text) {
			return true
		}
	}
	return false
}
