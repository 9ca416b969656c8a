package fhir

import (
	"strings"
	"time"
)

// effectiveElements say when what a resource tells of happened, most telling first: when it was, then when it was
// ordered, then when it was written down. Each is a date, a Period or a Timing.
var effectiveElements = []string{
	"effectiveDateTime", "effectivePeriod", "effectiveInstant", "effectiveTiming",
	"performedDateTime", "performedPeriod", "occurrenceDateTime", "occurrencePeriod", "occurrenceTiming",
	"onsetDateTime", "onsetPeriod", "started", "startDate", "period", "billablePeriod", "servicedPeriod", "servicedDate",
	"whenHandedOver", "whenPrepared", "collectedDateTime", "authoredOn", "authored", "assertedDate", "dateAsserted", "recordedDate",
	"statusDate", "date", "issued", "created", "sent", "timestamp",
}

// effective returns the first date of a resource that can be read, as written and as a time.
func effective(n node) (string, time.Time) {
	for _, name := range effectiveElements {
		c := n.get(name)
		for _, candidate := range []node{c, c.get("start"), c.get("event"), c.get("repeat", "boundsPeriod", "start"), c.get("end")} {
			if candidate.kind == '[' && len(candidate.children) > 0 {
				candidate = candidate.children[0]
			}
			text := printed(candidate)
			if t, ok := date(text); ok {
				return text, t
			}
		}
	}
	return "", time.Time{}
}

// dateLayouts are the precisions of FHIR's dateTime, and times without a zone, which it forbids and senders write.
var dateLayouts = []string{time.RFC3339, "2006-01-02", "2006-01", "2006", "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05", "2006-01-02T15:04"}

func date(s string) (time.Time, bool) {
	s = strings.Replace(s, " ", "T", 1)
	for _, layout := range dateLayouts {
		if t, err := time.Parse(layout, s); err == nil && t.Year() > 0 {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}
